"""Journal files like those of a pump that has run for weeks: whole records, full segments."""

from __future__ import annotations

from app.delivery.leases import PATHS
from app.records.journal import FOLDER, SEGMENT_BYTES
from pumpcore.flash import ledger, slots
from pumpcore.wire import record_types, records
from thecal.sim.guest.image import Files

TOTAL_MS = 300_000
_BEGIN_UTC_S = 1_767_571_200
_STEPS_PER_TOTAL = 8_333


def segments(count: int, spare_bytes: int = 0, ring: str = "e") -> Files:
    """Return `count` segments of five-minute totals; the last one has at least `spare_bytes` left."""
    files: Files = {}
    sequence = 1
    for number in range(count):
        room = SEGMENT_BYTES - (spare_bytes if number == count - 1 else 0)
        data, first = bytearray(), sequence
        while True:
            record = _total(sequence)
            if len(data) + len(record) > room:
                break
            data += record
            sequence += 1
        files[f"{FOLDER}/{ring}{first:08x}"] = bytes(data)
    return files


def beside(files: Files) -> Files:
    """Return the other files of a stopped pump with these segments: identity, and a ledger as new as its last total.

    Without the ledger it would start with an alarm, without the identity it would search its whole journal for one.
    """
    kept = ledger.LedgerRecord()
    kept.sequence = kept.boot = 1
    events = sorted(path for path in files if path.startswith(f"{FOLDER}/e"))
    if events:
        last = record_types.decode(files[events[-1]])[0][-1]
        kept.leased_steps = kept.confirmed_steps = last.fields["leased_steps"]
        kept.powered_on_s, kept.events_sequence = last.fields["powered_on_s"], last.sequence
    return {PATHS[kept.sequence % len(PATHS)]: ledger.pack_record(kept), slots.IDENTITY_PATH: slots.pack_identity(bytes(range(16)), 1)}


def _total(sequence: int) -> bytes:
    steps, uptime_ms = sequence * _STEPS_PER_TOTAL, sequence * TOTAL_MS
    stamp = (1, sequence, uptime_ms, _BEGIN_UTC_S + uptime_ms // 1000)
    return records.encode_record("total", stamp, (steps + 99, steps, steps + 1_700, uptime_ms // 1000))
