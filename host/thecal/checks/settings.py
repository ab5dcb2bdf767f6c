"""Check a program's settings and its drug library limits; messages use the prescription's own key and text."""

from __future__ import annotations

from copy import copy
from fractions import Fraction
from typing import Any

from pumpcore.faults.fault_texts import told
from pumpcore.faults.faults import Refusal
from pumpcore.program.plan import Program
from pumpcore.program.settings import OVERRIDES
from pumpcore.units import NL_PER_ML, S_PER_DAY, S_PER_HOUR
from thecal.checks import culprit
from thecal.checks.rigs import Rig
from thecal.errors import BadInput
from thecal.prescription.compiler import Compiled
from thecal.prescription.file import Prescription
from thecal.pump import layers
from thecal.pump.refusals import RATE_FAULTS, Typed, without_nearest
from thecal.quantities.amounts import span, ug_per_ml
from thecal.quantities.exact import ng_per_nl, ng_per_nl_of
from thecal.quantities.typed import Quantity, decimal, shown, spelled

FAULTS = ("minimum_rate", "demand_rate", "demand_volume", "library_hard", "library_soft")


def complaint(prescription: Prescription, compiled: Compiled, refusal: Refusal, rig: Rig, name: str) -> BadInput:
    """Return one line with key, text, rule, asked, limit, and the allowed value."""
    blamed = of_setting(prescription, compiled, refusal)
    if blamed is None:
        key, typed = concentration_of(prescription, refusal)
        best = ""
    else:
        program = compiled.program if refusal.fault.name == "library_soft" else confirmed(compiled.program)
        key, typed, best = blamed.key, blamed.quantity.text, blamed.nearest(program, rig)
    do = told(refusal.fault.name)[1]
    if refusal.fault.name == "library_soft":
        do = f"confirm it with --override {refusal.detail['parameter']}"
    binds = layers.words(refusal.fault.name, refusal.detail, compiled.program, rig.bench)
    words = "; ".join(filter(None, (do, best or nearest(compiled.program, refusal), binds)))
    quantity, per_nl = blamed.quantity if blamed else None, ng_per_nl_of(compiled.program, refusal.detail.get("drug"))
    said = without_nearest(refusal, compiled.program.rate_seconds_s, quantity, per_nl)
    return BadInput(f"{name}: {key}: {shown(typed)}: {said}", words)


def concentration_of(prescription: Prescription, refusal: Refusal) -> tuple[str, str]:
    """Return key and typed text of the concentration that a refusal means."""
    found = [(prescription.drug, prescription.concentration), *((other.name, other.concentration) for other in prescription.others)]
    at = next((at for at, (name, _) in enumerate(found) if name == refusal.detail.get("drug")), 0)
    quantity = found[at][1]
    return prescription.concentration_key(at), quantity.text if quantity is not None else "none"


def confirmed(program: Program) -> Program:
    """Return the program with every soft limit confirmed, because the user may confirm them."""
    made, settings = copy(program), copy(program.settings)
    if settings is not None:
        settings.overrides = (1 << len(OVERRIDES)) - 1
    made.settings = settings
    return made


def of_setting(prescription: Prescription, compiled: Compiled, refusal: Refusal) -> culprit.Culprit | None:
    """Return the quantity that exceeds a limit; None for the concentration."""
    what = refusal.detail.get("parameter")
    if what == "concentration":
        return None
    found = None
    if refusal.fault.name.startswith("demand"):
        found = culprit.of_demand(prescription, compiled)
    elif what == "bolus":
        found = culprit.of_bolus(prescription, compiled)
    return found or culprit.of_rate(prescription, compiled.program)


def nearest(program: Program, refusal: Refusal, temporary: bool = False, typed: Quantity | None = None) -> str:
    """Format the nearest value of a refusal, in the unit of what was `typed` if that is exact; "" if the refusal has none."""
    detail: dict[str, Any] = refusal.detail
    words = []
    if "nearest_ng_per_ml" in detail:
        words.append(ug_per_ml(detail["nearest_ng_per_ml"]))
    if "nearest_nl" in detail:
        is_rate = temporary or refusal.fault.name in RATE_FAULTS or detail.get("parameter") == "rate"
        words.append(in_typed(detail["nearest_nl"], program, typed, is_rate))
    if "nearest_rate_nl" in detail:
        words.append(in_typed(detail["nearest_rate_nl"], program, typed, True))
    elif "nearest_s" in detail:
        words.append(("over " if words else "") + span(detail["nearest_s"]))
    if "nearest" in detail:
        words.append(str(detail["nearest"]))
    return "nearest: " + ", or ".join(words) if words else ""


def in_typed(value_nl: int, program: Program, typed: Quantity | None, timed: bool) -> str:
    """Format a volume or a rate that the user can type: in the unit of what was typed if that is exact, otherwise in mL or mL/h. `timed`:
    a rate."""
    volume = Fraction(value_nl, NL_PER_ML)
    value, unit = (volume * S_PER_HOUR / program.rate_seconds_s, "mL/h") if timed else (volume, "mL")
    if typed is not None:
        value, unit = Typed(typed, ng_per_nl(program)).converted(value, unit)
        exact = decimal(value)
        if not exact.startswith("~"):
            return f"{exact} {spelled(unit)}"
    return rate_text(value_nl, program.rate_seconds_s) if timed else f"{decimal(volume)} mL"


def rate_text(rate_nl: int, seconds_s: int) -> str:
    """Format a rate that the user can type: exact (per day if an hour needs too many digits), otherwise rounded down."""
    for per_s, unit in ((S_PER_HOUR, "mL/h"), (S_PER_DAY, "mL/day")):
        exact = decimal(Fraction(rate_nl * per_s, seconds_s * NL_PER_ML))
        if not exact.startswith("~"):
            return f"{exact} {unit}"
    return f"{decimal(Fraction(rate_nl * S_PER_HOUR // seconds_s, NL_PER_ML))} mL/h"
