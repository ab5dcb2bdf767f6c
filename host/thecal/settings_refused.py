"""What the pump would refuse of a program's settings or by its drug library, said with the prescription's own key and text."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pumpcore.fault_texts import sentence, told
from pumpcore.faults import Refusal
from pumpcore.program import Program
from pumpcore.settings import Settings
from thecal.compiler import Compiled, row_key
from thecal.errors import BadInput
from thecal.prescription import Prescription
from thecal.quantities import decimal, shown
from thecal.status_text import ml, ml_per_h

FAULTS = ("minimum_rate", "demand_rate", "demand_volume", "library_hard", "library_soft")


def complaint(prescription: Prescription, compiled: Compiled, refusal: Refusal, name: str) -> BadInput:
    """One line with key, text, rule, asked, limit; and what would be allowed."""
    key, typed = blamed(prescription, compiled, refusal)
    return BadInput(f"{name}: {key}: {shown(typed)}: {sentence(refusal)}", remedy(compiled.program, refusal))


def blamed(prescription: Prescription, compiled: Compiled, refusal: Refusal) -> tuple[str, str]:
    """(key, text) of what asks for too much."""
    what = refusal.detail.get("parameter")
    if what == "concentration":
        found = prescription.concentration
        return "concentration", found.text if found else "none"
    demand, bolus = prescription.demand, prescription.bolus
    if what == "bolus" or refusal.fault.name.startswith("demand"):
        settings: Settings | Any = compiled.program.settings
        if demand is not None and (what != "bolus" or settings.demand_nl >= settings.bolus_max_nl):
            return "demand.dose", demand.dose.text
        if bolus is not None and bolus.max_dose is not None:
            return "bolus.max_dose", bolus.max_dose.text
    rows = prescription.rows()
    highest = max(range(len(rows)), key=lambda index: compiled.program.entries[index][1])
    return row_key(prescription, rows[highest][0]), rows[highest][1].text


def remedy(program: Program, refusal: Refusal) -> str:
    """What to do, with the nearest value in a person's units."""
    detail: dict[str, Any] = refusal.detail
    do = told(refusal.fault.name)[1]
    if refusal.fault.name == "library_soft":
        do = f"confirm it with --override {detail['parameter']}"
    if "nearest_ng_per_ml" in detail:
        return f"{do}; nearest: {decimal(Fraction(detail['nearest_ng_per_ml'], 1000))} ug/mL"
    rate = detail.get("parameter") == "rate" or refusal.fault.name == "minimum_rate"
    if "nearest_nl" in detail and detail["nearest_nl"] >= 0:
        nearest_nl = detail["nearest_nl"]
        do += f"; nearest: {ml_per_h(nearest_nl, program.rate_seconds_s) if rate else ml(nearest_nl)}"
    if "nearest_s" in detail:
        do += f", or over {detail['nearest_s']} s"
    return do
