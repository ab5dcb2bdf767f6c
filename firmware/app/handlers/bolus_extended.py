"""bolus.extended: a dose over a long time, beside the basal; another bolus goes before it (R5, R7, R8)."""

from app.handlers.ordering import beside_nl, check_dose, check_running, check_tank, repeated, reply, write_down
from app.pump import Pump
from pumpcore.bolus import EXTENDED, LIVE, Bolus
from pumpcore.faults import Refusal
from pumpcore.limits import DAY_BUCKETS, HOUR_BUCKETS, highest_window_nl
from pumpcore.order_limits import check_bolus_rate, check_extended_time
from pumpcore.units import S_PER_MINUTE


def bolus_extended(pump: Pump, params: dict) -> dict:
    """Answers as `bolus.start`. Refusals `extended_active`, `extended_time`, and those of any bolus."""
    token, volume_nl, duration_s = params["token"], params["volume_nl"], params["duration_s"]
    known = repeated(pump, token, (EXTENDED, volume_nl, volume_nl))
    if known is not None and known.rate_seconds_s != duration_s:
        raise Refusal("token_used", token=token)
    if known is not None:
        return reply(known)
    pump.tokens.check(token, pump.board.clock.uptime_ms())
    _check_state(pump)
    check_extended_time(duration_s)
    bolus = Bolus(token, volume_nl, volume_nl, duration_s, pump.setup.calibration)
    bolus.purpose = EXTENDED
    check_dose(pump, bolus)
    check_tank(pump, bolus)
    check_bolus_rate(bolus, beside_nl(pump, duration_s, True), pump.setup.ceilings, pump.setup.program.rate_seconds_s)
    _check_windows(pump, bolus)
    return write_down(pump, bolus)


def _check_state(pump: Pump) -> None:
    check_running(pump)
    present = pump.delivery.orders.extended
    if present is not None and present.state in LIVE:
        raise Refusal("extended_active", rule="R7", token=present.token, asked=2, limit=1, nearest=1)


def _check_windows(pump: Pump, bolus: Bolus) -> None:
    """The fullest hour of the week with its share; 24 hours with all of it. What was delivered before is judged at every lease."""
    ceilings, pair, program = pump.setup.ceilings, pump.setup.calibration, pump.setup.program
    modulus = program.rate_seconds_s * pair.volume_nl
    for name, minutes, limit in (("hour", HOUR_BUCKETS, ceilings.hour_steps), ("day", DAY_BUCKETS, ceilings.day_steps)):
        basal = highest_window_nl(program, minutes) * S_PER_MINUTE * pair.steps // modulus + 1
        time_s = min(bolus.duration_s, minutes * S_PER_MINUTE)
        its_steps = min(bolus.steps, bolus.accumulator.peek(bolus.rate_nl, time_s) + 1)
        if basal + its_steps > limit:
            nearest_nl = pair.nl_for_steps(max(0, limit - basal)) * bolus.duration_s // time_s
            raise Refusal(
                name + "_above_ceiling", rule="R5", asked_nl=pair.nl_for_steps(basal + its_steps), limit_nl=pair.nl_for_steps(limit),
                nearest_nl=nearest_nl,
            )
