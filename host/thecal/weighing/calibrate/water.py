"""Density of water by temperature, and of anything else as typed; in ug per mL, which are also g per m3.

Air-free water at 101 325 Pa: M. Tanaka et al., "Recommended table for the density of water between 0 C and 40 C based on recent
experimental reports", Metrologia 38 (2001) 301, equation 1; a test computes the table from it. Between whole degrees linear: within
3 ug/mL.
"""

from __future__ import annotations

import re
from fractions import Fraction

from pumpcore.bench.weighed import DENSITIES_UG_PER_ML
from thecal.errors import BadInput
from thecal.quantities.typed import decimal, parse_number, shown

FIRST_C = 10
WATER_UG_PER_ML = (
    999_703, 999_608, 999_500, 999_380, 999_247, 999_103, 998_946, 998_778, 998_598, 998_408, 998_207, 997_995, 997_773,
    997_541, 997_299, 997_047, 996_786, 996_515, 996_235, 995_946, 995_649, 995_342, 995_027, 994_704, 994_372, 994_033,
)  # fmt: skip
LAST_C = FIRST_C + len(WATER_UG_PER_ML) - 1
TEMPERATURE_DO = f'write it like "22.5 C", from {FIRST_C} to {LAST_C} C; for another fluid give --density "1.005 g/mL"'
DENSITY_DO = 'write it like "0.998 g/mL"'

# The reading of a balance for water in air: adjusted with steel of 8 g/mL in air of 1.2 mg/mL.
AIR_UG_PER_ML, STEEL_UG_PER_ML = 1_200, 8_000_000


def water_ug_per_ml(text: str) -> int:
    """Return the density at a typed temperature ("22.5 C"). Raises BadInput outside the table."""
    match = re.fullmatch(r"([^\sC°]*)\s*°?C", text.strip())
    if not match:
        raise BadInput(f"{shown(text)} is not a temperature in C", TEMPERATURE_DO)
    temperature_c = parse_number(text, match.group(1))
    if not FIRST_C <= temperature_c <= LAST_C:
        raise BadInput(f"{shown(text)} is outside the density table of water", TEMPERATURE_DO)
    below = min(int(temperature_c), LAST_C - 1)
    low, high = WATER_UG_PER_ML[below - FIRST_C], WATER_UG_PER_ML[below - FIRST_C + 1]
    return round(low + (high - low) * (temperature_c - below))


def typed_ug_per_ml(text: str) -> int:
    """Read a typed density ("1.005 g/mL", "998.2 mg/mL"). Raises BadInput if it is invalid, or too far from that of a liquid."""
    match = re.fullmatch(r"([^\sa-z]*)\s*(g|mg)/(mL|ml)", text.strip())
    if not match:
        raise BadInput(f"{shown(text)} is not a density", DENSITY_DO)
    exact = parse_number(text, match.group(1)) * (1_000_000 if match.group(2) == "g" else 1_000)
    low, high = DENSITIES_UG_PER_ML
    if not low <= exact <= high:
        limits = " to ".join(decimal(Fraction(limit, 1_000_000)) for limit in (low, high))
        raise BadInput(f"{shown(text)} is not a density of a liquid", f"it must be from {limits} g/mL; {DENSITY_DO}")
    if exact.denominator != 1:
        raise BadInput(f"{shown(text)} has more than six decimals", DENSITY_DO)
    return int(exact)


def volume_nl(mass_ug: Fraction | int, density_ug_per_ml: int, buoyancy: bool) -> Fraction:
    """Return the exact volume of a mass. `buoyancy`: weighed in air, whose buoyancy is 0.1 % of the water's mass."""
    exact = Fraction(mass_ug) * 1_000_000 / density_ug_per_ml
    if buoyancy:
        exact *= (1 - Fraction(AIR_UG_PER_ML, STEEL_UG_PER_ML)) / (1 - Fraction(AIR_UG_PER_ML, density_ug_per_ml))
    return exact
