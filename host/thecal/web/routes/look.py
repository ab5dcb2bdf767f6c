"""What a page looks at: the pumps, their events, charts and programs. Nothing here changes a pump."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from thecal.web.hub import event
from thecal.web.program_view import program_view
from thecal.web.refusals import WebError
from thecal.web.server import pump_of, require, server
from thecal.web.shapes import CalibrateView, Chart, ProgramView, PumpView, Span

look = APIRouter(prefix="/api")


@look.get("/pumps")
def pumps(request: Request) -> list[PumpView]:
    """Return every known pump, also those that are away."""
    return [one.view() for one in server(request).fleet.all()]


@look.get("/events", response_class=StreamingResponse)
async def events(request: Request) -> Any:
    """Send server-sent events: `pump` (a PumpView) and `alarm` (an AlarmEvent); a comment after each 5 s of silence."""
    hub = server(request).fleet.hub
    if hub.full():
        raise WebError(503, "too_many", "too many pages are open", "close some of them")
    first = [event("pump", one.view().model_dump_json()) for one in server(request).fleet.all()]
    return StreamingResponse(hub.listen(first), media_type="text/event-stream")


@look.get("/pumps/{pump}/chart")
def chart(request: Request, pump: str, span: Annotated[Span, Query()] = "24h") -> Chart:
    """Return planned and delivered volumes and rates, and the events, from the pump's journal."""
    return server(request).charts.get(pump_of(request, pump), span)


@look.get("/pumps/{pump}/program")
def program(request: Request, pump: str) -> ProgramView:
    """Return the active program; 404 `no_program` without one."""
    found = pump_of(request, pump)
    session = require(request, found, "look") if found.keys != "none" else None
    return program_view(found, session)


@look.get("/pumps/{pump}/calibrate")
def calibrating(request: Request, pump: str) -> CalibrateView:
    """Return where the calibration wizard of this pump is; stage `idle` if none goes on."""
    return server(request).wizards.view(pump_of(request, pump))
