"""Compile the stages of a protocol: exact fractions to integers over the program's common number of seconds. Refuses what is not exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from thecal.errors import BadInput
from thecal.prescription.file import Prescription
from thecal.prescription.stages import LONGEST_S, SHORTEST_S, Loop, Stage
from thecal.quantities.amounts import long_span
from thecal.quantities.typed import Quantity, decimal, shown

SECONDS_MAX_S = (1 << 32) - 1
FARTHEST_S = 100_000  # how far a nearest time is looked for
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
        seconds_s = lasts_s or self.lasts_s
        if self.stage.ramp is not None:
            return self.begin, self.end, (self.end - self.begin) / (2 * seconds_s)  # the rate of a ramp's second is that at its middle
        if self.stage.volume is not None and self.stage.lasts_s is not None:
            return (self.begin * self.lasts_s / seconds_s,)
        return (self.begin,)

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
    for one in stages:
        made_s = common(least_s, one.parts())
        if made_s > SECONDS_MAX_S:
            if one.stage.lasts_s is None or (one.stage.rate is not None and one.stage.volume is None):
                raise refuse(one, least_s)
            raise BadInput(f"{name}: {one.key}.for: {no_exact_time(one)}", nearest_times(one, least_s))
        least_s = made_s
    return least_s


def common(least_s: int, parts: tuple[Fraction, ...]) -> int:
    """Return the shortest multiple of `least_s` over which these are whole."""
    return lcm(least_s, *(part.denominator for part in parts))


def no_exact_time(one: Planned) -> str:
    """Return the sentence about a stage whose time makes it impossible."""
    what = "ramp" if one.stage.ramp is not None else "stage"
    return f"the pump cannot represent the {what} {shown(one.typed())} exactly together with the other rates"


def nearest_times(one: Planned, least_s: int) -> str:
    """Return the nearest times, below and above, at which the stage can be done exactly."""
    below = first_time(one, least_s, range(one.lasts_s - 1, max(SHORTEST_S, one.lasts_s - FARTHEST_S) - 1, -1))
    above = first_time(one, least_s, range(one.lasts_s + 1, min(LONGEST_S, one.lasts_s + FARTHEST_S) + 1))
    found = [f'"{seconds_s} s"' for seconds_s in (below, above) if seconds_s]
    if not found:
        return "write rates with fewer digits"
    return f"the nearest possible: for = {' or '.join(found)}"


def first_time(one: Planned, least_s: int, times_s: range) -> int:
    """Return the first of these times at which the stage can be done exactly; 0 if none."""
    return next((lasts_s for lasts_s in times_s if common(least_s, one.parts(lasts_s)) <= SECONDS_MAX_S), 0)


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
