"""What a program may hold beside basal and ceilings: demand bolus, limits of boluses, line, reservoir, the library's limits.

A block of fixed length; 0 in a field means "not set". Volumes are nl, `_rate_nl` is per the program's `rate_seconds_s`,
concentrations are ng per ml. THERAPY.md says what each does.
"""

import struct

from pumpcore.faults import Refusal

LONGEST_LOCKOUT_S = 86_400
SHORTEST_DEMAND_S = 20
MOST_DEMANDS = 96
OVERRIDES = ("concentration", "rate", "bolus", "day")
FIELDS = (
    "demand_on", "demand_per_day", "demand_s", "lockout_s", "demand_nl", "bolus_max_nl", "bolus_day_nl",
    "line_day", "tubing_nl", "catheter_nl",
    "tolerance_permille", "tolerance_nl", "capacity_nl", "low_nl", "empty_nl",
    "library_version", "overrides", "hard_rate_nl", "soft_rate_nl", "hard_bolus_nl", "soft_bolus_nl", "hard_day_nl", "soft_day_nl",
    "hard_low_ng", "soft_low_ng", "soft_high_ng", "hard_high_ng",
)

_FORMAT = "<BHIIQQQHQQHQQQQIHQQQQQQQQQQ"
_MOST = 1 << 48


class Settings:
    """Attributes named by FIELDS, whole numbers, 0 = not set; `library` is the drug library's name or ""."""

    demand_on = 0
    demand_per_day = 0
    demand_s = 0
    lockout_s = 0
    demand_nl = 0
    bolus_max_nl = 0
    bolus_day_nl = 0
    line_day = 0
    tubing_nl = 0
    catheter_nl = 0
    tolerance_permille = 0
    tolerance_nl = 0
    capacity_nl = 0
    low_nl = 0
    empty_nl = 0
    library_version = 0
    overrides = 0
    hard_rate_nl = 0
    soft_rate_nl = 0
    hard_bolus_nl = 0
    soft_bolus_nl = 0
    hard_day_nl = 0
    soft_day_nl = 0
    hard_low_ng = 0
    soft_low_ng = 0
    soft_high_ng = 0
    hard_high_ng = 0

    def __init__(self, values: tuple | None = None, library: str = "") -> None:
        self.library = library
        for name, value in zip(FIELDS, values or ()):
            if value:
                setattr(self, name, value)

    def __bool__(self) -> bool:
        return bool(self.library) or any([getattr(self, name) for name in FIELDS])

    def line_nl(self) -> int:
        """Volume from the reservoir's outlet to the tip."""
        return self.tubing_nl + self.catheter_nl

    def bolus_limit_nl(self) -> int:
        """The largest dose of any bolus; 0 = no limit of the program's own."""
        limits = [limit_nl for limit_nl in (self.bolus_max_nl, self.hard_bolus_nl) if limit_nl]
        return min(limits) if limits else 0

    def overridden(self) -> list:
        """The names of the soft limits that somebody has confirmed to be passed."""
        return [name for bit, name in enumerate(OVERRIDES) if self.overrides >> bit & 1]

    def pack(self) -> bytes:
        return struct.pack(_FORMAT, *[getattr(self, name) for name in FIELDS])

    def describe(self) -> dict:
        """Every field by name, the overrides as names."""
        told = {name: getattr(self, name) for name in FIELDS}
        told["overrides"] = self.overridden()
        told["library"] = self.library
        return told


def unpack(block: bytes, library: str) -> Settings:
    """The settings of a program's block, which has SETTINGS_BYTES (pumpcore/program.py)."""
    return Settings(struct.unpack(_FORMAT, block), library)


def check(settings: Settings) -> None:
    """What can be judged without bench and schedule. Refusals `program_format`, `program_settings`."""
    for name in FIELDS:
        if getattr(settings, name) > _MOST:
            raise Refusal("program_format", cause=name)
    if settings.demand_on > 1 or settings.overrides >> len(OVERRIDES):
        raise Refusal("program_format", cause="a flag of the settings")
    if bool(settings.library) != bool(settings.library_version):
        raise Refusal("program_settings", setting="library_version", cause="a library has a name and a version")
    _check_demand(settings)
    _check_line_and_reservoir(settings)
    for low, high in (("soft_rate_nl", "hard_rate_nl"), ("soft_bolus_nl", "hard_bolus_nl"), ("soft_day_nl", "hard_day_nl"),
                      ("hard_low_ng", "soft_low_ng"), ("soft_low_ng", "soft_high_ng"), ("soft_high_ng", "hard_high_ng")):
        _in_order(settings, low, high)


def _in_order(settings: Settings, low: str, high: str) -> None:
    limit = getattr(settings, high)
    if limit and getattr(settings, low) > limit:
        raise Refusal("program_settings", setting=low, asked=getattr(settings, low), limit=limit, nearest=limit)


def _within(settings: Settings, name: str, least: int, most: int) -> None:
    value = getattr(settings, name)
    if not least <= value <= most:
        nearest = least if value < least else most
        raise Refusal("program_settings", setting=name, asked=value, limit=nearest, nearest=nearest)


def _check_demand(settings: Settings) -> None:
    given = (settings.demand_nl, settings.demand_s, settings.lockout_s, settings.demand_per_day)
    if not any(given):
        if settings.demand_on:
            raise Refusal("program_settings", setting="demand_on", cause="it has no dose")
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
        raise Refusal("program_settings", setting="line_day", cause="the volumes of the line and the day they were measured go together")
    reservoir = (settings.low_nl, settings.empty_nl, settings.tolerance_nl, settings.tolerance_permille)
    if not settings.capacity_nl:
        if any(reservoir):
            raise Refusal("program_settings", setting="capacity_nl", cause="a reservoir needs a capacity")
        return
    _within(settings, "empty_nl", 1, settings.capacity_nl)
    _within(settings, "low_nl", settings.empty_nl, settings.capacity_nl)
    _within(settings, "tolerance_permille", 0, 1000)
    _within(settings, "tolerance_nl", 1, settings.capacity_nl)
