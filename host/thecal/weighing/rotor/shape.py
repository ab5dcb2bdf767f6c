"""What each angle of the rotor brings beyond its even share: a Fourier row over one turn of the head, with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

HARMONICS = 48  # 192 bins hold four points of the shortest wave


@dataclass(frozen=True)
class Turn:
    """The head's geometry: `turns` turns take `steps` motor steps and deliver `volume_nl` (the calibration's pair, scaled)."""

    turns: int
    steps: int
    volume_nl: float

    @property
    def turn_nl(self) -> float:
        """Return the mean volume of one turn, in nl."""
        return self.volume_nl / self.turns

    @property
    def step_nl(self) -> float:
        """Return the mean volume of one motor step, in nl."""
        return self.volume_nl / self.steps

    def angles(self, motor_steps: Any) -> Any:
        """Return the rotor's angle in radians at each motor position (float array), from 0 to below a turn."""
        return 2 * np.pi * np.mod(np.mod(np.asarray(motor_steps, dtype=float) * self.turns, self.steps) / self.steps, 1.0)


@dataclass(frozen=True)
class Shape:
    """`row[h - 1]` is the complex coefficient of harmonic h, in nl: deviation(angle) = Re sum row[h - 1] exp(i h angle).

    `covariance` is that of (real parts, imaginary parts negated), in nl squared, (2 H, 2 H).
    """

    row: Any
    covariance: Any

    def deviation_nl(self, angles: Any) -> Any:
        """Return how far the delivered volume is ahead of an even turn at these angles (radians), in nl."""
        orders = np.arange(1, len(self.row) + 1)
        return (np.exp(1j * np.outer(angles, orders)) @ self.row).real

    def uncertainty_nl(self, angles: Any) -> Any:
        """Return one standard deviation of `deviation_nl` at these angles, in nl."""
        design = columns(angles, len(self.row))
        return np.sqrt(np.einsum("ij,jk,ik->i", design, self.covariance, design))

    def rms_nl(self, points: int = 384) -> float:
        """Return the root mean square of the uncertainty over a turn, in nl: the deviation that is stated."""
        around = np.arange(points) * 2 * np.pi / points
        return float(np.sqrt(np.mean(self.uncertainty_nl(around) ** 2)))


def columns(angles: Any, harmonics: int) -> Any:
    """Return the design matrix (cos, -sin) of `harmonics` harmonics at these angles, shape (n, 2 * harmonics)."""
    waves = np.exp(1j * np.outer(angles, np.arange(1, harmonics + 1)))
    return np.hstack([waves.real, -waves.imag])
