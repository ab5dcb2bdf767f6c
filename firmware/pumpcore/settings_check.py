"""A program's settings by themselves: ranges, and what belongs together. Apart from them, so that a pump can give it back."""

from pumpcore.faults import Refusal
from pumpcore.settings import FIELDS, OVERRIDES, Settings

LONGEST_LOCKOUT_S = 86_400
SHORTEST_DEMAND_S = 20
MOST_DEMANDS = 96
_MOST = 1 << 48


def check(settings: Settings) -> None:
    """What can be judged without bench and schedule. Refusals `program_format`, `program_settings`."""
    for name in FIELDS:
        if getattr(settings, name) > _MOST:
            raise Refusal("program_format", cause=name)
    if settings.demand_on > 1 or settings.overrides >> len(OVERRIDES):
        raise Refusal("program_format", cause="a flag of the settings")
    if bool(settings.library) != bool(settings.library_version):
        raise Refusal("program_settings", rule="R7", setting="library_version", cause="a library has a name and a version")
    _check_demand(settings)
    _check_line_and_reservoir(settings)
    for low, high in (("soft_rate_nl", "hard_rate_nl"), ("soft_bolus_nl", "hard_bolus_nl"), ("soft_day_nl", "hard_day_nl"),
                      ("hard_low_ng", "soft_low_ng"), ("soft_low_ng", "soft_high_ng"), ("soft_high_ng", "hard_high_ng"),
                      ("bolus_max_nl", "bolus_day_nl")):
        _in_order(settings, low, high)


def _in_order(settings: Settings, low: str, high: str) -> None:
    limit = getattr(settings, high)
    if limit and getattr(settings, low) > limit:
        raise Refusal("program_settings", rule="R7", setting=low, asked=getattr(settings, low), limit=limit, nearest=limit)


def _within(settings: Settings, name: str, least: int, most: int) -> None:
    value = getattr(settings, name)
    if not least <= value <= most:
        nearest = least if value < least else most
        raise Refusal("program_settings", rule="R7", setting=name, asked=value, limit=nearest, nearest=nearest)


def _check_demand(settings: Settings) -> None:
    given = (settings.demand_nl, settings.demand_s, settings.lockout_s, settings.demand_per_day)
    if not any(given):
        if settings.demand_on:
            raise Refusal("program_settings", rule="R7", setting="demand_on", cause="it has no dose")
        return
    _within(settings, "demand_nl", 1, _MOST)
    _within(settings, "demand_per_day", 1, MOST_DEMANDS)
    _within(settings, "demand_s", SHORTEST_DEMAND_S, LONGEST_LOCKOUT_S)
    _within(settings, "lockout_s", settings.demand_s + 1, LONGEST_LOCKOUT_S)
    limit_nl = settings.bolus_limit_nl()
    if limit_nl:
        _within(settings, "demand_nl", 1, limit_nl)
    if settings.bolus_day_nl and settings.demand_nl * settings.demand_per_day > settings.bolus_day_nl:
        _within(settings, "demand_per_day", 0, settings.bolus_day_nl // settings.demand_nl)


def _check_line_and_reservoir(settings: Settings) -> None:
    if bool(settings.line_nl()) != bool(settings.line_day):
        cause = "the volumes of the line and the day they were measured go together"
        raise Refusal("program_settings", rule="R7", setting="line_day", cause=cause)
    reservoir = (settings.low_nl, settings.empty_nl, settings.tolerance_nl, settings.tolerance_permille)
    if not settings.capacity_nl:
        if any(reservoir):
            raise Refusal("program_settings", rule="R7", setting="capacity_nl", cause="a reservoir needs a capacity")
        return
    _within(settings, "empty_nl", 1, settings.capacity_nl)
    _within(settings, "low_nl", settings.empty_nl, settings.capacity_nl)
    _within(settings, "tolerance_permille", 0, 1000)
    _within(settings, "tolerance_nl", 1, settings.capacity_nl)
