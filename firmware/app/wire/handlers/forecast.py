"""Handler of forecast.digest."""

from app.pump import Pump
from pumpcore.faults.faults import Refusal
from pumpcore.fluid import front
from pumpcore.program import packing
from pumpcore.program.forecast import CHAIN_BYTES, Cursor, Forecast
from pumpcore.program.schedule import Zone
from pumpcore.units import U64_MAX

if 0:  # for the type checker alone
    from app.types import Crossing

def forecast_digest(pump: Pump, params: dict) -> dict:
    """Return the next cursor; `done` if its chain is the digest of the whole. Changes nothing.

    Refusals `not_staged`, `bad_params`, `no_bridge`, `bridge_ratio`.
    """
    found = pump.setup.program
    if params["digest"] != pump.setup.digest:
        staged = pump.setup.staged(params["digest"])
        if staged is None:
            raise Refusal("not_staged", digest=params["digest"])
        found = packing.unpack(staged.packed)
    zone = Zone(params["offset_s"], params["transition_utc_s"], params["transition_offset_s"])
    forecast = Forecast(found, pump.setup.calibration, params["utc_s"], zone, params["days"])
    position = params["position_steps"]
    if params["bridge"]:
        forecast.crossing = _crossing(pump, found)
    cursor = Cursor(params["second_s"], params["remainder"], bytes.fromhex(params["chain"]), position)
    if cursor.second_s == cursor.remainder == 0 and cursor.chain == bytes(CHAIN_BYTES):
        cursor = forecast.begin(bytes.fromhex(params["digest"]), position)
    if cursor.second_s >= forecast.end_s:
        raise Refusal("bad_params", parameter="second_s", limit_s=forecast.end_s - 1)
    behind = forecast.block(cursor)
    answer = {"second_s": behind.second_s, "remainder": behind.remainder, "chain": behind.chain.hex()}
    answer["done"] = behind.second_s == forecast.end_s
    answer["position_steps"] = behind.position_steps
    return answer


def _crossing(pump: Pump, found: packing.Program) -> "Crossing":
    """Return the bridge that this program begins or began with, for the front as it is. Refusals `no_bridge`, `bridge_ratio`."""
    pump.setup.load_lines()
    from app.programs import lines
    from pumpcore.fluid.front import BRIDGE

    line, uncertain = lines.after(pump, found), pump.book.uncertain_steps
    if line is None or line.need(found, pump.position_steps(), uncertain) != BRIDGE:
        raise Refusal("no_bridge", rule="R7", asked=1, limit=0, nearest=0)
    made = front.of_line(line, found, uncertain)
    made.old_until = max(0, made.old_until)
    modulus = found.rate_seconds_s * pump.setup.calibration.volume_nl
    if not made.fits(modulus):
        raise Refusal("bridge_ratio", rule="R4", asked=made.denominator, limit=U64_MAX // modulus, nearest=U64_MAX // modulus)
    return made
