"""The records of a pump's journal that this computer has read, kept in files: what was read once is never asked for again.

A file holds whole records of one ring, as the pump sends them, in ascending order. A torn end is dropped when it is read.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pumpcore.wire import record_types, records
from thecal.history.rows import Row, row
from thecal.pump.boots import whole_boot
from thecal.pump.transport import registry

RINGS = ("events", "faults")
MOST_BYTES = 8 * 1024 * 1024
KEPT_BYTES = 6 * 1024 * 1024
UTC_AT = 14  # offset of the UTC seconds in a record


class At(NamedTuple):
    """A record: its offset and its length."""

    at: int
    length: int


def folder_of(unique_id: str, journal_identity: str) -> Path | None:
    """Return the folder of a journal; None if the pump gives no safe name for it. Another journal of the same board has another one."""
    name = "-".join(filter(None, (unique_id.lower(), journal_identity.lower())))
    return registry.folder() / "journals" / name if re.fullmatch("[0-9a-z]{1,64}(-[0-9a-f]{1,64})?", name) else None


class RingFile:
    """One ring: `raw` holds its known records, `next_sequence` is the first one to ask for (0: the oldest). Without a folder it is kept in
    memory only. Safe for several threads."""

    def __init__(self, ring: str, folder: Path | None) -> None:
        self.ring = ring
        self.raw = bytearray()
        self.next_sequence = 0
        self._file = None if folder is None else folder / f"{ring}.records"
        self._lock = threading.Lock()
        self._load()

    def add(self, raw: bytes) -> None:
        """Append whole records that follow those that are known; drop the others. A file that can't be written is no error: the journal
        is in the pump."""
        with self._lock:
            new = bytearray()
            for at, length in whole(raw):
                sequence = records.sequence_of(raw, at)
                if sequence >= self.next_sequence:
                    new += raw[at : at + length]
                    self.next_sequence = sequence + 1
            self.raw += new
            if new:
                self._keep(new)

    def clear(self) -> None:
        """Forget everything: the pump has another journal now."""
        with self._lock:
            self.raw, self.next_sequence = bytearray(), 0
            if self._file is not None:
                self._file.unlink(missing_ok=True)

    def last(self) -> bytes:
        """Return the newest record; b"" if there is none."""
        with self._lock:
            found = list(whole(self.raw))
            return bytes(self.raw[found[-1].at : sum(found[-1])]) if found else b""

    def rows(self, newest_boot: int, from_utc_s: int = 0) -> list[Row]:
        """Return the rows from a time on, with whole boot numbers. Rows of an unknown time just before them, as a pump writes them before
        its clock is set, belong to them."""
        with self._lock:
            raw = bytes(self.raw)
        found = list(whole(raw))
        first = next((number for number, one in enumerate(found) if utc_of(raw, one.at) >= from_utc_s), 0) if from_utc_s else 0
        while first and not utc_of(raw, found[first - 1].at):
            first -= 1
        made: list[Row] = []
        for at, _ in found[first:]:
            record = record_types.decode_at(raw, at)
            record.boot = whole_boot(record.boot, newest_boot)
            made.append(row(self.ring, record))
        return made

    def _load(self) -> None:
        try:
            content = b"" if self._file is None else self._file.read_bytes()
        except OSError:
            return
        found = list(whole(content))
        self.raw = bytearray(content[: sum(found[-1])] if found else b"")
        if len(self.raw) > MOST_BYTES:
            first = next(one.at for one in found if len(self.raw) - one.at <= KEPT_BYTES)
            self.raw = self.raw[first:]
        if found:
            self.next_sequence = records.sequence_of(content, found[-1].at) + 1
        if len(self.raw) != len(content):
            self._rewrite()

    def _keep(self, new: bytearray) -> None:
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("ab") as file:
                file.write(new)
        except OSError:
            self._file = None

    def _rewrite(self) -> None:
        if self._file is None:
            return
        try:
            self._file.write_bytes(self.raw)
        except OSError:
            self._file = None


def whole(raw: bytes | bytearray) -> Iterator[At]:
    """Yield the whole records at the front whose numbers ascend."""
    view, at, sequence = memoryview(raw), 0, 0
    while length := records.whole_bytes(view, at):
        if records.sequence_of(view, at) <= sequence:
            return
        sequence = records.sequence_of(view, at)
        yield At(at, length)
        at += length


def utc_of(raw: bytes, at: int) -> int:
    """Return the UTC seconds of a record; 0 if the pump did not know the time."""
    value: Any = int.from_bytes(raw[at + UTC_AT : at + UTC_AT + 4], "little")
    return int(value)
