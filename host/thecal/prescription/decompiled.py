"""The tables of a prescription from a program: what a pump holds besides its basal, as exact quantities."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pumpcore.program.plan import Program
from pumpcore.program.settings import LIMITS
from pumpcore.units import NL_PER_ML, S_PER_HOUR
from thecal.prescription.file import Limits, Other
from thecal.prescription.tables import BY_FIELD, ON_OFF, RANGE, RATE, SETTINGS, TABLES, VOLUME, Fluid
from thecal.quantities.amounts import ml, ml_per_h, ug_per_ml
from thecal.quantities.typed import Quantity


def tables_of(program: Program, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the named tables of a program ("line", "reservoir" ...); a table that it does not use is left out."""
    settings, found = program.settings, {}
    if settings is None:
        return {}
    for name in names:
        values = {one.name: value_of(program, one.held.kind, [getattr(settings, field) for field in one.held.fields]) for one in SETTINGS
                  if one.table == name and any(getattr(settings, field) for field in one.held.fields)}  # fmt: skip
        if values:
            found[name] = TABLES[name].model_construct(**(values | ({"name": settings.library} if name == "library" else {})))
    return found


def value_of(program: Program, kind: str, numbers: list[int]) -> Any:
    """Return the value of a key from the numbers of its fields."""
    if kind == VOLUME:
        return volume(numbers[0])
    if kind == RATE:
        return rate(program, numbers[0])
    if kind == RANGE:
        return [Quantity(ug_per_ml(ng_per_ml), Fraction(ng_per_ml, 1000), "ug/mL") for ng_per_ml in numbers]
    return bool(numbers[0]) if kind == ON_OFF else numbers[0]


def volume(volume_nl: int) -> Quantity:
    """Return a volume in mL."""
    return Quantity(ml(volume_nl).removeprefix("~"), Fraction(volume_nl, NL_PER_ML), "mL")


def rate(program: Program, rate_nl: int) -> Quantity:
    """Return a rate in mL/h."""
    seconds_s = program.rate_seconds_s
    return Quantity(ml_per_h(rate_nl, seconds_s).removeprefix("~"), Fraction(rate_nl * S_PER_HOUR, seconds_s * NL_PER_ML), "mL/h")


def limits_of(program: Program) -> Limits:
    """Return the program's own ceilings."""
    return Limits.model_construct(
        max_rate=rate(program, program.max_rate_nl) if program.max_rate_nl else None,
        max_per_hour=volume(program.hour_nl) if program.hour_nl else None,
        max_per_day=volume(program.day_nl) if program.day_nl else None,
    )


def concentration_of(program: Program) -> Quantity | None:
    """Return the program's concentration; None for a program in volumes."""
    return concentration(*program.concentration) if program.concentration[0] else None


def concentration(mass_ng: int, volume_nl: int) -> Quantity:
    """Return a concentration in ug/mL."""
    return Quantity(ug_per_ml(mass_ng, volume_nl).removeprefix("~"), Fraction(mass_ng * 1000, volume_nl), "ug/mL")


def others_of(program: Program) -> tuple[Other, ...]:
    """Return the drugs after the first, with their own limits in the drug library."""
    own = program.settings.drugs[1:] if program.settings is not None else ()
    limits = [fluid_of(program, name, values) for name, values in own] or [None] * len(program.drugs)
    found = zip(program.drugs, limits, strict=True)
    return tuple(Other(name, concentration(mass_ng, volume_nl), limited) for (name, mass_ng, volume_nl), limited in found)


def fluid_of(program: Program, name: str, own: tuple[int, ...]) -> Fluid | None:
    """Return the limits of a drug as a library has them; None if it has none."""
    values: dict[str, Any] = {}
    for field in LIMITS:
        one = BY_FIELD[field]
        numbers = [own[LIMITS.index(each)] for each in one.held.fields]
        if any(numbers):
            values[one.name] = value_of(program, one.held.kind, numbers)
    return Fluid.model_construct(name=name, **values) if values else None
