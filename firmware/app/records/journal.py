"""The append-only log in flash: two rings, events and faults."""

import binascii

from pumpcore.faults.faults import Refusal
from pumpcore.units import const
from pumpcore.wire import records

if 0:  # for the type checker alone
    from app.types import Appender, Clock, Flash, Gaps, Iterator, LedgerRecord, Payload, Reader

# --- ring --------------------------------------------------------------------------------------------------------------------
# One ring of the journal: segment files named by the sequence number they begin with, the oldest of which goes when there are too many.
#
# littlefs changes a file as a whole, so a cut leaves whole records only: bytes that are no whole record are damage, never a cut.

FOLDER = "/journal"
SEGMENT_BYTES = 16_384
BLOCK_BYTES = 4096
_WORTH_BYTES = const(256)  # where less than that is left of a block, the next segment waits for the next one
MOST_IN_SEGMENT = SEGMENT_BYTES // records.SHORTEST_BYTES + 1


class Ring:
    """One ring. Sequence numbers begin at 1 and none is used twice: one that is missing is of a record that was lost. The oldest
    segment goes when `segments` are full."""

    def __init__(self, flash: "Flash", letter: str, segments: int, firsts: list[int], buffer: bytearray | None = None) -> None:
        """`firsts`: the first number of each segment that is there. Power-up finds where the ring ends (app.startup.recovery)."""
        self.flash = flash
        self.buffer = buffer  # for a whole segment, while the pump starts: a piece of that size may not be there later
        self._letter = letter
        self.most_segments = segments
        self._handle: "Appender | None" = None
        # (segment, bytes, starts) of the newest one, if it is whole, while the pump starts
        self.newest: tuple[int, int, list[int]] | None = None
        self._mark = (0, 0, 0)  # (segment, sequence, offset) behind what was read last
        self._reading = 0  # the segment that `_reader` has open
        self._reader: "Reader | None" = None
        self.next_sequence = 0
        self.last_boot = -1
        self.firsts = firsts
        self.newest_bytes = 0

    def path(self, first: int) -> str:
        return "%s/%s%08x" % (FOLDER, self._letter, first)

    def skip(self, known: int) -> None:
        """Records were lost that nothing here tells of, `known` among them: the next number is one that none of them can have had."""
        self.next_sequence = min(max(self.next_sequence, known) + MOST_IN_SEGMENT, records.HIGHEST_SEQUENCE)
        self.give_up_segment()

    def read_whole(self, first: int) -> memoryview | None:
        """The bytes of a segment, until the next one is read; None when it can't be read (a folder, a block that the file system
        finds damaged)."""
        buffer = self.buffer or bytearray(SEGMENT_BYTES)
        try:
            with self.flash.open(self.path(first)) as file:
                return memoryview(buffer)[: file.readinto(buffer)]
        except OSError:
            return None

    def append(self, name: str, stamp: tuple[int, int, int], values: "Payload") -> None:
        """Writes one record, durable when it returns; OSError passes through. `stamp` is (boot, uptime_ms, utc_s)."""
        boot, uptime_ms, utc_s = stamp
        if self.next_sequence >= records.HIGHEST_SEQUENCE:  # the number behind the last can still be asked for
            raise OSError("no sequence number is left")
        raw = records.encode(name, (boot, self.next_sequence, uptime_ms, utc_s), values)
        handle = self._room_for(len(raw))
        handle.write(raw)
        handle.flush()
        self.newest_bytes += len(raw)
        self.next_sequence += 1

    def _room_for(self, size_bytes: int) -> "Appender":
        if not self.firsts or self.newest_bytes + size_bytes > SEGMENT_BYTES:
            self._rotate()
        if self._handle is None:
            self._handle = self.flash.append(self.path(self.firsts[-1]))
        return self._handle

    def _rotate(self) -> None:
        self.close()
        self.let_go()
        if self.firsts and self.firsts[-1] == self.next_sequence:  # it holds nothing whole, only what a failed write left
            self.flash.remove(self.path(self.firsts.pop()))
        while len(self.firsts) >= self.most_segments:
            oldest = self.firsts.pop(0)
            try:
                self.flash.remove(self.path(oldest))
            except OSError:  # what is no file is left where it is; a flash that fails refuses the record too
                continue
        self.firsts.append(self.next_sequence)
        self.newest_bytes = 0

    def close(self) -> None:
        """Gives the file back; a handle that failed must not be written again."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()

    def give_up_segment(self) -> None:
        """A write failed: what it left behind is never appended to, the next record begins a new segment."""
        self.newest_bytes = SEGMENT_BYTES
        self.close()

    def first_sequence(self) -> int:
        """Lowest sequence number that can still be read; `next_sequence` when there is none."""
        return self.firsts[0] if self.firsts else self.next_sequence

    def read(self, from_sequence: int, buffer: bytearray, checked: bool = True) -> tuple[int, int]:
        """Reads into `buffer`: (bytes of whole records from `from_sequence` on, sequence behind the last of them).

        A damaged record ends what is read; asked for it, the ring answers what whole records come next, with a higher number. Not
        `checked`: damaged records are among them. Keeps a segment open for the next time: `let_go` when there is none.
        """
        sequence, filled, searched = max(from_sequence, self.first_sequence()), 0, False
        while sequence < self.next_sequence and (not filled or len(buffer) - filled >= _WORTH_BYTES):
            first, behind = self._around(sequence)
            offset = self._seek(first, sequence, buffer)
            part = memoryview(buffer)[filled:]
            size_bytes = self.fill(first, offset, part) if offset >= 0 else 0
            end, count = records.whole_run(part[:size_bytes], behind - sequence, checked)
            if not count or records.sequence_of(part) != sequence:
                if filled:
                    break
                sequence = behind if searched else self._search(first, behind, sequence)
                searched = sequence < behind
                continue
            filled, sequence, searched = filled + end, sequence + count, False
            self._mark = (first, sequence, offset + end)
            if sequence < behind:
                break
        return filled, sequence

    def _search(self, first: int, behind: int, sequence: int) -> int:
        """Number of the next whole record of a damaged segment from `sequence` on, found for `_seek`; `behind` when there is none."""
        data = self.read_whole(first) or b""
        for at in load_gaps().whole_records(data, first, behind):
            found = records.sequence_of(data, at)
            if found >= sequence:
                self._mark = (first, found, at)
                return found
        return behind

    def _around(self, sequence: int) -> tuple[int, int]:
        """First sequence number of the segment that `sequence` is in, and the one behind its last."""
        firsts, low, high = self.firsts, 0, len(self.firsts)
        while high - low > 1:
            middle = (low + high) // 2
            if firsts[middle] <= sequence:
                low = middle
            else:
                high = middle
        return firsts[low], firsts[high] if high < len(firsts) else self.next_sequence

    def _seek(self, first: int, sequence: int, buffer: bytearray) -> int:
        """Where in its segment the record `sequence` begins, -1 when damage lies before it."""
        known, reached, offset = self._mark
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
        """Fills `buffer` from `offset` of a segment on: how many bytes there were."""
        if self._reading != first or first == self.firsts[-1]:  # what was appended since it was opened is not seen
            self.let_go()
            try:
                self._reader = self.flash.open(self.path(first))
            except OSError:  # its records are a gap
                return 0
            self._reading = first
        self._reader.seek(offset)
        return self._reader.readinto(buffer)

    def let_go(self) -> None:
        """Closes what was read last; a segment that is open must not be removed."""
        reader, self._reader = self._reader, None
        self._reading = 0
        if reader is not None:
            reader.close()

    def segments(self) -> "Iterator[tuple[int, int, bytes | memoryview]]":
        """Yields (first number, number behind the last, bytes) of each segment, the newest first; the bytes until the next one."""
        behind = self.next_sequence
        for first in reversed(self.firsts):
            yield first, behind, self.read_whole(first) or b""
            behind = first

    def starts(self, first: int, behind: int, data: bytes | memoryview) -> list[int]:
        """Where each whole record of a segment begins, those behind damage too. Refusal `not_loaded`."""
        if self.newest is not None and self.newest[:2] == (first, len(data)) and len(self.newest[2]) == behind - first:
            return self.newest[2]
        starts = records.record_starts(data)
        if starts and len(starts) == behind - first and records.sequence_of(data, starts[-1]) == behind - 1:
            return starts
        return load_gaps().whole_records(data, first, behind)


def load_gaps() -> "Gaps":
    """What only a damaged journal needs. Refusal `not_loaded`."""
    try:
        from pumpcore.wire import gaps
    except (ImportError, OSError, MemoryError) as error:
        raise Refusal("not_loaded", cause=repr(error)[:80])
    return gaps


# --- journal -----------------------------------------------------------------------------------------------------------------
# The append-only log in flash: two rings, events and faults.
#
# A record is on flash when `append` returns. `post` keeps it in memory until the loop has a turn for it, for records
# that only report; those of what is about to happen are appended.

MOST_POSTED = 64
# From there on an alarm forbids therapy at power-up: long before a number would come again.
NUMBERS_END = (1 << 32) - (1 << 24)
BOOTS_END = (1 << 23) - (1 << 16)  # a token has 23 bits for it
_BOOTS_KEPT = const(1 << 14)


class JournalError(Exception):
    """The flash refused a record."""


class Journal:
    """Both rings, the boot number and the stamp of each record. `identity` is what `pumpcore.flash.slots` keeps, 32 hex digits,
    "" for a pump that was never given one."""

    def __init__(self, flash: "Flash", clock: "Clock", events: Ring, faults: Ring) -> None:
        self.broken = False
        self._flash = flash
        self._clock = clock
        self.rings = {"events": events, "faults": faults}
        self.boot = (events.last_boot if events.last_boot >= 0 else faults.last_boot) + 1 or 1
        self.identity = ""
        self._boots = 0
        self.posted: "list[tuple[str, str, tuple[int, int, int], Payload]]" = []
        self.lost = 0

    def built(self) -> None:
        """Power-up has read what it needs: gives the buffer back."""
        for ring in self.rings.values():
            ring.buffer = ring.newest = None

    def identify(self, identity: bytes, boots: int) -> None:
        """Takes over the stored identity, and the upper bits of the boot number by a boot that is not long ago; 0: there are none."""
        self.identity = binascii.hexlify(identity).decode() if any(identity) else ""
        self._boots = boots
        if boots:
            behind = (boots - self.boot + 1) & 0xFFFF
            self.boot = boots - (behind if behind < 0x8000 else behind - 0x10000) + 1

    def keep_boots(self, always: bool = False) -> None:
        """Stores where the boot numbers stand, once in 16,384 boots. JournalError when the flash refuses."""
        if not always and self.boot - self._boots < _BOOTS_KEPT:
            return
        from pumpcore.flash import slots

        try:
            self._flash.write(slots.IDENTITY_PATH, slots.pack_identity(self.identity_bytes(), self.boot))
        except OSError as error:
            raise JournalError(str(error))

    def identity_bytes(self) -> bytes:
        return binascii.unhexlify(self.identity or "0" * 32)

    def ends(self) -> bool:
        """Whether sequence or boot numbers come near their end."""
        return self.boot >= BOOTS_END or any([ring.next_sequence >= NUMBERS_END for ring in self.rings.values()])

    def catch_up(self, record: "LedgerRecord") -> None:
        """Every boot is journaled in `events` before anything else is written, and a ledger record says what was journaled. So events that
        have no boot beside alarms or a ledger, or fewer records than a ledger knows of, have lost the newest ones."""
        events, faults = self.rings["events"], self.rings["faults"]
        known = record.events_sequence
        alone = events.last_boot < 0 and (faults.last_boot >= 0 or record.sequence > 0)
        if alone or known >= events.next_sequence:
            events.skip(known)
            if faults.last_boot < 0:  # nothing says that they are whole
                faults.skip(0)
            self.boot = max(self.boot, record.boot + 1)

    def append(self, name: str, values: "Payload", ring: str = "events") -> None:
        """One record of `name`, durable when this returns; JournalError when the flash refuses."""
        stamp = (self.boot, self._clock.uptime_ms(), self._clock.utc_s())
        self._write(ring, name, stamp, values)

    def _write(self, ring: str, name: str, stamp: tuple[int, int, int], values: "Payload") -> None:
        try:
            self.rings[ring].append(name, stamp, values)
            self.broken = False
        except OSError as error:
            self.broken = True
            self._give_up(ring)
            raise JournalError(str(error))

    def _give_up(self, ring: str) -> None:
        """Closes the failed file; that may fail as well, and is then no news."""
        try:
            self.rings[ring].give_up_segment()
        except OSError:
            self.broken = True

    def post(self, name: str, values: "Payload", ring: str = "events") -> None:
        """Keeps a record, stamped now, for the next free turn of the loop. With a broken flash only the newest are kept;
        `lost` counts the others."""
        if len(self.posted) >= MOST_POSTED:
            self.posted.pop(0)
            self.lost += 1
        self.posted.append((ring, name, (self.boot, self._clock.uptime_ms(), self._clock.utc_s()), values))

    def write_posted(self) -> None:
        """Writes the oldest posted record; JournalError when the flash refuses, the record is kept."""
        if self.posted:
            self._write(*self.posted[0])
            self.posted.pop(0)
