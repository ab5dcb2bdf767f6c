"""The unit in which a forecast speaks: as the prescription was typed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from thecal.quantities.exact import ng_per_nl as concentration_of
from thecal.quantities.typed import Quantity, decimal, spelled, unit_kind

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.prescription.file import Prescription

DIGITS = {"mL": 4, "mg": 4, "nL": 0}  # after the point; two of all others


@dataclass(frozen=True)
class Unit:
    """A rate's unit ("ug/d", "mL/h"); `ng_per_nl` turns volumes into its mass, None for a volume."""

    typed: str = "mL/h"
    ng_per_nl: Fraction | None = None

    @property
    def top(self) -> str:
        """Return the unit of an amount: "ug"."""
        return self.typed.partition("/")[0]

    @property
    def words(self) -> str:
        """Return the unit of a rate, for people: "ug/day"."""
        return spelled(self.typed)

    def amount(self, volume_nl: Fraction) -> Fraction:
        """Convert a volume."""
        return self._to(volume_nl, "nL", "ng", self.top)

    def rate(self, nl_per_s: Fraction) -> Fraction:
        """Convert nL per second."""
        return self._to(nl_per_s, "nL/s", "ng/s", self.typed)

    def _to(self, value: Fraction, of_volume: str, of_mass: str, wanted: str) -> Fraction:
        if self.ng_per_nl is None:
            return Quantity("", value, of_volume).to(wanted)
        return Quantity("", value * self.ng_per_nl, of_mass).to(wanted)

    def rate_text(self, nl_per_s: Fraction) -> str:
        """Format nL per second; a mass with its volume: "120 ug/day = 0.01 mL/h"."""
        text = f"{decimal(self.rate(nl_per_s))} {self.words}"
        return text if self.ng_per_nl is None else f"{text} = {Unit().rate_text(nl_per_s)}"

    def amount_text(self, volume_nl: Fraction) -> str:
        """Format a volume, rounded: "12.3 mL"."""
        return f"{self.number(volume_nl)} {self.top}"

    def number(self, volume_nl: Fraction) -> str:
        """Format a volume without its unit, for a table."""
        return decimal(self.amount(volume_nl), DIGITS.get(self.top, 2)).removeprefix("~")


def of_prescription(prescription: Prescription, program: Program, proportional: bool) -> Unit:
    """Return the unit of the first rate in the file; mL/h if it has none, or if its mass is not `proportional` to the volume."""
    rows = prescription.rows()
    if not rows or not rows[0][1].kind().endswith("/time") or not proportional:
        return Unit()
    return of_rate(rows[0][1].unit, program)


def of_rate(typed: str, program: Program) -> Unit:
    """Return a typed unit of a rate for this program."""
    if unit_kind(typed.partition("/")[0]) == "volume":
        return Unit(typed)
    return Unit(typed, concentration_of(program))


def of_program(program: Program) -> Unit:
    """Return ug/day for a program with a concentration, otherwise mL/h: a pump does not keep what was typed."""
    return of_rate("ug/d", program) if program.concentration[0] else Unit()
