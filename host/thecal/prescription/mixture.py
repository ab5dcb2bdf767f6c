"""Several drugs in one reservoir: their concentrations, and the limits that hold for all of them.

A limit of the drug library that is a mass becomes the volume that holds it. For a drug after the first it is rounded down to whole
nanolitres: the pump compares it with whole nanolitres only, so no decision differs.
"""

from __future__ import annotations

from fractions import Fraction

from pumpcore.program.packing import MAX_RATE_NL
from pumpcore.program.plan import Program
from pumpcore.program.settings import LIMITS, Settings
from thecal.errors import BadInput
from thecal.prescription.file import Other, Prescription
from thecal.prescription.settings import whole_ng_per_ml
from thecal.prescription.tables import BY_FIELD, RANGE, RATE
from thecal.quantities.exact import volume
from thecal.quantities.typed import Quantity, shown

PAIR_MAX = (1 << 64) - 1
MERGED = ("rate", "bolus", "day")


def pair_of(concentration: Quantity, where: str) -> tuple[int, int]:
    """Return (ng, nl) of a concentration in lowest terms; `where`: file and key for messages. Raises BadInput."""
    exact = concentration.to("ng/nL")
    if max(exact.numerator, exact.denominator) > PAIR_MAX:
        raise BadInput(f"{where}: {shown(concentration.text)} has too many digits", "write fewer digits")
    return exact.numerator, exact.denominator


def fill(program: Program, prescription: Prescription, name: str) -> None:
    """Set the other drugs of the program, and let its limits hold for them too. Raises BadInput."""
    drugs = [
        (other.name, *pair_of(other.concentration, f"{name}: {prescription.concentration_key(at)}"))
        for at, other in enumerate(prescription.others, 1)
    ]
    program.drugs = tuple(drugs)
    settings = program.settings
    if settings is None or not drugs:
        return
    own = [limits_of(other, program.rate_seconds_s, name) for other in prescription.others]
    settings.drugs = ((program.fluid, ()), *((drug[0], limits) for drug, limits in zip(drugs, own, strict=True)))
    for word in MERGED:
        hard, soft = f"hard_{word}_nl", f"soft_{word}_nl"
        for field in (hard, soft):
            set_for_all = [getattr(settings, field), *(limits[LIMITS.index(field)] for limits in own)]
            setattr(settings, field, min(filter(None, set_for_all), default=0))
        if getattr(settings, hard) and getattr(settings, soft) > getattr(settings, hard):  # of two drugs: it can no longer be reached
            setattr(settings, soft, getattr(settings, hard))


def limits_of(other: Other, seconds_s: int, name: str) -> tuple[int, ...]:
    """Return the library's limits of a drug in the order of LIMITS, 0 for none. Raises BadInput."""
    values = dict.fromkeys(LIMITS, 0)
    for field in LIMITS:
        one, table = BY_FIELD[field], other.limits
        typed = getattr(table, one.name) if table is not None else None
        where = f"library.{one.name} of {shown(other.name)}"
        if typed is None:
            continue
        if one.held.kind == RANGE:
            values[field] = whole_ng_per_ml(where, typed[one.held.fields.index(field)], name)
            continue
        exact = volume(typed, other.concentration.to("ng/nL"), "there is no concentration", "")
        values[field] = int((exact * seconds_s if one.held.kind == RATE else exact) // Fraction(1))
        if not 0 < values[field] <= MAX_RATE_NL:
            raise BadInput(f"{name}: {where}: {shown(typed.text)} can't be held by the program", "correct the drug library")
    return tuple(values[field] for field in LIMITS)


def typed(program: Program, prescription: Prescription) -> dict[str, str]:
    """Return the typed texts of the other drugs, and of the limits that another drug than the first sets, by the label of the review."""
    texts = {f"drug {at}": f"{other.name} {other.concentration.text}" for at, other in enumerate(prescription.others, 2)}
    settings = program.settings or Settings()
    for (drug, own), other in zip(settings.drugs[1:], prescription.others, strict=False):
        for field in LIMITS:
            one, value = BY_FIELD[field], own[LIMITS.index(field)]
            if one.held.kind != RANGE and value and value == getattr(settings, field) and settings.whose(field)["drug"] == drug:
                texts[one.key] = f"{getattr(other.limits, one.name).text} ({drug})"
    return texts
