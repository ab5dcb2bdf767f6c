"""Write a report as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thecal.errors import Failed

if TYPE_CHECKING:
    from pathlib import Path

    from thecal.history.evidence import Evidence


def write_report(evidence: Evidence, path: Path, days: int | None, overwrite: bool) -> Path:
    """Write the page and return its path. Raises BadInput, Failed."""
    from thecal.history.timeline import Timeline
    from thecal.reports.period import Period
    from thecal.reports.report import Report
    from thecal.terminal.output_files import check_free

    period = Period(None, None, days)
    check_free([path], overwrite)
    line = Timeline(evidence)
    page = Report(line, *period.of(line)).html()
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Failed(f"{path} can't be written: {error.strerror}", "name a file in a folder you may write to") from error
    return path
