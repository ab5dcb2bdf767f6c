"""Format volumes, rates, times and dates of a pump."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from pumpcore.units import NL_PER_ML, NL_PER_UL, S_PER_DAY, S_PER_HOUR, S_PER_MINUTE
from thecal.quantities import measured
from thecal.quantities.preferred import volume_unit
from thecal.quantities.typed import decimal


@dataclass(frozen=True)
class Rate:
    """A rate as the pump counts it: `rate_nl` nanolitres in `rate_seconds_s` seconds, exact and not reduced."""

    rate_nl: int
    rate_seconds_s: int

    def text(self) -> str:
        """Format it in mL/h, or in the preferred unit."""
        return ml_per_h(self.rate_nl, self.rate_seconds_s)


def ml(volume_nl: int | Fraction) -> str:
    """Format a volume in mL with at most four decimals; in uL with one if the user prefers that."""
    if volume_unit() == "uL":
        return decimal(Fraction(volume_nl) / NL_PER_UL, 1) + " uL"
    return decimal(Fraction(volume_nl) / NL_PER_ML, 4) + " mL"


def ml_per_h(rate_nl: int, rate_seconds_s: int) -> str:
    """Format a rate in mL/h, exact within six decimals or marked "~"; in uL/h with three if the user prefers that."""
    if volume_unit() == "uL":
        return decimal(Fraction(rate_nl * S_PER_HOUR, rate_seconds_s * NL_PER_UL), 3) + " uL/h"
    return decimal(Fraction(rate_nl * S_PER_HOUR, rate_seconds_s * NL_PER_ML)) + " mL/h"


def ug_per_ml(mass_ng: int, volume_nl: int = NL_PER_ML, digits: int = 6) -> str:
    """ "500 ug/mL" of a mass in a volume."""
    return f"{decimal(Fraction(mass_ng * 1000, volume_nl), digits)} ug/mL"


def ug_per_day(rate_nl: int, rate_seconds_s: int, ng_per_nl: Fraction) -> str:
    """The mass that a rate carries in a day, without its unit."""
    return decimal(rate_nl * ng_per_nl * S_PER_DAY / (rate_seconds_s * 1000))


def doses_text(rate_nl: int, rate_seconds_s: int, drugs: list[tuple[str, Fraction]]) -> str:
    """ "120 ug/day", or "dye 120 ug/day, marker 60 ug/day" of several; `drugs`: (name, ng per nl) of each."""
    doses = [(name, f"{ug_per_day(rate_nl, rate_seconds_s, ng_per_nl)} ug/day") for name, ng_per_nl in drugs]
    return doses[0][1] if len(doses) == 1 else ", ".join(f"{name} {dose}" for name, dose in doses)


def masses_text(volume_nl: int | Fraction, drugs: list[tuple[str, Fraction]]) -> str:
    """ "1000 ug", or "dye 1000 ug, marker 500 ug" of several; `drugs`: (name, ng per nl) of each."""
    doses = [(name, f"{decimal(volume_nl * ng_per_nl / 1000, 2)} ug") for name, ng_per_nl in drugs]
    return doses[0][1] if len(doses) == 1 else ", ".join(f"{name} {dose}" for name, dose in doses)


def steps_text(steps: int, calibration: dict[str, Any] | None) -> str:
    """ "1234 steps (12.3419 mL)"; only the steps if the pump has no bench."""
    if not calibration:
        return f"{steps} steps"
    return f"{steps} steps ({ml(Fraction(steps * calibration['volume_nl'], calibration['steps']))})"


def made_text(steps: int, calibration: dict[str, Any] | None) -> str:
    """ "12.3419 mL"; "1234 steps" if the pump has no bench."""
    return measured.volume(Fraction(steps * calibration["volume_nl"], calibration["steps"])) if calibration else f"{steps} steps"


def span(duration_s: int) -> str:
    """ "2 h 05 min", "3 d 4 h" or "40 s"."""
    if duration_s < S_PER_MINUTE:
        return f"{duration_s} s"
    if duration_s < S_PER_DAY:
        hours, rest_s = divmod(duration_s, S_PER_HOUR)
        return f"{hours} h {rest_s // S_PER_MINUTE:02d} min" if hours else f"{rest_s // S_PER_MINUTE} min"
    return f"{duration_s // S_PER_DAY} d {duration_s % S_PER_DAY // S_PER_HOUR} h"


def long_span(duration_s: int) -> str:
    """Format a duration to the second: "2 h", "1 h 30 min", "2 min 30 s"."""
    parts, rest_s = [], duration_s
    for unit, size_s in (("d", S_PER_DAY), ("h", S_PER_HOUR), ("min", S_PER_MINUTE), ("s", 1)):
        count, rest_s = divmod(rest_s, size_s)
        parts += [f"{count} {unit}"] if count else []
    return " ".join(parts) or "0 s"


def clock_text(utc_s: int, offset_s: int = 0) -> str:
    """Format local time of the pump; "unknown" if the pump does not know it."""
    if not utc_s:
        return "unknown"
    try:
        local = datetime.fromtimestamp(0, UTC) + timedelta(seconds=utc_s + offset_s)
    except OverflowError:
        return f"{utc_s} s since 1970, not a date"
    return f"{local:%a %Y-%m-%d %H:%M:%S} {offset_text(offset_s)}"


def offset_text(offset_s: int) -> str:
    """ "UTC", "UTC+0530"; a pump with an older firmware may report offsets of a day and more."""
    if not offset_s:
        return "UTC"
    minutes, rest_s = divmod(abs(offset_s), S_PER_MINUTE)
    text = f"UTC{'-' if offset_s < 0 else '+'}{minutes // 60:02d}{minutes % 60:02d}"
    return f"{text}{rest_s:02d}" if rest_s else text
