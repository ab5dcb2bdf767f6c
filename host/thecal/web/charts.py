"""Charts on request. A chart that was just made serves the browsers that ask for it within the same seconds."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from thecal.web.chart import nothing
from thecal.web.made import chart_json
from thecal.web.shapes import Span

if TYPE_CHECKING:
    from thecal.web.pump import WebPump
    from thecal.web.worker import Worker

FRESH_S = 10.0


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
            key = (status.get("state"), status.get("boot"), status.get("program_digest"), complete, done_permille)
            before = self._made.get((pump.id, span))
            if before is not None and before.key == key and time.monotonic() - before.at_s < FRESH_S:
                return before.text
            records = pump.records()
            if records is None:
                return nothing(int(time.time()), complete, done_permille).model_dump_json()
            text = self._worker.run(chart_json, records, span, complete, done_permille)
            self._made[pump.id, span] = Made(time.monotonic(), key, text)
            return text
