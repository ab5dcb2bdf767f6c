"""reservoir.acknowledge: somebody says why the residual at the last refill was out of tolerance; the pump may start again."""

from app.pump import Pump
from pumpcore.faults import Refusal

if 0:  # for the type checker alone
    from app.types import Reason


def reservoir_acknowledge(pump: Pump, params: "Reason") -> dict:
    """Refusal `no_refill_blocks`; journaled before it counts."""
    tank = pump.setup.tank
    if tank is None or not tank.blocks:
        raise Refusal("no_refill_blocks", rule="R7", asked=1, limit=0, nearest=0)
    pump.journal.append("refill_acknowledged", (params["reason"].encode(),))
    tank.blocks = 0
    pump.setup.keep_tank(tank)
    pump.alarms.clear_name("refill_tolerance")
    return {"blocks": 0}
