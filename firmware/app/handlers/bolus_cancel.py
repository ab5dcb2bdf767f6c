"""bolus.cancel: ends a bolus at the next slice boundary; the basal goes on."""

from app.handlers.bolus_start import find
from app.pump import Pump
from pumpcore import bolus as boluses
from pumpcore.faults import Refusal


def bolus_cancel(pump: Pump, params: dict) -> dict:
    """Refusal `no_bolus` when nothing with this token waits or runs. What is queued (a few seconds) still runs."""
    bolus = find(pump, params["token"])
    if bolus is None or bolus.state not in (boluses.ORDERED, boluses.DELIVERING):
        raise Refusal("no_bolus", token=params["token"])
    pump.delivery.cancel()
    return {"token": bolus.token, "planned_steps": bolus.planned_steps}
