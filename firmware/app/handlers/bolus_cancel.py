"""bolus.cancel: ends a bolus within a few seconds, at the end of its lease; the basal goes on."""

from app.pump import Pump
from pumpcore import bolus as boluses
from pumpcore.faults import Refusal


def bolus_cancel(pump: Pump, params: dict) -> dict:
    """Refusal `no_bolus` when nothing with this token waits or runs. What is leased (at most 5 s) and queued still runs:
    `planned_steps` is the most that the bolus will have made; less where another order or a stop ends its lease sooner."""
    bolus = pump.find_bolus(params["token"])
    if bolus is None or bolus.state not in boluses.LIVE:
        raise Refusal("no_bolus", token=params["token"])
    return {"token": bolus.token, "planned_steps": pump.delivery.cancel(bolus)}
