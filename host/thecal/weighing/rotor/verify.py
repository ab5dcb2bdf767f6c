"""Compare the pump's table with two weighed turns: how deep the head's ripple is, how far it is turned, and what is left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thecal.weighing.rotor.fit import Weighing
from thecal.weighing.rotor.prices import deviation_nl
from thecal.weighing.rotor.shape import Turn

GAINS = (0.94, 1.06)  # outside: the head has changed, learn it anew
MOST_RESIDUAL = 1.3  # of the residual when it was learned
SET_ZERO_DEGREES = 1.0
_COARSE_DEGREES, _FINE_DEGREES = 1.0, 0.02
_POINTS = 2048
_AS_GOOD = 25.0  # squares of sigma, with neighbouring readings alike: five sigmas apart are two phases, less is chance
_WORST = 1e12
_RIDGE = 1e-9
_ALIKE = 3  # (1 + r) / (1 - r) at the usual correlation of neighbouring readings


@dataclass(frozen=True)
class Verified:
    """`gain`: the ripple against the table's. `phase_degrees`: how far the rotor is ahead of the table, -180 to 180. One sigma each.

    `residual_mg`: rms of a reading against the table as turned and scaled.
    """

    gain: float
    gain_sigma: float
    phase_degrees: float
    phase_sigma_degrees: float
    residual_mg: float
    residual_sigma_mg: float = 0.0

    @property
    def zero_off(self) -> bool:
        """Return True if the zero should be set anew."""
        return abs(self.phase_degrees) > SET_ZERO_DEGREES

    def changed(self, learned_residual_mg: float) -> bool:
        """Return True if the head has changed since it was learned: another depth, or another form."""
        return not GAINS[0] <= self.gain <= GAINS[1] or self.residual_mg > MOST_RESIDUAL * learned_residual_mg


@dataclass(frozen=True)
class _Try:
    """The least-squares answer at one phase."""

    gain: float
    gain_sigma: float
    left: float
    readings: int


def verify(run: Weighing, volumes: list[int], turn: Turn, lag_s: float, mg_per_nl: float) -> Verified:
    """Return gain, phase and residual of the stored table from one run of about two turns. Raises ValueError if it is too short."""
    run = run.settled(lag_s)
    if len(run.time_s) < 40:
        raise ValueError(f"only {len(run.time_s)} settled readings: weigh for longer")
    seen = _Seen(run, volumes, turn, lag_s, mg_per_nl)
    degrees = _nearest(seen)
    found = seen.at(degrees)
    variance = found.left / max(1, found.readings - 5)
    bend = max((seen.at(degrees + 0.5).left + seen.at(degrees - 0.5).left - 2 * found.left) / 0.25, 1e-12)
    phase_sigma = float(np.sqrt(2 * variance / bend))
    rms_mg = float(np.sqrt(found.left / found.readings))
    return Verified(
        found.gain, found.gain_sigma, (degrees + 180) % 360 - 180, phase_sigma, rms_mg, rms_mg / float(np.sqrt(2 * found.readings / _ALIKE))
    )


def _nearest(seen: _Seen) -> float:
    """Return the phase in degrees; of several that fit as well (equal rollers), the one nearest to the table's."""
    coarse = np.arange(-180.0, 180.0, _COARSE_DEGREES)
    left = np.array([seen.at(degrees).left for degrees in coarse])
    valleys = coarse[(left <= np.roll(left, 1)) & (left <= np.roll(left, -1))]
    refined = sorted((_refined(seen, float(valley)) for valley in valleys), key=lambda one: one[1])
    doubt = _AS_GOOD * refined[0][1] / len(seen.mass_mg)
    return min((degrees for degrees, one in refined if one <= refined[0][1] + doubt), key=lambda degrees: abs((degrees + 180) % 360 - 180))


def _refined(seen: _Seen, valley: float) -> tuple[float, float]:
    """Return (degrees, squares left) of the bottom of a valley, by halving steps."""
    step, best = _COARSE_DEGREES / 2, (valley, seen.at(valley).left)
    while step >= _FINE_DEGREES:
        best = min([best, *((best[0] + side, seen.at(best[0] + side).left) for side in (-step, step))], key=lambda one: one[1])
        step /= 2
    return best


class _Seen:
    """The run beside the table's own prediction through the lag."""

    def __init__(self, run: Weighing, volumes: list[int], turn: Turn, lag_s: float, mg_per_nl: float) -> None:
        around = np.arange(_POINTS) * 2 * np.pi / _POINTS
        row = np.fft.rfft(deviation_nl(volumes, turn, around)) / _POINTS
        orders = np.arange(len(row))
        omega = 2 * np.pi * run.steps_per_s * turn.turns / turn.steps
        seen = np.where(orders > 0, row, 0) / (1 + 1j * orders * omega * lag_s) * mg_per_nl
        curve = np.fft.irfft(seen, _POINTS) * _POINTS
        self._curve = np.append(curve, curve[0])
        self._angles = turn.angles(run.motor_steps)
        self.mass_mg = run.mass_mg - (run.motor_steps - run.motor_steps[0]) * turn.step_nl * mg_per_nl
        time = (run.time_s - run.time_s[0]) / (run.time_s[-1] - run.time_s[0])
        self._drift = np.vstack([np.ones_like(time), time]).T

    def at(self, degrees: float) -> _Try:
        """Solve for gain and drift with the table turned by so much."""
        angles = self._angles + np.radians(degrees)
        places = np.mod(angles, 2 * np.pi) / (2 * np.pi) * _POINTS
        table_mg = np.interp(places, np.arange(_POINTS + 1), self._curve)
        design = np.column_stack([table_mg, self._drift])
        normal = design.T @ design + _RIDGE * np.eye(3)
        numbers = np.linalg.solve(normal, design.T @ self.mass_mg)
        if numbers[0] < 0:  # half a ripple further on it fits as well, upside down
            return _Try(0.0, 1.0, _WORST, len(self.mass_mg))
        left = self.mass_mg - design @ numbers
        total, count = float(left @ left), len(left)
        sigma = np.sqrt(total / count * np.linalg.inv(normal)[0, 0])
        return _Try(float(numbers[0]), float(sigma), total, count)
