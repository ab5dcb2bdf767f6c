"""Compile the stages of a protocol: exact fractions to integers over the program's common number of seconds. Refuses what is not exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

from thecal.errors import BadInput
from thecal.prescription.file import Prescription
from thecal.prescription.stages import LONGEST_S, SHORTEST_S, Loop, Stage
from thecal.quantities.amounts import long_span
from thecal.quantities.typed import Quantity, decimal, shown

SECONDS_MAX_S = (1 << 32) - 1
FARTHEST_S = 100_000  # how far a nearest time is looked for
BUDGETS_S = tuple(SECONDS_MAX_S >> bits for bits in (0, 8, 16, 24, 32))  # of the program's seconds, see changed_times
DIGITS = 6

Volume = Callable[[Quantity, str], Fraction]


class Planned(NamedTuple):
    """A stage in exact numbers: its `key`, whole seconds, and nl per second at its begin and its end; equal unless it is a ramp."""

    key: str
    stage: Stage
    lasts_s: int
    begin: Fraction
    end: Fraction

    def parts(self, lasts_s: int | None = None) -> tuple[Fraction, ...]:
        """Return the fractions that must be whole nl over the program's seconds; `lasts_s`: if it lasted so long."""
        return (*self.ends(), self.bent() / (lasts_s or self.lasts_s)) if self.bends() else (self.begin,)

    def ends(self) -> tuple[Fraction, ...]:
        """Return those of its parts that no other time changes."""
        return (self.begin, self.end) if self.stage.ramp is not None else ()

    def bent(self) -> Fraction:
        """Return the part that is divided by its time: the rate of a ramp's second is that at its middle."""
        return (self.end - self.begin) / 2 if self.stage.ramp is not None else self.begin * self.lasts_s

    def bends(self) -> bool:
        """Return True if another time changes the fractions: for a ramp, and for a volume over a time."""
        return self.stage.ramp is not None or (self.stage.volume is not None and self.stage.lasts_s is not None)

    def typed(self) -> str:
        """Return the stage as it is written in the file, in one line."""
        stage = self.stage
        lasts = [f"for {long_span(self.lasts_s)}"] if stage.lasts_s is not None else []
        if stage.pause is not None:
            return f"pause of {long_span(self.lasts_s)}"
        if stage.ramp is not None:
            return " ".join([" to ".join(one.text for one in stage.ramp), *lasts])
        rate = [f"at {stage.rate.text}" if stage.volume is not None else stage.rate.text] if stage.rate is not None else []
        return " ".join([*([stage.volume.text] if stage.volume is not None else []), *rate, *lasts])


def planned(prescription: Prescription, volume: Volume, name: str) -> list[Planned]:
    """Return every stage of the protocol in the order of the file. `volume` gives exact nl, or nl per second. Raises BadInput."""
    assert prescription.protocol is not None
    return [one_stage(key, stage, volume, name) for key, stage in prescription.protocol.stages()]


def one_stage(key: str, stage: Stage, volume: Volume, name: str) -> Planned:
    """Return one stage in exact numbers. Raises BadInput for a time that is not whole."""
    if stage.pause is not None:
        return Planned(key, stage, stage.pause, Fraction(0), Fraction(0))
    if stage.ramp is not None:
        begin, end = (volume(quantity, f"{key}.ramp") for quantity in stage.ramp)
        return Planned(key, stage, stage.lasts_s or 0, begin, end)
    if stage.volume is None:
        rate = volume(stage.rate, f"{key}.rate") if stage.rate is not None else Fraction(0)
        return Planned(key, stage, stage.lasts_s or 0, rate, rate)
    volume_nl = volume(stage.volume, f"{key}.volume")
    if stage.lasts_s is not None:
        rate = volume_nl / stage.lasts_s
        return Planned(key, stage, stage.lasts_s, rate, rate)
    assert stage.rate is not None
    rate = volume(stage.rate, f"{key}.rate")
    return Planned(key, stage, whole_seconds(key, stage, volume_nl / rate, name), rate, rate)


def whole_seconds(key: str, stage: Stage, seconds_s: Fraction, name: str) -> int:
    """Return the time of a volume at a rate. Raises BadInput with the nearest times if that is not a whole number of seconds."""
    assert stage.volume is not None and stage.rate is not None
    asked = f"{shown(stage.volume.text)} at {shown(stage.rate.text)} takes {decimal(seconds_s, 3)} s"
    if not SHORTEST_S <= seconds_s <= LONGEST_S:
        nearest_s = SHORTEST_S if seconds_s < SHORTEST_S else LONGEST_S
        cause = f"{asked}, and a stage lasts {SHORTEST_S} s to {LONGEST_S} s"
        raise BadInput(f"{name}: {key}: {cause}", f'the nearest possible is volume with for = "{nearest_s} s"')
    if seconds_s.denominator != 1:
        below = int(seconds_s)
        do = f'leave out rate, and write for = "{below} s" or "{below + 1} s"'
        raise BadInput(f"{name}: {key}: {asked}, and the pump counts whole seconds", do)
    return int(seconds_s)


def least_seconds(stages: list[Planned], least_s: int, refuse: Callable[[Planned, int], BadInput], name: str) -> int:
    """Return the shortest multiple of `least_s` over which every stage is whole nl. Raises BadInput with the nearest time or rate."""
    begin_s = least_s
    for at, one in enumerate(stages):
        made_s = common(least_s, one.parts())
        if made_s > SECONDS_MAX_S:
            if not one.bends():
                raise refuse(one, least_s)
            raise BadInput(f"{name}: {one.key}.for: {no_exact_time(one)}", nearest_times(stages, at, begin_s, least_s))
        least_s = made_s
    return least_s


def common(least_s: int, parts: tuple[Fraction, ...]) -> int:
    """Return the shortest multiple of `least_s` over which these are whole."""
    return lcm(least_s, *(part.denominator for part in parts))


def no_exact_time(one: Planned) -> str:
    """Return the sentence about a stage whose time makes it impossible."""
    what = "ramp" if one.stage.ramp is not None else "stage"
    return f"the pump cannot represent the {what} {shown(one.typed())} exactly together with the other rates"


def nearest_times(stages: list[Planned], at: int, begin_s: int, least_s: int) -> str:
    """Return the nearest times, below and above, at which stage `at` can be done exactly together with all others. If it can't with any,
    return a set of times: of this and later stages, or else of the earlier ones too. `least_s`: over which the earlier ones are whole;
    `begin_s`: over which the rates outside the protocol are."""
    one, later = stages[at], stages[at + 1 :]
    found = neighbours(one, common(least_s, tuple(part for other in later for part in other.parts())))
    if found:
        return f"the nearest possible: for = {' or '.join(quoted_s(lasts_s) for lasts_s in found)}"
    tries = [([one, *later], least_s, most_s) for most_s in BUDGETS_S] + [(stages, begin_s, most_s) for most_s in BUDGETS_S]
    for tried in tries:
        changes = changed_times(*tried)
        if changes:
            return "the nearest possible: " + " with ".join(f"{key}.for = {quoted_s(lasts_s)}" for key, lasts_s in changes.items())
    return "write rates with fewer digits"


def changed_times(stages: list[Planned], least_s: int, most_s: int) -> dict[str, int]:
    """Return times by key for the stages that can't be done exactly together; {} if none are found. Each change but the last leaves room
    for the others: with it the program's seconds are at most `most_s`, if they were less before."""
    changes: dict[str, int] = {}
    for at, one in enumerate(stages):
        limit_s = SECONDS_MAX_S if at + 1 == len(stages) else max(most_s, common(least_s, one.ends()))
        if common(least_s, one.parts()) <= limit_s:
            least_s = common(least_s, one.parts())
            continue
        times_s = neighbours(one, least_s, limit_s) if one.bends() else []
        if not times_s:
            return {}
        changes[one.key] = min(times_s, key=lambda lasts_s: abs(lasts_s - one.lasts_s))
        least_s = common(least_s, one.parts(changes[one.key]))
    return changes


def quoted_s(lasts_s: int) -> str:
    """Return seconds as a prescription writes them."""
    return f'"{lasts_s} s"'


def neighbours(one: Planned, least_s: int, most_s: int = SECONDS_MAX_S) -> list[int]:
    """Return the nearest times below and above at which the stage can be done exactly over a multiple of `least_s`; [] if none."""
    if common(least_s, one.ends()) > min(most_s, SECONDS_MAX_S):
        return []
    below = first_time(one, least_s, range(one.lasts_s - 1, max(SHORTEST_S, one.lasts_s - FARTHEST_S) - 1, -1), most_s)
    above = first_time(one, least_s, range(one.lasts_s + 1, min(LONGEST_S, one.lasts_s + FARTHEST_S) + 1), most_s)
    return [lasts_s for lasts_s in (below, above) if lasts_s]


def first_time(one: Planned, least_s: int, times_s: range, most_s: int) -> int:
    """Return the first of these times at which the stage can be done exactly within `most_s`; 0 if none. Integers: up to 100,000 times."""
    least_s = common(least_s, one.ends())
    top, bottom = one.bent().numerator, one.bent().denominator
    for lasts_s in times_s:
        if lcm(least_s, bottom * lasts_s // gcd(top, bottom * lasts_s)) <= most_s:
            return lasts_s
    return 0


def rates(stages: list[Planned]) -> Iterator[Fraction]:
    """Yield every rate at the begin and the end of a stage, in nl per second."""
    for one in stages:
        yield from (one.begin, one.end)


class Repeat(NamedTuple):
    """A loop as the pump holds it: index of the first stage, number of stages, times; 0 = forever."""

    first: int
    stages: int
    times: int


def loops(prescription: Prescription) -> list[Repeat]:
    """Return every loop."""
    assert prescription.protocol is not None
    found, first = [], 0
    for _, part in prescription.protocol.parts():
        if isinstance(part, Loop):
            found.append(Repeat(first, len(part.stage), 0 if part.forever else part.times or 0))
            first += len(part.stage)
        else:
            first += 1
    return found
