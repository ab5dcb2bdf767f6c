"""The tables of a prescription beside basal and limits: demand bolus, limits of boluses, line, reservoir, drug library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr

from pumpcore.settings import OVERRIDES
from thecal.prescription.fields import Concentration, Date, Dose, Duration, Percent, Rate, Table


class Demand(Table):
    """`lockout` runs from the start of one to the start of the next; `per_day` counts 24 powered-on hours."""

    dose: Dose
    duration: Duration
    lockout: Duration
    per_day: StrictInt
    enabled: StrictBool = True


class Bolus(Table):
    """Limits of every bolus, of whatever kind."""

    max_dose: Dose | None = None
    max_per_day: Dose | None = None


class Line(Table):
    """What lies between reservoir and tip, and when somebody measured it."""

    tubing: Dose
    catheter: Dose
    measured: Date


class Reservoir(Table):
    """`tolerance` and `tolerance_percent` (of what was delivered) together are what a residual may differ by at a refill."""

    capacity: Dose
    low: Dose
    empty: Dose
    tolerance: Dose
    tolerance_percent: Percent = 0


Range = Annotated[list[Concentration], Field(min_length=2, max_length=2)]


if TYPE_CHECKING:
    SoftLimit = str
else:
    SoftLimit = Literal[OVERRIDES]


class Fluid(Table):
    """What a library allows for one fluid; None = no such limit."""

    name: Annotated[StrictStr, Field(min_length=1)]
    hard_rate: Rate | None = None
    soft_rate: Rate | None = None
    hard_bolus: Dose | None = None
    soft_bolus: Dose | None = None
    hard_day: Dose | None = None
    soft_day: Dose | None = None
    hard_concentration: Range | None = None
    soft_concentration: Range | None = None


class Library(Fluid):
    """The drug library that this prescription was checked against. `overrides` names the soft limits that were confirmed."""

    version: Annotated[StrictInt, Field(ge=1)]
    overrides: list[SoftLimit] = []


TABLES: dict[str, type[Table]] = {"demand": Demand, "bolus": Bolus, "line": Line, "reservoir": Reservoir, "library": Library}
