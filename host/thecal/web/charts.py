"""Charts on request. A chart that was just made serves the browsers that ask for it within the same seconds."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from pumpcore.faults.faults import Refusal
from thecal.errors import ThecalError
from thecal.history.evidence import Evidence
from thecal.history.timeline import Timeline
from thecal.web.chart import SPANS_S, chart, nothing
from thecal.web.shapes import Chart, Span

if TYPE_CHECKING:
    from thecal.web.pump import WebPump

FRESH_S = 10.0
BEFORE_S = 6 * 3600  # more of the journal than is shown, so that the rate at the left edge is known


class Made(NamedTuple):
    """A chart, and for what it was made."""

    at_s: float
    key: tuple[object, ...]
    chart: Chart


class Charts:
    """One chart is computed at a time: they need the processor, which a STOP may need too."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, Span], Made] = {}
        self._lock = threading.Lock()

    def get(self, pump: WebPump, span: Span) -> Chart:
        """Return the chart of a pump; of what is known if the journal is not here yet."""
        with self._lock:
            status, journal = pump.known.status or {}, pump.journal
            complete = journal is not None and journal.complete
            key = (status.get("state"), status.get("boot"), status.get("program_digest"), complete, journal and journal.done_permille)
            before = self._made.get((pump.id, span))
            if before is not None and before.key == key and time.monotonic() - before.at_s < FRESH_S:
                return before.chart
            made = self._make(pump, span, complete, journal.done_permille if journal else 0)
            self._made[pump.id, span] = Made(time.monotonic(), key, made)
            return made

    def _make(self, pump: WebPump, span: Span, complete: bool, done_permille: int) -> Chart:
        found = evidence_of(pump, span)
        if not found.events:
            return nothing(int(time.time()), complete, done_permille)
        return chart(timeline(found), span, complete, done_permille)


def evidence_of(pump: WebPump, span: Span) -> Evidence:
    """Return the part of the journal that a chart of this span needs."""
    utc_s = (pump.known.status or {}).get("utc_s") or 0
    return pump.evidence(max(0, utc_s - SPANS_S[span] - BEFORE_S) if utc_s else 0)


def timeline(found: Evidence) -> Timeline:
    """Return the time line; without the program if it can't be read."""
    try:
        return Timeline(found)
    except (Refusal, ThecalError):
        found.packed = b""
        return Timeline(found)
