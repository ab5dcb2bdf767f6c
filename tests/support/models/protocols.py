"""A protocol, written a second time: second by second, with `fractions`, from the words of the design, importing nothing of ours.

A stage is (seconds, rate at its begin, rate at its end), a loop (first stage, number of stages, times; None = without end). Rates are
Fractions in nl per second.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import count, islice, repeat


def stage_rates(seconds: int, begin: Fraction, end: Fraction) -> list[Fraction]:
    """Return the rate of each second: that of the straight line at the middle of the second."""
    return [begin + (end - begin) * (second + Fraction(1, 2)) / seconds for second in range(seconds)]


def order(stages: list, loops: list) -> Iterator[tuple[int, int]]:
    """Yield (stage, pass) in the order in which they run."""
    at = 0
    while at < len(stages):
        loop = [(size, times) for first, size, times in loops if first == at]
        if not loop:
            yield at, 0
            at += 1
            continue
        size, times = loop[0]
        for number in count() if times is None else range(times):
            for index in range(at, at + size):
                yield index, number
        at += size


def rates(stages: list, loops: list, held: bool) -> Iterator[Fraction]:
    """Yield the rate of each second. A held protocol goes on without end."""
    for index, _ in order(stages, loops):
        yield from stage_rates(*stages[index])
    if held:
        yield from repeat(stages[-1][2])


def places(stages: list, loops: list) -> Iterator[tuple[int, int, int]]:
    """Yield (stage, pass, second of the stage) of each second until the end."""
    for index, number in order(stages, loops):
        for second in range(stages[index][0]):
            yield index, number, second


def volume(stages: list, loops: list, held: bool, seconds: int) -> Fraction:
    """Return what the first `seconds` hold."""
    return sum(islice(rates(stages, loops, held), seconds), Fraction(0))


def most_in_window(seconds_rates: list, window: int) -> Fraction | int:
    """Return the largest sum of `window` consecutive seconds, by trying every begin; 0 outside of the list."""
    present = highest = sum(seconds_rates[:window])
    for begin in range(len(seconds_rates) - window):
        present += seconds_rates[begin + window] - seconds_rates[begin]
        highest = max(highest, present)
    return highest
