"""What program, bench and motor allow of an order, whatever else runs. The pump checks it at the order, the host before it."""

from pumpcore.faults.faults import Refusal
from pumpcore.motion.dose import Calibration
from pumpcore.orders.bolus import ROUNDING_PART, Bolus, Temporary, orderable_nl, rounds_off
from pumpcore.units import U64_MAX, ceil_div, const

if 0:  # for the type checker alone
    from pumpcore.shapes import Ceilings, Judged, Settings

_HOUR_S = const(3_660)
SHORTEST_EXTENDED_S = const(600)
LONGEST_EXTENDED_S = const(86_400)
SHORTEST_TEMPORARY_S = const(60)
LONGEST_TEMPORARY_S = const(86_400)
MOST_PARTS = const(10_000)


def check_rounding(volume_nl: int, calibration: Calibration) -> None:
    """Refusal `dose_rounded` if whole steps deliver over 1 % less than `volume_nl`.

    `nearest_nl` is the nearest volume below that may be ordered (0: none), `nearest_more_nl` the nearest above.
    """
    if rounds_off(volume_nl, calibration):
        steps = calibration.steps_for_nl(volume_nl)
        less_nl, more_nl = orderable_nl(calibration, steps, -1), orderable_nl(calibration, steps + 1, 1)
        detail = {"asked_nl": volume_nl, "nearest_nl": less_nl, "nearest_more_nl": more_nl}
        raise Refusal("dose_rounded", rule="R7", limit="1/%d" % ROUNDING_PART, **detail)


def check_dose(settings: "Settings | None", volume_nl: int) -> None:
    """Refusals `bolus_above_max`, `library_soft`. Without settings every dose passes."""
    if settings is None:
        return
    limit_nl = settings.bolus_limit_nl()
    if limit_nl and volume_nl > limit_nl:
        drug = settings.whose("hard_bolus_nl") if limit_nl == settings.hard_bolus_nl else {}
        raise Refusal("bolus_above_max", rule="R5", asked_nl=volume_nl, limit_nl=limit_nl, nearest_nl=limit_nl, **drug)
    limit_nl = settings.soft_bolus_nl
    if limit_nl and volume_nl > limit_nl and "bolus" not in settings.overridden():
        drug = settings.whose("soft_bolus_nl")
        raise Refusal("library_soft", rule="R7", parameter="bolus", asked_nl=volume_nl, limit_nl=limit_nl, nearest_nl=limit_nl, **drug)


def check_bolus_time(bolus: Bolus) -> None:
    """Refusal `bolus_too_long`. Call it before anything is computed over the length of the bolus."""
    longest_s = bolus.longest_s()
    if bolus.duration_s > longest_s:
        nearest_nl = ceil_div(bolus.volume_nl * bolus.rate_seconds_s, longest_s)
        detail = {"limit_s": longest_s, "nearest_s": longest_s, "nearest_rate_nl": nearest_nl}
        raise Refusal("bolus_too_long", rule="R7", asked_s=bolus.duration_s, **detail)


def check_bolus_rate(bolus: Bolus, rate_nl: int, ceilings: "Ceilings", seconds_s: int) -> None:
    """Refusal `rate_above_ceiling` if basal and bolus together exceed ceiling or motor. Rates are per `seconds_s`.

    `nearest_nl` is the highest rate for the bolus.
    """
    limit_nl = min(ceilings.rate_nl, ceilings.motor_nl)
    asked_nl = rate_nl + ceil_div(bolus.rate_nl * seconds_s, bolus.rate_seconds_s)
    if asked_nl > limit_nl:
        nearest_nl = max(0, limit_nl - rate_nl)
        raise Refusal("rate_above_ceiling", rule="R7", asked_nl=asked_nl, limit_nl=limit_nl, nearest_nl=nearest_nl)


def check_extended_time(duration_s: int) -> None:
    """Refusal `extended_time` unless from 10 min to 24 h."""
    _check_time("extended_time", duration_s, SHORTEST_EXTENDED_S, LONGEST_EXTENDED_S)


def check_temporary_form(made: Temporary, modulus: int) -> None:
    """Refusals `temporary_time` (1 min to 24 h), `temporary_pair` (parts up to 10,000, and not beside a rate).

    `modulus` is that of the basal's remainder: times the parts it must fit in 64 bits (R4).
    """
    _check_time("temporary_time", made.duration_s, SHORTEST_TEMPORARY_S, LONGEST_TEMPORARY_S)
    pair = (made.numerator, made.denominator)
    if (made.rate_nl and any(pair)) or max(pair) > MOST_PARTS or (made.numerator and not made.denominator):
        allowed = (0, 0) if made.rate_nl else (min(pair[0], MOST_PARTS), min(max(1, pair[1]), MOST_PARTS))
        raise Refusal("temporary_pair", rule="R7", asked="%d/%d" % pair, limit=MOST_PARTS, nearest="%d/%d" % allowed)
    if modulus * made.parts() > U64_MAX:
        most = U64_MAX // modulus
        raise Refusal("temporary_pair", rule="R4", parameter="denominator", asked=made.denominator, limit=most, nearest=most)


def _check_time(fault: str, duration_s: int, shortest_s: int, longest_s: int) -> None:
    nearest_s = min(max(duration_s, shortest_s), longest_s)
    if duration_s != nearest_s:
        raise Refusal(fault, rule="R7", asked_s=duration_s, limit_s=nearest_s, nearest_s=nearest_s)


def check_temporary_rate(highest_nl: int, beside_nl: int, ceilings: "Ceilings", settings: "Settings | None") -> None:
    """Refusals `rate_above_ceiling`, `library_hard`, `library_soft`. Rates are per the program's seconds.

    `highest_nl`: the highest of the temporary rate; `beside_nl`: the rate of a bolus on top.
    """
    limit_nl = min(ceilings.rate_nl, ceilings.motor_nl)
    if highest_nl + beside_nl > limit_nl:
        nearest_nl = max(0, limit_nl - beside_nl)
        raise Refusal("rate_above_ceiling", rule="R7", asked_nl=highest_nl + beside_nl, limit_nl=limit_nl, nearest_nl=nearest_nl)
    if settings is None:
        return
    for kind, limit_nl in (("hard", settings.hard_rate_nl), ("soft", settings.soft_rate_nl)):
        allowed = kind == "soft" and "rate" in settings.overridden()
        if limit_nl and highest_nl > limit_nl and not allowed:
            detail = settings.whose(kind + "_rate_nl")
            detail.update({"asked_nl": highest_nl, "limit_nl": limit_nl, "nearest_nl": limit_nl})
            raise Refusal("library_" + kind, rule="R7", parameter="rate", **detail)


def check_temporary_windows(made: Temporary, highest_nl: int, setup: "Judged", day_steps: int) -> None:
    """Refusals `hour_above_ceiling`, `day_above_ceiling`; no more than the basal always passes.

    The hour is judged alone, because its present content falls out meanwhile; the day with the `day_steps` already in it. `nearest_rate_nl`
    is per the program's seconds.
    """
    program, ceilings, pair = setup.program, setup.ceilings, setup.calibration
    if made.numerator <= made.denominator if made.denominator else made.rate_nl <= program.lowest_rate_nl():
        return
    modulus = program.rate_seconds_s * pair.volume_nl
    windows = (("hour", min(made.duration_s, _HOUR_S), 0, ceilings.hour_steps), ("day", made.duration_s, day_steps, ceilings.day_steps))
    for name, time_s, used, limit in windows:
        asked = used + highest_nl * time_s * pair.steps // modulus + 1
        if asked > limit:
            nearest_nl = max(0, limit - used - 1) * modulus // (time_s * pair.steps)
            raise Refusal(
                name + "_above_ceiling", rule="R5", asked_nl=pair.nl_for_steps(asked), limit_nl=pair.nl_for_steps(limit),
                nearest_rate_nl=nearest_nl,
            )
