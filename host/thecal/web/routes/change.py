"""What changes a pump. STOP needs the same Host and Origin only; everything else needs the secret of this start too."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request

from thecal.web import stop as stopping
from thecal.web.reviews import role_of
from thecal.web.server import pump_of, require, server, session_of
from thecal.web.shapes import Ask, Calibrate, CalibrateView, Cancel, Confirm, Confirmed, ReviewView, Stopped

change = APIRouter(prefix="/api/pumps/{pump}")


@change.post("/stop")
async def stop(request: Request, pump: str) -> Stopped:
    """Stop the pump now, beside every lock. No login, no secret, no rate limit."""
    found, fleet = pump_of(request, pump), server(request).fleet
    return await asyncio.get_running_loop().run_in_executor(fleet.stops, stopping.stop, found)


@change.post("/review")
def review(request: Request, pump: str, asked: Ask) -> ReviewView:
    """Check an order and return what the pump would get. Nothing is sent."""
    found = pump_of(request, pump)
    return server(request).reviews.make(found, asked, require(request, found, role_of(asked)))


@change.post("/confirm")
def confirm(request: Request, pump: str, confirmed: Confirm) -> Confirmed:
    """Send a reviewed order, once."""
    found = pump_of(request, pump)
    return server(request).reviews.carry_out(found, confirmed.review, session_of(request))


@change.post("/cancel")
def cancel(request: Request, pump: str, which: Cancel) -> Confirmed:
    """End a bolus or a temporary rate by its token."""
    found = pump_of(request, pump)
    return server(request).reviews.cancel(found, which.token, require(request, found, "operate"))


@change.post("/calibrate")
def calibrate(request: Request, pump: str, step: Calibrate) -> CalibrateView:
    """Take a step of the calibration wizard; `prime` and `run` return at once, ask GET for their progress."""
    found = pump_of(request, pump)
    return server(request).wizards.step(found, step, require(request, found, "program"))
