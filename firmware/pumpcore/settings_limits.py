"""A program's settings against its schedule, its ceilings and its drug library: minimum rate, demand boluses, hard and soft limits.

Every refusal names the rule, what was asked, the limit, and the nearest value that would do.
"""

from pumpcore.calibration import Calibration
from pumpcore.faults import Refusal
from pumpcore.limits import DAY_BUCKETS, HOUR_BUCKETS, highest_window_nl
from pumpcore.program import MINIMUM, Program
from pumpcore.settings import OVERRIDES
from pumpcore.units import MINUTES_PER_DAY, NL_PER_ML, S_PER_HOUR, S_PER_MINUTE, ceil_div

if 0:  # for the type checker alone
    from pumpcore.shapes import Ceilings

_WINDOWS_S = {"hour": HOUR_BUCKETS * S_PER_MINUTE, "day": DAY_BUCKETS * S_PER_MINUTE}


def check(program: Program, ceilings: "Ceilings", calibration: Calibration) -> None:
    """Refusals `minimum_rate`, `demand_rate`, `demand_volume`, `library_hard`, `library_soft`."""
    if program.mode == MINIMUM:
        _check_minimum(program, calibration)
    _check_library(program)
    if program.settings.demand_on:
        _check_demand_rate(program, min(ceilings.rate_nl, ceilings.motor_nl))
        _check_demand_volume(program, ceilings, calibration)


def _check_minimum(program: Program, calibration: Calibration) -> None:
    """0, or from one step an hour to one step a minute."""
    rate_nl = program.entries[0][1]
    step_nl_s = program.rate_seconds_s * calibration.volume_nl
    least_nl = ceil_div(step_nl_s, S_PER_HOUR * calibration.steps)
    most_nl = step_nl_s // (S_PER_MINUTE * calibration.steps)
    if rate_nl and not least_nl <= rate_nl <= most_nl:
        nearest_nl = least_nl if rate_nl < least_nl else most_nl
        raise Refusal("minimum_rate", rule="R7", asked_nl=rate_nl, limit_nl=nearest_nl, nearest_nl=nearest_nl)


def _check_demand_rate(program: Program, limit_nl: int) -> None:
    """A demand bolus may come at any time: it is judged beside the highest basal."""
    settings, seconds_s = program.settings, program.rate_seconds_s
    basal_nl = program.highest_rate_nl()
    asked_nl = basal_nl + ceil_div(settings.demand_nl * seconds_s, settings.demand_s)
    if asked_nl > limit_nl:
        room_nl = limit_nl - basal_nl
        detail = {"nearest_nl": room_nl * settings.demand_s // seconds_s}
        if room_nl:
            detail["nearest_s"] = ceil_div(settings.demand_nl * seconds_s, room_nl)
        raise Refusal("demand_rate", rule="R7", asked_rate_nl=asked_nl, limit_rate_nl=limit_nl, **detail)


def _check_demand_volume(program: Program, ceilings: "Ceilings", calibration: Calibration) -> None:
    """The nearest dose has room in both windows, whichever is told."""
    settings, windows = program.settings, _demand_windows(program, ceilings, calibration)
    dose_steps = calibration.steps_for_nl(settings.demand_nl)
    nearest_nl = min([calibration.nl_for_steps(limit - basal) // doses for _, doses, basal, limit in windows])
    for name, doses, basal_steps, limit_steps in windows:
        asked_nl, limit_nl = calibration.nl_for_steps(basal_steps + doses * dose_steps), calibration.nl_for_steps(limit_steps)
        if basal_steps + doses * dose_steps > limit_steps:
            detail = {"asked_nl": asked_nl, "limit_nl": limit_nl, "nearest_nl": nearest_nl}
            raise Refusal("demand_volume", rule="R5", window=name, doses=doses, **detail)


def _demand_windows(program: Program, ceilings: "Ceilings", calibration: Calibration) -> list[tuple[str, int, int, int]]:
    """[(name, demand boluses that it may hold, most steps of basal, limit in steps)] of an hour and of 24 hours."""
    settings, found = program.settings, []
    modulus = program.rate_seconds_s * calibration.volume_nl
    for name, limit_steps in (("hour", ceilings.hour_steps), ("day", ceilings.day_steps)):
        window_s = _WINDOWS_S[name]
        doses = min(settings.demand_per_day, (window_s - 1) // settings.lockout_s + 1)
        flow = highest_window_nl(program, window_s // S_PER_MINUTE) * S_PER_MINUTE * calibration.steps
        found.append((name, doses, flow // modulus + 1, limit_steps))
    return found


def asks_nl(program: Program) -> tuple[tuple[str, int], ...]:
    """(name, nl) of what the library limits: highest basal, largest bolus, most in 24 hours with every demand bolus."""
    settings = program.settings
    demand_nl = settings.demand_nl if settings.demand_on else 0
    day_nl = highest_window_nl(program, MINUTES_PER_DAY) * S_PER_MINUTE // program.rate_seconds_s
    return (
        ("rate", program.highest_rate_nl()), ("bolus", max(demand_nl, settings.bolus_max_nl)),
        ("day", day_nl + demand_nl * settings.demand_per_day),
    )


def _check_library(program: Program) -> None:
    _check_concentration(program)
    for name, asked_nl in asks_nl(program):
        _check_limit(program, "hard", name, asked_nl)
        _check_limit(program, "soft", name, asked_nl)


def _check_limit(program: Program, kind: str, name: str, asked_nl: int) -> None:
    limit_nl = getattr(program.settings, "%s_%s_nl" % (kind, name))
    if limit_nl and asked_nl > limit_nl and not (kind == "soft" and overridden(program, name)):
        raise Refusal("library_" + kind, rule="R7", parameter=name, asked_nl=asked_nl, limit_nl=limit_nl, nearest_nl=limit_nl)


def overridden(program: Program, name: str) -> bool:
    """Whether somebody has confirmed that the soft limit called `name` may be passed."""
    return bool(program.settings.overrides >> OVERRIDES.index(name) & 1)


def passed(program: Program) -> list[tuple[int, int, int]]:
    """[(index in OVERRIDES, asked, limit)] of the soft limits that the program passes; the concentration in ng per ml."""
    settings, found = program.settings, []
    mass_ng, volume_nl = program.concentration
    for beyond, limit_ng in ((_below, settings.soft_low_ng), (_above, settings.soft_high_ng)):
        if beyond(program, limit_ng):
            found.append((0, mass_ng * NL_PER_ML // volume_nl, limit_ng))
    for name, asked_nl in asks_nl(program):
        limit_nl = getattr(settings, "soft_%s_nl" % name)
        if limit_nl and asked_nl > limit_nl:
            found.append((OVERRIDES.index(name), asked_nl, limit_nl))
    return found


def _below(program: Program, limit_ng: int) -> bool:
    mass_ng, volume_nl = program.concentration
    return limit_ng > 0 and mass_ng * NL_PER_ML < limit_ng * volume_nl


def _above(program: Program, limit_ng: int) -> bool:
    mass_ng, volume_nl = program.concentration
    return limit_ng > 0 and mass_ng * NL_PER_ML > limit_ng * volume_nl


def _check_concentration(program: Program) -> None:
    settings = program.settings
    for kind in ("hard", "soft"):
        low_ng, high_ng = getattr(settings, kind + "_low_ng"), getattr(settings, kind + "_high_ng")
        too_low, too_high = _below(program, low_ng), _above(program, high_ng)
        if (too_low or too_high) and not (kind == "soft" and overridden(program, "concentration")):
            mass_ng, volume_nl = program.concentration
            limit_ng = low_ng if too_low else high_ng
            raise Refusal(
                "library_" + kind, rule="R7", parameter="concentration", asked_ng_per_ml=mass_ng * NL_PER_ML // max(1, volume_nl),
                limit_ng_per_ml=limit_ng, nearest_ng_per_ml=limit_ng,
            )
