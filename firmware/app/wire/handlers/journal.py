"""Handler of journal.read."""

import binascii

from app.pump import Pump
from app.records.journal import BLOCK_BYTES
from app.wire.session import Bulk
from pumpcore.faults.faults import Refusal
from pumpcore.units import const
from pumpcore.wire import records

if 0:  # for the type checker alone
    from app.types import Reading

_block = bytearray(BLOCK_BYTES)  # allocated once, while this module is loaded: one for each answer would soon fill the heap
_SIZES = const(b'", "bytes": %d, "crc32": "%08x", "first_sequence": %d, "next_sequence": %d, "last_sequence": %d, "more": ')


def journal_read(pump: Pump, params: "Reading") -> Bulk:
    """Return a block of a ring's records from `from_sequence` on, and how to go on if more blocks were asked for.

    A `first_sequence` higher than asked shows that records are gone. From the second block on the host checks the records, and asks again
    at a damaged one. Refusal `sequence_ahead`.
    """
    ring = pump.journal.rings[params["ring"]]
    wanted = params["from_sequence"]
    if wanted > ring.next_sequence:
        raise Refusal("sequence_ahead", asked=wanted, nearest=ring.next_sequence)
    size_bytes, next_sequence = ring.read(wanted, _block, "goes_on" not in params)
    raw = memoryview(_block)[:size_bytes]
    first_sequence = records.sequence_of(raw) if raw else next_sequence
    left = params["blocks"] - 1
    more = left > 0 and next_sequence < ring.next_sequence
    if not more:
        ring.let_go()
    told = _SIZES % (size_bytes, binascii.crc32(raw), first_sequence, next_sequence, ring.next_sequence - 1)
    answer = b"".join((b'{"ring": "', params["ring"].encode(), told, b"true}" if more else b"false}"))
    rest = {"ring": params["ring"], "from_sequence": next_sequence, "blocks": left, "goes_on": 1} if more else None
    return Bulk(answer, raw, rest)
