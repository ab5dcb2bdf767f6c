"""What a press of the bolus button does: a demand bolus with a token of the pump's own, or a refusal that is heard and counted."""

from app.handlers.bolus_demand import bolus_demand
from app.pump import Pump
from pumpcore.faults import Refusal


def bolus_press(pump: Pump, params: dict) -> dict:
    """Both ends are heard, refusals counted in `pump.presses`; JournalError passes."""
    now_ms = pump.board.clock.uptime_ms()
    token = pump.tokens.issue(now_ms).decode()
    try:
        told = bolus_demand(pump, {"token": token})
    except Refusal as refused:
        pump.tokens.use(token)
        pump.presses.refuse(refused.fault.name, refused.detail.get("wait_s", 0), now_ms)
        return {}
    pump.presses.accept(now_ms)
    return told
