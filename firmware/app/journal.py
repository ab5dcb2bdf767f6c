"""The append-only log in flash: two rings (events, faults) of segment files named by the sequence number they begin with.

littlefs changes a file as a whole, so a cut leaves whole records only: bytes that are no whole record are damage, never a cut.

A record is on flash when `append` returns. `post` keeps it in memory until the loop has a turn for it, for records
that only report; those of what is about to happen are appended.
"""

import binascii

from pumpcore.faults import Refusal
from pumpcore.wire import records

FOLDER = "/journal"
SEGMENT_BYTES = 16_384
BLOCK_BYTES = 4096
_WORTH_BYTES = 256  # where less than that is left of a block, the next segment waits for the next one
MOST_POSTED = 64
# From there on an alarm forbids therapy at power-up: long before a number would come again.
NUMBERS_END = (1 << 32) - (1 << 24)
BOOTS_END = (1 << 23) - (1 << 16)  # a token has 23 bits for it
_BOOTS_KEPT = 1 << 14
MOST_IN_SEGMENT = SEGMENT_BYTES // records.SHORTEST_BYTES + 1


class JournalError(Exception):
    """The flash refused a record."""


def _names(flash: object) -> list:
    """What lies in the folder; nothing where that is no folder: then no record can be written, and that is an alarm."""
    try:
        return flash.names(FOLDER)
    except OSError:
        return []


def _number_in(name: str, letter: str) -> int:
    """The sequence number that a segment's file name says; 0 when it is none of this ring's segments."""
    try:
        first = int(name[1:], 16)
    except ValueError:
        return 0
    return first if first > 0 and name == "%s%08x" % (letter, first) else 0


def _all_whole(data: bytes, first: int) -> tuple:
    """(how many whole records from number `first` on these are, offset of the last); (0, 0) when anything else is among them."""
    end, count = records.whole_run(data, len(data))
    if not count or end != len(data):
        return 0, 0
    last = 0
    while last + data[last] < end:
        last += data[last]
    if records.sequence_of(data) != first or records.sequence_of(data, last) != first + count - 1:
        return 0, 0
    return count, last


class Ring:
    """One ring. Sequence numbers begin at 1 and none is used twice: one that is missing is of a record that was lost. The oldest
    segment goes when `segments` are full."""

    def __init__(self, flash: object, letter: str, segments: int) -> None:
        self._flash = flash
        self._letter = letter
        self._segments = segments
        self._handle = None
        self._bytes = 0
        self._mark = (0, 0, 0)  # (segment, sequence, offset) behind what was read last
        self._reading = 0  # the segment that `_reader` has open
        self._reader = None
        self.firsts = [first for first in [_number_in(name, letter) for name in _names(flash)] if first]
        self.firsts.sort()
        self.next_sequence = 0
        self.last_boot = -1
        self._recover()

    def path(self, first: int) -> str:
        return "%s/%s%08x" % (FOLDER, self._letter, first)

    def _recover(self) -> None:
        """Finds the end: the last whole record. Behind damage a new segment begins, with a number that no lost record can have had."""
        behind = 0
        for first in reversed(self.firsts[:]):
            data = self._read(first)
            if not data and data is not None and not self.next_sequence:  # created by a write that a cut ended
                self._flash.remove(self.path(first))
                self.firsts.pop()
                behind = first
                continue
            count, last = _all_whole(data, first) if data else (0, 0)
            after, boot = (first + count, records.boot_of(data, last)) if count else self._damaged_end(first, data)
            if not self.next_sequence:
                self.next_sequence = behind or after
                self._bytes = len(data) if count and self.next_sequence == after else SEGMENT_BYTES
            if boot >= 0:
                self.last_boot = boot
                return
        self.next_sequence = self.next_sequence or behind or 1

    def _damaged_end(self, first: int, data: bytes | None) -> tuple:
        """(number behind all that a damaged segment can have held, boot of its last whole record or -1)."""
        if not data:
            return first + MOST_IN_SEGMENT, -1
        gaps = _load_gaps()
        starts = gaps.whole_records(data, first, records.HIGHEST_SEQUENCE + 1)
        return gaps.next_after(data, starts, first), records.boot_of(data, starts[-1]) if starts else -1

    def skip(self, known: int) -> None:
        """Records were lost that nothing here tells of, `known` among them: the next number is one that none of them can have had."""
        self.next_sequence = min(max(self.next_sequence, known) + MOST_IN_SEGMENT, records.HIGHEST_SEQUENCE)
        self.give_up_segment()

    def lacks_oldest(self) -> bool:
        """Whether its first segments are gone although it was never full: only a full ring, or a cut while it rotates, drops one."""
        return self.first_sequence() > 1 and len(self.firsts) < self._segments - 1

    def _read(self, first: int) -> bytes | None:
        """The bytes of a segment; None when it can't be read (a folder, a block that the file system finds damaged)."""
        try:
            return self._flash.read(self.path(first))
        except OSError:
            return None

    def append(self, name: str, stamp: tuple, values: tuple) -> None:
        """Writes one record, durable when it returns; OSError passes through. `stamp` is (boot, uptime_ms, utc_s)."""
        boot, uptime_ms, utc_s = stamp
        if self.next_sequence >= records.HIGHEST_SEQUENCE:  # the number behind the last can still be asked for
            raise OSError("no sequence number is left")
        raw = records.encode(name, (boot, self.next_sequence, uptime_ms, utc_s), values)
        handle = self._room_for(len(raw))
        handle.write(raw)
        handle.flush()
        self._bytes += len(raw)
        self.next_sequence += 1

    def _room_for(self, size_bytes: int) -> object:
        if not self.firsts or self._bytes + size_bytes > SEGMENT_BYTES:
            self._rotate()
        if self._handle is None:
            self._handle = self._flash.append(self.path(self.firsts[-1]))
        return self._handle

    def _rotate(self) -> None:
        self.close()
        self.let_go()
        if self.firsts and self.firsts[-1] == self.next_sequence:  # it holds nothing whole, only what a failed write left
            self._flash.remove(self.path(self.firsts.pop()))
        while len(self.firsts) >= self._segments:
            oldest = self.firsts.pop(0)
            try:
                self._flash.remove(self.path(oldest))
            except OSError:  # what is no file is left where it is; a flash that fails refuses the record too
                continue
        self.firsts.append(self.next_sequence)
        self._bytes = 0

    def close(self) -> None:
        """Gives the file back; a handle that failed must not be written again."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()

    def give_up_segment(self) -> None:
        """A write failed: what it left behind is never appended to, the next record begins a new segment."""
        self._bytes = SEGMENT_BYTES
        self.close()

    def first_sequence(self) -> int:
        """Lowest sequence number that can still be read; `next_sequence` when there is none."""
        return self.firsts[0] if self.firsts else self.next_sequence

    def read(self, from_sequence: int, buffer: bytearray, checked: bool = True) -> tuple:
        """Reads into `buffer`: (bytes of whole records from `from_sequence` on, sequence behind the last of them).

        A damaged record ends what is read; asked for it, the ring answers what whole records come next, with a higher number. Not
        `checked`: damaged records are among them. Keeps a segment open for the next time: `let_go` when there is none.
        """
        sequence, filled, searched = max(from_sequence, self.first_sequence()), 0, False
        while sequence < self.next_sequence and (not filled or len(buffer) - filled >= _WORTH_BYTES):
            first, behind = self._around(sequence)
            offset = self._seek(first, sequence, buffer)
            part = memoryview(buffer)[filled:]
            size_bytes = self._fill(first, offset, part) if offset >= 0 else 0
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
        data = self._read(first) or b""
        for at in _load_gaps().whole_records(data, first, behind):
            found = records.sequence_of(data, at)
            if found >= sequence:
                self._mark = (first, found, at)
                return found
        return behind

    def _around(self, sequence: int) -> tuple:
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
            size_bytes = self._fill(first, offset, buffer)
            end, count = records.whole_run(memoryview(buffer)[:size_bytes], sequence - reached)
            if not count:
                return -1
            reached, offset = reached + count, offset + end
        return offset

    def _fill(self, first: int, offset: int, buffer: bytearray | memoryview) -> int:
        """Fills `buffer` from `offset` of a segment on: how many bytes there were."""
        if self._reading != first or first == self.firsts[-1]:  # what was appended since it was opened is not seen
            self.let_go()
            try:
                self._reader = self._flash.open(self.path(first))
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

    def segments(self) -> object:
        """Yields (first number, number behind the last, bytes) of each segment, the newest first."""
        behind = self.next_sequence
        for first in reversed(self.firsts):
            yield first, behind, self._read(first) or b""
            behind = first

    def starts(self, first: int, behind: int, data: bytes) -> list:
        """Where each whole record of a segment begins, those behind damage too. Refusal `not_loaded`."""
        starts = records.record_starts(data)
        if starts and len(starts) == behind - first and records.sequence_of(data, starts[-1]) == behind - 1:
            return starts
        return _load_gaps().whole_records(data, first, behind)

    def before(self, behind: int) -> int:
        """First number of the segment that ends with `behind`; 0 when there is none."""
        older = [first for first in self.firsts if first < behind]
        return older[-1] if older else 0

    def whole_from(self, first: int, behind: int, buffer: bytearray) -> int:
        """The lowest number of a segment from which on, up to `behind`, no record is missing. Refusal `not_loaded`."""
        if self._is_whole(first, behind, buffer):
            return first
        data = self._read(first) or b""
        for at in reversed(self.starts(first, behind, data)):
            if records.sequence_of(data, at) != behind - 1:
                break
            behind -= 1
        return behind

    def _is_whole(self, first: int, behind: int, buffer: bytearray) -> bool:
        """Whether a segment holds every record up to `behind`."""
        offset, sequence, end = 0, first, 1
        while end and sequence < behind:
            try:
                view = memoryview(buffer)[: self._fill(first, offset, buffer)]
            except OSError:
                return False
            end, count = records.whole_run(view, behind - sequence)
            if end and records.sequence_of(view) != sequence:
                return False
            offset, sequence = offset + end, sequence + count
        return sequence == behind

    def naming(self, first: int, behind: int, raw: bytes, buffer: bytearray) -> list:
        """Each whole record of a segment that holds `raw`, the newest first. In a small buffer: a full ring is more than memory, and
        what each segment allocates would have to be collected."""
        return self._naming_in(first, behind, raw, buffer)[::-1] if self._holds(first, raw, buffer) else []

    def _holds(self, first: int, raw: bytes, buffer: bytearray) -> bool:
        """Whether `raw` is in a segment, or in what the buffer held before: that is looked at for nothing, seldom."""
        offset, size_bytes = 0, BLOCK_BYTES
        while size_bytes == BLOCK_BYTES:
            try:
                size_bytes = self._fill(first, offset, buffer)
            except OSError:
                return False
            if raw in buffer:
                return True
            offset += BLOCK_BYTES - len(raw) + 1
        return False

    def _naming_in(self, first: int, behind: int, raw: bytes, buffer: bytearray) -> list:
        """Those of a segment, the oldest first; of a damaged one those behind the damage too. Refusal `not_loaded`."""
        if not self._is_whole(first, behind, buffer):
            data = self._read(first) or b""
            found = [data[at : at + data[at]] for at in self.starts(first, behind, data)]
            return [record for record in found if raw in record]
        found, offset, end = [], 0, 1
        while end:
            view = memoryview(buffer)[: self._fill(first, offset, buffer)]
            end, _ = records.whole_run(view, len(view))
            at, offset = 0, offset + end
            while at < end:
                record = bytes(view[at : at + view[at]])
                if raw in record:
                    found.append(record)
                at += len(record)
        return found


def _load_gaps() -> object:
    """What only a damaged journal needs. Refusal `not_loaded`."""
    try:
        from pumpcore.wire import gaps
    except (ImportError, OSError, MemoryError) as error:
        raise Refusal("not_loaded", cause=repr(error)[:80])
    return gaps


class Journal:
    """Both rings, the boot number and the stamp of each record. `identity` is what `pumpcore.journal_identity` keeps, 32 hex digits,
    "" for a pump that was never given one."""

    def __init__(self, flash: object, clock: object) -> None:
        self.broken = False
        try:
            flash.make_folder(FOLDER)
        except OSError:
            self.broken = True
        self._flash = flash
        self._clock = clock
        self.rings = {"events": Ring(flash, "e", 32), "faults": Ring(flash, "f", 4)}
        events, faults = self.rings["events"], self.rings["faults"]
        self.boot = (events.last_boot if events.last_boot >= 0 else faults.last_boot) + 1 or 1
        self.identity = ""
        self._boots = 0
        self._posted = []
        self.lost = 0

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
        from pumpcore import journal_identity

        try:
            self._flash.write(journal_identity.PATH, journal_identity.pack(self.identity_bytes(), self.boot))
        except OSError as error:
            raise JournalError(str(error))

    def identity_bytes(self) -> bytes:
        return binascii.unhexlify(self.identity or "0" * 32)

    def ends(self) -> bool:
        """Whether sequence or boot numbers come near their end."""
        return self.boot >= BOOTS_END or any([ring.next_sequence >= NUMBERS_END for ring in self.rings.values()])

    def catch_up(self, record: object) -> None:
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

    def append(self, name: str, values: tuple, ring: str = "events") -> None:
        """One record of `name`, durable when this returns; JournalError when the flash refuses."""
        stamp = (self.boot, self._clock.uptime_ms(), self._clock.utc_s())
        self._write(ring, name, stamp, values)

    def _write(self, ring: str, name: str, stamp: tuple, values: tuple) -> None:
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

    def post(self, name: str, values: tuple, ring: str = "events") -> None:
        """Keeps a record, stamped now, for the next free turn of the loop. With a broken flash only the newest are kept;
        `lost` counts the others."""
        if len(self._posted) >= MOST_POSTED:
            self._posted.pop(0)
            self.lost += 1
        self._posted.append((ring, name, (self.boot, self._clock.uptime_ms(), self._clock.utc_s()), values))

    def pending(self) -> bool:
        return len(self._posted) > 0

    def write_posted(self) -> None:
        """Writes the oldest posted record; JournalError when the flash refuses, the record is kept."""
        if self._posted:
            self._write(*self._posted[0])
            self._posted.pop(0)
