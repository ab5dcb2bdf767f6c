"""ack: acknowledges one alarm; journaled before it ends."""

from app.pump import Pump


def ack(pump: Pump, params: dict) -> dict:
    """Refusals `not_active_alarm`, `alarm_stays`."""
    pump.alarms.acknowledge(params["fault"])
    if pump.idle():
        pump.delivery.motion.rebase(pump.delivery.motion.delivered_steps())
    return {"alarms": pump.alarms.active()}
