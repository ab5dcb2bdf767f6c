"""temporary.start: a rate or a part of the basal for a time, ordered with a token; at most once (R5, R7, R8)."""

from app.handlers.ordering import check_running, check_temporary, fastest_nl
from app.pump import Pump
from pumpcore.faults import Refusal
from pumpcore.temporary import LONGEST_S, MOST_PARTS, SHORTEST_S, Temporary
from pumpcore.units import MS_PER_S, U64_MAX, ceil_div

_HOUR_S = 3_660


def temporary_start(pump: Pump, params: dict) -> dict:
    """Refusals `temporary_active`, `temporary_time`, `temporary_pair`, and those of a rate."""
    delivery = pump.delivery
    made = Temporary(params["token"], params["rate_nl"], params["numerator"], params["denominator"], params["duration_s"])
    known = delivery.overlay.last
    if known is not None and known.token == made.token:
        if known.asked() != made.asked():
            raise Refusal("token_used", token=made.token)
        return _reply(known)
    pump.tokens.check(made.token, pump.board.clock.uptime_ms())
    check_running(pump)
    check_temporary(pump)
    _check_form(made, delivery.span.basal.accumulator.modulus)
    _check_rate(pump, made)
    pump.tokens.use(made.token)
    pump.journal.append("temporary_ordered", (bytes.fromhex(made.token),) + made.asked())
    delivery.overlay.order(made)
    made.begins_at_ms = delivery.next_ms()
    return _reply(made)


def _reply(made: Temporary) -> dict:
    return {"token": made.token, "begins_at_ms": made.begins_at_ms, "ends_at_ms": made.begins_at_ms + made.duration_s * MS_PER_S}


def _check_form(made: Temporary, modulus: int) -> None:
    duration_s = made.duration_s
    if not SHORTEST_S <= duration_s <= LONGEST_S:
        nearest_s = SHORTEST_S if duration_s < SHORTEST_S else LONGEST_S
        raise Refusal("temporary_time", rule="R7", asked_s=duration_s, limit_s=nearest_s, nearest_s=nearest_s)
    pair = (made.numerator, made.denominator)
    if (made.rate_nl and any(pair)) or max(pair) > MOST_PARTS or (made.numerator and not made.denominator):
        allowed = (0, 0) if made.rate_nl else (min(pair[0], MOST_PARTS), min(max(1, pair[1]), MOST_PARTS))
        raise Refusal("temporary_pair", rule="R7", asked="%d/%d" % pair, limit=MOST_PARTS, nearest="%d/%d" % allowed)
    if modulus * made.parts() > U64_MAX:
        most = U64_MAX // modulus
        raise Refusal("temporary_pair", rule="R4", parameter="denominator", asked=made.denominator, limit=most, nearest=most)


def _check_rate(pump: Pump, made: Temporary) -> None:
    span, setup = pump.delivery.span, pump.setup
    known = span.basal.week is not None or not setup.program.needs_clock()
    basal_nl = span.basal.highest_nl(span.planned_s, made.duration_s) if known else setup.program.highest_rate_nl()
    highest_nl = ceil_div(made.of(basal_nl), made.parts())
    beside_nl = fastest_nl(pump)
    limit_nl = min(setup.ceilings.rate_nl, setup.ceilings.motor_nl)
    if highest_nl + beside_nl > limit_nl:
        nearest_nl = max(0, limit_nl - beside_nl)
        raise Refusal("rate_above_ceiling", rule="R7", asked_nl=highest_nl + beside_nl, limit_nl=limit_nl, nearest_nl=nearest_nl)
    _check_library(setup.program.settings, highest_nl)
    _check_windows(pump, made, highest_nl)


def _check_library(settings: object, highest_nl: int) -> None:
    if settings is None:
        return
    for kind, limit_nl in (("hard", settings.hard_rate_nl), ("soft", settings.soft_rate_nl)):
        allowed = kind == "soft" and "rate" in settings.overridden()
        if limit_nl and highest_nl > limit_nl and not allowed:
            raise Refusal("library_" + kind, rule="R7", parameter="rate", asked_nl=highest_nl, limit_nl=limit_nl, nearest_nl=limit_nl)


def _check_windows(pump: Pump, made: Temporary, highest_nl: int) -> None:
    """The hour by itself, since what is in it now falls out; the day with what is in it. Less than the basal is always allowed."""
    if made.numerator <= made.denominator if made.denominator else made.rate_nl <= pump.setup.program.lowest_rate_nl():
        return
    ceilings, pair = pump.setup.ceilings, pump.setup.calibration
    modulus = pump.setup.program.rate_seconds_s * pair.volume_nl
    windows = (("hour", min(made.duration_s, _HOUR_S), 0, ceilings.hour_steps),
               ("day", made.duration_s, pump.delivery.leases.windows.day_steps, ceilings.day_steps))
    for name, time_s, used, limit in windows:
        asked = used + highest_nl * time_s * pair.steps // modulus + 1
        if asked > limit:
            nearest_nl = max(0, limit - used - 1) * modulus // (time_s * pair.steps)
            raise Refusal(
                name + "_above_ceiling", rule="R5", asked_nl=pair.nl_for_steps(asked), limit_nl=pair.nl_for_steps(limit),
                nearest_nl=nearest_nl,
            )
