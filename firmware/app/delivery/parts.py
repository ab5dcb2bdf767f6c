"""Parts of the delivery with a state of their own: marks, a pause at a ceiling, another program, a bolus without a program."""

from app.delivery.basal import NoBasal, ceilings
from app.delivery.orders import Orders
from app.delivery.span import Span
from pumpcore.faults import faults
from pumpcore.motion.dose import Accumulator
from pumpcore.orders.bolus import Bolus
from pumpcore.units import MS_PER_S, S_PER_MINUTE, const
from pumpcore.wire.records import MISSED_CAUSES

if 0:  # for the type checker alone
    from app.types import Book, Motion, Payload, Reporter, Setup

_RETRY_AHEAD_S = const(2)
_LATE_MS = const(2_000)

# --- marks -------------------------------------------------------------------------------------------------------------------
# A plan is made ahead of time, so its records wait here until the planned uptime.


class Mark:
    """A record for the uptime `at_ms`; with `bolus`, the end of that bolus by `reason`."""

    def __init__(self, at_ms: int, name: str, values: "Payload") -> None:
        self.at_ms = at_ms
        self.name = name
        self.values = values
        self.bolus: Bolus | None = None
        self.reason = ""


class Marks:
    """`ahead`: the marks to come, the next one first."""

    def __init__(self, motion: "Motion", report: "Reporter") -> None:
        self.motion = motion
        self.report = report
        self.ahead: list[Mark] = []

    def add(self, span: Span, name: str, values: "Payload") -> None:
        """Report this record once everything planned so far has been made."""
        self.ahead.append(Mark(span.at_ms(span.planned_s), name, values))

    def bolus_ends(self, span: Span, bolus: Bolus, reason: str) -> None:
        """End `bolus` once everything planned so far has been made."""
        self.add(span, "bolus_ended", ())
        self.ahead[-1].bolus, self.ahead[-1].reason = bolus, reason

    def pass_due(self, uptime_ms: int, orders: Orders) -> bool:
        """Report the marks that are due; return True if there were any."""
        before = len(self.ahead)
        while self.ahead and self.ahead[0].at_ms <= uptime_ms:
            self._pass(self.ahead.pop(0), orders)
        return len(self.ahead) < before

    def _pass(self, mark: Mark, orders: Orders) -> None:
        if mark.bolus is not None:
            orders.ended(mark.bolus, mark.reason, mark.bolus.planned_steps)
            return
        values = mark.values
        if mark.name == "entry":
            values = values + (self.motion.delivered_steps(),)
        self.report.post(mark.name, values)


# --- pause -------------------------------------------------------------------------------------------------------------------
# A ceiling forbids the next lease: the basal pauses until the window has room.


class Pause:
    """`limit`: the name of the ceiling, "" without a pause. At `retry_ms` the pump asks for a lease again."""

    def __init__(self, motion: "Motion", book: "Book", report: "Reporter") -> None:
        self.motion = motion
        self.book = book
        self.report = report
        self.limit = ""
        self.retry_ms = 0

    def begin(self, span: Span, limit: str, powered_on_s: int) -> None:
        """Report the ceiling once, and wait for the next bucket of its window."""
        if limit != self.limit:
            if self.limit:
                self.report.clear(self.limit)
            self.report.fault(limit)
            self.report.post("paused", (faults.by_name(limit).number, span.ordered_steps))
            self.motion.rest()
        self.limit = limit
        self.retry_ms = span.at_ms(span.planned_s + S_PER_MINUTE - powered_on_s % S_PER_MINUTE)

    def skip(self, span: Span, uptime_ms: int) -> None:
        """Leave out what was due until now and until the next lease is written."""
        skipped_s = (uptime_ms - span.origin_ms) // MS_PER_S + _RETRY_AHEAD_S - span.planned_s
        self.book.missed_steps += span.basal.skip(span.planned_s, skipped_s)
        span.planned_s += skipped_s

    def end(self, span: Span) -> None:
        """Report the end of the pause: there is a lease again."""
        self.report.clear(self.limit)
        self.limit = ""
        self.report.post("unpaused", (span.ordered_steps, self.book.missed_steps))
        self.book.missed_steps = 0

    def stop(self, span: Span) -> None:
        """Report what was due during the pause as missed, at a stop."""
        waited_s = max(0, (self.book.clock.uptime_ms() - span.origin_ms) // MS_PER_S - span.planned_s)
        missed_steps = self.book.missed_steps + span.basal.skip(span.planned_s, waited_s)
        self.book.missed_steps = 0
        self.report.clear(self.limit)
        self.report.post("missed", (MISSED_CAUSES.index("limit"), 0, 0, missed_steps))


# --- takeover ----------------------------------------------------------------------------------------------------------------
# Another program runs from the end of the present lease on.


class Takeover:
    """`waits`: the active program is not the one that runs."""

    def __init__(self, setup: "Setup", book: "Book", report: "Reporter", marks: Marks) -> None:
        self.setup = setup
        self.book = book
        self.report = report
        self.marks = marks
        self.waits = False

    def begin(self, span: Span) -> None:
        """Replace the program. The old one's remainder, less than a step, is dropped and journaled."""
        self.waits = False
        program, old, wall = self.setup.program, span.basal, self.book.wall
        owed, remainder = old.owed_steps(0, 0), old.remainder_in(0, 0)
        if remainder:
            self.report.post("remainder_dropped", (0, remainder, old.accumulator.modulus))
        week = old.week
        if week is None and wall.known():
            week = wall.week((self.book.clock.uptime_ms() - span.origin_ms) // MS_PER_S)
        span.basal = self.setup.basal(program, Accumulator(program.rate_seconds_s, self.setup.calibration), week)
        if span.basal.course is not None:
            passed_s = (self.book.clock.uptime_ms() - span.origin_ms) // MS_PER_S - span.planned_s
            span.basal.course.begin(span.planned_s, wall.week(passed_s) if wall.known() else None, None)
        span.basal.accumulator.remainder = -owed * span.basal.accumulator.modulus
        span.entry = -1
        self.book.program_digest = self.setup.plan_key()
        span.watch_tank(self.setup.tank, self.setup.reservoir_settings())
        self.marks.add(span, "program_changed", (bytes.fromhex(self.setup.digest), span.ordered_steps))


# --- alone -------------------------------------------------------------------------------------------------------------------
# A bolus without a program: its span has no basal, and ends when the guard has counted everything queued.


class Alone:
    """`reason`: why nothing follows the queue, "" as long as more follows. `hold_s`: after its end the motor stays energised so long."""

    def __init__(self, motion: "Motion", setup: "Setup") -> None:
        self.motion = motion
        self.setup = setup
        self.reason = ""
        self.hold_s = 0

    def basal(self, bolus: Bolus, kept: int) -> NoBasal:
        """Return the replacement for the basal. `kept` is the remainder of the program's basal."""
        return NoBasal(bolus, self.setup.calibration, kept)

    def begin(self, span: Span, bolus: Bolus) -> None:
        """Give the span its own ceilings."""
        span.ceilings = ceilings(self.setup, bolus.rate_seconds_s)
        span.set_entry(0)

    def wind_up(self, span: Span, reason: str) -> bool:
        """Queue no more. Return False: there is no lease."""
        self.reason = reason
        span.end_ms += self.motion.rest()
        return False

    def found(self, span: Span, uptime_ms: int) -> str:
        """Return "done" if everything queued was made, "underrun" if it is late, else ""."""
        if self.motion.made(span.ordered_steps):
            return "done"
        return "underrun" if uptime_ms > span.end_ms + _LATE_MS else ""

    def end(self, by: str) -> str:
        """Return why a halt ends a bolus: its own end, if it ran alone."""
        reason, self.reason = self.reason if by == "done" else "fault" if by == "fault" else "stopped", ""
        return reason
