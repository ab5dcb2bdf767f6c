"""The files of an analysis: the picture, and one offline page with everything in it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from thecal.errors import Failed
from thecal.gravimetry import telling
from thecal.gravimetry.analysis import Analysis
from thecal.gravimetry.pictures import save
from thecal.gravimetry.pump import rate_text
from thecal.reports.page import inline_png, write_page


def write_files(analysis: Analysis, png: Path | None, html: Path | None) -> list[Path]:
    """Write what is wanted; the paths written. Failed when a place can't be written to."""
    try:
        if png is not None:
            save(analysis, png)
        if html is not None:
            _write_html(analysis, html)
    except OSError as error:
        raise Failed(f"{error.filename}: can't be written: {error.strerror}", "name another place") from error
    return [path for path in (png, html) if path is not None]


def _write_html(analysis: Analysis, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.png"
        save(analysis, picture)
        values = {
            "title": f"{rate_text((analysis.facts.rate_nl, analysis.facts.rate_seconds_s))} by gravimetry",
            "calibrated": analysis.calibrated,
            "picture": inline_png(picture),
            "facts": [("pump", analysis.facts.pump), ("begun", analysis.facts.begun_utc), *telling.facts_table(analysis)],
            "trumpet": telling.trumpet_table(analysis),
            "sample_s": f"{analysis.sample_s:g}",
        }
        write_page(path, "characterise.html", values)
