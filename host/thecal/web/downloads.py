"""Files from the journal: CSV, the report, the comparison. One at a time, because they need the processor."""

from __future__ import annotations

import csv
import io
import threading
from typing import TYPE_CHECKING

from pumpcore.units import MS_PER_S, NL_PER_ML
from thecal.history import rows as journal_rows
from thecal.history.timeline import Timeline
from thecal.text.calibration import line as calibration_line
from thecal.web.chart import SPANS_S
from thecal.web.charts import timeline
from thecal.web.refusals import WebError

if TYPE_CHECKING:
    from thecal.history.evidence import Evidence
    from thecal.history.parts import Span as Period
    from thecal.web.pump import WebPump
    from thecal.web.shapes import Span

ONE_AT_A_TIME = threading.Lock()
COMPARED = ("utc_s", "utc", "forecast_ml", "delivered_ml", "delivered_low_ml")


def journal(pump: WebPump) -> str:
    """Return both rings of the journal as CSV."""
    found = whole(pump)
    rows = journal_rows.with_gaps(found.faults) + journal_rows.with_gaps(found.events)
    return journal_rows.as_csv(rows, calibration_line((found.status or {}).get("calibration")))


def report(pump: WebPump, span: Span) -> str:
    """Return the page of the report."""
    from thecal.reports.report import Report

    with ONE_AT_A_TIME:
        line = timeline(whole(pump))
        return str(Report(line, *period(line, span)).html())


def compare(pump: WebPump, span: Span) -> str:
    """Return forecast and delivered volume of each minute."""
    from thecal.forecast.compare import Comparison
    from thecal.quantities.amounts import clock_text

    with ONE_AT_A_TIME:
        line = timeline(whole(pump))
        found = Comparison(line, *period(line, span))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COMPARED)
    for one in found.minutes:
        volumes = [line.volume_nl(steps, one.at_ms) or 0 for steps in (one.forecast_steps, one.high_steps, one.low_steps)]
        utc_s = one.at_ms // MS_PER_S
        writer.writerow([utc_s, clock_text(utc_s)[4:], *(f"{float(volume / NL_PER_ML):.6f}" for volume in volumes)])
    return out.getvalue()


def whole(pump: WebPump) -> Evidence:
    """Return the whole journal. Raises WebError 503 as long as it is not here, or has no record."""
    if pump.journal is None or not pump.journal.complete:
        done = pump.journal.done_permille // 10 if pump.journal is not None else 0
        raise WebError(503, "journal_not_here", f"the journal is still on its way: {done} % are here", "try again in a moment")
    found = pump.evidence()
    if not found.events:
        raise WebError(404, "no_records", "the journal has no record", "start the pump")
    return found


def period(line: Timeline, span: Span) -> Period:
    """Return the last days, widened to moments with a recorded position."""
    from_ms = line.to_ms - SPANS_S[span] * MS_PER_S
    return line.window(from_ms if from_ms > line.from_ms else None, None)
