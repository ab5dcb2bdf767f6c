"""journal.read: raw records from a sequence number on, in blocks of at most 4 KiB, each announced by count and CRC-32."""

from app.journal import BLOCK_BYTES
from app.pump import Pump
from pumpcore.faults import Refusal
from pumpcore.wire import records
from pumpcore.wire.frame import crc_text

_block = bytearray(BLOCK_BYTES)  # as long as this module is loaded: a new one for each answer would soon fill the heap


def journal_read(pump: Pump, params: dict) -> tuple:
    """`first_sequence` above what was asked tells of records that are gone. With `more` comes what to go on with. Refusal
    `sequence_ahead`."""
    ring = pump.journal.rings[params["ring"]]
    wanted = params["from_sequence"]
    if wanted > ring.next_sequence:
        raise Refusal("sequence_ahead", asked=wanted, nearest=ring.next_sequence)
    size_bytes, next_sequence = ring.read(wanted, _block)
    raw = memoryview(_block)[:size_bytes]
    left = params["blocks"] - 1
    more = left > 0 and next_sequence < ring.next_sequence
    answer = {
        "ring": params["ring"],
        "bytes": size_bytes,
        "crc32": crc_text(raw).decode(),
        "first_sequence": records.sequence_of(raw) if raw else next_sequence,
        "next_sequence": next_sequence,
        "last_sequence": ring.next_sequence - 1,
        "more": more,
    }
    return answer, raw, {"ring": params["ring"], "from_sequence": next_sequence, "blocks": left} if more else None
