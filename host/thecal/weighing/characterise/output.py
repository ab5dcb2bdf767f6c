"""The output files of an analysis: the picture, and one offline page."""

from __future__ import annotations

from pathlib import Path

from thecal.errors import Failed
from thecal.reports.drawing import colours_css
from thecal.reports.page import markup, page
from thecal.weighing.characterise import pictures, telling
from thecal.weighing.characterise.analysis import Analysis


def write_files(analysis: Analysis, png: Path | None, html: Path | None) -> list[Path]:
    """Write the requested files; return their paths. Raises Failed if one can't be written."""
    wanted = [path for path in (png, html) if path is not None]
    try:
        if png is not None:
            png.write_bytes(pictures.png(analysis))
        if html is not None:
            html.write_text(page_of(analysis), encoding="utf-8")
    except OSError as error:
        raise Failed(f"{error.filename}: can't be written: {error.strerror}", "name another file") from error
    return wanted


def page_of(analysis: Analysis) -> str:
    """Return the page as text, with the picture in it."""
    values = {
        "title": f"{analysis.facts.rate.text()} by gravimetry",
        "calibrated": analysis.calibrated,
        "picture": markup(pictures.for_page(analysis)),
        "colours": markup(colours_css()),
        "facts": [("pump", analysis.facts.pump), ("begun", analysis.facts.begun_utc), *telling.facts_table(analysis)],
        "trumpet": telling.trumpet_table(analysis),
        "sample_s": f"{analysis.sample_s:g}",
    }
    return page("characterise.html", values)
