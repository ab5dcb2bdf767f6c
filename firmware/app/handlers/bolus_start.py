"""bolus.start: orders a manual bolus with a token; at most once, across retries and resets (R8)."""

from app.handlers.ordering import check_state, order, repeated, reply
from app.pump import Pump
from pumpcore.bolus import MANUAL, Bolus


def bolus_start(pump: Pump, params: dict) -> dict:
    """`begins_at_ms` is the uptime of the first slice. Refusals of the 4xx family, `rate_above_ceiling`, `hour_...`, `day_...`."""
    token, volume_nl, rate_nl = params["token"], params["volume_nl"], params["rate_nl"]
    known = repeated(pump, token, (MANUAL, volume_nl, rate_nl))
    if known is not None:
        return reply(known)
    pump.tokens.check(token, pump.board.clock.uptime_ms())
    check_state(pump)
    bolus = Bolus(token, volume_nl, rate_nl, pump.setup.program.rate_seconds_s, pump.setup.calibration)
    return order(pump, bolus)
