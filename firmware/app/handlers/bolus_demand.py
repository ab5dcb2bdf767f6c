"""bolus.demand: a demand bolus as the program allows it, from the host with a token, or from the button (R5, R8)."""

from app.handlers.ordering import order, repeated, reply
from app.pump import Pump
from pumpcore.bolus import DEMAND, Bolus
from pumpcore.faults import Refusal

if 0:  # for the type checker alone
    from app.types import Settings


def bolus_demand(pump: Pump, params: dict) -> dict:
    """Answers as `bolus.start`. Refusals `demand_off`, `demand_locked`, `demand_count`, and those of any bolus."""
    settings = pump.setup.program.settings if pump.setup.program else None
    if settings is None or not settings.demand_on:
        raise Refusal("demand_off", rule="R7", asked=1, limit=0, nearest=0)
    token, dose_nl, duration_s = params["token"], settings.demand_nl, settings.demand_s
    known = repeated(pump, token, (DEMAND, dose_nl, dose_nl))
    if known is not None:
        return reply(known)
    pump.tokens.check(token, pump.board.clock.uptime_ms())
    _check_times(pump, settings)
    bolus = Bolus(token, dose_nl, dose_nl, duration_s, pump.setup.calibration)
    bolus.purpose = DEMAND
    return order(pump, bolus)


def _check_times(pump: Pump, settings: "Settings") -> None:
    now_s = pump.book.powered_on_s()
    name, wait_s = pump.doses.barred(settings, now_s)
    if name == "demand_locked":
        limit_s = settings.lockout_s
        raise Refusal(name, rule="R5", asked_s=max(0, limit_s - wait_s), limit_s=limit_s, nearest_s=limit_s, wait_s=wait_s)
    if name:
        count = pump.doses.counted(settings, now_s)
        raise Refusal(name, rule="R5", asked=count + 1, limit=settings.demand_per_day, nearest=settings.demand_per_day, wait_s=wait_s)
