"""What a page looks at: the pumps, their events, charts and programs. Nothing here changes a pump."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from thecal.web.refusals import not_yet
from thecal.web.shapes import CalibrateView, Chart, ProgramView, PumpView, Span

look = APIRouter(prefix="/api")


@look.get("/pumps")
def pumps(request: Request) -> list[PumpView]:
    """Return every known pump, also those that are away."""
    raise not_yet()


@look.get("/events", response_class=StreamingResponse)
async def events(request: Request) -> Any:
    """Send server-sent events: `pump` (a PumpView), `alarm` (an AlarmEvent), `gone` ({"id": ...}); a comment each 5 s."""
    raise not_yet()


@look.get("/pumps/{pump}/chart")
def chart(request: Request, pump: str, span: Annotated[Span, Query()] = "24h") -> Chart:
    """Return planned and delivered volumes and rates, and the events, from the pump's journal."""
    raise not_yet()


@look.get("/pumps/{pump}/program")
def program(request: Request, pump: str) -> ProgramView:
    """Return the active program; 404 `no_program` without one."""
    raise not_yet()


@look.get("/pumps/{pump}/calibrate")
def calibrating(request: Request, pump: str) -> CalibrateView:
    """Return where the calibration wizard of this pump is; stage `idle` if none goes on."""
    raise not_yet()
