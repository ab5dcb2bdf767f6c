"""The delivery tick: feed the step generator from the program, lease by lease, and keep the state.

Handlers only set what is wanted (start, a bolus, its cancellation); `stop` and `safe_state` act at once.
"""

from app.delivery.basal import Basal
from app.delivery.orders import Orders, Overlay
from app.delivery.parts import Alone, Marks, Pause, Takeover
from app.delivery.span import Span
from app.records.journal import JournalError
from pumpcore.flash import ledger
from pumpcore.motion import profile
from pumpcore.motion.dose import Accumulator
from pumpcore.orders import bolus as boluses
from pumpcore.units import MS_PER_S, NEVER_MS, US_PER_S, ceil_div, const
from pumpcore.wire.records import MISSED_CAUSES, STARTED_BY, STOPPED_BY

if 0:  # for the type checker alone
    from app.types import Book, Bridge, Leases, Motion, Reporter, Setup

LOW_WATER_MS = const(2_500)
_LOOK_MS = const(5)
STOPPED, RUNS, LIMITED = "stopped", "running", "limited"


class Delivery:
    """`book` has totals and ledger fields, `setup` the active program with its ceilings. Handlers use both too."""

    def __init__(self, motion: "Motion", leases: "Leases", book: "Book", setup: "Setup", report: "Reporter") -> None:
        self.motion = motion
        self.leases = leases
        self.book = book
        self.setup = setup
        self.report = report
        self.span: Span | None = None
        self.state = STOPPED
        self.marks = Marks(motion, report)
        self.orders = Orders(report, self.marks)
        self.overlay = Overlay(report, self.marks)
        self.bridge: "Bridge | None" = None
        self.takeover = Takeover(setup, book, report, self.marks)
        self._pause = Pause(motion, book, report)
        self.alone = Alone(motion, setup)
        self._held_ms = NEVER_MS  # until then the motor of a run that is over stays energised

    # -- asking -----------------------------------------------------------------------------------------------

    def start(self, uptime_ms: int, by: str, remainder: int, protocol_s: int | None = None) -> None:
        """Begin a span at the present position; its first lease follows in the next tick. Raises JournalError; then nothing began.

        A protocol goes on with its second `protocol_s`, None: from its start.
        """
        program = self.setup.program
        accumulator = Accumulator(program.rate_seconds_s, self.setup.calibration)
        accumulator.remainder = remainder
        wall = self.book.wall
        week = wall.week(0) if wall.known() else None
        position = self.motion.delivered_steps()
        digest = bytes.fromhex(self.setup.digest)
        values = (STARTED_BY.index(by), position, digest, self.book.powered_on_s())
        self.report.append("started", values)
        basal = self.setup.basal(program, accumulator, week)
        if basal.course is not None:
            basal.course.begin(0, week, protocol_s)
        self.span = self.open(uptime_ms, basal, position)
        self.state = RUNS

    def cross(self, bridge: "Bridge") -> None:
        """Run the span that has just begun as a bridge."""
        self.bridge = bridge
        bridge.begin(self, self.report, self.marks)

    def open(self, uptime_ms: int, basal: Basal, position_steps: int) -> Span:
        self.motion.rebase(position_steps)
        self.motion.enable()
        self._held_ms = NEVER_MS
        bench = self.setup.bench
        train = profile.Train(ceil_div(US_PER_S, bench.max_rate_hz), profile.of_bench(bench))
        self._pause.limit = self.alone.reason = ""
        self.marks.ahead = []
        self.takeover.waits = False
        span = Span(uptime_ms, basal, position_steps, train)
        span.watch_tank(self.setup.tank, self.setup.reservoir_settings())
        return span

    def watch_tank(self) -> None:
        """The reservoir was refilled: later leases use its new positions."""
        if self.span is not None:
            self.span.watch_tank(self.setup.tank, self.setup.reservoir_settings())

    def order_alone(self, bolus: boluses.Bolus, state: str, hold_s: int = 0) -> None:
        """Order a checked and journaled `bolus` without a program. It begins with the next tick.

        The pump is in `state` until the bolus ends, and then stops by itself; the motor stays energised for `hold_s`.
        """
        self.alone.hold_s = hold_s
        self.orders.order(bolus)
        self.state = state

    def ends(self) -> bool:
        """Return True if nothing follows what is queued: a protocol or a run is over."""
        return self.alone.reason != ""

    def next_ms(self) -> int:
        """Return the uptime at which the next slice begins."""
        return max(self.span.at_ms(self.span.planned_s), self.book.clock.uptime_ms())

    def cancel(self, bolus: boluses.Bolus) -> int:
        """End a bolus that waits or runs. Return the most steps that it will have made."""
        steps = self.orders.cancel(bolus, self.span)
        if self.span is None:
            self.state = STOPPED
        return steps

    def delivered(self, bolus: boluses.Bolus) -> int:
        """Return the delivered steps of a bolus."""
        if self.span is None or bolus.state not in (boluses.DELIVERING, boluses.PAUSED):
            return bolus.delivered_steps
        return self.span.bolus_delivered(bolus, self.motion.delivered_steps())

    def withdraw(self, by: str) -> None:
        """Cancel orders that have not begun."""
        if self.span is None and self.orders.wanted:
            self.state = STOPPED
            self.orders.end_all(None, 0, self.alone.end(by))

    def stop(self, by: str) -> int:
        """Halt first, record afterwards. Works in any state, even with a broken flash. Return the position in steps."""
        hold_s = self.alone.hold_s if by == self.alone.reason == "done" else 0
        position = self.motion.halt(hold_s > 0)
        self._held_ms = self.book.clock.uptime_ms() + hold_s * MS_PER_S if hold_s else NEVER_MS
        self.alone.hold_s = 0
        if not self.motion.agreed and by != "fault":
            self.report.fault("guard_mismatch")
        span, self.span = self.span, None
        limited, self.state = self.state is LIMITED, STOPPED
        if span is None:
            self.withdraw(by)
            return position
        if limited:
            self._pause.stop(span)
        reason = self.alone.end(by)
        self.orders.end_all(span, position, reason)
        self.overlay.stop(span, reason)
        if self.bridge is not None:
            self.bridge.stop(span)
        self.marks.ahead = []  # they lay after the stop
        values = (STOPPED_BY.index(by), span.ordered_steps, position, self.book.powered_on_s())
        try:
            self.report.append("stopped", values)
        except JournalError:
            self.report.fault("journal_failed")
        self.close_ledger(span, position)
        return position

    def close_ledger(self, span: Span, position_steps: int) -> None:
        """Write it even without a journal: a stopped pump must not resume after a reset."""
        record = self.book.record(ledger.IDLE, 0)
        record.basal_remainder = span.basal.remainder_in(0, 0)
        try:
            self.leases.close(record, position_steps)
        except OSError:
            self.report.fault("ledger_failed")

    def safe_state(self, name: str) -> None:
        """Disable the motor, then raise the alarm, then write the records (R6, R9)."""
        self.motion.halt()
        if self.motion.law is not None:
            self.motion.law.fail(name)
        self.report.fault(name)
        if not self.motion.agreed and name != "guard_mismatch":
            self.report.fault("guard_mismatch")
        if self.state is not STOPPED:
            self.stop("fault")

    def watch_calibration(self, position_steps: int | None = None) -> None:
        """Report once that the calibration has expired. `position_steps`: only before the motion knows its position."""
        if position_steps is None:
            position_steps = self.motion.delivered_steps()
        if self.setup.expired_now(position_steps, self.book.wall):
            self.report.fault("calibration_expired")

    def report_fault(self, name: str) -> None:
        """Raise a fault met while acting on the motion."""
        self.report.fault(name)

    def shift_wall(self, shift_s: int) -> None:
        """The clock was corrected, became known, or got another transition while running: later leases follow it."""
        if self.span is not None and self.book.wall.known():
            self.span.follow(self.book.wall, self.book.clock.uptime_ms(), shift_s)

    # -- doing ------------------------------------------------------------------------------------------------

    def tick(self, uptime_ms: int) -> bool:
        """Queue at most one slice and write at most one lease. Return True if flash was written."""
        span = self.span
        if span is None:
            if uptime_ms >= self._held_ms and not self.orders.wanted:
                self._held_ms = NEVER_MS
                self.motion.halt()
            return len(self.orders.wanted) > 0 and self._begin_alone(uptime_ms)
        if self.marks.ahead and self.marks.pass_due(uptime_ms, self.orders):
            return False  # marks first: the next lease may drop from the ledger what only they put in the journal
        if self.alone.reason:
            return self._end_alone(span, uptime_ms)
        if self.state is LIMITED:
            return uptime_ms >= self._pause.retry_ms and self._retry(span, uptime_ms)
        if span.end_ms - uptime_ms > LOW_WATER_MS:
            return False
        if uptime_ms > span.end_ms and self._stood_still(span, uptime_ms):
            return True
        return self.extend(span)

    def _stood_still(self, span: Span, uptime_ms: int) -> bool:
        """Safe state if the queue ended before it was fed, even in a dwell: late steps must not come in a burst."""
        late = span.planned_s > 0 and uptime_ms > span.end_ms
        if late:
            self.safe_state("underrun")
        return late

    def due_ms(self) -> int:
        """Return the uptime at which `tick` has something to do."""
        if self.span is None:
            return 0 if self.orders.wanted else self._held_ms
        if self.alone.reason:
            return max(self.span.end_ms, self.book.clock.uptime_ms() + _LOOK_MS)
        due_ms = self._pause.retry_ms if self.state is LIMITED else self.span.end_ms - LOW_WATER_MS
        if self.marks.ahead:
            due_ms = min(due_ms, self.marks.ahead[0].at_ms)
        return due_ms

    def extend(self, span: Span) -> bool:
        if self.orders.wanted:
            self.orders.begin(span)
        if self.overlay.present is not None:
            self.overlay.turn(span)
        leased = span.planned_s >= span.lease_end_s
        if leased:
            reason = self.orders.over(span) if span.bolus is not None else ""
            if reason and span.alone:
                return self.alone.wind_up(span, reason)
            if reason:
                self.orders.finish(span, reason)
            if self.takeover.waits:
                self.takeover.begin(span)
            course = span.basal.course
            if course is not None and span.bolus is None and course.over(span.planned_s):
                return self.alone.wind_up(span, "done")
            if not self._lease(span):
                return True
        self.motion.queue(span.plan_slice())
        return leased

    def take_over(self) -> None:
        """Another program is active: run it from the end of the present lease on."""
        self.takeover.waits = self.span is not None

    def _lease(self, span: Span) -> bool:
        if self.bridge is not None:
            self.bridge.judge_lease(span)
        changed = span.set_entry(span.basal.entry_at(span.planned_s))
        if not self.motion.turn(span, self):
            return False
        ahead_s = span.planned_s - (self.book.clock.uptime_ms() - span.origin_ms) // MS_PER_S
        powered_on_s = self.book.powered_on_at_s(span.at_ms(span.planned_s))
        record = self.book.record(ledger.ALONE if span.alone else ledger.RUNNING, ahead_s)
        record.confirmed_steps = self.motion.delivered_steps()
        record.temporary = self.overlay.direction()
        self.orders.fill(record)
        try:
            limit = self.leases.extend(span, span.ceilings or self.setup.ceilings, powered_on_s, record)
        except OSError:
            self.safe_state("ledger_failed")
            return False
        if limit == "reservoir_empty":
            self.safe_state(limit)
            return False
        if limit and span.alone:
            return self.alone.wind_up(span, "limit")
        if limit:
            if span.bolus is not None:
                self.orders.finish(span, "limit")
            self._pause.begin(span, limit, powered_on_s)
            self.state = LIMITED
            return False
        self.motion.allow(span.leased_steps)
        if span.leased_steps > span.low_at_steps:
            span.low_at_steps = span.empty_at_steps
            self.report.fault("reservoir_low")
        now_ms = self.book.clock.uptime_ms()
        if span.planned_s == 0:
            span.origin_ms = now_ms
        elif not self._pause.limit and self._stood_still(span, now_ms):
            return False
        span.catch_up(now_ms)
        course = span.basal.course
        if changed and (course is None or not span.planned_s or course.journaled(span.planned_s)):
            self.marks.add(span, "entry", (span.entry, span.basal.told_nl(span.entry, span.planned_s), span.ordered_steps))
        return True

    # -- ceilings ---------------------------------------------------------------------------------------------

    def _retry(self, span: Span, uptime_ms: int) -> bool:
        """At the next bucket ask for a lease again, leaving out what was due until then and until the lease is written."""
        self._pause.skip(span, uptime_ms)
        self.state = RUNS
        if self._lease(span):
            self._pause.end(span)
            self.motion.queue(span.plan_slice())
        return True

    def missed_while_off(self, from_utc_s: int, to_utc_s: int, missed_steps: int) -> None:
        """Journal what the plan held while the power was off; none of it is caught up (R11). JournalError passes."""
        self.report.append("missed", (MISSED_CAUSES.index("power"), from_utc_s, to_utc_s, missed_steps))

    # -- a bolus alone ------------------------------------------------------------------------------------------------

    def _begin_alone(self, uptime_ms: int) -> bool:
        bolus = self.orders.bolus
        basal = self.alone.basal(bolus, self.book.last_record().basal_remainder)
        span = self.open(uptime_ms, basal, self.motion.delivered_steps())
        self.alone.begin(span, bolus)
        self.span = span
        self.orders.begin(span)
        return False

    def _end_alone(self, span: Span, uptime_ms: int) -> bool:
        found = self.alone.found(span, uptime_ms)
        if found == "done":
            self.stop(found)
            if span.alone:
                self.setup.fill_line(self.orders.bolus, self.report, self.motion.delivered_steps())
        elif found:
            self.safe_state(found)
        return found != ""
