"""The tables of a prescription besides basal and limits: demand bolus, bolus limits, line, reservoir, drug library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field, StrictBool, StrictInt, StrictStr

from pumpcore.program.settings import OVERRIDES
from thecal.prescription.fields import Concentration, Date, Dose, Duration, Percent, Rate, Table

# What the number is that a field of the pump's settings holds.
VOLUME, RATE, SECONDS, COUNT, VERSION, PERMILLE, DAY, ON_OFF, RANGE = (
    "volume", "rate", "seconds", "count", "version", "permille", "day", "on_off", "range",
)  # fmt: skip


class Held(NamedTuple):
    """The fields of `pumpcore.program.settings` that keep a key: one, of a range two. Where not `zero`, 0 would read as "not set"."""

    kind: str
    fields: tuple[str, ...]
    zero: bool = False


def held(kind: str, *fields: str) -> Held:
    """Say which fields of the settings hold a key, and as what kind of number."""
    return Held(kind, fields)


class Demand(Table):
    """`lockout`: from the start of one demand bolus to the start of the next; `per_day`: within 24 powered-on hours."""

    dose: Annotated[Dose, held(VOLUME, "demand_nl")]
    duration: Annotated[Duration, held(SECONDS, "demand_s")]
    lockout: Annotated[Duration, held(SECONDS, "lockout_s")]
    per_day: Annotated[StrictInt, held(COUNT, "demand_per_day")]
    enabled: Annotated[StrictBool, held(ON_OFF, "demand_on")] = True


class Bolus(Table):
    """Limits of all boluses, of every kind."""

    max_dose: Annotated[Dose | None, held(VOLUME, "bolus_max_nl")] = None
    max_per_day: Annotated[Dose | None, held(VOLUME, "bolus_day_nl")] = None


class Line(Table):
    """Volumes between reservoir and tip, and the date of their measurement."""

    tubing: Annotated[Dose, Held(VOLUME, ("tubing_nl",), zero=True)]
    catheter: Annotated[Dose, Held(VOLUME, ("catheter_nl",), zero=True)]
    measured: Annotated[Date, held(DAY, "line_day")]


class Reservoir(Table):
    """The allowed difference of a residual at a refill is `tolerance` plus `tolerance_percent` of the delivered volume."""

    capacity: Annotated[Dose, held(VOLUME, "capacity_nl")]
    low: Annotated[Dose, held(VOLUME, "low_nl")]
    empty: Annotated[Dose, held(VOLUME, "empty_nl")]
    tolerance: Annotated[Dose, held(VOLUME, "tolerance_nl")]
    tolerance_percent: Annotated[Percent, held(PERMILLE, "tolerance_permille")] = 0


Range = Annotated[list[Concentration], Field(min_length=2, max_length=2)]
if TYPE_CHECKING:
    SoftLimit = str
else:
    SoftLimit = Literal[OVERRIDES]


class Fluid(Table):
    """The drug library that this prescription was checked against. `overrides`: the confirmed soft limits."""

    name: Annotated[StrictStr, Field(min_length=1)]
    hard_rate: Annotated[Rate | None, held(RATE, "hard_rate_nl")] = None
    soft_rate: Annotated[Rate | None, held(RATE, "soft_rate_nl")] = None
    hard_bolus: Annotated[Dose | None, held(VOLUME, "hard_bolus_nl")] = None
    soft_bolus: Annotated[Dose | None, held(VOLUME, "soft_bolus_nl")] = None
    hard_day: Annotated[Dose | None, held(VOLUME, "hard_day_nl")] = None
    soft_day: Annotated[Dose | None, held(VOLUME, "soft_day_nl")] = None
    hard_concentration: Annotated[Range | None, held(RANGE, "hard_low_ng", "hard_high_ng")] = None
    soft_concentration: Annotated[Range | None, held(RANGE, "soft_low_ng", "soft_high_ng")] = None


class Library(Fluid):
    """The drug library that this prescription was checked against. `overrides` names the soft limits that were confirmed."""

    version: Annotated[StrictInt, Field(ge=1), held(VERSION, "library_version")]
    overrides: list[SoftLimit] = []


TABLES: dict[str, type[Table]] = {"demand": Demand, "bolus": Bolus, "line": Line, "reservoir": Reservoir, "library": Library}


class Setting(NamedTuple):
    """A key of a table of the prescription, and how the pump holds it."""

    table: str
    name: str
    held: Held

    @property
    def key(self) -> str:
        """As a person reads it: "demand.dose"."""
        return f"{self.table}.{self.name}"

    @property
    def field(self) -> str:
        """Return the first field of the settings that holds it."""
        return self.held.fields[0]


def _settings() -> Iterator[Setting]:
    for table, shape in TABLES.items():
        for name, field in shape.model_fields.items():
            yield from (Setting(table, name, one) for one in field.metadata if isinstance(one, Held))


SETTINGS = tuple(_settings())
BY_FIELD = {field: setting for setting in SETTINGS for field in setting.held.fields}
