"""What a person writes with a unit ("120 ug/day") to exact fractions of the pump's units, and back.

The number is read here (digits with at most one point), the unit must be spelled as in the lists below; `pint` knows how the
listed units hang together. Nothing passes through a float.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from thecal.errors import BadInput

if TYPE_CHECKING:
    import pint

VOLUME = {
    "nL": "nL",
    "nl": "nL",
    "uL": "uL",
    "ul": "uL",
    "µL": "uL",
    "µl": "uL",
    "μL": "uL",
    "μl": "uL",
    "mL": "mL",
    "ml": "mL",
}
# "mcg" is how hospitals write a microgram; "g" and "L" are left out: nobody needs them here and a slip costs a factor 1000
MASS = {"ng": "ng", "ug": "ug", "µg": "ug", "μg": "ug", "mcg": "ug", "mg": "mg"}
TIME = {"min": "min", "h": "h", "hr": "h", "hour": "h", "d": "d", "day": "d"}

DEFINITIONS = (
    "nL = [volume]",
    "uL = 1000 nL",
    "mL = 1000 uL",
    "ng = [mass]",
    "ug = 1000 ng",
    "mg = 1000 ug",
    "s = [time]",
    "min = 60 s",
    "h = 60 min",
    "d = 24 h",
)
LONGEST_NUMBER = 24
NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
SPLIT = re.compile(r"([^\sa-zA-Zµμ/]*)\s*(.*)", re.DOTALL)
UNITS_DO = "write a number with a point and a unit: uL, mL, ng, ug, mg, with /min, /h or /day; concentrations as ug/mL or mg/mL"


class Quantity:
    """A value as it was typed, and exact: `amount` of `unit` (canonical spelling, e.g. "ug/d")."""

    def __init__(self, text: str, amount: Fraction, unit: str) -> None:
        self.text = text
        self.amount = amount
        self.unit = unit

    def kind(self) -> str:
        """One of "volume", "mass", "volume/time", "mass/time", "mass/volume"."""
        return unit_kind(self.unit)

    def to(self, unit: str) -> Fraction:
        """The amount in another unit of the same kind, e.g. "nL/s"; exact."""
        ureg = registry()
        return Fraction(ureg.Quantity(self.amount, self.unit).to(unit).magnitude)


@cache
def registry() -> pint.UnitRegistry[Any]:
    """A pint registry that knows our ten units and nothing else, computing in fractions."""
    import pint

    ureg: pint.UnitRegistry[Any] = pint.UnitRegistry(None, non_int_type=Fraction, cache_folder=None)
    for line in DEFINITIONS:
        ureg.define(line)
    return ureg


def unit_kind(unit: str) -> str:
    top, _, bottom = unit.partition("/")
    for name, table in (("volume", VOLUME), ("mass", MASS)):
        if top in table.values():
            if not bottom:
                return name
            return name + ("/time" if bottom in TIME.values() else "/volume")
    raise BadInput(f"unknown unit {unit!r}", UNITS_DO)


def parse(text: str) -> Quantity:
    """Read "1.5 mL/h". Raises BadInput naming what is wrong with the text; the caller adds file and key."""
    if not isinstance(text, str):
        raise BadInput(f"{text!r} has no unit", UNITS_DO + '; in quotes, like "1.5 mL/h"')
    match = SPLIT.fullmatch(text.strip())
    number, unit = (match.group(1), match.group(2).strip()) if match else ("", text.strip())
    amount = parse_number(text, number)
    return Quantity(text.strip(), amount, parse_unit(text, unit))


def parse_number(text: str, number: str) -> Fraction:
    if "," in number or "," in text:
        raise BadInput(f"{shown(text)} has a comma", "write a decimal point, and no thousands separators")
    if number.startswith("-"):
        raise BadInput(f"{shown(text)} is negative", "write a value of zero or more")
    if not NUMBER.fullmatch(number):
        raise BadInput(
            f"{shown(text)} does not begin with a plain number",
            "write digits with at most one decimal point, like 0.5 or 120",
        )
    if len(number) > LONGEST_NUMBER:
        raise BadInput(f"{shown(text)} has more than {LONGEST_NUMBER} digits", "write fewer digits or a larger unit")
    return Fraction(number)


def parse_unit(text: str, unit: str) -> str:
    """The canonical spelling of an allowed unit, e.g. "µg / hour" -> "ug/h"."""
    if not unit:
        raise BadInput(f"{shown(text)} has no unit", UNITS_DO)
    parts = [part.strip() for part in unit.split("/")]
    top = VOLUME.get(parts[0]) or MASS.get(parts[0])
    if len(parts) == 1 and top:
        return top
    if len(parts) == 2 and top:
        bottoms = TIME | (VOLUME if parts[0] in MASS else {})
        if parts[1] in bottoms:
            return top + "/" + bottoms[parts[1]]
    raise BadInput(f"{shown(text)} has a unit that is not allowed: {shown(unit)}", nearest_unit(unit) or UNITS_DO)


def nearest_unit(unit: str) -> str:
    """A hint when only upper and lower case differ; MG could be megagauss, so it is asked and not guessed."""
    known = {name.lower(): canonical for name, canonical in (VOLUME | MASS | TIME).items()}
    parts = [known.get(part.strip().lower(), "") for part in unit.split("/")]
    guess = "/".join(parts)
    return f"if you mean {spelled(guess)}, write exactly that" if all(parts) and len(parts) <= 2 and guess != unit else ""


def shown(text: str) -> str:
    """The text in quotes, shortened, without line breaks or control characters."""
    flat = "".join(c if c.isprintable() else " " for c in text)
    return '"' + (flat if len(flat) <= 60 else flat[:57] + "...") + '"'


def decimal(value: Fraction, digits: int = 6) -> str:
    """A fraction as people write it: exact when it ends within `digits` decimals, else with a leading "~"."""
    scaled = value * 10**digits
    whole = round(scaled)
    sign = "-" if whole < 0 else ""
    text = f"{sign}{abs(whole) // 10**digits}.{abs(whole) % 10**digits:0{digits}d}".rstrip("0").rstrip(".")
    return text if scaled.denominator == 1 else "~" + text


def spelled(unit: str) -> str:
    """The canonical unit as shown to people: "/d" as "/day"."""
    return unit + "ay" if unit.endswith("/d") else unit
