"""Which basal rate runs at a pump second, and when it changes: the program's schedule laid over the span's seconds."""

from pumpcore import schedule
from pumpcore.dose import Accumulator
from pumpcore.program import Program
from pumpcore.units import MINUTES_PER_WEEK, S_PER_MINUTE, S_PER_WEEK

NEVER_S = 1 << 40


class Basal:
    """The basal source of a span. `week_s` is the local second of the week at pump second 0, None when time is unknown.

    Without a known time a schedule gives its lowest rate (the prescription's `on_clock_loss = "lowest"`).
    """

    def __init__(self, program: Program, accumulator: Accumulator, week_s: int | None) -> None:
        self.program = program
        self.accumulator = accumulator
        self.week_s = week_s

    def _scheduled(self) -> bool:
        return self.program.needs_clock() and self.week_s is not None

    def entry_at(self, second_s: int) -> int:
        """Index of the entry in force at pump second `second_s`; of the lowest one when time is unknown."""
        entries = self.program.entries
        if self._scheduled():
            return schedule.entry_at(entries, (self.week_s + second_s) % S_PER_WEEK)
        rates = [rate_nl for _, rate_nl in entries]
        return rates.index(min(rates))

    def rate_nl(self, entry: int) -> int:
        return self.program.entries[entry][1]

    def until_change_s(self, second_s: int) -> int:
        """Seconds from pump second `second_s` to the next entry; NEVER_S when there is none."""
        if not self._scheduled() or len(self.program.entries) == 1:
            return NEVER_S
        return schedule.seconds_to_next(self.program.entries, (self.week_s + second_s) % S_PER_WEEK)

    def highest_nl(self, from_s: int, duration_s: int) -> int:
        """Highest rate in the pump seconds from `from_s` on, over `duration_s`."""
        highest, at_s, end_s = 0, from_s, from_s + duration_s
        while at_s < end_s:
            highest = max(highest, self.rate_nl(self.entry_at(at_s)))
            at_s += min(self.until_change_s(at_s), S_PER_WEEK)
        return highest

    def remainder_in(self, rate_nl: int, duration_s: int) -> int:
        """The accumulator's remainder once it has run for `duration_s` at `rate_nl`."""
        source = self.accumulator
        return (source.remainder + source.flow(rate_nl) * duration_s) % source.modulus

    def _week_nl_s(self) -> int:
        """Sum of rate times seconds over a whole week: what `advance` takes as a rate for one second."""
        entries = self.program.entries
        ends = [minute for minute, _ in entries[1:]] + [entries[0][0] + MINUTES_PER_WEEK]
        return sum([rate_nl * (end - minute) for (minute, rate_nl), end in zip(entries, ends)]) * S_PER_MINUTE

    def skip(self, from_s: int, duration_s: int) -> int:
        """Steps of the plan in a time that is left out (power off, at a limit); carries the remainder across it."""
        at_s, end_s = from_s, from_s + duration_s
        weeks = duration_s // S_PER_WEEK if self._scheduled() else 0  # at once: years without power must not take minutes
        steps = self.accumulator.advance(self._week_nl_s() * weeks, 1)
        at_s += weeks * S_PER_WEEK
        while at_s < end_s:
            part_s = min(self.until_change_s(at_s), end_s - at_s)
            steps += self.accumulator.advance(self.rate_nl(self.entry_at(at_s)), part_s)
            at_s += part_s
        return steps

    def plan_steps(self, from_s: int, duration_s: int) -> int:
        """What `skip` would return, without carrying anything."""
        kept = self.accumulator.remainder
        steps = self.skip(from_s, duration_s)
        self.accumulator.remainder = kept
        return steps
