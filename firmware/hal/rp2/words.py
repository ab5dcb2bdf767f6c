"""From (steps, cycles) to words in the ring: the last step exactly at the end, every other within 0.5 us of its place.

Integers only; runs on CPython as well. `overhead` is what the generator's program takes for an item besides its x, in cycles.
"""

from hal.rp2.ring import MOST_X, cycles_in, spread, steps_in

CYCLES_PER_US = 125
# The item of a step that stands alone behind a long gap.
_ALONE_CYCLES = 1 << 20
_PULSE = 1
_CHECKED_CYCLES = 0x3FFFFFFF


def most_words(steps: int, cycles: int) -> int:
    """As many words as `encode` may write, or a few less."""
    long_items = cycles // MOST_X + 1
    return 2 * (steps // 240 + long_items // 240) + 3 * min(steps, long_items) + 4


def encode(words: int, at: int, steps: int, cycles: int, overhead: int) -> int:
    """Writes the words of `steps` evenly spaced over `cycles`, or of a dwell when there are none; returns the index behind.

    ValueError when an item would be shorter than `overhead`, and when the words do not add up (a bug of ours).
    """
    if cycles < overhead * max(1, steps):
        raise ValueError("too short for the generator")
    if steps == 0:
        behind = _dwell(words, at, cycles, overhead)
    elif cycles // steps - overhead <= MOST_X:
        low_word = (cycles // steps - overhead) << 9 | _PULSE
        behind = spread(words, at, steps, low_word, cycles % steps)
    else:
        behind = _far_apart(words, at, steps, cycles, overhead)
    _verify(words, at, behind, (steps, cycles, overhead))
    return behind


def _dwell(words: int, at: int, cycles: int, overhead: int) -> int:
    count = cycles // MOST_X + 1
    return spread(words, at, count, (cycles // count - overhead) << 9, cycles % count)


def _far_apart(words: int, at: int, steps: int, cycles: int, overhead: int) -> int:
    """Steps with a dwell before each; the k-th ends at k * cycles / steps, rounded."""
    made = 0
    for step in range(1, steps + 1):
        end = (cycles * step + steps // 2) // steps
        at = _dwell(words, at, end - made - _ALONE_CYCLES, overhead)
        at = spread(words, at, 1, (_ALONE_CYCLES - overhead) << 9 | _PULSE, 0)
        made = end
    return at


def _verify(words: int, at: int, behind: int, wanted: tuple[int, int, int]) -> None:
    steps, cycles, overhead = wanted
    if steps_in(words, at, behind) != steps or cycles_in(words, at, behind, overhead) != cycles & _CHECKED_CYCLES:
        raise ValueError("the words do not make %d steps in %d cycles" % (steps, cycles))
