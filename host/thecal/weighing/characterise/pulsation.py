"""The swing of the flow: spectrum of the mass about its straight line, its strongest line, and the rollers' frequency beside it.

A flow that swings by a part A about its mean F at a frequency f moves the mass by A F / (2 pi f) about the line. The strongest
line is the one that stands highest above its own octave, so slow drift and white noise do not count as pulsation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from thecal.weighing.characterise.trumpet import Masses

LEAST_SAMPLES = 64
LEAST_CYCLES = 8
STANDS_OUT = 8.0


@dataclass(frozen=True)
class Pulsation:
    """Frequencies in Hz, swings in percent of the mean flow. `found_hz` None: no line stands out of the noise.

    `visible`: the rollers' frequency lies between the record's slowest and fastest that can be seen.
    """

    roller_hz: float
    found_hz: float | None
    found_percent: float
    at_roller_percent: float
    floor_percent: float
    visible: bool
    spectrum_hz: Any
    spectrum_percent: Any


def pulsation(masses: Masses, mean_ug_per_s: float, roller_hz: float) -> Pulsation | None:
    """Return the pulsation; None if the record is too short or the flow is not positive."""
    if len(masses.ug) < LEAST_SAMPLES or mean_ug_per_s <= 0:
        return None
    step_s = masses.step_ms / 1000
    mass_ug = _about_the_line(np.asarray(masses.ug, dtype=float))
    window = np.hanning(len(mass_ug))
    amplitude_ug = 2 * np.abs(np.fft.rfft(mass_ug * window)) / window.sum()
    hz = np.fft.rfftfreq(len(mass_ug), step_s)
    first = LEAST_CYCLES
    percent = 100 * 2 * math.pi * hz * amplitude_ug / mean_ug_per_s
    above = amplitude_ug / np.maximum(_octave_medians(amplitude_ug, first), 1e-12)
    peak = first + int(np.argmax(above[first:]))
    visible = bool(hz[first] <= roller_hz <= hz[-2])
    at_roller = round(roller_hz / hz[1]) if visible else 0
    near = slice(max(first, at_roller - 2), at_roller + 3)
    found = above[peak] >= STANDS_OUT
    return Pulsation(
        roller_hz,
        _peak_hz(amplitude_ug, peak) * hz[1] if found else None,
        float(percent[peak]) if found else 0.0,
        float(percent[near].max()) if visible else 0.0,
        float(np.median(percent[near.start : near.start + 64])) if visible else 0.0,
        visible,
        hz[first:],
        percent[first:],
    )


def _about_the_line(mass_ug: Any) -> Any:
    """Return the mass minus its straight line (least squares)."""
    x = np.arange(len(mass_ug)) - (len(mass_ug) - 1) / 2
    mean_ug = mass_ug.mean()
    return mass_ug - mean_ug - x * (x @ (mass_ug - mean_ug) / (x @ x))


def _octave_medians(amplitude_ug: Any, first: int) -> Any:
    """Return the median of its octave for every bin."""
    medians = np.full(len(amplitude_ug), np.inf)
    low = first
    while low < len(amplitude_ug):
        high = min(len(amplitude_ug), 2 * low)
        medians[low:high] = np.median(amplitude_ug[low:high])
        low = high
    return medians


def _peak_hz(amplitude_ug: Any, peak: int) -> float:
    """Return the peak's place in bins, by a parabola through the logarithms of three."""
    if not 0 < peak < len(amplitude_ug) - 1:
        return float(peak)
    left, middle, right = (math.log(max(float(amplitude_ug[peak + offset]), 1e-12)) for offset in (-1, 0, 1))
    curve = left - 2 * middle + right
    return peak + (0.5 * (left - right) / curve if curve else 0.0)
