"""What is downloaded: the journal, a report, a comparison."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from thecal.web.refusals import not_yet
from thecal.web.shapes import Span

files = APIRouter(prefix="/api/pumps/{pump}")


@files.get("/journal.csv", response_class=Response)
def journal(request: Request, pump: str) -> Response:
    """Return the whole journal as CSV, as `thecal journal --csv` writes it."""
    raise not_yet()


@files.get("/report.html", response_class=Response)
def report(request: Request, pump: str, span: Annotated[Span, Query()] = "7d") -> Response:
    """Return the page of `thecal report` of these last days."""
    raise not_yet()


@files.get("/compare.csv", response_class=Response)
def compare(request: Request, pump: str, span: Annotated[Span, Query()] = "7d") -> Response:
    """Return forecast and delivered volume of each minute of these last days as CSV."""
    raise not_yet()
