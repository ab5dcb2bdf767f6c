"""What changes a pump. STOP needs the same Host and Origin only; everything else needs the secret of this start too."""

from __future__ import annotations

from fastapi import APIRouter, Request

from thecal.web.refusals import not_yet
from thecal.web.shapes import Ask, Calibrate, CalibrateView, Cancel, Confirm, Confirmed, ReviewView, Stopped

change = APIRouter(prefix="/api/pumps/{pump}")


@change.post("/stop")
async def stop(request: Request, pump: str) -> Stopped:
    """Stop the pump now, beside every lock. No login, no secret, no rate limit."""
    raise not_yet()


@change.post("/review")
def review(request: Request, pump: str, asked: Ask) -> ReviewView:
    """Check an order and return what the pump would get. Nothing is sent."""
    raise not_yet()


@change.post("/confirm")
def confirm(request: Request, pump: str, confirmed: Confirm) -> Confirmed:
    """Send a reviewed order, once."""
    raise not_yet()


@change.post("/cancel")
def cancel(request: Request, pump: str, which: Cancel) -> Confirmed:
    """End a bolus or a temporary rate by its token."""
    raise not_yet()


@change.post("/calibrate")
def calibrate(request: Request, pump: str, step: Calibrate) -> CalibrateView:
    """Take a step of the calibration wizard; `prime` and `run` return at once, ask GET for their progress."""
    raise not_yet()
