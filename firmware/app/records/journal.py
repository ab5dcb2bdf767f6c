"""The append-only log in flash: two rings, events and faults."""

import binascii

from pumpcore.faults.faults import Refusal
from pumpcore.flash import slots
from pumpcore.units import const
from pumpcore.wire import records

if 0:  # for the type checker alone
    from app.types import Appender, Clock, Flash, Gaps, Iterator, LedgerRecord, Payload, Reader, Walked

# --- ring --------------------------------------------------------------------------------------------------------------------
# A ring is a row of segment files, each named by its first sequence number. If there are too many, the oldest one goes.
#
# littlefs changes a file as a whole, so a power cut leaves whole records only: any other bytes are damage, never a cut.

FOLDER = const("/journal")
SEGMENT_BYTES = const(16_384)
BLOCK_BYTES = const(4096)
_WORTH_BYTES = const(256)  # with less space left in a block, the next segment waits for the next block
MOST_IN_SEGMENT = SEGMENT_BYTES // records.SHORTEST_BYTES + 1


class Segment:
    """One segment after reading: its first number, the number after its last, and its bytes, valid until the next one is read."""

    def __init__(self, first: int, behind: int, data: bytes | memoryview) -> None:
        self.first = first
        self.behind = behind
        self.data = data


class Ring:
    """One ring. Sequence numbers begin at 1 and none is used twice, so a missing number is a lost record.

    If all segments are full, the oldest goes.
    """

    def __init__(self, flash: "Flash", letter: str, segments: int, firsts: list[int], buffer: bytearray | None = None) -> None:
        """`firsts`: the first number of each existing segment. Power-up finds the ring's end (app.startup.recovery)."""
        self.flash = flash
        self.buffer = buffer  # for a whole segment, during power-up: a piece of that size may not be free later
        self.letter = letter
        self.most_segments = segments
        self.file: "Appender | None" = None
        # the newest segment if it is whole, during power-up
        self.newest: "Walked | None" = None
        self.mark = (0, 0, 0)  # (segment, sequence, offset) after the last read
        self._reading = 0  # the segment that `_reader` has open
        self._reader: "Reader | None" = None
        self.next_sequence = 0
        self.last_boot = -1
        self.firsts = firsts
        self.newest_bytes = 0

    def path(self, first: int) -> str:
        """Return the path of the segment that begins with `first`."""
        return "%s/%s%08x" % (FOLDER, self.letter, first)

    def skip(self, known: int) -> None:
        """Unknown records were lost, `known` the last of them that is known: continue with a number that none of them can have had."""
        self.next_sequence = min(max(self.next_sequence, known) + MOST_IN_SEGMENT, records.HIGHEST_SEQUENCE)
        self.give_up_segment()

    def read_whole(self, first: int) -> memoryview | None:
        """Return the bytes of a segment, valid until the next call; None if it cannot be read.

        It may be a folder, or contain a block that the file system finds damaged.
        """
        buffer = self.buffer or bytearray(SEGMENT_BYTES)
        try:
            with self.flash.open(self.path(first)) as file:
                return memoryview(buffer)[: file.readinto(buffer)]
        except OSError:
            return None

    def append(self, name: str, stamp: tuple[int, int, int], values: "Payload") -> None:
        """Write one record, durable when this returns. `stamp` is (boot, uptime_ms, utc_s). An OSError passes."""
        boot, uptime_ms, utc_s = stamp
        if self.next_sequence >= records.HIGHEST_SEQUENCE:  # a host may still ask for the number after the last
            raise OSError("no sequence number is left")
        raw = records.encode_record(name, (boot, self.next_sequence, uptime_ms, utc_s), values)
        handle = self._room_for(len(raw))
        handle.write(raw)
        handle.flush()
        self.newest_bytes += len(raw)
        self.next_sequence += 1

    def _room_for(self, size_bytes: int) -> "Appender":
        if not self.firsts or self.newest_bytes + size_bytes > SEGMENT_BYTES:
            self._rotate()
        if self.file is None:
            self.file = self.flash.append(self.path(self.firsts[-1]))
        return self.file

    def _rotate(self) -> None:
        self.close()
        self.let_go()
        if self.firsts and self.firsts[-1] == self.next_sequence:  # it has no whole record, only the remains of a failed write
            self.flash.remove(self.path(self.firsts.pop()))
        while len(self.firsts) >= self.most_segments:
            oldest = self.firsts.pop(0)
            try:
                self.flash.remove(self.path(oldest))
            except OSError:  # something that is no file stays; if the flash fails, it will refuse the record too
                continue
        self.firsts.append(self.next_sequence)
        self.newest_bytes = 0

    def close(self) -> None:
        """Close the file; a handle that failed must not be written again."""
        handle, self.file = self.file, None
        if handle is not None:
            handle.close()

    def give_up_segment(self) -> None:
        """A write failed: never append to its remains; the next record begins a new segment."""
        self.newest_bytes = SEGMENT_BYTES
        self.close()

    def first_sequence(self) -> int:
        """Return the lowest sequence number that can still be read; `next_sequence` if there is none."""
        return self.firsts[0] if self.firsts else self.next_sequence

    def read(self, from_sequence: int, buffer: bytearray, checked: bool = True) -> tuple[int, int]:
        """Read into `buffer`. Return (bytes of whole records from `from_sequence` on, sequence after the last).

        A damaged record ends the read; asked for that record, the ring returns the next whole ones, with a higher number. Without
        `checked`, damaged records are included. Keeps a segment open for the next call: use `let_go` if there is none.
        """
        sequence, filled, searched = max(from_sequence, self.first_sequence()), 0, False
        while sequence < self.next_sequence and (not filled or len(buffer) - filled >= _WORTH_BYTES):
            first, behind = self._around(sequence)
            offset = self.seek(first, sequence, buffer)
            part = memoryview(buffer)[filled:]
            size_bytes = self.fill(first, offset, part) if offset >= 0 else 0
            end, count = records.whole_run(part[:size_bytes], behind - sequence, checked)
            if not count or records.sequence_of(part) != sequence:
                if filled:
                    break
                sequence = behind if searched else self.search(first, behind, sequence)
                searched = sequence < behind
                continue
            filled, sequence, searched = filled + end, sequence + count, False
            self.mark = (first, sequence, offset + end)
            if sequence < behind:
                break
        return filled, sequence

    def search(self, first: int, behind: int, sequence: int) -> int:
        """Return the next whole record of a damaged segment from `sequence` on, ready for `seek`; `behind` if there is none."""
        data = self.read_whole(first) or b""
        for at in load_gaps().whole_records(data, first, behind):
            found = records.sequence_of(data, at)
            if found >= sequence:
                self.mark = (first, found, at)
                return found
        return behind

    def _around(self, sequence: int) -> tuple[int, int]:
        """Return the first sequence number of the segment of `sequence`, and the one after its last."""
        firsts, low, high = self.firsts, 0, len(self.firsts)
        while high - low > 1:
            middle = (low + high) // 2
            if firsts[middle] <= sequence:
                low = middle
            else:
                high = middle
        return firsts[low], firsts[high] if high < len(firsts) else self.next_sequence

    def seek(self, first: int, sequence: int, buffer: bytearray) -> int:
        """Return the offset of the record `sequence` in its segment; -1 if there is damage before it."""
        known, reached, offset = self.mark
        if known != first or reached > sequence:
            reached, offset = first, 0
        while reached < sequence:
            size_bytes = self.fill(first, offset, buffer)
            end, count = records.whole_run(memoryview(buffer)[:size_bytes], sequence - reached)
            if not count:
                return -1
            reached, offset = reached + count, offset + end
        return offset

    def fill(self, first: int, offset: int, buffer: bytearray | memoryview) -> int:
        """Fill `buffer` from `offset` of a segment on. Return how many bytes there were."""
        if self._reading != first or first == self.firsts[-1]:  # an open file does not show what was appended since
            self.let_go()
            try:
                self._reader = self.flash.open(self.path(first))
            except OSError:  # its records are a gap
                return 0
            self._reading = first
        self._reader.seek(offset)
        return self._reader.readinto(buffer)

    def let_go(self) -> None:
        """Close the segment read last: an open segment must not be removed."""
        reader, self._reader = self._reader, None
        self._reading = 0
        if reader is not None:
            reader.close()

    def segments(self, end: int = 0) -> "Iterator[Segment]":
        """Yield each segment, newest first; only those before number `end` if given."""
        behind = end or self.next_sequence
        for first in reversed(self.firsts[:]):
            if end and first >= end:
                continue
            if first not in self.firsts:  # it was dropped meanwhile as the oldest one
                return
            yield Segment(first, behind, self.read_whole(first) or b"")
            behind = first

    def starts(self, first: int, behind: int, data: bytes | memoryview) -> list[int]:
        """Return the offset of each whole record of a segment, also after damage. Refusal `not_loaded`."""
        newest = self.newest
        if newest is not None and newest.first == first and newest.size_bytes == len(data) and len(newest.starts) == behind - first:
            return newest.starts
        starts = records.record_starts(data)
        if starts and len(starts) == behind - first and records.sequence_of(data, starts[-1]) == behind - 1:
            return starts
        return load_gaps().whole_records(data, first, behind)


def load_gaps() -> "Gaps":
    """Return the module that only a damaged journal needs. Refusal `not_loaded`."""
    try:
        from pumpcore.wire import gaps
    except (ImportError, OSError, MemoryError) as error:
        raise Refusal("not_loaded", cause=repr(error)[:80])
    return gaps


# --- journal -----------------------------------------------------------------------------------------------------------------
# A record is on flash when `append` returns: for what is about to happen. `post` keeps a record that only reports in memory until the loop
# has a turn for it.

MOST_POSTED = const(64)
# From here on an alarm forbids therapy at power-up: long before a number would be used again.
NUMBERS_END = const((1 << 32) - (1 << 24))
BOOTS_END = const((1 << 23) - (1 << 16))  # a token has 23 bits for it
_BOOTS_KEPT = const(1 << 14)


class JournalError(Exception):
    """The flash refused a record."""


class Journal:
    """Both rings, the boot number and the stamp of each record. `identity`: 32 hex digits (pumpcore.flash.slots), "" if never set."""

    def __init__(self, flash: "Flash", clock: "Clock", events: Ring, faults: Ring) -> None:
        self.broken = False
        self.flash = flash
        self.clock = clock
        self.rings = {"events": events, "faults": faults}
        self.boot = (events.last_boot if events.last_boot >= 0 else faults.last_boot) + 1 or 1
        self.identity = ""
        self.boots = 0
        self.posted: "list[tuple[str, str, tuple[int, int, int], Payload]]" = []
        self.lost = 0

    def lend(self, buffer: bytearray) -> None:
        """Read whole segments into this buffer, until `built`."""
        for ring in self.rings.values():
            ring.buffer = buffer

    def built(self) -> None:
        """Power-up has read what it needs: free the buffer."""
        for ring in self.rings.values():
            ring.buffer = ring.newest = None

    def identify(self, identity: bytes, boots: int) -> None:
        """Use the stored identity. `boots`, a recent boot number, gives the upper bits of the present one; 0: none."""
        self.identity = binascii.hexlify(identity).decode() if any(identity) else ""
        self.boots = boots
        if boots:
            behind = (boots - self.boot + 1) & 0xFFFF
            self.boot = boots - (behind if behind < 0x8000 else behind - 0x10000) + 1

    def keep_boots(self, wanted: bool = False) -> None:
        """Store the boot number, once in 16,384 boots or `wanted`. Raises JournalError if the flash refuses."""
        if not wanted and self.boot - self.boots < _BOOTS_KEPT:
            return
        try:
            self.flash.write(slots.IDENTITY_PATH, slots.pack_identity(self.identity_bytes(), self.boot))
        except OSError as error:
            raise JournalError(str(error))

    def identity_bytes(self) -> bytes:
        """Return the identity as 16 bytes; zeros if there is none."""
        return binascii.unhexlify(self.identity or "0" * 32)

    def ends(self) -> bool:
        """Return True if sequence or boot numbers are near their end."""
        return self.boot >= BOOTS_END or any([ring.next_sequence >= NUMBERS_END for ring in self.rings.values()])

    def catch_up(self, record: "LedgerRecord") -> None:
        """Detect that the newest events are lost, and skip their numbers.

        Every boot is journaled in `events` before anything else is written, and a ledger record names the newest event. So events are lost
        if they have no boot although alarms or a ledger have one, or if the ledger names more of them.
        """
        events, faults = self.rings["events"], self.rings["faults"]
        known = record.events_sequence
        alone = events.last_boot < 0 and (faults.last_boot >= 0 or record.sequence > 0)
        if alone or known >= events.next_sequence:
            events.skip(known)
            if faults.last_boot < 0:  # they may be incomplete too
                faults.skip(0)
            self.boot = max(self.boot, record.boot + 1)

    def append(self, name: str, values: "Payload", ring: str = "events") -> None:
        """Write one record of `name`, durable when this returns. Raises JournalError if the flash refuses."""
        stamp = (self.boot, self.clock.uptime_ms(), self.clock.utc_s())
        self.write(ring, name, stamp, values)

    def write(self, ring: str, name: str, stamp: tuple[int, int, int], values: "Payload") -> None:
        try:
            self.rings[ring].append(name, stamp, values)
            self.broken = False
        except OSError as error:
            self.broken = True
            self.close(ring)
            raise JournalError(str(error))

    def close(self, ring: str) -> None:
        """Close the failed file. Closing may fail too, which is no further news."""
        try:
            self.rings[ring].give_up_segment()
        except OSError:
            self.broken = True

    def post(self, name: str, values: "Payload", ring: str = "events") -> None:
        """Keep a record, stamped now, for the next free turn. With a broken flash the newest 64 are kept; `lost` counts the others."""
        if len(self.posted) >= MOST_POSTED:
            self.posted.pop(0)
            self.lost += 1
        self.posted.append((ring, name, (self.boot, self.clock.uptime_ms(), self.clock.utc_s()), values))

    def write_posted(self) -> None:
        """Write the oldest posted record. Raises JournalError if the flash refuses; the record is then kept."""
        if self.posted:
            self.write(*self.posted[0])
            self.posted.pop(0)
