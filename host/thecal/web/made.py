"""What the processes beside the server make from a journal's bytes: charts, and files to download."""

from __future__ import annotations

import csv
import io
import time
from typing import Any, NamedTuple

from pumpcore.faults.faults import Refusal
from pumpcore.units import MS_PER_S, NL_PER_ML
from thecal.errors import ThecalError
from thecal.history import rows as journal_rows
from thecal.history.evidence import Evidence
from thecal.history.parts import Span as Period
from thecal.history.timeline import Timeline
from thecal.quantities.amounts import clock_text
from thecal.text.calibration import line as calibration_line
from thecal.web.chart import SPANS_S, chart, nothing
from thecal.web.journal_file import rows_of
from thecal.web.shapes import Span

COMPARED = ("utc_s", "utc", "forecast_ml", "delivered_ml", "delivered_low_ml")
BEFORE_S = 6 * 3600  # more of the journal than is shown, so that the rate at the left edge is known


class Records(NamedTuple):
    """Both rings as bytes, and the last answers of the pump."""

    events: bytes
    faults: bytes
    status: dict[str, Any]
    hello: dict[str, Any]
    packed: bytes
    source: str

    def evidence(self, from_utc_s: int = 0) -> Evidence:
        """Return the records as rows, from a time on."""
        boot = self.status["boot"]
        found = Evidence(status=self.status, hello=self.hello, packed=self.packed, source=self.source, read_utc_s=int(time.time()))
        found.events, found.faults = rows_of("events", self.events, boot, from_utc_s), rows_of("faults", self.faults, boot)
        return found


def chart_json(records: Records, span: Span, complete: bool, done_permille: int) -> str:
    """Return a chart as JSON; an empty one without records."""
    utc_s = records.status["utc_s"]
    found = records.evidence(max(0, utc_s - SPANS_S[span] - BEFORE_S) if utc_s else 0)
    if not found.events:
        return nothing(int(time.time()), complete, done_permille).model_dump_json()
    return chart(timeline(found), span, complete, done_permille).model_dump_json()


def journal_csv(records: Records) -> str:
    """Return both rings of the journal as CSV."""
    found = records.evidence()
    rows = journal_rows.with_gaps(found.faults) + journal_rows.with_gaps(found.events)
    return journal_rows.as_csv(rows, calibration_line(records.status.get("calibration")))


def report_html(records: Records, span: Span) -> str:
    """Return the page of the report."""
    from thecal.reports.report import Report

    line = timeline(records.evidence())
    return str(Report(line, *period(line, span)).html())


def compare_csv(records: Records, span: Span) -> str:
    """Return forecast and delivered volume of each minute."""
    from thecal.forecast.compare import Comparison

    line = timeline(records.evidence())
    found = Comparison(line, *period(line, span))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COMPARED)
    for one in found.minutes:
        volumes = [line.volume_nl(steps, one.at_ms) or 0 for steps in (one.forecast_steps, one.high_steps, one.low_steps)]
        utc_s = one.at_ms // MS_PER_S
        writer.writerow([utc_s, clock_text(utc_s)[4:], *(f"{float(volume / NL_PER_ML):.6f}" for volume in volumes)])
    return out.getvalue()


def timeline(found: Evidence) -> Timeline:
    """Return the time line; without the program if it can't be read."""
    try:
        return Timeline(found)
    except (Refusal, ThecalError):
        found.packed = b""
        return Timeline(found)


def period(line: Timeline, span: Span) -> Period:
    """Return the last days, widened to moments with a recorded position."""
    from_ms = line.to_ms - SPANS_S[span] * MS_PER_S
    return line.window(from_ms if from_ms > line.from_ms else None, None)
