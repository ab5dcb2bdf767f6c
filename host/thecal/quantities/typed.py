"""Convert typed values with a unit ("120 ug/day") to exact fractions of the pump's units, and back.

This module reads the number (digits with at most one point); the unit must be spelled as in the lists below. `pint` converts between the
listed units. No value passes through a float.
"""

from __future__ import annotations

import json
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
# hospitals write "mcg" for a microgram; "g" and "L" are not allowed: they are not needed here, and a slip costs a factor 1000
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
# spelled-out and larger units: the allowed unit, and the factor
FAMILIAR = {"L": ("mL", 1000), "l": ("mL", 1000), "cc": ("mL", 1), "cm3": ("mL", 1), "g": ("mg", 1000)}
FAMILIAR_TIMES = {
    **dict.fromkeys(("s", "sec", "second"), ("min", 60)),
    **dict.fromkeys(("mins", "minute", "minutes"), ("min", 1)),
    **dict.fromkeys(("hrs", "hours"), ("h", 1)),
    "days": ("d", 1),
}
LONGEST_NUMBER = 24
NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
COMMA = re.compile(r"([0-9]+),([0-9]+)(\s*[^0-9,.]*)")
GROUPED = re.compile(r"[0-9]{1,3}(?: [0-9]{3})+(?![0-9])")
LONG_EXPONENT = re.compile(r"[0-9.]+[eE][+-]?[0-9]{3}")
EXPONENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)[eE]([-+]?[0-9]{1,2})(?![0-9])(.*)", re.DOTALL)
SPLIT = re.compile(r"([^\sa-zA-Zµμ/]*)\s*(.*)", re.DOTALL)
UNITS_DO = "write a number with a point and a unit: uL, mL, ng, ug, mg, with /min, /h or /day; concentrations as ug/mL or mg/mL"


class Quantity:
    """A typed value and its exact `amount` in `unit` (canonical spelling, e.g. "ug/d")."""

    def __init__(self, text: str, amount: Fraction, unit: str) -> None:
        self.text = text
        self.amount = amount
        self.unit = unit

    def described(self, text: str) -> Quantity:
        """Return the same amount with a longer text, for messages: "0.2 mL over 4 h"."""
        return Quantity(text, self.amount, self.unit)

    def kind(self) -> str:
        """Return "volume", "mass", "volume/time", "mass/time" or "mass/volume"."""
        return unit_kind(self.unit)

    def to(self, unit: str) -> Fraction:
        """Return the exact amount in another unit of the same kind, e.g. "nL/s"."""
        ureg = registry()
        return Fraction(ureg.Quantity(self.amount, self.unit).to(unit).magnitude)


@cache
def registry() -> pint.UnitRegistry[Any]:
    """Return a pint registry with only our ten units, computing in fractions."""
    import pint

    ureg: pint.UnitRegistry[Any] = pint.UnitRegistry(None, non_int_type=Fraction, cache_folder=None)
    for line in DEFINITIONS:
        ureg.define(line)
    return ureg


def unit_kind(unit: str) -> str:
    """Return the kind of a unit: "volume", "mass/time" ... Raises BadInput for an unknown one."""
    top, _, bottom = unit.partition("/")
    for name, table in (("volume", VOLUME), ("mass", MASS)):
        if top in table.values():
            if not bottom:
                return name
            return name + ("/time" if bottom in TIME.values() else "/volume")
    raise BadInput(f"unknown unit {unit!r}", UNITS_DO)


def parse(text: str) -> Quantity:
    """Read a text like "1.5 mL/h". Raises BadInput with the cause; the caller adds file and key."""
    if not isinstance(text, str):
        raise BadInput(f"{bare(text)} has no unit", UNITS_DO + '; in quotes, like "1.5 mL/h"')
    match = SPLIT.fullmatch(text.strip())
    number, unit = (match.group(1), match.group(2).strip()) if match else ("", text.strip())
    amount = parse_number(text, number)
    return Quantity(text.strip(), amount, parse_unit(text, unit, amount))


def bare(value: object) -> str:
    """Format a value that is not a text as in a TOML file, shortened."""
    try:
        text = json.dumps(value, default=str, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):  # Python prints no integer of thousands of digits
        return "a number of thousands of digits"
    return shown({"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}.get(text, text))[1:-1]


def quoted(value: object) -> str:
    """Put a text in quotes; format any other value as it is."""
    return shown(value) if isinstance(value, str) else bare(value)


def words_of(*kinds: str) -> str:
    """Name kinds of quantity for a message: "rate", "volume or mass"."""
    names = {"volume/time": "rate", "mass/time": "rate", "mass/volume": "concentration"}
    return " or ".join(dict.fromkeys(names.get(kind, kind) for kind in kinds))


def parse_number(text: str, number: str) -> Fraction:
    """Parse the `number` in `text`, exact. Raises BadInput for a comma, an exponent or too many digits."""
    if "," in text:
        raise BadInput(f"{shown(text)} has a comma", without_comma(text))
    exponent = EXPONENT.fullmatch(text.strip())
    if exponent:
        raise BadInput(f"{shown(text)} has an exponent, which is not allowed", written_out(*exponent.groups()))
    if LONG_EXPONENT.match(text.strip()):
        raise BadInput(f"{shown(text)} has an exponent, which is not allowed", "write it without exponent, in a suitable unit")
    if number.startswith("-"):
        raise BadInput(f"{shown(text)} is negative", "write a value of zero or more")
    if not NUMBER.fullmatch(number):
        plain = "write digits with at most one decimal point, like 0.5 or 120"
        do = f"write {shown('0' + text.strip())}" if number and NUMBER.fullmatch("0" + number) else plain
        raise BadInput(f"{shown(text)} does not begin with a plain number", do)
    if GROUPED.match(text.strip()):
        raise BadInput(f"{shown(text)} has a space inside its number", f"write {shown(GROUPED.sub(ungrouped, text.strip()))}")
    if len(number) > LONGEST_NUMBER:
        raise BadInput(f"{shown(text)} has more than {LONGEST_NUMBER} digits", "write fewer digits or a larger unit")
    return Fraction(number)


def ungrouped(match: re.Match[str]) -> str:
    """Return digits without the spaces between their groups."""
    return match.group().replace(" ", "")


def without_comma(text: str) -> str:
    """Return the remedy for a comma. Before three digits it may be a thousands separator, so the message offers both."""
    match = COMMA.fullmatch(text.strip())
    if not match:
        return "write a decimal point, and no thousands separators"
    before, behind, unit = match.groups()
    point, thousands = shown(f"{before}.{behind}{unit}"), shown(f"{before}{behind}{unit}")
    return f"write {point} or {thousands}" if len(behind) == 3 else f"write {point}"


def written_out(digits: str, exponent: str, unit: str) -> str:
    """Return the advice for a number with an exponent."""
    value = Fraction(digits) * Fraction(10) ** int(exponent)
    text = decimal(value, LONGEST_NUMBER)
    return (
        f"write it without exponent: {shown(text + unit)}"
        if len(text) <= LONGEST_NUMBER
        else "write it without exponent, in a suitable unit"
    )


def parse_unit(text: str, unit: str, amount: Fraction) -> str:
    """Return the canonical spelling of an allowed unit, e.g. "µg / hour" -> "ug/h"; `amount` of it appears in the hint."""
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
    do = nearest_unit(unit) or converted(parts, amount) or UNITS_DO
    raise BadInput(f"{shown(text)} has a unit that is not allowed: {shown(unit)}", do)


def converted(parts: list[str], amount: Fraction) -> str:
    """Return the same quantity in allowed units for a well-known unit that is not allowed: 1 L/h is 1000 mL/h."""
    top, factor = FAMILIAR.get(parts[0], (VOLUME.get(parts[0]) or MASS.get(parts[0]), 1))
    if top is None or len(parts) > 2:
        return ""
    if len(parts) == 1:
        return f"write {shown(decimal(amount * factor, LONGEST_NUMBER) + ' ' + top)}"
    per, more = FAMILIAR_TIMES.get(parts[1], (TIME.get(parts[1]), 1))
    text = f"{decimal(amount * factor * more, 12)} {spelled(f'{top}/{per}')}"
    return f"write {shown(text)}" if per and "~" not in text else ""


def nearest_unit(unit: str) -> str:
    """Return a hint if only upper and lower case differ; MG could be megagauss, so the user must decide."""
    known = {name.lower(): canonical for name, canonical in (VOLUME | MASS | TIME).items()}
    parts = [known.get(part.strip().lower(), "") for part in unit.split("/")]
    guess = "/".join(parts)
    return f"if you mean {spelled(guess)}, write exactly that" if all(parts) and len(parts) <= 2 and guess != unit else ""


def shown(text: str) -> str:
    """Put a text in quotes, shortened, without line breaks or control characters."""
    flat = "".join(c if c.isprintable() else " " for c in text)
    return '"' + (flat if len(flat) <= 60 else flat[:57] + "...") + '"'


def decimal(value: Fraction, digits: int = 6) -> str:
    """Format a fraction: exact if it ends within `digits` decimals, otherwise with a leading "~"."""
    scaled = value * 10**digits
    whole = round(scaled)
    sign = "-" if whole < 0 else ""
    text = f"{sign}{abs(whole) // 10**digits}.{abs(whole) % 10**digits:0{digits}d}".rstrip("0").rstrip(".")
    return text if scaled.denominator == 1 else "~" + text


def smaller(unit: str) -> str:
    """Return the unit a thousand times smaller ("mL/h" -> "uL/h"); "" if there is none."""
    top, slash, bottom = unit.partition("/")
    below = {"mL": "uL", "uL": "nL", "mg": "ug", "ug": "ng"}.get(top, "")
    return spelled(below + slash + bottom) if below else ""


def spelled(unit: str) -> str:
    """Format the canonical unit for people: "/d" as "/day"."""
    return unit + "ay" if unit.endswith("/d") else unit
