"""Whether and when therapy goes on after the power failed: never without leave, never catching up, at most 3 times an hour."""

from app.basal import Basal
from app.book import Book
from app.setup import Setup
from pumpcore import ledger, schedule
from pumpcore.dose import Accumulator
from pumpcore.units import MS_PER_S

if 0:  # for the type checker alone
    from app.types import Bridge

MOST_IN_HOUR = 3


def forbidden(record: ledger.LedgerRecord, setup: Setup, book: Book, blocked: bool) -> str:
    """"" when the pump may resume, else the fault that tells why not."""
    program = setup.program
    if program is None or program.after_power_loss != "resume" or blocked:
        return "not_resumed"
    if setup.plan_key() != record.program_digest or book.resumes_in_hour() >= MOST_IN_HOUR:
        return "not_resumed"
    if record.temporary == ledger.LOWERED:  # the basal is more than what was cut
        return "not_resumed"
    if program.needs_clock() and not book.wall.known() and program.on_clock_loss == "stop":
        return "clock_lost"
    return ""


class Resume:
    """Waits until the broken lease is over; what it booked counts as delivered (R2), and what it booked beyond the plan is owed.

    With a known time the gap runs from the lease's end on the clock; without, from power-up, and at least the lease's
    length. With a `bridge` the plan is the lower of its rates.
    """

    def __init__(self, record: ledger.LedgerRecord, setup: Setup, book: Book, bridge: "Bridge | None" = None) -> None:
        self._record = record
        self._book = book
        self._accumulator = Accumulator(setup.program.rate_seconds_s, setup.calibration)
        self._accumulator.remainder = record.basal_remainder
        self._timed = book.wall.known() and record.until_utc_s > 0
        week = schedule.Week(record.until_utc_s, book.wall.zone) if self._timed else None
        self._basal = Basal(setup.program, self._accumulator, week)
        self._next_ms = 0
        self.bridge = bridge
        if bridge is not None:
            self._basal.begin_temporary(bridge)

    def due_ms(self) -> int:
        return self._next_ms

    def _gap_s(self) -> int:
        if self._timed:
            return self._book.wall.utc_s() - self._record.until_utc_s
        powered_s = self._book.clock.uptime_ms() // MS_PER_S
        return powered_s if powered_s >= self._record.lease_s else -1

    def ready(self, now_ms: int) -> bool:
        """Whether the span can begin now; asks at most once a second."""
        if now_ms < self._next_ms:
            return False
        self._next_ms = now_ms - now_ms % MS_PER_S + MS_PER_S
        return self._gap_s() >= 0

    def close(self) -> tuple[int, int, int, int]:
        """(from_utc_s, to_utc_s, missed_steps, remainder) at the moment when the span begins; UTC 0 when unknown. The remainder is
        below 0 while the plan has not passed what the lease booked: none of it is made twice."""
        gap_s, source = self._gap_s(), self._accumulator
        missed_steps = self._basal.skip(0, gap_s) - self._record.ahead_steps
        self._basal.end_temporary()
        remainder = source.remainder + min(0, missed_steps) * source.modulus
        from_utc_s = self._record.until_utc_s if self._timed else 0
        return from_utc_s, from_utc_s + gap_s if from_utc_s else 0, max(0, missed_steps), remainder
