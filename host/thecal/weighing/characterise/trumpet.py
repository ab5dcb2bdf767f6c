"""The arithmetic of IEC 60601-2-24 on masses at even intervals, exact: windows, flow samples, trumpet.

Qi = (Wi - Wi-1) / (S d). Over an analysis period T there are m = (T - P) / S + 1 observation windows of length P; the error of
a window is the mean of 100 (Qi - r) / r over its P / S samples. That mean is one difference of cumulative masses, so each
window length costs one subtraction of the row from itself, and everything after the largest and smallest difference is a
handful of fractions.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

WINDOWS_MIN = (2, 5, 11, 19, 31)
MS_PER_MIN = 60_000
NL_PER_UG_DENSITY = 1000  # nl = ug x 1000 / (mg/mL)


@dataclass(frozen=True)
class Masses:
    """Cumulative masses in micrograms every `step_ms` from `from_ms` on: int64 where they were read, float64 where interpolated."""

    from_ms: int
    step_ms: int
    ug: Any

    def part(self, from_ms: int, to_ms: int) -> Masses:
        """Return the samples from `from_ms` to `to_ms`, both ends included; both on the grid."""
        first, last = ((moment_ms - self.from_ms) // self.step_ms for moment_ms in (from_ms, to_ms))
        return Masses(from_ms, self.step_ms, self.ug[first : last + 1])

    @property
    def span_ms(self) -> int:
        return (len(self.ug) - 1) * self.step_ms


@dataclass(frozen=True)
class FlowCurve:
    """Arrays of floats, for drawing."""

    at_min: Any
    ml_per_h: Any


@dataclass(frozen=True)
class Ideal:
    """The measure of the windows: set rate, density (mg per mL), evaporation (ug per ms)."""

    rate_nl_per_ms: Fraction
    density_mg_per_ml: Fraction
    evaporation_ug_per_ms: Fraction

    def error_percent(self, difference_ug: int | float, span_ms: int) -> Fraction:
        """Return 100 (Q - r) / r of the mass delivered within a span."""
        mass_ug = Fraction(difference_ug) + self.evaporation_ug_per_ms * span_ms
        return 100 * (mass_ug * NL_PER_UG_DENSITY / (self.density_mg_per_ml * self.rate_nl_per_ms * span_ms) - 1)

    def volume_percent(self, volume_nl: Fraction, span_ms: int) -> Fraction:
        """Return a volume in percent of the set rate's volume in a span."""
        return 100 * volume_nl / (self.rate_nl_per_ms * span_ms)


@dataclass(frozen=True)
class Window:
    """Ep of one window length, in percent; `count` is m, the number of windows."""

    minutes: int
    highest_percent: Fraction
    lowest_percent: Fraction
    count: int


def on_grid(times_ms: Any, masses_ug: Any, step_ms: int) -> Masses:
    """Return the masses at every whole multiple of `step_ms` after the first sample; as read if a sample is there, otherwise
    interpolated."""
    from_ms = -(-int(times_ms[0]) // step_ms) * step_ms
    count = (int(times_ms[-1]) - from_ms) // step_ms + 1
    grid_ms = from_ms + step_ms * np.arange(max(0, count), dtype=np.int64)
    at = np.searchsorted(times_ms, grid_ms)
    if count > 0 and np.array_equal(times_ms[at], grid_ms):
        return Masses(from_ms, step_ms, masses_ug[at])
    return Masses(from_ms, step_ms, np.interp(grid_ms, times_ms, masses_ug))


def trumpet(masses: Masses, ideal: Ideal, windows_min: tuple[int, ...] = WINDOWS_MIN) -> list[Window]:
    """Ep max and min over all windows of each length that fits into the span of `masses`."""
    found = []
    for minutes in windows_min:
        samples, rest_ms = divmod(minutes * MS_PER_MIN, masses.step_ms)
        if rest_ms or samples >= len(masses.ug):
            continue
        differences = masses.ug[samples:] - masses.ug[:-samples]
        highest, lowest = (ideal.error_percent(one.item(), minutes * MS_PER_MIN) for one in (differences.max(), differences.min()))
        found.append(Window(minutes, highest, lowest, len(differences)))
    return found


def mean_error_percent(masses: Masses, ideal: Ideal) -> Fraction:
    """Return the error over the whole span, in percent."""
    return ideal.error_percent((masses.ug[-1] - masses.ug[0]).item(), masses.span_ms)


def flow_ml_per_h(masses: Masses, ideal: Ideal) -> FlowCurve:
    """Return every flow sample, each at the end of its interval."""
    corrected_ug = np.diff(masses.ug) + float(ideal.evaporation_ug_per_ms * masses.step_ms)
    per_h = 3_600_000 / masses.step_ms / 1_000_000
    flow = corrected_ug * (NL_PER_UG_DENSITY / float(ideal.density_mg_per_ml)) * per_h
    minutes = (masses.from_ms + masses.step_ms * np.arange(1, len(masses.ug))) / MS_PER_MIN
    return FlowCurve(minutes, flow)
