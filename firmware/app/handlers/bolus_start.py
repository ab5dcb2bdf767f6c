"""bolus.start: orders a manual bolus with a token; at most once, across retries and resets (R8)."""

from app.delivery import RUNNING
from app.pump import Pump
from pumpcore import bolus as boluses
from pumpcore.bolus import Bolus
from pumpcore.faults import Refusal
from pumpcore.limits import Ceilings


def bolus_start(pump: Pump, params: dict) -> dict:
    """`begins_at_ms` is the uptime of the first slice. Refusals of the 4xx family, `rate_above_ceiling`, `hour_...`, `day_...`."""
    token, volume_nl, rate_nl = params["token"], params["volume_nl"], params["rate_nl"]
    known = repeated(pump, token, (boluses.MANUAL, volume_nl, rate_nl))
    if known is not None:
        return reply(known)
    pump.tokens.check(token, pump.board.clock.uptime_ms())
    _check_state(pump)
    bolus = Bolus(token, volume_nl, rate_nl, pump.setup.program.rate_seconds_s, pump.setup.calibration)
    _check_ceilings(pump, bolus)
    pump.tokens.use(token)
    pump.journal.append("bolus_ordered", (bytes.fromhex(token), volume_nl, rate_nl, bolus.steps))
    bolus.begins_at_ms = pump.delivery.order(bolus)
    pump.remember(bolus)
    return reply(bolus)


def repeated(pump: Pump, token: str, asked: tuple) -> Bolus | None:
    """The bolus that this token has ordered already, None when it is free. `asked` is (purpose, nl or steps, rate_nl); Refusal
    `token_used` when it ordered something else."""
    known = pump.find_bolus(token)
    if known is not None:
        amount = known.steps if known.purpose == boluses.CALIBRATION else known.volume_nl
        if (known.purpose, amount, known.rate_nl) != asked:
            raise Refusal("token_used", token=token)
    return known


def reply(bolus: Bolus) -> dict:
    """What was ordered, the same however often it is asked."""
    return {"token": bolus.token, "ordered_steps": bolus.steps, "duration_s": bolus.duration_s, "begins_at_ms": bolus.begins_at_ms}


def _check_state(pump: Pump) -> None:
    if pump.delivery.state is not RUNNING:
        raise Refusal("not_running")
    present = pump.delivery.bolus
    if present is not None and present.state in (boluses.ORDERED, boluses.DELIVERING):
        raise Refusal("bolus_active", token=present.token)


def _check_ceilings(pump: Pump, bolus: Bolus) -> None:
    """Basal plus bolus against the highest rate and both windows, over the bolus's whole length (R5, R7)."""
    span, ceilings = pump.delivery.span, pump.setup.ceilings
    check_rate(bolus, span.basal.highest_nl(span.planned_s, bolus.duration_s), ceilings)
    check_room(pump, ceilings, bolus, span.basal.plan_steps(span.planned_s, bolus.duration_s) + 1)


def check_room(pump: Pump, ceilings: Ceilings, bolus: Bolus, basal_steps: int) -> None:
    """Refusals `hour_above_ceiling`, `day_above_ceiling` when the windows have no room for the bolus and the basal beside it."""
    windows, calibration = pump.delivery.leases.windows, pump.setup.calibration
    asked = bolus.steps + basal_steps
    full = windows.full(ceilings, asked)
    if full:
        name = full.split("_")[0]
        used = windows.hour_steps if name == "hour" else windows.day_steps
        limit = ceilings.hour_steps if name == "hour" else ceilings.day_steps
        nearest = max(0, limit - used - basal_steps)
        raise Refusal(
            name + "_above_ceiling", asked_nl=calibration.nl_for_steps(used + asked),
            limit_nl=calibration.nl_for_steps(limit), nearest_nl=calibration.nl_for_steps(nearest),
        )


def check_rate(bolus: Bolus, basal_nl: int, ceilings: Ceilings) -> None:
    """Refusal `rate_above_ceiling` when basal and bolus together are faster than allowed, or than the motor."""
    limit_nl = min(ceilings.rate_nl, ceilings.motor_nl)
    asked_nl = basal_nl + bolus.rate_nl
    if asked_nl > limit_nl:
        nearest_nl = max(0, limit_nl - basal_nl)
        raise Refusal("rate_above_ceiling", asked_nl=asked_nl, limit_nl=limit_nl, nearest_nl=nearest_nl)
