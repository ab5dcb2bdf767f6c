"""Fit an integer pair (volume_nl, steps) to weighed runs, and compute their scatter. Exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

PPM = 1_000_000
# An intact peristaltic head scatters far less from run to run; more means a leak, a slipping tube or a wrong weight.
MOST_CV_PPM = 20_000
MOST_DEVIATION_PPM = 30_000
# of the pair's two numbers; misses the mean by less than one in a million, and mostly by much less
SMALLER_AT_MOST = 1_000_000


@dataclass(frozen=True)
class Run:
    """`steps` steps delivered `volume_nl` (exact)."""

    steps: int
    mass_ug: Fraction
    volume_nl: Fraction

    @property
    def nl_per_step(self) -> Fraction:
        return self.volume_nl / self.steps


@dataclass(frozen=True)
class Fit:
    """`volume_nl` in `steps`, nearest to the mean of the runs (`exact_nl_per_step`). `cv_ppm`: sample standard deviation over mean;
    `deviation_ppm`: of the run farthest from the mean. Both are 0 for a single run, which shows no scatter."""

    volume_nl: int
    steps: int
    exact_nl_per_step: Fraction
    cv_ppm: int
    deviation_ppm: int

    @property
    def rounding_ppb(self) -> int:
        """Return the deviation of the integers from the mean, in parts per 10^9, rounded up."""
        off = abs(Fraction(self.volume_nl, self.steps) / self.exact_nl_per_step - 1) * 10**9
        return -(-off.numerator // off.denominator)

    def too_scattered(self) -> bool:
        return self.cv_ppm > MOST_CV_PPM or self.deviation_ppm > MOST_DEVIATION_PPM


def fit(runs: Sequence[Run]) -> Fit:
    """Return all volumes over all steps: every step has the same weight."""
    mean = sum((run.volume_nl for run in runs), Fraction(0)) / sum(run.steps for run in runs)
    pair = mean.limit_denominator(SMALLER_AT_MOST) if mean >= 1 else 1 / (1 / mean).limit_denominator(SMALLER_AT_MOST)
    parts = [run.nl_per_step / mean - 1 for run in runs]
    centre = sum(parts, Fraction(0)) / len(parts)
    variance = sum(((part - centre) ** 2 for part in parts), Fraction(0)) / max(1, len(parts) - 1)
    return Fit(pair.numerator, pair.denominator, mean, isqrt(int(variance * PPM * PPM)), round(max(abs(part) for part in parts) * PPM))
