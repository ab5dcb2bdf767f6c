"""journal.read: raw records from a sequence number on, at most 4 KiB a request, announced by count and CRC-32."""

from app.journal import BLOCK_BYTES
from app.pump import Pump
from pumpcore.faults import Refusal
from pumpcore.wire import records
from pumpcore.wire.frame import crc_text


def journal_read(pump: Pump, params: dict) -> tuple:
    """`first_sequence` above what was asked tells of records that are gone. Refusal `sequence_ahead`."""
    ring = pump.journal.rings[params["ring"]]
    wanted = params["from_sequence"]
    if wanted > ring.next_sequence:
        raise Refusal("sequence_ahead", asked=wanted, nearest=ring.next_sequence)
    raw, next_sequence = ring.read(wanted, BLOCK_BYTES)
    answer = {
        "ring": params["ring"],
        "bytes": len(raw),
        "crc32": crc_text(raw).decode(),
        "first_sequence": records.sequence_of(raw) if raw else next_sequence,
        "next_sequence": next_sequence,
        "last_sequence": ring.next_sequence - 1,
    }
    return answer, raw
