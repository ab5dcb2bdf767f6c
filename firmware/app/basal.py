"""Which basal rate runs at a pump second, and when it changes: the program's schedule laid over the span's seconds."""

from pumpcore import schedule
from pumpcore.dose import Accumulator
from pumpcore.plan import Program
from pumpcore.schedule import NEVER_S
from pumpcore.units import MINUTES_PER_WEEK, S_PER_MINUTE, S_PER_WEEK, ceil_div


class Basal:
    """The basal source of a span. `week` is the local time from pump second 0 on, None when time is unknown.

    Without a known time a schedule gives its lowest rate (the prescription's `on_clock_loss = "lowest"`). While a `temporary`
    rate or a bridge runs, rates are in 1 / `temporary.parts()` nl, and the accumulator's modulus is that much larger: nothing is rounded.
    """

    def __init__(self, program: Program, accumulator: Accumulator, week: schedule.Week | None) -> None:
        self.program = program
        self.accumulator = accumulator
        self.week = week
        self.temporary = None

    def _scheduled(self) -> bool:
        return self.program.needs_clock() and self.week is not None

    def entry_at(self, second_s: int) -> int:
        """Index of the entry in force at pump second `second_s`; of the lowest one when time is unknown."""
        entries = self.program.entries
        if self._scheduled():
            return schedule.entry_at(entries, self.week.local_s(second_s))
        rates = [rate_nl for _, rate_nl in entries]
        return rates.index(min(rates))

    def rate_nl(self, entry: int) -> int:
        """What the accumulator is to be advanced by while this entry runs."""
        return self._of(self.program.entries[entry][1])

    def _of(self, rate_nl: int) -> int:
        return rate_nl if self.temporary is None else self.temporary.of(rate_nl)

    def until_change_s(self, second_s: int) -> int:
        """Seconds from pump second `second_s` to the next entry, the next change of the offset or the end of a temporary rate; NEVER_S
        when there is none."""
        change_s = self.week.until_change_s(self.program.entries, second_s) if self._scheduled() else NEVER_S
        if self.temporary is not None and self.temporary.end_s > second_s:
            change_s = min(change_s, self.temporary.end_s - second_s)
        return change_s

    def begin_temporary(self, temporary: object) -> None:
        self.temporary = temporary
        self.accumulator.refine(temporary.parts())

    def end_temporary(self) -> int:
        """Back to the program's rates; what the program's own remainder can't hold is returned, in 1/modulus of before."""
        temporary, self.temporary = self.temporary, None
        return 0 if temporary is None else self.accumulator.coarsen(temporary.parts())

    def highest_nl(self, from_s: int, duration_s: int) -> int:
        """Highest rate in the pump seconds from `from_s` on, over `duration_s`, rounded up to whole nl: with the temporary rate that runs,
        and as it will be when that is cancelled."""
        highest, at_s, end_s, temporary = 0, from_s, from_s + duration_s, self.temporary
        while at_s < end_s:
            rate_nl = self.program.entries[self.entry_at(at_s)][1]
            highest = max(highest, rate_nl)
            if temporary is not None and at_s < temporary.end_s:
                highest = max(highest, ceil_div(temporary.of(rate_nl), temporary.parts()))
            at_s += min(self.until_change_s(at_s), S_PER_WEEK)
        return highest

    def remainder_in(self, rate_nl: int, duration_s: int) -> int:
        """The accumulator's remainder once it has run for `duration_s` at `rate_nl`, in the program's own modulus."""
        source = self.accumulator
        remainder = (source.remainder + source.flow(rate_nl) * duration_s) % source.modulus
        return remainder if self.temporary is None else remainder // self.temporary.parts()

    def owed_steps(self, rate_nl: int, duration_s: int) -> int:
        """Steps that count as made and that the plan has not passed once it has run for `duration_s` at `rate_nl`."""
        source = self.accumulator
        return max(0, -((source.remainder + source.flow(rate_nl) * duration_s) // source.modulus))

    def _week_nl_s(self) -> int:
        """Sum of rate times seconds over a whole week: what `advance` takes as a rate for one second."""
        entries = self.program.entries
        ends = [minute for minute, _ in entries[1:]] + [entries[0][0] + MINUTES_PER_WEEK]
        return sum([rate_nl * (end - minute) for (minute, rate_nl), end in zip(entries, ends)]) * S_PER_MINUTE

    def skip(self, from_s: int, duration_s: int) -> int:
        """Steps of the plan in a time that is left out (power off, at a limit); carries the remainder across it."""
        at_s, end_s, steps = from_s, from_s + duration_s, 0
        while self.temporary is not None and self.temporary.by_time and at_s < end_s:
            if at_s < self.temporary.end_s:  # one that was cancelled may have ended already
                part_s, steps = self._skip_part(at_s, end_s, steps)
                at_s += part_s
            if at_s >= self.temporary.end_s:
                self.end_temporary()
        while at_s < end_s:
            weeks = self._whole_weeks(at_s, end_s)
            steps += self.accumulator.advance(self._of(self._week_nl_s()) * weeks, 1)
            at_s += weeks * S_PER_WEEK
            part_s, steps = self._skip_part(at_s, end_s, steps)
            at_s += part_s
        return steps

    def _skip_part(self, at_s: int, end_s: int, steps: int) -> tuple:
        part_s = min(self.until_change_s(at_s), end_s - at_s)
        return part_s, steps + self.accumulator.advance(self.rate_nl(self.entry_at(at_s)), part_s)

    def _whole_weeks(self, at_s: int, end_s: int) -> int:
        """Weeks on one side of a change of the offset, to be taken at once: years without power must not take minutes."""
        if not self._scheduled():
            return 0
        shift_at_s = self.week.shift_at_s
        return max(0, (min(end_s, shift_at_s) if at_s < shift_at_s else end_s) - at_s) // S_PER_WEEK

    def plan_steps(self, from_s: int, duration_s: int) -> int:
        """What `skip` would return, without carrying anything."""
        source = self.accumulator
        kept = source.remainder, source.modulus, self.temporary
        steps = self.skip(from_s, duration_s)
        source.remainder, source.modulus, self.temporary = kept
        return steps
