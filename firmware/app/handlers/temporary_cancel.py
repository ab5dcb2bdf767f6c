"""temporary.cancel: the basal of the program goes on from the next slice."""

from app.pump import Pump
from pumpcore.faults import Refusal


def temporary_cancel(pump: Pump, params: dict) -> dict:
    """Refusal `no_temporary` when none with this token waits or runs."""
    present = pump.delivery.temporary
    if present is None or present.token != params["token"]:
        raise Refusal("no_temporary", token=params["token"])
    return {"token": present.token, "ends_at_ms": pump.delivery.cancel_temporary()}
