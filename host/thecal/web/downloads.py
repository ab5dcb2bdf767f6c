"""Files from the journal: CSV, the report, the comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thecal.web import made
from thecal.web.refusals import WebError

if TYPE_CHECKING:
    from thecal.web.made import Records
    from thecal.web.pump import WebPump
    from thecal.web.shapes import Span
    from thecal.web.worker import Worker


def journal(pump: WebPump, worker: Worker) -> str:
    """Return both rings of the journal as CSV."""
    return worker.run(made.journal_csv, whole(pump))


def report(pump: WebPump, worker: Worker, span: Span) -> str:
    """Return the page of the report."""
    return worker.run(made.report_html, whole(pump), span)


def compare(pump: WebPump, worker: Worker, span: Span) -> str:
    """Return forecast and delivered volume of each minute."""
    return worker.run(made.compare_csv, whole(pump), span)


def whole(pump: WebPump) -> Records:
    """Return the whole journal. Raises WebError 503 as long as it is not here, 404 if it has no record."""
    if pump.journal is None or not pump.journal.complete:
        done = pump.journal.done_permille // 10 if pump.journal is not None else 0
        raise WebError(503, "journal_not_here", f"the journal is still on its way: {done} % are here", "try again in a moment")
    found = pump.records()
    if found is None or not found.events:
        raise WebError(404, "no_records", "the journal has no record", "start the pump")
    return found
