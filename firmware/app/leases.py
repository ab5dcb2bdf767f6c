"""What may be stepped: the next lease, checked against the rolling ceilings and written to flash before its first step (R2, R5)."""

from app.ledger import LedgerFiles
from app.span import Span
from pumpcore import ledger
from pumpcore.bolus import EXTENDED
from pumpcore.ceilings import Ceilings, Windows
from pumpcore.units import S_PER_MINUTE

LEASE_S = 60
# The guard's hardware stops one step late; flash books that step so that it stays inside the lease.
GUARD_MARGIN_STEPS = 1


class Leases:
    """`windows` holds what was leased in the last hour and day; `powered_on_s` counts the pump's powered time."""

    def __init__(self, files: LedgerFiles, windows: Windows, boot: int) -> None:
        self.files = files
        self.windows = windows
        self._boot = boot

    def length_s(self, span: Span, powered_on_s: int) -> int:
        """Seconds of the next lease: up to 60 of basal, 5 of a bolus; never across an entry, a bolus's end or a bucket."""
        to_bucket_s = S_PER_MINUTE - powered_on_s % S_PER_MINUTE
        length_s = min(LEASE_S, to_bucket_s, span.basal.until_change_s(span.planned_s))
        if span.bolus is not None:
            length_s = min(length_s, span.bolus.lease_s(), span.bolus.rest_s())
        return length_s

    def extend(self, span: Span, ceilings: Ceilings, powered_on_s: int, record: ledger.LedgerRecord) -> str:
        """Leases from `span.planned_s` on. "" when done, else the limit that forbids it; OSError when flash fails.

        `powered_on_s` belongs to `span.planned_s`. `record` brings what the caller knows: state, confirmed steps, UTC
        of `span.planned_s`, program, resumes.
        """
        length_s = self.length_s(span, powered_on_s)
        basal_steps, bolus_steps = span.peek(length_s)
        target = span.ordered_steps + basal_steps + bolus_steps
        more = max(0, target - span.leased_steps)
        self.windows.move_to(powered_on_s // S_PER_MINUTE)
        if target + GUARD_MARGIN_STEPS > span.empty_at_steps:
            return "reservoir_empty"
        full = self.windows.full(ceilings, more)
        if full:
            return full
        span.leased_steps = target  # what the lease before held more, of what has been cancelled, is given back
        self._fill(record, span, length_s, bolus_steps)
        record.leased_steps = span.leased_steps + GUARD_MARGIN_STEPS
        record.ahead_steps = record.leased_steps - target + span.basal.owed_steps(span.rate_nl, length_s)
        self.files.write(record)
        self.windows.add(more)
        span.lease_end_s = span.planned_s + length_s
        return ""

    def _fill(self, record: ledger.LedgerRecord, span: Span, length_s: int, bolus_steps: int) -> None:
        record.boot = self._boot
        record.lease_s = length_s
        record.entry = span.entry
        record.basal_remainder = span.basal.remainder_in(span.rate_nl, length_s)
        if record.until_utc_s:
            record.until_utc_s += length_s
        bolus = span.bolus
        if bolus is not None and bolus.purpose == EXTENDED:
            record.extended_token = int(bolus.token, 16)
            record.extended_steps = bolus.planned_steps + bolus_steps
        elif bolus is not None:
            record.bolus_token = int(bolus.token, 16)
            record.bolus_steps = bolus.planned_steps + bolus_steps

    def close(self, record: ledger.LedgerRecord, position_steps: int) -> None:
        """Nothing is open any more: leased = confirmed = `position_steps`. OSError when flash fails."""
        record.boot = self._boot
        record.leased_steps = record.confirmed_steps = position_steps
        if self.files.sound():
            self.files.write(record)
        else:
            self.files.renew(record)
