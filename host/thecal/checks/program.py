"""Check a program with the pump's own formulas and texts and the pump's ceilings, before the host sends it.

The most likely slip is a factor of 1000 (mL for uL): the message gives the factor above the limit and suggests the smaller unit.
"""

from __future__ import annotations

from copy import copy
from fractions import Fraction
from typing import Any

from pumpcore.faults.faults import Refusal
from pumpcore.limits import limits
from pumpcore.program.packing import MAX_RATE_NL
from pumpcore.program.plan import CONSTANT, MINIMUM, Program
from pumpcore.units import S_PER_DAY, S_PER_HOUR
from thecal.checks import orders as order_checks
from thecal.checks import settings as settings_checks
from thecal.checks.culprit import NEAREST_DIGITS, Culprit, of_rate, part_of, possible
from thecal.checks.dose import Bolus
from thecal.checks.rigs import ANY_RIG, Rig
from thecal.errors import BadInput
from thecal.prescription.compiler import Compiled
from thecal.prescription.file import Prescription
from thecal.pump import layers
from thecal.pump.refusals import PARAMETERS, without_nearest
from thecal.quantities.amounts import ml
from thecal.quantities.exact import ng_per_nl, ng_per_nl_of
from thecal.quantities.typed import Quantity, decimal, shown, smaller

SLIP = 1000
TELL_ABOVE, ASK_ABOVE = 10, 100  # times the limit


def check(prescription: Prescription, compiled: Compiled, rig: Rig, name: str) -> None:
    """Raise BadInput with the pump's text if the pump would refuse the program; `name`: the file's name for the message."""
    try:
        limits.check_program(without_steps(compiled.program) if rig is ANY_RIG else compiled.program, rig, rig.calibration)
        limits.check_demand_steps(compiled.program, rig.calibration)
    except Refusal as refusal:
        if refusal.fault.name == "dose_rounded" and prescription.demand is not None:
            about = order_checks.rounded(refusal, compiled.program, rig, prescription.demand.dose)
            raise BadInput(f"{name}: demand.dose: {about.cause}", about.do) from refusal
        if refusal.fault.name in settings_checks.FAULTS:
            raise settings_checks.complaint(prescription, compiled, refusal, rig, name) from refusal
        if refusal.fault.name == "program_protocol":
            cause, _, do = str(refusal.detail["cause"]).partition("; ")
            raise BadInput(f"{name}: protocol: {cause}", do) from refusal
        blamed = of_ceiling(prescription, compiled, refusal)
        best = (
            possible(blamed.words(figure(refusal, "nearest_nl")))
            if "parameter" in refusal.detail
            else blamed.nearest(compiled.program, rig)
        )
        per_nl = ng_per_nl_of(compiled.program, refusal.detail.get("drug"))
        cause = without_nearest(refusal, compiled.program.rate_seconds_s, blamed.quantity, per_nl)
        text = f"{name}: {blamed.key}: {shown(blamed.quantity.text)}: {cause}"
        binds = layers.words(refusal.fault.name, refusal.detail, compiled.program, rig.bench)
        raise BadInput(text, joined(advice(refusal, blamed.quantity, best), binds, next_limit(compiled.program, rig, refusal))) from refusal


def next_limit(program: Program, rig: Rig, refusal: Refusal) -> str:
    """Return the ceiling that would refuse the program after this one was raised at the pump; "" if none."""
    kind = layers.KINDS.get(refusal.fault.name, "")
    if rig.bench is None or rig.bench.source != layers.PUMP or not kind:
        return ""
    higher = copy(rig)
    setattr(higher, {layers.RATE: "rate_nl", layers.HOUR: "hour_nl", layers.DAY: "day_nl"}[kind], MAX_RATE_NL)
    try:
        limits.check_program(program, higher, rig.calibration)
    except Refusal as more:
        if more.fault.name != refusal.fault.name and more.fault.name in layers.KINDS:
            words = layers.words(more.fault.name, more.detail, program, rig.bench)
            return words.replace("the limit is", "after that one the limit would be", 1)
    return ""


def joined(*sentences: str) -> str:
    """Join the parts of a remedy; empty ones are left out."""
    return "; ".join(filter(None, sentences))


def without_steps(program: Program) -> Program:
    """Return the program without values that depend on the volume of a step, because no bench is known."""
    if program.mode != MINIMUM:
        return program
    made = copy(program)
    made.mode = CONSTANT
    return made


def check_bolus(bolus: Bolus, program: Program, rig: Rig) -> None:
    """Raise BadInput if the bolus alone exceeds the ceilings; the pump adds the basal to it."""
    ceilings = limits.Ceilings(rig, rig.calibration, program)
    try:
        ceilings.check_rate(bolus.rate_nl)
    except Refusal as refusal:
        limit = possible(part_of(Fraction(figure(refusal, "nearest_nl"), bolus.rate_nl), bolus.rate))
        per_nl = ng_per_nl(program)
        text = f"{shown(bolus.rate.text)}: {without_nearest(refusal, program.rate_seconds_s, bolus.rate, per_nl)}"
        binds = layers.words(refusal.fault.name, refusal.detail, program, rig.bench)
        raise BadInput(text, joined(advice(refusal, bolus.rate, limit), binds)) from refusal
    for window, span_s, limit_nl in (("hour", S_PER_HOUR, ceilings.hour_nl), ("day", S_PER_DAY, ceilings.day_nl)):
        asked_nl = min(bolus.volume_nl, bolus.rate_nl * span_s // program.rate_seconds_s)
        if asked_nl > limit_nl:
            above = Refusal(window + "_above_ceiling", asked_nl=asked_nl, limit_nl=limit_nl, nearest_nl=limit_nl)
            limit = possible(part_of(Fraction(limit_nl, bolus.volume_nl), bolus.volume))
            text = f"{shown(bolus.volume.text)}: {without_nearest(above, None, bolus.volume, ng_per_nl(program))}"
            binds = layers.words(above.fault.name, above.detail, program, rig.bench)
            raise BadInput(text, joined(advice(above, bolus.volume, limit), binds))


def of_ceiling(prescription: Prescription, compiled: Compiled, refusal: Refusal) -> Culprit:
    """Return the value to correct: a limit that is too wide, otherwise the highest rate."""
    limit = PARAMETERS.get(str(refusal.detail.get("parameter")))
    if limit:
        return Culprit(f"limits.{limit}", getattr(prescription.limits, limit), figure(refusal, "asked_nl"))
    return of_rate(prescription, compiled.program)


def figure(refusal: Refusal, name: str) -> int:
    """Return a detail of a refusal, a whole number in the unit of its name."""
    value: Any = refusal.detail[name]
    return int(value)


def advice(refusal: Refusal, quantity: Quantity, nearest_words: str) -> str:
    """Return the factor above the limit, a suggested smaller unit, and the nearest possible value."""
    asked, limit = figure(refusal, "asked_nl"), figure(refusal, "limit_nl")
    span = "24 hours" if refusal.fault.name.startswith("day") else "hour"
    best = nearest_words or f"the highest {span} would deliver {ml(asked)}, the limit is {ml(limit)}".replace("~", "")
    if asked < TELL_ABOVE * limit or not limit:
        return best
    far, small = f"that is {asked // limit} times the limit", smaller(quantity.unit)
    if not small or not ASK_ABOVE * limit <= asked <= SLIP * limit:
        return f"{far}; {best}"
    return f'{far}: did you mean "{decimal(quantity.amount, NEAREST_DIGITS)} {small}"? {best[0].upper()}{best[1:]}'
