"""The append-only log in flash: two rings (events, faults) of segment files named by the sequence number they begin with.

A record is on flash when `append` returns. `post` keeps it in memory until the loop has a turn for it, for records
that only report; those of what is about to happen are appended.
"""

from pumpcore.wire import records

FOLDER = "/journal"
SEGMENT_BYTES = 16_384
BLOCK_BYTES = 4096
_WORTH_BYTES = 256  # where less than that is left of a block, the next segment waits for the next one
MOST_POSTED = 64


class JournalError(Exception):
    """The flash refused a record."""


class Ring:
    """One ring. Sequence numbers begin at 1 and have no gaps; the oldest segment goes when `segments` are full."""

    def __init__(self, flash: object, letter: str, segments: int) -> None:
        self._flash = flash
        self._letter = letter
        self._segments = segments
        self._handle = None
        self._bytes = 0
        self._mark = (0, 0, 0)  # (segment, sequence, offset) behind what was read last
        self._reading = 0  # the segment that `_reader` has open
        self._reader = None
        self.firsts = [int(name[1:], 16) for name in flash.names(FOLDER) if name[:1] == letter]
        self.firsts.sort()
        self.next_sequence = 1
        self.last_boot = 0
        self.torn = 0
        self._recover()

    def path(self, first: int) -> str:
        return "%s/%s%08x" % (FOLDER, self._letter, first)

    def _recover(self) -> None:
        """Finds the end: the last whole record of the last segment. Behind a torn tail a new segment begins."""
        while self.firsts:
            first = self.firsts[-1]
            data = self._flash.read(self.path(first))
            end, count = 0, 0
            length = records.whole_bytes(data)
            while length:
                self.last_boot = records.boot_of(data, end)
                end, count = end + length, count + 1
                length = records.whole_bytes(data, end)
            self.torn += len(data) > end
            if count:
                self.next_sequence = first + count
                self._bytes = SEGMENT_BYTES if len(data) > end else end
                return
            self._flash.remove(self.path(first))
            self.firsts.pop()
            self.next_sequence = first

    def append(self, name: str, stamp: tuple, values: tuple) -> None:
        """Writes one record, durable when it returns; OSError passes through. `stamp` is (boot, uptime_ms, utc_s)."""
        boot, uptime_ms, utc_s = stamp
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
            self._flash.remove(self.path(self.firsts[0]))
            self.firsts.pop(0)
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

        From a damaged record on, the rest of its segment is left out: what is read then begins with a higher number. Not
        `checked`: damaged records are among them. Keeps a segment open for the next time: `let_go` when there is none.
        """
        sequence, filled = max(from_sequence, self.first_sequence()), 0
        while sequence < self.next_sequence and (not filled or len(buffer) - filled >= _WORTH_BYTES):
            first, behind = self._around(sequence)
            offset = self._seek(first, sequence, buffer)
            size_bytes = self._fill(first, offset, memoryview(buffer)[filled:])
            end, count = records.whole_run(memoryview(buffer)[filled : filled + size_bytes], behind - sequence, checked)
            if count:
                filled += end
                sequence += count
                self._mark = (first, sequence, offset + end)
            if sequence < behind and filled:
                break
            sequence = behind
        return filled, sequence

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
        """Where in its segment the record `sequence` begins, or the end of the whole ones before it."""
        known, reached, offset = self._mark
        if known != first or reached > sequence:
            reached, offset = first, 0
        while reached < sequence:
            size_bytes = self._fill(first, offset, buffer)
            end, count = records.whole_run(memoryview(buffer)[:size_bytes], sequence - reached)
            if not count:
                return SEGMENT_BYTES  # nothing whole lies there
            reached, offset = reached + count, offset + end
        return offset

    def _fill(self, first: int, offset: int, buffer: bytearray | memoryview) -> int:
        """Fills `buffer` from `offset` of a segment on: how many bytes there were."""
        if self._reading != first or first == self.firsts[-1]:  # what was appended since it was opened is not seen
            self.let_go()
            self._reader = self._flash.open(self.path(first))
            self._reading = first
        self._reader.seek(offset)
        return self._reader.readinto(buffer)

    def let_go(self) -> None:
        """Closes what was read last; a segment that is open must not be removed."""
        reader, self._reader = self._reader, None
        self._reading = 0
        if reader is not None:
            reader.close()

    def backwards(self) -> object:
        """Yields the bytes of each segment, the newest first."""
        for first in reversed(self.firsts):
            yield self._flash.read(self.path(first))


class Journal:
    """Both rings, the boot number and the stamp of each record."""

    def __init__(self, flash: object, clock: object) -> None:
        flash.make_folder(FOLDER)
        self._clock = clock
        self.rings = {"events": Ring(flash, "e", 32), "faults": Ring(flash, "f", 4)}
        self.boot = max([ring.last_boot for ring in self.rings.values()]) + 1
        self.broken = False
        self._posted = []
        self.lost = 0

    def append(self, name: str, values: tuple, ring: str = "events") -> None:
        """One record of `name`, durable when this returns; JournalError when the flash refuses."""
        stamp = (self.boot & 0xFFFF, self._clock.uptime_ms(), self._clock.utc_s())
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
        self._posted.append((ring, name, (self.boot & 0xFFFF, self._clock.uptime_ms(), self._clock.utc_s()), values))

    def pending(self) -> bool:
        return len(self._posted) > 0

    def write_posted(self) -> None:
        """Writes the oldest posted record; JournalError when the flash refuses, the record is kept."""
        if self._posted:
            self._write(*self._posted[0])
            self._posted.pop(0)
