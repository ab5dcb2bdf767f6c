"""temporary.cancel: the basal of the program goes on from the next slice."""

from app.pump import Pump
from pumpcore.faults import Refusal


def temporary_cancel(pump: Pump, params: dict) -> dict:
    """Refusal `no_temporary` when none with this token waits or runs."""
    delivery = pump.delivery
    present = delivery.overlay.present
    if present is None or present.token != params["token"]:
        raise Refusal("no_temporary", rule="R8", token=params["token"], asked=1, limit=0, nearest=0)
    return {"token": present.token, "ends_at_ms": delivery.overlay.cancel(delivery.span, delivery.next_ms())}
