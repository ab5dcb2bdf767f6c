"""A program's settings as lines for people, under the names that the prescription gives them; every setting has its line."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from pumpcore.program import Program
from pumpcore.settings import Settings
from thecal.prescription.settings import RATES, VOLUMES
from thecal.quantities.amounts import ml, ml_per_h, span, ug_per_ml
from thecal.quantities.typed import decimal

NONE = "none"


def settings_facts(program: Program) -> dict[str, str]:
    """Label and value of every setting; a group that is not set has one line."""
    settings = program.settings or Settings()
    said = demand_facts(settings)
    said.update(volumes(settings, "bolus"))
    said.update(line_facts(settings))
    said.update(reservoir_facts(settings))
    said.update(library_facts(settings, program.rate_seconds_s))
    return said


def volumes(settings: Settings, table: str) -> dict[str, str]:
    """The volumes of one table, with the nanolitres that the pump holds."""
    found = {}
    for field, (its_table, key) in VOLUMES.items():
        volume_nl = getattr(settings, field)
        if its_table == table:
            found[f"{table}.{key}"] = f"{ml(volume_nl)} = {volume_nl} nl" if volume_nl else NONE
    return found


def demand_facts(settings: Settings) -> dict[str, str]:
    if not settings.demand_nl:
        return {"demand": NONE}
    return {
        "demand": "on" if settings.demand_on else "off",
        **volumes(settings, "demand"),
        "demand.duration": f"{span(settings.demand_s)} = {settings.demand_s} s",
        "demand.lockout": f"{span(settings.lockout_s)} = {settings.lockout_s} s",
        "demand.per_day": str(settings.demand_per_day),
    }


def line_facts(settings: Settings) -> dict[str, str]:
    if not settings.line_day:
        return {"line": NONE}
    return {**volumes(settings, "line"), "line.measured": (date(1970, 1, 1) + timedelta(days=settings.line_day)).isoformat()}


def reservoir_facts(settings: Settings) -> dict[str, str]:
    if not settings.capacity_nl:
        return {"reservoir": NONE}
    return {**volumes(settings, "reservoir"), "reservoir.tolerance_percent": f"{decimal(Fraction(settings.tolerance_permille, 10))} %"}


def library_facts(settings: Settings, rate_seconds_s: int) -> dict[str, str]:
    if not settings.library:
        return {"library": NONE}
    said = {
        "library": f"{settings.library}, version {settings.library_version}",
        "library.overrides": ", ".join(settings.overridden()) or NONE,
        **volumes(settings, "library"),
    }
    for field, (_, key) in RATES.items():
        rate_nl = getattr(settings, field)
        said[f"library.{key}"] = f"{ml_per_h(rate_nl, rate_seconds_s)} = {rate_nl} nl" if rate_nl else NONE
    for kind in ("hard", "soft"):
        low_ng, high_ng = getattr(settings, f"{kind}_low_ng"), getattr(settings, f"{kind}_high_ng")
        said[f"library.{kind}_concentration"] = f"{ug_per_ml(low_ng)} to {ug_per_ml(high_ng)}" if high_ng else NONE
    return said
