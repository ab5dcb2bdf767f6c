"""What a table will be worth: the deviation that a balance allows, before a run; the windows of plain dosing and of a table, after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from thecal.weighing.rotor.shape import HARMONICS, Shape, Turn

WINDOW_NL = 100_000 * 2 / 60  # 100 uL/h for two minutes: where a table must beat plain dosing
NOISE_MG = 0.15  # of an analytical balance beside a pump
_NOISE_ALIKE = 3  # (1 + r) / (1 - r) at the usual correlation of 0.5 from one reading to the next
_MOST_ALIKE = 3  # a coarse digit repeats itself, but the flow moves it on
_SIGMAS = 3.0
_PLACES = 3 * 384


@dataclass(frozen=True)
class Outlook:
    """The largest error of a 2-minute window at 100 uL/h, in percent: `plain` by angle, `table` by volume with three sigmas of doubt."""

    plain_percent: float
    table_percent: float

    @property
    def worth_it(self) -> bool:
        """Return True if the table beats plain dosing."""
        return self.table_percent < self.plain_percent


def predicted_rms_nl(readings: int, mg_per_reading: float, digit_mg: float, mg_per_nl: float) -> float:
    """Return the deviation to expect of a learned table, in nl rms, from the balance's digit and the number of readings."""
    alike = min(max(1.0, digit_mg / mg_per_reading / 2), _MOST_ALIKE)
    variance = NOISE_MG**2 * _NOISE_ALIKE + digit_mg**2 / 12 * alike
    return float(np.sqrt(2 * HARMONICS * variance / max(1, readings)) / mg_per_nl)


def outlook(shape: Shape, turn: Turn, window_nl: float = WINDOW_NL) -> Outlook:
    """Return how plain dosing and the table of this shape would do in the worst place of the turn."""
    return outlook_of(shape.deviation_nl, turn, shape.rms_nl(), window_nl)


def outlook_of(deviation_nl: Callable[[Any], Any], turn: Turn, rms_nl: float, window_nl: float = WINDOW_NL) -> Outlook:
    """Return the same of any head whose volume is `deviation_nl` ahead of an even turn at an angle, known to `rms_nl`."""
    around, ahead = np.arange(_PLACES) * 2 * np.pi / _PLACES, window_nl / turn.turn_nl * 2 * np.pi
    plain_nl = float(np.max(np.abs(deviation_nl(around + ahead) - deviation_nl(around))))
    return Outlook(100 * plain_nl / window_nl, _doubt_percent(rms_nl, window_nl))


def predicted_percent(rms_nl: float) -> float:
    """Return the error of two minutes at 100 uL/h that a table of this deviation would leave, in percent, with three sigmas."""
    return _doubt_percent(rms_nl, WINDOW_NL)


def _doubt_percent(rms_nl: float, window_nl: float) -> float:
    return 100 * _SIGMAS * float(np.sqrt(2)) * rms_nl / window_nl
