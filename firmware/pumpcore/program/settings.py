"""The settings of a program besides basal and ceilings: demand bolus, bolus limits, line, reservoir, the library's limits.

A block of fixed length; 0 in a field means "not set". Volumes are nl, `_rate_nl` is per the program's `rate_seconds_s`, concentrations are
ng per ml. THERAPY.md explains each.
"""

import struct

from pumpcore.units import const

if 0:  # for the type checker alone
    from pumpcore.shapes import Json

OVERRIDES = const(("concentration", "rate", "bolus", "day"))
FIELDS = const((
    "demand_on", "demand_per_day", "demand_s", "lockout_s", "demand_nl", "bolus_max_nl", "bolus_day_nl",
    "line_day", "tubing_nl", "catheter_nl",
    "tolerance_permille", "tolerance_nl", "capacity_nl", "low_nl", "empty_nl",
    "library_version", "overrides", "hard_rate_nl", "soft_rate_nl", "hard_bolus_nl", "soft_bolus_nl", "hard_day_nl", "soft_day_nl",
    "hard_low_ng", "soft_low_ng", "soft_high_ng", "hard_high_ng",
))
LIMITS = FIELDS[17:]  # of the drug library

_FORMAT = const("<BHIIQQQHQQHQQQQIHQQQQQQQQQQ")


class Settings:
    """Attributes named by FIELDS, whole numbers, 0 = not set. `library` is the drug library's name or "".

    `drugs` is () in a program with one drug. Otherwise it has (name, own) for each drug: () for the first, and for the others the
    values of LIMITS that the library sets for this one. The attributes hold for all: each is the lowest of all drugs, except for
    concentrations, which are the first one's.
    """

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

    drugs: "tuple[tuple[str, tuple[int, ...]], ...]" = ()

    def __init__(self, values: tuple[int, ...] | None = None, library: str = "") -> None:
        self.library = library
        for name, value in zip(FIELDS, values or ()):
            if value:
                setattr(self, name, value)

    def __bool__(self) -> bool:
        return bool(self.library) or any([getattr(self, name) for name in FIELDS])

    def line_nl(self) -> int:
        """Return the volume from the reservoir's outlet to the tip."""
        return self.tubing_nl + self.catheter_nl

    def bolus_limit_nl(self) -> int:
        """Return the largest dose of any bolus; 0 if the program has no limit."""
        limits = [limit_nl for limit_nl in (self.bolus_max_nl, self.hard_bolus_nl) if limit_nl]
        return min(limits) if limits else 0

    def whose(self, name: str) -> "dict[str, Json]":
        """Return {"drug": the drug whose library limit this field is}, a detail of a refusal; {} if the program has one drug."""
        found = [drug for drug, own in self.drugs if own and own[LIMITS.index(name)] == getattr(self, name)]
        return {"drug": (found or [self.drugs[0][0]])[0]} if self.drugs else {}

    def overridden(self) -> list[str]:
        """Return the names of the soft limits that a person has overridden."""
        return [name for bit, name in enumerate(OVERRIDES) if self.overrides >> bit & 1]

    def pack(self) -> bytes:
        """Return the block of fixed length. The library's name is not in it."""
        return struct.pack(_FORMAT, *[getattr(self, name) for name in FIELDS])

    def describe(self) -> dict:
        """Return every field by name, the overrides as names."""
        told = {name: getattr(self, name) for name in FIELDS}
        told["overrides"] = self.overridden()
        told["library"] = self.library
        return told


def unpack(data: bytes, library: str) -> Settings:
    """Return the settings of a program's block, which has SETTINGS_BYTES (packing.py)."""
    return Settings(struct.unpack(_FORMAT, data), library)
