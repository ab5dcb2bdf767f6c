"""Charts on request. A chart that was just made serves the browsers that ask for it within the same seconds."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from thecal.errors import ThecalError
from thecal.web.chart import nothing
from thecal.web.made import chart_json
from thecal.web.shapes import Span

if TYPE_CHECKING:
    from thecal.web.fleet import Fleet
    from thecal.web.pump import WebPump
    from thecal.web.worker import Worker

# A point of the longer charts stands for 10 and 30 minutes. A new record makes each of them anew.
FRESH_S: dict[Span, float] = {"24h": 10.0, "7d": 60.0, "30d": 300.0}
AHEAD: Span = "30d"
LOOK_S = 1.0
DEPENDS = ("state", "boot", "program_digest", "events_sequence", "faults_sequence")


class Made(NamedTuple):
    """A chart as JSON, and for what it was made."""

    at_s: float
    key: tuple[object, ...]
    text: str


class Charts:
    """The newest chart of each pump and span. Two requests for the same one make it once."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._made: dict[tuple[str, Span], Made] = {}
        self._locks: dict[tuple[str, Span], threading.Lock] = {}

    def get(self, pump: WebPump, span: Span) -> str:
        """Return the chart of a pump as JSON; of what is known if the journal is not here yet."""
        with self._locks.setdefault((pump.id, span), threading.Lock()):
            status, journal = pump.known.status or {}, pump.journal
            complete, done_permille = (journal.complete, journal.done_permille) if journal is not None else (False, 0)
            key = (*(status.get(name) for name in DEPENDS), complete, done_permille)
            before = self._made.get((pump.id, span))
            if before is not None and before.key == key and time.monotonic() - before.at_s < FRESH_S[span]:
                return before.text
            records = pump.records()
            if records is None:
                return nothing(int(time.time()), complete, done_permille).model_dump_json()
            text = self._worker.run(chart_json, records, span, complete, done_permille)
            self._made[pump.id, span] = Made(time.monotonic(), key, text)
            return text

    def ahead(self, fleet: Fleet, ended: threading.Event) -> None:
        """Make the longest chart of each pump once, before somebody asks for it: it takes longest after a start of the server."""
        while not ended.wait(LOOK_S):
            for pump in fleet.all():
                ready = pump.journal is not None and pump.journal.complete and pump.known.status is not None
                if ready and (pump.id, AHEAD) not in self._made and not ended.is_set():
                    with suppress(ThecalError):
                        self.get(pump, AHEAD)
