"""Which basal rate runs at a pump second, and when it changes: the program's schedule laid over the span's seconds."""

from pumpcore.limits.ceilings import Ceilings
from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.orders import bolus as boluses
from pumpcore.orders.bolus import Bolus
from pumpcore.program import schedule
from pumpcore.program.plan import Program
from pumpcore.program.schedule import NEVER_S
from pumpcore.units import MINUTES_PER_WEEK, S_PER_MINUTE, S_PER_WEEK, ceil_div

if 0:  # for the type checker alone
    from app.types import Iterator, Overlaying, Setup

# --- basal -------------------------------------------------------------------------------------------------------------------


class Basal:
    """The basal source of a span. `week` is the local time from pump second 0 on, None when time is unknown.

    Without a known time a schedule gives its lowest rate (the prescription's `on_clock_loss = "lowest"`). While a `temporary`
    rate or a bridge runs, rates are in 1 / `temporary.parts()` nl, and the accumulator's modulus is that much larger: nothing is rounded.
    """

    def __init__(self, program: Program, accumulator: Accumulator, week: schedule.Week | None) -> None:
        self.program = program
        self.accumulator = accumulator
        self.week = week
        self.temporary: "Overlaying | None" = None
        self._held: "tuple[schedule.Week | None, int, int, int]" = None, 0, 0, 0

    def _scheduled(self) -> bool:
        return self.program.needs_clock() and self.week is not None

    def entry_at(self, second_s: int) -> int:
        """Index of the entry in force at pump second `second_s`; of the lowest one when time is unknown."""
        if self._scheduled():
            return self._piece(second_s)[3]
        rates = [rate_nl for _, rate_nl in self.program.entries]
        return rates.index(min(rates))

    def _piece(self, second_s: int) -> "tuple[schedule.Week | None, int, int, int]":
        """(week, from, until, entry) of what runs at `second_s`; kept, so that only the first lease of an entry searches for it."""
        held, week = self._held, self.week
        if held[0] is not week or not held[1] <= second_s < held[2]:
            entries = self.program.entries
            entry = schedule.entry_at(entries, week.local_s(second_s))
            held = self._held = week, second_s, second_s + week.until_change_s(entries, second_s), entry
        return held

    def rate_nl(self, entry: int) -> int:
        """What the accumulator is to be advanced by while this entry runs."""
        return self._of(self.program.entries[entry][1])

    def _of(self, rate_nl: int) -> int:
        return rate_nl if self.temporary is None else self.temporary.of(rate_nl)

    def until_change_s(self, second_s: int) -> int:
        """Seconds from pump second `second_s` to the next entry, the next change of the offset or the end of a temporary rate; NEVER_S
        when there is none."""
        change_s = self._piece(second_s)[2] - second_s if self._scheduled() else NEVER_S
        if self.temporary is not None and self.temporary.end_s > second_s:
            change_s = min(change_s, self.temporary.end_s - second_s)
        return change_s

    def begin_temporary(self, temporary: "Overlaying") -> None:
        self.temporary = temporary
        self.accumulator.refine(temporary.parts())

    def end_temporary(self) -> int:
        """Back to the program's rates; what the program's own remainder can't hold is returned, in 1/modulus of before."""
        temporary, self.temporary = self.temporary, None
        return 0 if temporary is None else self.accumulator.coarsen(temporary.parts())

    def highest_nl(self, from_s: int, duration_s: int) -> int:
        """Highest rate in the pump seconds from `from_s` on, over `duration_s`, rounded up to whole nl: with the temporary rate that runs,
        and as it will be when that is cancelled. Takes at most two rounds of the entries for each, however long it is."""
        end_s, temporary = from_s + duration_s, self.temporary
        highest = self._highest(from_s, end_s)
        if temporary is not None and from_s < min(end_s, temporary.end_s):  # what it makes of a rate grows with the rate
            fastest_nl = self._highest(from_s, min(end_s, temporary.end_s))
            highest = max(highest, ceil_div(temporary.of(fastest_nl), temporary.parts()))
        return highest

    def _highest(self, from_s: int, end_s: int) -> int:
        """Highest rate of the program; a whole week on one side of a change of the offset holds every entry."""
        entries, highest = self.program.entries, 0
        for begin_s, until_s in self._sides(from_s, end_s):
            if self._scheduled() and until_s - begin_s >= S_PER_WEEK:
                return self.program.highest_rate_nl()
            for entry, _ in self._pieces(begin_s, until_s):
                highest = max(highest, entries[entry][1])
        return highest

    def _sides(self, from_s: int, end_s: int) -> "list[tuple[int, int]]":
        """[(begin, end)] of what lies before the next change of the offset, and behind it."""
        shift_at_s = self.week.shift_at_s if self._scheduled() else NEVER_S
        parts = ((from_s, min(end_s, shift_at_s)), (max(from_s, shift_at_s), end_s))
        return [(begin_s, until_s) for begin_s, until_s in parts if begin_s < until_s]

    def _pieces(self, from_s: int, end_s: int) -> "Iterator[tuple[int, int]]":
        """Yields (entry, seconds) one after the other; no change of the offset lies in between."""
        if not self._scheduled() or len(self.program.entries) == 1:
            yield self.entry_at(from_s), end_s - from_s
            return
        entries, local_s = self.program.entries, self.week.local_s(from_s)
        entry = schedule.entry_at(entries, local_s)
        while from_s < end_s:
            following = (entry + 1) % len(entries)
            begins_s = entries[following][0] * S_PER_MINUTE
            lasts_s = min((begins_s - local_s) % S_PER_WEEK or S_PER_WEEK, end_s - from_s)
            yield entry, lasts_s
            from_s += lasts_s
            entry, local_s = following, begins_s

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
        end_s, steps, temporary = from_s + duration_s, 0, self.temporary
        if temporary is not None and temporary.by_time and from_s < end_s:
            until_s = max(from_s, min(end_s, temporary.end_s))  # one that was cancelled may have ended already
            steps, from_s = self._skip_to(from_s, until_s), until_s
            if from_s >= temporary.end_s:
                self.end_temporary()
        return steps + self._skip_to(from_s, end_s)

    def _skip_to(self, from_s: int, end_s: int) -> int:
        """Whole weeks are taken at once: years without power must not take minutes."""
        steps, source = 0, self.accumulator
        for begin_s, until_s in self._sides(from_s, end_s):
            weeks = (until_s - begin_s) // S_PER_WEEK if self._scheduled() else 0
            if weeks:
                steps += source.advance(self._of(self._week_nl_s()) * weeks, 1)
            for entry, lasts_s in self._pieces(begin_s + weeks * S_PER_WEEK, until_s):
                steps += source.advance(self.rate_nl(entry), lasts_s)
        return steps

    def plan_steps(self, from_s: int, duration_s: int) -> int:
        """What `skip` would return, without carrying anything."""
        source = self.accumulator
        kept = source.remainder, source.modulus, self.temporary
        steps = self.skip(from_s, duration_s)
        source.remainder, source.modulus, self.temporary = kept
        return steps


# --- run ---------------------------------------------------------------------------------------------------------------------
# A bolus by itself: what stands where a program and its basal would be while the pump primes or is calibrated.

STATES = {boluses.PRIMING: "priming", boluses.CALIBRATION: "calibrating"}


class NoBasal(Basal):
    """The basal source of a span that is only a bolus: nothing is due, ever. `kept` is the remainder of the program that does
    not run meanwhile; it goes through the ledger as it is."""

    program = None
    week = None

    def __init__(self, bolus: Bolus, calibration: Calibration, kept: int) -> None:
        self.accumulator = Accumulator(bolus.rate_seconds_s, calibration)
        self._kept = kept

    def entry_at(self, second_s: int) -> int:
        return 0

    def rate_nl(self, entry: int) -> int:
        return 0

    def until_change_s(self, second_s: int) -> int:
        return NEVER_S

    def skip(self, from_s: int, duration_s: int) -> int:
        return 0

    def remainder_in(self, rate_nl: int, duration_s: int) -> int:
        return self._kept

    def owed_steps(self, rate_nl: int, duration_s: int) -> int:
        return 0


def ceilings(setup: "Setup", rate_seconds_s: int) -> Ceilings:
    """The bench's own ceilings, tightened by nothing, with rates per `rate_seconds_s`."""
    return Ceilings(setup.bench, setup.calibration, Program("", "", rate_seconds_s, []))
