"""Find the whole records of a damaged segment. Loaded only after damage: an intact segment needs none of it."""

import struct

from pumpcore.units import const
from pumpcore.wire import records

_PART_BYTES = const(1024)

def whole_records(data: bytes | memoryview, first: int, behind: int) -> list[int]:
    """Return the offset of each whole record of a segment whose numbers begin at `first` and end before `behind`.

    After damage the search continues at the next whole record with a higher number. The number must not be higher than the records that fit
    in the damaged bytes allow. The first record may have any number of the segment, because the segment's name may be wrong.
    """
    found, at, expected = [], 0, first
    while 0 <= at < len(data):
        length = records.whole_bytes(data, at)
        sequence = records.sequence_of(data, at) if length else 0
        if length and (sequence == expected or (not at and first <= sequence < behind)):
            found.append(at)
            at, expected = at + length, sequence + 1
        else:
            at, expected = _next(data, at, expected, behind)
    return found


def _next(data: bytes | memoryview, damaged_at: int, expected: int, behind: int) -> tuple[int, int]:
    """Return (offset, number) of the first whole record after the damage at `damaged_at`; offset -1 if there is none."""
    room = (len(data) - damaged_at) // records.SHORTEST_BYTES
    for sequence in range(expected + 1, min(behind, expected + room + 1)):
        pattern = struct.pack("<I", sequence)
        least = damaged_at + (sequence - expected) * records.SHORTEST_BYTES
        at = find(data, pattern, least + records.SEQUENCE_AT)
        while at >= 0:
            if records.whole_bytes(data, at - records.SEQUENCE_AT):
                return at - records.SEQUENCE_AT, sequence
            at = find(data, pattern, at + 1)
    return -1, 0


def find(data: bytes | memoryview, value: bytes, start: int) -> int:
    """Return the offset of `value` at or after `start`, -1 if there is none. A memoryview has no `find`."""
    for at in range(start, len(data), _PART_BYTES):
        found = bytes(data[at : at + _PART_BYTES + len(value) - 1]).find(value)
        if found >= 0:
            return at + found
    return -1


class Lost:
    """Lost records of a segment: first and last number; their bytes if a whole record follows, else -1; whole records before them."""

    def __init__(self, first: int, last: int, size_bytes: int, before: int) -> None:
        self.first = first
        self.last = last
        self.size_bytes = size_bytes
        self.before = before


def lost_in(data: bytes | memoryview, starts: list[int], first: int, behind: int) -> list[Lost]:
    """Return the gaps of a segment."""
    found, expected, end = [], first, 0
    for count, at in enumerate(starts):
        sequence = records.sequence_of(data, at)
        if sequence > expected:
            found.append(Lost(expected, sequence - 1, at - end, count))
        expected, end = sequence + 1, at + data[at]
    if expected < behind:
        found.append(Lost(expected, behind - 1, -1, len(starts)))
    return found


def next_after(data: bytes | memoryview, starts: list[int], first: int) -> int:
    """Return the lowest number that no record of a damaged newest segment can have had."""
    end, behind = 0, first
    if starts:
        end, behind = starts[-1] + data[starts[-1]], records.sequence_of(data, starts[-1]) + 1
    return behind + (len(data) - end + records.SHORTEST_BYTES - 1) // records.SHORTEST_BYTES
