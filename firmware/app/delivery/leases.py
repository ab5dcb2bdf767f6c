"""What may be stepped: the ledger in flash, the pump's totals, and the next lease, written before its first step (R2, R5)."""

import errno

from app.delivery.span import Span
from app.records.wall import WallClock
from pumpcore.flash import ledger
from pumpcore.limits.ceilings import Ceilings, Windows
from pumpcore.orders.bolus import EXTENDED
from pumpcore.units import MS_PER_S, S_PER_HOUR, S_PER_MINUTE, const

if 0:  # for the type checker alone
    from app.types import Clock, Flash, Ring

# --- ledger ------------------------------------------------------------------------------------------------------------------
# Three small files in rotation, each a whole record; the newest valid one counts.

FILES = const(3)
PATHS = const(("/ledger/0", "/ledger/1", "/ledger/2"))
_MOST_STEPS = const(1 << 62)  # centuries: no pump has made them


class LedgerFiles:
    """Write and recover LedgerRecords. `record` is the one last written or found. An OSError passes.

    `damaged`: a file is invalid, or is not the one that belongs beside the newest. `failed`: there is no folder to write to. `behind`: the
    record was older than the journal (`advance`). `stopped`: the journal has the end of its last lease. While the ledger is not `sound`,
    its files stay as they were found until somebody acknowledges.
    """

    def __init__(self, flash: "Flash") -> None:
        self.flash = flash
        self.damaged = self.behind = self.failed = self.stopped = False
        try:
            flash.make_folder("/ledger")
        except OSError:
            self.failed = True
        self.record = self._recover()

    def _recover(self) -> ledger.LedgerRecord:
        found = [self._valid(number) for number in range(FILES)]
        newest = None
        for record in found:
            if record is not None and (newest is None or record.sequence > newest.sequence):
                newest = record
        if newest is None:
            return ledger.LedgerRecord()
        for sequence in range(max(1, newest.sequence - FILES + 1), newest.sequence):  # the rotation puts each record in its own file
            record = found[sequence % FILES]
            if record is None or record.sequence != sequence:
                self.damaged = True
        return newest

    def _valid(self, number: int) -> ledger.LedgerRecord | None:
        """Return None if the file is missing, damaged, or was created by a write that a power cut ended."""
        try:
            image = self.flash.read(PATHS[number])
            record = ledger.unpack_record(image) if image else None
            if record is None or record.leased_steps < _MOST_STEPS:
                return record
            self.damaged = True
        except OSError as error:
            self.damaged = self.damaged or error.errno != errno.ENOENT
        except ValueError:
            self.damaged = True
        return None

    def advance(self, position_steps: int) -> None:
        """The journal shows that the record is outdated: use the larger position, and nothing is open."""
        self.behind = True
        record = self.record
        record.leased_steps = record.confirmed_steps = max(record.leased_steps, position_steps)

    def sound(self) -> bool:
        """Return True if the files were found as they should be."""
        return not self.damaged and not self.behind

    def renew(self, record: ledger.LedgerRecord) -> None:
        """Write `record` as the newest until no damaged file is left. Raises OSError if one stays."""
        for _ in range(FILES):
            self.write(record)
            self.damaged = self.behind = False
            self._recover()
            if not self.damaged:
                return
        raise OSError(errno.EIO)

    def vouch(self, powered_on_s: int, events_sequence: int) -> None:
        """Write the record of a stopped pump again, with the journal's present end."""
        record = ledger.unpack_record(ledger.pack_record(self.record))
        record.powered_on_s, record.events_sequence = powered_on_s, events_sequence
        self.write(record)

    def write(self, record: ledger.LedgerRecord) -> None:
        """Write `record` as the newest; durable when this returns."""
        record.sequence = self.record.sequence + 1
        self.flash.write(PATHS[record.sequence % FILES], ledger.pack_record(record))
        self.record = record


# --- book --------------------------------------------------------------------------------------------------------------------
# The pump's totals that outlive a reset, and the ledger record that holds them.

# 136 years. There it stands still: no lockout and no window ends any more, and sums still fit in 32 bits.
_MOST_S = const((1 << 32) - (1 << 20))


class Book:
    """`uncertain_steps`: sum of what power cuts left open. `resumes_s`: powered-on times of the last three resumes."""

    def __init__(self, clock: "Clock", wall: WallClock, files: LedgerFiles, powered_on_s: int) -> None:
        self.clock = clock
        self.wall = wall
        self.base_s = powered_on_s
        self.uncertain_steps = files.record.uncertain_steps
        self.resumes_s = files.record.resumes_s
        self.program_digest = files.record.program_digest
        self.missed_steps = 0
        self.demand_s = files.record.demand_s
        self.position_steps = files.record.leased_steps
        self.files = files
        self.events: "Ring | None" = None  # the ring, once there is a pump

    def powered_on_s(self) -> int:
        """Return the seconds that this pump has been powered, over all boots; time off counts as 0 (R5)."""
        return self.powered_on_at_s(self.clock.uptime_ms())

    def powered_on_at_s(self, uptime_ms: int) -> int:
        """Return the powered-on second of an uptime of this boot; always the same for the same uptime."""
        return min(self.base_s + uptime_ms // MS_PER_S, _MOST_S)

    def last_record(self) -> ledger.LedgerRecord:
        """Return the record that is on flash now."""
        return self.files.record

    def resumes_in_hour(self) -> int:
        """Return the number of resumes within the last powered-on hour."""
        now_s = self.powered_on_s()
        return sum([1 for at_s in self.resumes_s if at_s and now_s - at_s < S_PER_HOUR])

    def note_resume(self) -> None:
        """Keep the present second as the newest resume."""
        self.resumes_s = self.resumes_s[1:] + [max(1, self.powered_on_s())]

    def record(self, state: int, ahead_s: int) -> ledger.LedgerRecord:
        """Return a new record of everything in this book. `until_utc_s` is `ahead_s` from now, 0 if unknown."""
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


# --- leases ------------------------------------------------------------------------------------------------------------------
# Each lease is checked against the rolling ceilings and written to flash before its first step (R2, R5).

LEASE_S = const(60)
# The guard's hardware stops one motor step late, so the dose steps that it can bring are booked in flash as part of the lease.
GUARD_MARGIN_STEPS = const(1)


class Leases:
    """`windows` has the steps leased in the last hour and day, by powered-on time.

    `margin_steps`: the most dose steps of one motor step, by volume those of the dearest.
    """

    margin_steps = GUARD_MARGIN_STEPS

    def __init__(self, files: LedgerFiles, windows: Windows, boot: int) -> None:
        self.files = files
        self.windows = windows
        self._boot = boot

    def length_s(self, span: Span, powered_on_s: int) -> int:
        """Return the seconds of the next lease: up to 60 of basal, 5 of a bolus; never across an entry, a bolus's end or a bucket."""
        to_bucket_s = S_PER_MINUTE - powered_on_s % S_PER_MINUTE
        length_s = min(LEASE_S, to_bucket_s, span.basal.until_change_s(span.planned_s))
        if span.bolus is not None:
            length_s = min(length_s, span.bolus.lease_s(), span.bolus.rest_s())
        return length_s

    def extend(self, span: Span, ceilings: Ceilings, powered_on_s: int, record: ledger.LedgerRecord) -> str:
        """Lease from `span.planned_s` on. Return "" or the limit that forbids it. Raises OSError if flash fails.

        `powered_on_s` belongs to `span.planned_s`. `record` has what the caller knows: state, confirmed steps, UTC of `span.planned_s`,
        program, resumes.
        """
        length_s = self.length_s(span, powered_on_s)
        basal_steps, bolus_steps = span.peek(length_s)
        target = span.ordered_steps + basal_steps + bolus_steps
        more = max(0, target - span.leased_steps)
        self.windows.move_to(powered_on_s // S_PER_MINUTE)
        if target + self.margin_steps > span.empty_at_steps:
            return "reservoir_empty"
        full = self.windows.full(ceilings, more)
        if full:
            return full
        span.leased_steps = target  # gives back what the lease before held for something cancelled since
        self.fill(record, span, length_s, bolus_steps)
        record.leased_steps = span.leased_steps + self.margin_steps
        record.ahead_steps = record.leased_steps - target + span.basal.owed_steps(*span.flow(length_s))
        self.files.write(record)
        self.windows.add(more)
        span.lease_end_s = span.planned_s + length_s
        return ""

    def fill(self, record: ledger.LedgerRecord, span: Span, length_s: int, bolus_steps: int) -> None:
        record.boot = self._boot
        record.lease_s = length_s
        record.entry = span.entry
        record.basal_remainder = span.basal.remainder_in(*span.flow(length_s))
        if span.basal.course is not None:
            record.protocol_s = span.basal.course.position_s(span.planned_s + length_s)
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
        """Write that nothing is open: leased = confirmed = `position_steps`. Raises OSError if flash fails."""
        record.boot = self._boot
        record.leased_steps = record.confirmed_steps = position_steps
        if self.files.sound():
            self.files.write(record)
        else:
            self.files.renew(record)
