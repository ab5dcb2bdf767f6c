"""What a pump will not do, found before anything is sent: the pump's own formula and words, with the ceilings that it tells.

A slip of a thousand (mL for uL) is the likeliest of all: the message says how many times the limit it is, and asks.
"""

from __future__ import annotations

from copy import copy
from fractions import Fraction
from typing import Any

from pumpcore import limits
from pumpcore.calibration import Calibration
from pumpcore.fault_texts import sentence
from pumpcore.faults import Refusal
from pumpcore.program import MAX_RATE_NL, Program
from pumpcore.units import S_PER_DAY, S_PER_HOUR
from thecal import settings_refused
from thecal.compiler import Compiled, row_key
from thecal.dose import Bolus
from thecal.errors import BadInput
from thecal.prescription import Prescription
from thecal.quantities import Quantity, decimal, shown, smaller, spelled
from thecal.status_text import ml

SLIP = 1000
ASK_ABOVE = 10  # times the limit
NEAREST_DIGITS = 6
LIMIT_KEYS = {"max_rate_nl": "max_rate", "hour_nl": "max_per_hour", "day_nl": "max_per_day"}


class Rig:
    """A bench's ceilings and motor, as attributes that `pumpcore.limits` reads, and the calibration in use."""

    def __init__(self, ceilings: dict[str, int], calibration: Calibration) -> None:
        self.__dict__.update(ceilings)
        self.calibration = calibration


# no bench known: only what the prescription says against itself is found
ANY_RIG = Rig(
    {
        "rate_nl": MAX_RATE_NL,
        "rate_seconds_s": 1,
        "hour_nl": MAX_RATE_NL,
        "day_nl": MAX_RATE_NL,
        "max_rate_hz": MAX_RATE_NL,
        "start_rate_hz": 0,
        "acceleration_hz_per_s": 0,
    },
    Calibration(1, 1),
)


def of_pump(client: Any) -> Rig:
    """The rig of an open pump that has said hello; ANY_RIG when it does not tell."""
    if not client.ceilings:
        return ANY_RIG
    pair = client.status()["calibration"]
    return Rig(client.ceilings, Calibration(pair["volume_nl"], pair["steps"]))


def of_bench(bench: Any) -> Rig:
    """The rig of a `pumpcore.bench.Bench`."""
    return Rig(dict(vars(bench)), bench.calibration)


def check(prescription: Prescription, compiled: Compiled, rig: Rig, name: str) -> None:
    """BadInput in the pump's words when it would refuse the program; `name` is the file's, for the message."""
    try:
        limits.check_program(compiled.program, rig, rig.calibration)
    except Refusal as refusal:
        if refusal.fault.name in settings_refused.FAULTS:
            raise settings_refused.complaint(prescription, compiled, refusal, name) from refusal
        key, quantity = culprit(prescription, compiled, refusal)
        text = f"{name}: {key}: {shown(quantity.text)}: {sentence(refusal)}"
        raise BadInput(text, advice(refusal, quantity, nearest(prescription, compiled, rig, refusal, quantity))) from refusal


def check_bolus(bolus: Bolus, program: Program, rig: Rig) -> None:
    """BadInput when the bolus alone is already above what the pump may do; the pump adds the basal to it."""
    ceilings = limits.Ceilings(rig, rig.calibration, program)
    try:
        ceilings.check_rate(bolus.rate_nl)
    except Refusal as refusal:
        limit = nearest_text(Fraction(figure(refusal, "nearest_nl"), bolus.rate_nl), bolus.rate)
        raise BadInput(f"{shown(bolus.rate.text)}: {sentence(refusal)}", advice(refusal, bolus.rate, limit)) from refusal
    for window, span_s, limit_nl in (("hour", S_PER_HOUR, ceilings.hour_nl), ("day", S_PER_DAY, ceilings.day_nl)):
        asked_nl = min(bolus.volume_nl, bolus.rate_nl * span_s // program.rate_seconds_s)
        if asked_nl > limit_nl:
            above = Refusal(window + "_above_ceiling", asked_nl=asked_nl, limit_nl=limit_nl, nearest_nl=limit_nl)
            limit = nearest_text(Fraction(limit_nl, bolus.volume_nl), bolus.volume)
            raise BadInput(f"{shown(bolus.volume.text)}: {sentence(above)}", advice(above, bolus.volume, limit))


def culprit(prescription: Prescription, compiled: Compiled, refusal: Refusal) -> tuple[str, Quantity]:
    """The key that is to blame and what was typed there: the limit that is too wide, else the highest rate."""
    limit = LIMIT_KEYS.get(str(refusal.detail.get("parameter")))
    if limit:
        return f"limits.{limit}", getattr(prescription.limits, limit)
    rows = prescription.rows()
    highest = max(range(len(rows)), key=lambda index: compiled.program.entries[index][1])
    return row_key(prescription, rows[highest][0]), rows[highest][1]


def figure(refusal: Refusal, name: str) -> int:
    value: Any = refusal.detail[name]
    return int(value)


def advice(refusal: Refusal, quantity: Quantity, nearest_words: str) -> str:
    """How far above, whether a unit slipped, and the nearest that can be."""
    asked, limit = figure(refusal, "asked_nl"), figure(refusal, "limit_nl")
    span = "24 hours" if refusal.fault.name.startswith("day") else "hour"
    best = nearest_words or f"the fullest {span} would hold {ml(asked)}, allowed are {ml(limit)}".replace("~", "")
    if asked < ASK_ABOVE * limit or not limit:
        return best
    far, small = f"that is {asked // limit} times the limit", smaller(quantity.unit)
    if not small or asked > limit * SLIP:
        return f"{far}; {best}"
    return f'{far}: did you mean "{decimal(quantity.amount, NEAREST_DIGITS)} {small}"? {best[0].upper()}{best[1:]}'


def nearest(prescription: Prescription, compiled: Compiled, rig: Rig, refusal: Refusal, quantity: Quantity) -> str:
    """The largest that would be allowed in its place, in the unit that was typed; "" when nothing would."""
    asked = figure(refusal, "asked_nl")
    if "parameter" in refusal.detail:
        return nearest_text(Fraction(figure(refusal, "nearest_nl"), asked), quantity)
    entries = compiled.program.entries
    rate_nl = next(rate for (_, typed), (_, rate) in zip(prescription.rows(), entries) if typed is quantity)
    same = [typed is quantity for _, typed in prescription.rows()]  # an entry for several days is one line of the file
    low, high = -1, rate_nl
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if passes(compiled.program, same, middle, rig) else (low, middle)
    return nearest_text(Fraction(low, rate_nl), quantity) if low > 0 else ""


def passes(program: Program, same: list[bool], rate_nl: int, rig: Rig) -> bool:
    """Whether the rig takes the program with this rate in the marked entries."""
    trial = copy(program)
    trial.entries = [(minute, rate_nl if marked else before) for (minute, before), marked in zip(program.entries, same)]
    try:
        limits.check_program(trial, rig, rig.calibration)
    except Refusal:
        return False
    return True


def nearest_text(part: Fraction, quantity: Quantity) -> str:
    """`part` of what was typed, rounded down to six decimals."""
    amount = Fraction(quantity.amount * part * 10**NEAREST_DIGITS // 1, 10**NEAREST_DIGITS)
    return f'the nearest possible is "{decimal(amount, NEAREST_DIGITS)} {spelled(quantity.unit)}"'
