"""Find the records of one token in a ring. Loaded for bolus.status, and at power-up if a bolus was cut."""

from app.records.journal import BLOCK_BYTES
from pumpcore.wire import records

if 0:  # for the type checker alone
    from app.types import Ring


def before(ring: "Ring", behind: int) -> int:
    """Return the first number of the segment that ends with `behind`; 0 if there is none."""
    older = [first for first in ring.firsts if first < behind]
    return older[-1] if older else 0


def whole_from(ring: "Ring", first: int, behind: int, buffer: bytearray) -> int:
    """Return the lowest number of a segment from which on no record is missing up to `behind`. Refusal `not_loaded`."""
    if _is_whole(ring, first, behind, buffer):
        return first
    data = ring.read_whole(first) or b""
    for at in reversed(ring.starts(first, behind, data)):
        if records.sequence_of(data, at) != behind - 1:
            break
        behind -= 1
    return behind


def _is_whole(ring: "Ring", first: int, behind: int, buffer: bytearray) -> bool:
    """Return True if a segment has every record up to `behind`."""
    offset, sequence, end = 0, first, 1
    while end and sequence < behind:
        try:
            view = memoryview(buffer)[: ring.fill(first, offset, buffer)]
        except OSError:
            return False
        end, count = records.whole_run(view, behind - sequence)
        if end and records.sequence_of(view) != sequence:
            return False
        offset, sequence = offset + end, sequence + count
    return sequence == behind


def naming(ring: "Ring", first: int, behind: int, raw: bytes, buffer: bytearray) -> list[bytes]:
    """Return each whole record of a segment that contains `raw`, newest first.

    It uses a small buffer: a full ring exceeds the memory, and allocations of each segment would have to be collected.
    """
    return _naming_in(ring, first, behind, raw, buffer)[::-1] if _holds(ring, first, raw, buffer) else []


def _holds(ring: "Ring", first: int, raw: bytes, buffer: bytearray) -> bool:
    """Return True if `raw` is in a segment, or seldom in old content of the buffer: that costs one search for nothing."""
    offset, size_bytes = 0, BLOCK_BYTES
    while size_bytes == BLOCK_BYTES:
        try:
            size_bytes = ring.fill(first, offset, buffer)
        except OSError:
            return False
        if raw in buffer:
            return True
        offset += BLOCK_BYTES - len(raw) + 1
    return False


def _naming_in(ring: "Ring", first: int, behind: int, raw: bytes, buffer: bytearray) -> list[bytes]:
    """Return those of a segment, oldest first; also those after damage. Refusal `not_loaded`."""
    if not _is_whole(ring, first, behind, buffer):
        data = ring.read_whole(first) or b""
        found = [bytes(data[at : at + data[at]]) for at in ring.starts(first, behind, data)]
        return [record for record in found if raw in record]
    found, offset, end = [], 0, 1
    while end:
        view = memoryview(buffer)[: ring.fill(first, offset, buffer)]
        end, _ = records.whole_run(view, len(view))
        at, offset = 0, offset + end
        while at < end:
            record = bytes(view[at : at + view[at]])
            if raw in record:
                found.append(record)
            at += len(record)
    return found
