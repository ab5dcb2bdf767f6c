"""Compute the program's steps independently in fractions, to compare them with the pump's report and its motor."""

from __future__ import annotations

from fractions import Fraction

from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.program.plan import Program
from pumpcore.program.schedule import entry_at, seconds_to_next
from pumpcore.units import S_PER_DAY, S_PER_MINUTE
from thecal.quantities.week import week_time


class Stretch:
    """One entry of the day: from and to in seconds of the week, its rate, its volume exactly, its whole steps."""

    def __init__(self, program: Program, entry: int, from_s: int, to_s: int) -> None:
        self.from_s = from_s
        self.to_s = to_s
        self.rate_nl = program.entries[entry][1]
        self.duration_s = to_s - from_s
        self.programmed_nl = Fraction(self.rate_nl * self.duration_s, program.rate_seconds_s)
        self.plan_steps = 0

    def label(self) -> str:
        """ "06:00-09:30"."""
        return "-".join(clock(second_s) for second_s in (self.from_s, self.to_s))


def clock(second_s: int) -> str:
    """Second of the week as "06:00"; the end of the day as "24:00"."""
    if second_s and second_s % S_PER_DAY == 0:
        return "24:00"
    return week_time(second_s // S_PER_MINUTE)[4:]


def stretches(program: Program, calibration: Calibration, from_s: int, duration_s: int) -> list[Stretch]:
    """Return the entries of `duration_s` from second `from_s` of the week on, with the whole planned steps of each."""
    found, at_s, end_s = [], from_s, from_s + duration_s
    accumulator = Accumulator(program.rate_seconds_s, calibration)
    while at_s < end_s:
        entry = entry_at(program.entries, at_s)
        to_s = min(end_s, at_s + seconds_to_next(program.entries, at_s))
        stretch = Stretch(program, entry, at_s, to_s)
        stretch.plan_steps = accumulator.advance(stretch.rate_nl, stretch.duration_s)
        found.append(stretch)
        at_s = to_s
    return found
