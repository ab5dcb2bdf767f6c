"""What is downloaded: the journal, a report, a comparison. They are made from the records on this computer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from thecal.web import downloads
from thecal.web.guard import REPORT_POLICY
from thecal.web.server import pump_of
from thecal.web.shapes import Span

files = APIRouter(prefix="/api/pumps/{pump}")


@files.get("/journal.csv", response_class=Response)
def journal(request: Request, pump: str) -> Response:
    """Return the whole journal as CSV, as `thecal journal --csv` writes it."""
    found = pump_of(request, pump)
    return saved(downloads.journal(found), "text/csv", f"{found.title}-journal.csv")


@files.get("/report.html", response_class=Response)
def report(request: Request, pump: str, span: Annotated[Span, Query()] = "7d") -> Response:
    """Return the page of `thecal report` of these last days."""
    found = pump_of(request, pump)
    made = saved(downloads.report(found, span), "text/html", f"{found.title}-report.html")
    made.headers["content-security-policy"] = REPORT_POLICY
    return made


@files.get("/compare.csv", response_class=Response)
def compare(request: Request, pump: str, span: Annotated[Span, Query()] = "7d") -> Response:
    """Return forecast and delivered volume of each minute of these last days as CSV."""
    found = pump_of(request, pump)
    return saved(downloads.compare(found, span), "text/csv", f"{found.title}-compare.csv")


def saved(text: str, media_type: str, name: str) -> Response:
    """Return a text as a file to save."""
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "-" for letter in name)
    return Response(text, media_type=f"{media_type}; charset=utf-8", headers={"content-disposition": f'attachment; filename="{plain}"'})
