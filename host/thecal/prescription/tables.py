"""The tables of a prescription besides basal and limits: demand bolus, bolus limits, line, reservoir, drug library."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr

from thecal.prescription.fields import Concentration, Date, Dose, Duration, Percent, Rate, Table


class Demand(Table):
    """`lockout`: from the start of one demand bolus to the start of the next; `per_day`: within 24 powered-on hours."""

    dose: Dose
    duration: Duration
    lockout: Duration
    per_day: StrictInt
    enabled: StrictBool = True


class Bolus(Table):
    """Limits of all boluses, of every kind."""

    max_dose: Dose | None = None
    max_per_day: Dose | None = None


class Line(Table):
    """Volumes between reservoir and tip, and the date of their measurement."""

    tubing: Dose
    catheter: Dose
    measured: Date


class Reservoir(Table):
    """The allowed difference of a residual at a refill is `tolerance` plus `tolerance_percent` of the delivered volume."""

    capacity: Dose
    low: Dose
    empty: Dose
    tolerance: Dose
    tolerance_percent: Percent = 0


Range = Annotated[list[Concentration], Field(min_length=2, max_length=2)]


class Library(Table):
    """The drug library that this prescription was checked against. `overrides`: the confirmed soft limits."""

    name: Annotated[StrictStr, Field(min_length=1)]
    version: Annotated[StrictInt, Field(ge=1)]
    overrides: list[Literal["concentration", "rate", "bolus", "day"]] = []
    hard_rate: Rate | None = None
    soft_rate: Rate | None = None
    hard_bolus: Dose | None = None
    soft_bolus: Dose | None = None
    hard_day: Dose | None = None
    soft_day: Dose | None = None
    hard_concentration: Range | None = None
    soft_concentration: Range | None = None


TABLES: dict[str, type[Table]] = {"demand": Demand, "bolus": Bolus, "line": Line, "reservoir": Reservoir, "library": Library}
