"""Handlers of reservoir.refill and reservoir.acknowledge."""

from app.pump import Pump
from pumpcore.faults.faults import Refusal
from pumpcore.fluid.reservoir import NAME, Reservoir, tolerated_nl

if 0:  # for the type checker alone
    from app.types import Reason, Settings

# --- reservoir_refill --------------------------------------------------------------------------------------------------------


def reservoir_refill(pump: Pump, params: dict) -> dict:
    """Compare the residual with the expected volume and record the refill, journaled first. At most once by its token.

    Refusals `no_reservoir`, `refill_volume`, `token_...`.
    """
    settings = pump.setup.reservoir_settings()
    if settings is None:
        asked_nl = params["measured_nl"] + params["filled_nl"]
        raise Refusal("no_reservoir", rule="R7", asked_nl=asked_nl, limit_nl=0, nearest_nl=0)
    token, old = bytes.fromhex(params["token"]), pump.setup.tank
    if old is not None and old.token == token:
        if (old.measured_nl, old.filled_nl) != (params["measured_nl"], params["filled_nl"]):
            raise Refusal("token_used", token=params["token"])
        return _reply(pump, old)
    pump.tokens.check(params["token"], pump.board.clock.uptime_ms())
    _check_volume(settings.capacity_nl, params["measured_nl"], params["filled_nl"])
    new, spread_nl, delivered_nl = _reconciled(pump, settings, params)
    new.token = token
    pump.tokens.use(params["token"])
    values = (token, new.expected_nl, spread_nl, new.measured_nl, new.filled_nl, delivered_nl, new.blocks)
    pump.journal.append("refilled", values)
    pump.setup.keep_tank(new)
    tell(pump, new)
    return _reply(pump, new)


def _check_volume(capacity_nl: int, measured_nl: int, filled_nl: int) -> None:
    if measured_nl + filled_nl > capacity_nl:
        nearest_nl = max(0, capacity_nl - measured_nl)
        raise Refusal("refill_volume", rule="R7", asked_nl=measured_nl + filled_nl, limit_nl=capacity_nl, nearest_nl=nearest_nl)


def _reconciled(pump: Pump, settings: "Settings", params: dict) -> "tuple[Reservoir, int, int]":
    """Return (the new reservoir, how much more than expected may have been there, volume delivered since the last refill)."""
    position, pair, old = pump.position_steps(), pump.setup.calibration, pump.setup.tank
    new = Reservoir()
    new.position_steps, new.uncertain_steps = position, pump.book.uncertain_steps
    new.volume_nl, new.steps = pair.volume_nl, pair.steps
    new.measured_nl, new.filled_nl = params["measured_nl"], params["filled_nl"]
    new.base_nl = new.measured_nl + new.filled_nl
    new.utc_s = pump.book.wall.utc_s()
    new.expected_nl = new.nearest_nl = new.measured_nl  # there is no earlier report to compare with
    if old is None:
        return new, 0, 0
    new.expected_nl, spread_nl = old.left_nl(position), old.spread_nl(pump.book.uncertain_steps)
    least_nl, most_nl = tolerated_nl(settings, new.expected_nl, spread_nl, old.delivered_nl(position))
    new.nearest_nl = min(max(new.measured_nl, least_nl), most_nl)
    new.blocks = int(new.nearest_nl != new.measured_nl)
    return new, spread_nl, old.delivered_nl(position)


def tell(pump: Pump, new: Reservoir) -> None:
    pump.alarms.clear_name("reservoir_low")
    pump.delivery.watch_tank()
    if new.blocks:
        pump.alarms.raise_fault("refill_tolerance")
    else:
        pump.alarms.clear_name("refill_tolerance")
    pump.setup.mended(NAME, pump.alarms.clear_name)


def _reply(pump: Pump, tank: Reservoir) -> dict:
    return {
        "expected_nl": tank.expected_nl, "measured_nl": tank.measured_nl, "filled_nl": tank.filled_nl,
        "left_nl": tank.left_nl(pump.position_steps()), "blocks": tank.blocks,
    }


# --- reservoir_acknowledge ---------------------------------------------------------------------------------------------------


def reservoir_acknowledge(pump: Pump, params: "Reason") -> dict:
    """Record why the residual was out of tolerance, journaled first; the pump may start again. Refusal `no_refill_blocks`."""
    tank = pump.setup.tank
    if tank is None or not tank.blocks:
        raise Refusal("no_refill_blocks", rule="R7", asked=1, limit=0, nearest=0)
    pump.journal.append("refill_acknowledged", (params["reason"].encode(),))
    tank.blocks = 0
    pump.setup.keep_tank(tank)
    pump.alarms.clear_name("refill_tolerance")
    return {"blocks": 0}
