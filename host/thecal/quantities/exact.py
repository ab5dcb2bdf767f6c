"""What a person wrote as the volume that a pump counts: a mass goes through the concentration, and nothing is rounded."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from thecal.errors import BadInput
from thecal.quantities.typed import Quantity, decimal, shown

if TYPE_CHECKING:
    from pumpcore.program.plan import Program

NEAREST_DIGITS = 12
A_NL = Fraction(1)


def volume(quantity: Quantity, ng_per_nl: Fraction | None, cause: str, do: str) -> Fraction:
    """Return nL, or nL per second. Raises BadInput for a mass without a concentration: `cause` says what has none, `do` the remedy."""
    per_time = quantity.kind().endswith("/time")
    if quantity.kind().startswith("volume"):
        return quantity.to("nL/s" if per_time else "nL")
    if ng_per_nl is None:
        raise BadInput(f"{shown(quantity.text)} is a mass and {cause}", do)
    return quantity.to("ng/s" if per_time else "ng") / ng_per_nl


def ng_per_nl(program: Program) -> Fraction | None:
    """The program's concentration; None for a program in volumes."""
    mass_ng, volume_nl = program.concentration
    return Fraction(mass_ng, volume_nl) if mass_ng else None


def drugs_of(program: Program) -> list[tuple[str, Fraction]]:
    """Return (name, ng per nl) of each drug of a program, the leading one first; [] for a program in volumes."""
    return [(name, Fraction(mass_ng, volume_nl)) for name, mass_ng, volume_nl in program.content() if mass_ng]


def ng_per_nl_of(program: Program, drug: object) -> Fraction | None:
    """Return the concentration of the drug that a refusal names; that of the leading one for any other name."""
    return dict(drugs_of(program)).get(str(drug), ng_per_nl(program))


def whole_nl(value: Fraction, text: str, unit: str = "nL", unit_per_nl: Fraction = A_NL) -> int:
    """Return `value` as an integer of the pump. Raises BadInput with the nearest above zero; `unit_per_nl` turns them into `unit`."""
    if value.denominator == 1:
        return int(value)
    nearest = [f"{decimal(one * unit_per_nl, NEAREST_DIGITS)} {unit}" for one in (value // 1, value // 1 + 1) if one]
    do = f"nearest: {' and '.join(nearest)}"
    raise BadInput(f"{shown(text)} is not a whole number of nl", f"write a volume; {do}" if unit == "nL" else do)
