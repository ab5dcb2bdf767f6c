"""forecast.digest: 64 rows of what a program's basal will do, as the pump works it out; the caller carries the cursor."""

from app.pump import Pump
from pumpcore import program
from pumpcore.faults import Refusal
from pumpcore.forecast import CHAIN_BYTES, Forecast
from pumpcore.schedule import Zone


def forecast_digest(pump: Pump, params: dict) -> dict:
    """The next cursor; `done` when its chain is the digest of the whole. Refusals `not_staged`, `bad_params`; changes nothing."""
    found = pump.setup.program
    if params["digest"] != pump.setup.digest:
        packed = pump.setup.staged(params["digest"])
        if packed is None:
            raise Refusal("not_staged", digest=params["digest"])
        found = program.unpack(packed)
    zone = Zone(params["offset_s"], params["transition_utc_s"], params["transition_offset_s"])
    forecast = Forecast(found, pump.setup.calibration, params["utc_s"], zone, params["days"])
    cursor = params["second_s"], params["remainder"], bytes.fromhex(params["chain"])
    if cursor == (0, 0, bytes(CHAIN_BYTES)):
        cursor = forecast.begin(bytes.fromhex(params["digest"]))
    if cursor[0] >= forecast.end_s:
        raise Refusal("bad_params", parameter="second_s", limit_s=forecast.end_s - 1)
    second_s, remainder, chain = forecast.block(*cursor)
    return {"second_s": second_s, "remainder": remainder, "chain": chain.hex(), "done": second_s == forecast.end_s}
