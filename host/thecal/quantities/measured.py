"""Volumes that a pump delivered, as people read them: mL or uL, with the uncertainty that the calibration's scatter leaves."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

from pumpcore.units import NL_PER_ML
from thecal.quantities.preferred import volume_unit
from thecal.quantities.typed import decimal

NL_PER_UL = 1000
PPM = 1_000_000
SMALL_NL = NL_PER_ML // 10  # below this a volume is in uL
ML_DIGITS, UL_DIGITS = 4, 2
Calibration = dict[str, Any]


def in_ul(volume_nl: Fraction) -> bool:
    """Return True if a volume is shown in uL: because the user prefers that, otherwise because it is small."""
    preferred = volume_unit()
    return preferred == "uL" if preferred else 0 < abs(volume_nl) < SMALL_NL


def volume(volume_nl: int | Fraction) -> str:
    """Format a volume, rounded to 0.1 uL: "12.3419 mL"; below 0.1 mL in uL, rounded to 0.01 uL: "52.3 uL"."""
    value = Fraction(volume_nl)
    if in_ul(value):
        return rounded(value / NL_PER_UL, UL_DIGITS) + " uL"
    return rounded(value / NL_PER_ML, ML_DIGITS) + " mL"


def brief(volume_nl: Fraction) -> str:
    """Format a volume with two significant digits, for one line that sums up: "0.28 mL", "13 uL"."""
    small = in_ul(volume_nl)
    value = volume_nl / (NL_PER_UL if small else NL_PER_ML)
    digits = next((number for number in range(ML_DIGITS) if abs(value) * 10**number >= 10), ML_DIGITS)
    return f"{rounded(value, digits)} {'uL' if small else 'mL'}"


def part(made_nl: int | Fraction, whole_nl: int | Fraction) -> str:
    """Format a part of a volume, both in the unit of the whole: "0.2 of 0.5 mL"."""
    small = in_ul(Fraction(whole_nl))
    per, digits, unit = (NL_PER_UL, UL_DIGITS, "uL") if small else (NL_PER_ML, ML_DIGITS, "mL")
    made, whole = (rounded(Fraction(one) / per, digits) for one in (made_nl, whole_nl))
    return f"{made} of {whole} {unit}"


def rounded(value: Fraction, digits: int) -> str:
    """Format a measured number without the mark of a rounded one."""
    return decimal(value, digits).removeprefix("~")


@dataclass(frozen=True)
class Total:
    """A delivered volume by a calibration. `scatter_nl`: standard deviation of one delivery, as its runs scattered; `mean_nl`: of the mean
    of these runs. None if nobody weighed, or only once: then the scatter is unknown."""

    volume_nl: Fraction
    scatter_nl: Fraction | None = None
    mean_nl: Fraction | None = None

    @property
    def off_nl(self) -> Fraction | None:
        """Return the standard uncertainty: scatter and mean together, as independent parts."""
        if self.scatter_nl is None or self.mean_nl is None:
            return None
        return root(self.scatter_nl**2 + self.mean_nl**2)

    def text(self) -> str:
        """ "0.852 +- 0.004 mL"; only the volume if the scatter is unknown."""
        off_nl = self.off_nl
        if not off_nl:
            return volume(self.volume_nl)
        small = in_ul(self.volume_nl)
        per, most, unit = (NL_PER_UL, UL_DIGITS, "uL") if small else (NL_PER_ML, ML_DIGITS, "mL")
        off = off_nl / per
        digits = next((number for number in range(most) if off * 10**number >= 1), most)
        if not round(off * 10**digits):
            return volume(self.volume_nl)
        return f"{fixed(self.volume_nl / per, digits)} +- {fixed(off, digits)} {unit}"

    def as_dict(self) -> dict[str, int | None]:
        """Return volume and uncertainty with its parts, in whole nl."""
        parts = {"volume_nl": self.volume_nl, "uncertainty_nl": self.off_nl, "scatter_nl": self.scatter_nl, "mean_nl": self.mean_nl}
        return {name: None if value is None else round(value) for name, value in parts.items()}


def total(steps: int | Fraction, calibration: Calibration) -> Total:
    """Return the volume of these steps by the pump's calibration."""
    volume_nl = Fraction(steps) * calibration["volume_nl"] / calibration["steps"]
    return of_volume(volume_nl, calibration.get("scatter_ppm") or 0, calibration.get("runs") or 0)


def of_volume(volume_nl: Fraction, scatter_ppm: int, runs: int) -> Total:
    """Return a volume with the uncertainty of a calibration of so many runs, whose standard deviation is `scatter_ppm` of their mean."""
    if runs < 2:
        return Total(volume_nl)
    scatter_nl = abs(volume_nl) * scatter_ppm / PPM
    return Total(volume_nl, scatter_nl, root(scatter_nl**2 / runs))


def root(square: Fraction) -> Fraction:
    """Return the square root, exact to 0.001."""
    return Fraction(isqrt(int(square * PPM)), NL_PER_UL)


def fixed(value: Fraction, digits: int) -> str:
    """Format a number with exactly so many decimals."""
    whole = round(abs(value) * 10**digits)
    text = f"{whole // 10**digits}.{whole % 10**digits:0{digits}d}" if digits else str(whole)
    return f"-{text}" if value < 0 and whole else text
