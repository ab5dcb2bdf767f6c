"""Which basal rate runs at a pump second, and when it changes: the program's schedule over the seconds of a span."""

from pumpcore.limits.ceilings import Ceilings
from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.orders import bolus as boluses
from pumpcore.orders.bolus import Bolus
from pumpcore.program import schedule
from pumpcore.program.plan import Program
from pumpcore.program.schedule import NEVER_S
from pumpcore.units import MINUTES_PER_WEEK, S_PER_MINUTE, S_PER_WEEK, ceil_div

if 0:  # for the type checker alone
    from app.types import Course, Iterator, Overlaying, Setup

# --- basal -------------------------------------------------------------------------------------------------------------------


class Basal:
    """The basal source of a span. `week` is the local time from pump second 0 on, None if the time is unknown.

    Without a known time a schedule gives its lowest rate (the prescription's `on_clock_loss = "lowest"`). While a `temporary` rate or a
    bridge runs, rates are in 1 / `temporary.parts()` nl and the accumulator's modulus is larger by that factor: nothing is rounded.
    """

    course: "Course | None" = None  # itself, if it is a protocol's

    def __init__(self, program: Program, accumulator: Accumulator, week: schedule.Week | None) -> None:
        self.program = program
        self.accumulator = accumulator
        self.week = week
        self.temporary: "Overlaying | None" = None
        self._held: "tuple[schedule.Week | None, int, int, int]" = None, 0, 0, 0

    def _scheduled(self) -> bool:
        return self.program.needs_clock() and self.week is not None

    def entry_at(self, second_s: int) -> int:
        """Return the index of the entry in force at pump second `second_s`; of the lowest if the time is unknown."""
        if self._scheduled():
            return self._piece(second_s)[3]
        entries = self.program.entries
        return min(range(len(entries)), key=lambda entry: entries[entry][1])

    def _piece(self, second_s: int) -> "tuple[schedule.Week | None, int, int, int]":
        """Return (week, from, until, entry) around `second_s`. It is kept, so that only the first lease of an entry searches."""
        held, week = self._held, self.week
        if held[0] is not week or not held[1] <= second_s < held[2]:
            entries = self.program.entries
            entry = schedule.entry_at(entries, week.local_s(second_s))
            held = self._held = week, second_s, second_s + week.until_change_s(entries, second_s), entry
        return held

    def told_nl(self, entry: int, second_s: int) -> int:
        """Return the program's own rate of this entry."""
        return self.program.entries[entry][1]

    def rate_nl(self, entry: int, second_s: int = 0) -> int:
        """Return the rate by which to advance the accumulator while this entry runs."""
        return self.of(self.program.entries[entry][1])

    def of(self, rate_nl: int) -> int:
        return rate_nl if self.temporary is None else self.temporary.of(rate_nl)

    def until_change_s(self, second_s: int) -> int:
        """Return the seconds until the next entry, change of the offset or end of a temporary rate; NEVER_S if there is none."""
        change_s = self._piece(second_s)[2] - second_s if self._scheduled() else NEVER_S
        if self.temporary is not None and self.temporary.end_s > second_s:
            change_s = min(change_s, self.temporary.end_s - second_s)
        return change_s

    def begin_temporary(self, temporary: "Overlaying") -> None:
        """Run a temporary rate or bridge instead of the program's rates."""
        self.temporary = temporary
        self.accumulator.refine(temporary.parts())

    def end_temporary(self) -> int:
        """Return to the program's rates. Return the rest that its remainder cannot hold, in 1/modulus of before."""
        temporary, self.temporary = self.temporary, None
        return 0 if temporary is None else self.accumulator.coarsen(temporary.parts())

    def highest_nl(self, second_s: int, duration_s: int) -> int:
        """Return the highest rate over `duration_s` from pump second `second_s` on, rounded up to whole nl.

        It covers the temporary rate that runs, and the basal if that is cancelled. Each takes at most two rounds of the entries.
        """
        end_s, temporary = second_s + duration_s, self.temporary
        highest = self.highest(second_s, end_s)
        if temporary is not None and second_s < min(end_s, temporary.end_s):  # its rate grows with the basal
            fastest_nl = self.highest(second_s, min(end_s, temporary.end_s))
            highest = max(highest, ceil_div(temporary.of(fastest_nl), temporary.parts()))
        return highest

    def highest(self, second_s: int, end_s: int) -> int:
        """Return the program's highest rate; a whole week on one side of a change of the offset has every entry."""
        entries, highest = self.program.entries, 0
        for begin_s, until_s in self._sides(second_s, end_s):
            if self._scheduled() and until_s - begin_s >= S_PER_WEEK:
                return self.program.highest_rate_nl()
            for entry, _ in self._pieces(begin_s, until_s):
                highest = max(highest, entries[entry][1])
        return highest

    def _sides(self, second_s: int, end_s: int) -> "list[tuple[int, int]]":
        """Return [(begin, end)] of the parts before and after the next change of the offset."""
        shift_at_s = self.week.shift_at_s if self._scheduled() else NEVER_S
        parts = ((second_s, min(end_s, shift_at_s)), (max(second_s, shift_at_s), end_s))
        return [(begin_s, until_s) for begin_s, until_s in parts if begin_s < until_s]

    def _pieces(self, second_s: int, end_s: int) -> "Iterator[tuple[int, int]]":
        """Yield (entry, seconds) one after the other. There must be no change of the offset in between."""
        if not self._scheduled() or len(self.program.entries) == 1:
            yield self.entry_at(second_s), end_s - second_s
            return
        entries, local_s = self.program.entries, self.week.local_s(second_s)
        entry = schedule.entry_at(entries, local_s)
        while second_s < end_s:
            following = (entry + 1) % len(entries)
            begins_s = entries[following][0] * S_PER_MINUTE
            lasts_s = min((begins_s - local_s) % S_PER_WEEK or S_PER_WEEK, end_s - second_s)
            yield entry, lasts_s
            second_s += lasts_s
            entry, local_s = following, begins_s

    def remainder_in(self, rate_nl: int, duration_s: int) -> int:
        """Return the remainder after `duration_s` at `rate_nl`, in the program's own modulus."""
        source = self.accumulator
        remainder = (source.remainder + source.flow(rate_nl) * duration_s) % source.modulus
        return remainder if self.temporary is None else remainder // self.temporary.parts()

    def owed_steps(self, rate_nl: int, duration_s: int) -> int:
        """Return the steps that count as made but that the plan has not passed after `duration_s` at `rate_nl`."""
        source = self.accumulator
        return max(0, -((source.remainder + source.flow(rate_nl) * duration_s) // source.modulus))

    def _week_nl_s(self) -> int:
        """Return the sum of rate times seconds over a week: a rate for `advance` over one second."""
        entries, total = self.program.entries, 0
        end = entries[0][0] + MINUTES_PER_WEEK
        for index in range(len(entries) - 1, -1, -1):
            minute, rate_nl = entries[index]
            total += rate_nl * (end - minute)
            end = minute
        return total * S_PER_MINUTE

    def skip(self, second_s: int, duration_s: int) -> int:
        """Return the steps of the plan in a time that is left out (power off, at a limit); carry the remainder across it."""
        end_s, steps, temporary = second_s + duration_s, 0, self.temporary
        if temporary is not None and temporary.by_time and second_s < end_s:
            until_s = max(second_s, min(end_s, temporary.end_s))  # a cancelled one may have ended already
            steps, second_s = self.skip_to(second_s, until_s), until_s
            if second_s >= temporary.end_s:
                self.end_temporary()
        return steps + self.skip_to(second_s, end_s)

    def skip_to(self, second_s: int, end_s: int) -> int:
        """Whole weeks are taken at once, so that years without power do not take minutes."""
        steps, source = 0, self.accumulator
        for begin_s, until_s in self._sides(second_s, end_s):
            weeks = (until_s - begin_s) // S_PER_WEEK if self._scheduled() else 0
            if weeks:
                steps += source.advance(self.of(self._week_nl_s()) * weeks, 1)
            for entry, lasts_s in self._pieces(begin_s + weeks * S_PER_WEEK, until_s):
                steps += source.advance(self.rate_nl(entry, begin_s), lasts_s)
        return steps

    def plan_steps(self, second_s: int, duration_s: int) -> int:
        """Return what `skip` would return, without carrying anything."""
        source = self.accumulator
        kept = source.remainder, source.modulus, self.temporary
        steps = self.skip(second_s, duration_s)
        source.remainder, source.modulus, self.temporary = kept
        return steps


# --- run ---------------------------------------------------------------------------------------------------------------------
# A bolus alone: the replacement for program and basal while the pump primes or is calibrated.

STATES = {boluses.PRIMING: "priming", boluses.CALIBRATION: "calibrating"}


class NoBasal(Basal):
    """The basal source of a span that is only a bolus: nothing is ever due.

    `kept` is the remainder of the program that is not running; it passes through the ledger unchanged.
    """

    program = None
    week = None

    def __init__(self, bolus: Bolus, calibration: Calibration, kept: int) -> None:
        self.accumulator = Accumulator(bolus.rate_seconds_s, calibration)
        self.kept = kept

    def entry_at(self, second_s: int) -> int:
        """Return 0."""
        return 0

    def rate_nl(self, entry: int, second_s: int = 0) -> int:
        """Return 0."""
        return 0

    def until_change_s(self, second_s: int) -> int:
        """Return NEVER_S."""
        return NEVER_S

    def skip(self, second_s: int, duration_s: int) -> int:
        """Return 0."""
        return 0

    def remainder_in(self, rate_nl: int, duration_s: int) -> int:
        """Return the kept remainder."""
        return self.kept

    def owed_steps(self, rate_nl: int, duration_s: int) -> int:
        """Return 0."""
        return 0


def ceilings(setup: "Setup", rate_seconds_s: int) -> Ceilings:
    """Return the bench's own ceilings, not tightened, with rates per `rate_seconds_s`."""
    return Ceilings(setup.bench, setup.calibration, Program("", "", rate_seconds_s, []))
