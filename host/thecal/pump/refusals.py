"""The text of a refusal: quantities in the unit that the user typed, otherwise in mL and mL/h, never in nL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pumpcore.faults.fault_texts import told, worded
from pumpcore.faults.faults import Refusal
from pumpcore.units import NL_PER_ML, S_PER_HOUR
from thecal.errors import Refused
from thecal.quantities.amounts import long_span, ug_per_ml
from thecal.quantities.typed import Quantity, decimal, spelled, unit_kind

# What their `..._nl` are per the program's seconds; all others are volumes.
RATE_FAULTS = ("rate_above_ceiling", "rate_above_motor", "minimum_rate")
RATE_PARAMETERS = ("rate", "max_rate_nl")
# As a prescription calls them.
# One at a time: the pump's "asked 2, limit 1" says nothing more than the sentence.
ALONE = ("temporary_active", "extended_active", "bolus_active", "program_waits")
COUNTS = ("asked", "limit", "nearest", "rule")
PARAMETERS = {"max_rate_nl": "max_rate", "hour_nl": "max_per_hour", "day_nl": "max_per_day"}
DIGITS = 6


def sentence(refusal: Refusal, seconds_s: int | None = None) -> str:
    """Return the text of a refusal that the host raised, in the pump's words; `seconds_s`: the period of the program's rates."""
    return said(refusal.fault.name, told(refusal.fault.name)[0], refusal.detail, seconds_s)


@dataclass(frozen=True)
class Typed:
    """What the user typed, and the concentration that turns a volume into its mass; None if there is none. It is that of the drug whose
    limit a refusal names, which need not be the leading one."""

    quantity: Quantity
    ng_per_nl: Fraction | None = None

    def converted(self, value: Fraction, unit: str) -> tuple[Fraction, str]:
        """Return mL or mL/h in the typed unit: a volume in the unit of "3 uL/h" is in uL, a rate in that of "20 ug" in ug/h."""
        top, _, bottom = self.quantity.unit.partition("/")
        _, slash, per = unit.partition("/")
        wanted = f"{top}/{bottom or per}" if slash else top
        if unit_kind(top) == "volume":
            return Quantity("", value, unit).to(wanted), wanted
        if self.ng_per_nl is None:
            return value, unit
        mass = Quantity("", value * self.ng_per_nl, f"mg{slash}{per}")  # ng per nL are mg per mL
        return mass.to(wanted), wanted


def without_nearest(
    refusal: Refusal, seconds_s: int | None = None, typed: Quantity | None = None, ng_per_nl: Fraction | None = None
) -> str:
    """Return `sentence` without the nearest value within this one limit; the caller names the nearest within all limits instead."""
    detail = {name: value for name, value in refusal.detail.items() if not name.startswith("nearest")}
    in_unit = Typed(typed, ng_per_nl) if typed is not None else None
    return said(refusal.fault.name, told(refusal.fault.name)[0], detail, seconds_s, in_unit)


def said(fault: str, text: str, detail: Mapping[str, object], seconds_s: int | None = None, typed: Typed | None = None) -> str:
    """Return the text of any refusal; a rate without a known period stays in nl, as the pump wrote it."""
    rates = fault in RATE_FAULTS or detail.get("cause") in RATE_FAULTS or detail.get("parameter") in RATE_PARAMETERS
    rates |= fault.startswith("library") and detail.get("parameter") == "bridge" and detail.get("limited") != "day"
    parts: dict[str, Any] = {}
    for name, value in detail.items():
        is_rate = rates or name.endswith("rate_nl")
        if fault in ALONE and name in COUNTS:
            continue
        if name == "wait_s" and isinstance(value, int):
            parts["wait"] = long_span(value)
        elif name.endswith("_ng_per_ml") and isinstance(value, int):
            parts[name.removesuffix("_ng_per_ml")] = ug_per_ml(value)
        elif name == "parameter":
            parts[name] = PARAMETERS.get(str(value), value)
        elif name.endswith("_nl") and isinstance(value, int) and (seconds_s or not is_rate):
            parts[name.removesuffix("_nl")] = amount(value, seconds_s if is_rate else None, typed)
        else:
            parts[name] = value
    return worded(text, parts)


def amount(value_nl: int, seconds_s: int | None, typed: Typed | None) -> str:
    """Format a volume, or a rate if `seconds_s` is given: exact within six decimals, otherwise marked "~"."""
    per_ml, unit = (Fraction(S_PER_HOUR, seconds_s), "mL/h") if seconds_s else (Fraction(1), "mL")
    value = value_nl * per_ml / NL_PER_ML
    if typed is not None:
        value, unit = typed.converted(value, unit)
    return f"{decimal(value, DIGITS)} {spelled(unit)}"


def with_rates(refused: Refused, seconds_s: int | None, binds: str = "") -> Refused:
    """Return the pump's refusal with its rates in mL/h and the layer that `binds`; `seconds_s`: the period of the program or run."""
    do = "; ".join(filter(None, (refused.do, binds)))
    made = Refused(refused.code, refused.fault, said(refused.fault, refused.text, refused.detail, seconds_s), do)
    made.text, made.detail = refused.text, refused.detail
    return made if refused.text else refused
