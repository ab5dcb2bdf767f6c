"""The pump's totals that outlive a reset: powered-on time, uncertain steps, resumes; and the ledger record they go into."""

from app.ledger import LedgerFiles
from app.wall import WallClock
from pumpcore import ledger
from pumpcore.units import MS_PER_S, S_PER_HOUR

if 0:  # for the type checker alone
    from app.types import Clock, Ring

# 136 years: there it stands still, so no lockout and no window ends any more, and what is added to it still fits in 32 bits
_MOST_S = (1 << 32) - (1 << 20)


class Book:
    """`uncertain_steps` sums what lost power left open; `resumes_s` are the powered-on times of the last three resumes."""

    def __init__(self, clock: "Clock", wall: WallClock, files: LedgerFiles, powered_on_base_s: int) -> None:
        self.clock = clock
        self.wall = wall
        self._base_s = powered_on_base_s
        self.uncertain_steps = files.record.uncertain_steps
        self.resumes_s = files.record.resumes_s
        self.program_digest = files.record.program_digest
        self.missed_steps = 0
        self.demand_s = files.record.demand_s
        self.position_steps = files.record.leased_steps
        self._files = files
        self.events: "Ring | None" = None  # the ring, once there is a pump

    def powered_on_s(self) -> int:
        """Seconds that this pump has been powered, over all boots; time off counts as 0 (R5)."""
        return self.powered_on_at_s(self.clock.uptime_ms())

    def powered_on_at_s(self, uptime_ms: int) -> int:
        """The powered-on second of a moment of this boot; the same for the same moment, whenever it is asked."""
        return min(self._base_s + uptime_ms // MS_PER_S, _MOST_S)

    def last_record(self) -> ledger.LedgerRecord:
        """The record that is on flash now."""
        return self._files.record

    def resumes_in_hour(self) -> int:
        """Resumes within the last powered-on hour."""
        now_s = self.powered_on_s()
        return sum([1 for at_s in self.resumes_s if at_s and now_s - at_s < S_PER_HOUR])

    def note_resume(self) -> None:
        self.resumes_s = self.resumes_s[1:] + [max(1, self.powered_on_s())]

    def record(self, state: int, ahead_s: int) -> ledger.LedgerRecord:
        """A new record with everything that this book knows; `until_utc_s` is `ahead_s` from now, 0 when unknown."""
        record = ledger.LedgerRecord()
        record.state = state
        record.uncertain_steps = self.uncertain_steps
        record.powered_on_s = self.powered_on_s()
        utc_s = self.wall.utc_s()
        record.until_utc_s = utc_s + ahead_s if utc_s and not self.wall.damaged else 0
        record.program_digest = self.program_digest
        record.resumes_s = self.resumes_s
        record.demand_s = self.demand_s
        record.events_sequence = self.events.next_sequence - 1  # all of them are on flash
        return record
