"""Bring the journal's new records from the pump to this computer, a slice at a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pumpcore.wire import gaps, records
from thecal.web.journal_file import RINGS, RingFile, folder_of

if TYPE_CHECKING:
    from thecal.pump.client import Client

SLICE_S = 0.1  # the port is kept for so long, at most 0.15 s
FIRST_BLOCKS, MOST_BLOCKS = 2, 16


class JournalReader:
    """Both rings of one pump. `done_permille` is the part of the journal that is here."""

    def __init__(self, hello: dict[str, Any]) -> None:
        folder = folder_of(str(hello.get("unique_id", "")), str(hello.get("journal_identity", "")))
        self.rings = {ring: RingFile(ring, folder) for ring in RINGS}
        self._blocks = FIRST_BLOCKS
        self._checked: set[str] = set()
        self._wanted = dict.fromkeys(RINGS, 0)
        self._first: dict[str, int] = {}
        self.complete = False

    def wants(self, status: dict[str, Any]) -> bool:
        """Take the newest numbers from a status. Return True if records are missing here."""
        for ring in RINGS:
            self._wanted[ring] = int(status[f"{ring}_sequence"])
            if self.rings[ring].next_sequence > self._wanted[ring] + 1:
                self._forget(ring)
        self.complete = not any(self._missing(ring) for ring in RINGS)
        return not self.complete

    def read_slice(self, client: Client) -> None:
        """Ask one question, for the newest state of the ring that lacks most."""
        ring = max(RINGS, key=self._missing)
        file = self.rings[ring]
        if ring not in self._checked and file.next_sequence:
            self._check(client, file)
            return
        begun_s = time.monotonic()
        for reply, raw in client.journal_slice(ring, file.next_sequence, self._blocks):
            self._first.setdefault(ring, reply["first_sequence"])
            starts = gaps.whole_records(raw, reply["first_sequence"], reply["next_sequence"])
            file.add(b"".join(raw[at : at + records.whole_bytes(raw, at)] for at in starts))
            file.next_sequence = max(file.next_sequence, reply["next_sequence"])
        self._checked.add(ring)
        self._adapt(time.monotonic() - begun_s)
        self.complete = not any(self._missing(one) for one in RINGS)

    @property
    def done_permille(self) -> int:
        """Return the part of the events that is here."""
        ring, first = RINGS[0], self._first.get(RINGS[0], 1)
        whole = self._wanted[ring] + 1 - first
        return 1000 if whole <= 0 else max(0, min(1000, (self.rings[ring].next_sequence - first) * 1000 // whole))

    def _missing(self, ring: str) -> int:
        return max(0, self._wanted[ring] + 1 - max(1, self.rings[ring].next_sequence))

    def _check(self, client: Client, file: RingFile) -> None:
        """Compare the newest known record with the pump's own: a board with a new journal may number it as the old one."""
        last = file.last()
        known = records.sequence_of(last) if last else 0
        raw = client.journal_slice(file.ring, known, 1)[0].raw if last else b""
        if raw and raw[: len(last)] != last and records.sequence_of(raw) <= known:
            self._forget(file.ring)
        self._checked.add(file.ring)

    def _forget(self, ring: str) -> None:
        self.rings[ring].clear()
        self._first.pop(ring, None)

    def _adapt(self, took_s: float) -> None:
        """Choose the next slice by the time that this one took."""
        if took_s > SLICE_S:
            self._blocks = max(1, self._blocks // 2)
        elif took_s < SLICE_S / 3:
            self._blocks = min(MOST_BLOCKS, self._blocks + 1)
