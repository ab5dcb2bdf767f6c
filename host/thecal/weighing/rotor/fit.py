"""Learn a rotor's shape from weighed runs at several rates: least squares over all runs, the balance's lag by search.

One rate alone can't tell the balance's lag from a turned shape: its fit is biased by 92 to 137 nl at 1 mL/h (design notes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from thecal.weighing.rotor.shape import HARMONICS, Shape, Turn

TURNS_PER_KNOT = 3  # of the slow drift: evaporation that wanders must not bend the shape
SETTLED_LAGS = 5
LONGEST_LAG_S = 8.0
LEAST_DOUBT = 0.15  # of a harmonic's variance
_COARSE, _FINE_ROUNDS = 17, 24
_RIDGE = 1e-9
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Weighing:
    """One run at a constant rate, by angle: reading times (s), motor positions at them (steps), masses (mg); arrays of one length."""

    time_s: Any
    motor_steps: Any
    mass_mg: Any

    def settled(self, lag_s: float) -> Weighing:
        """Return the run without its begin, where a balance of this lag still shows the time before."""
        keep = self.time_s >= self.time_s[0] + SETTLED_LAGS * max(lag_s, 1.0)
        return Weighing(self.time_s[keep], self.motor_steps[keep], self.mass_mg[keep])

    @property
    def steps_per_s(self) -> float:
        """Return the mean step rate."""
        return float((self.motor_steps[-1] - self.motor_steps[0]) / (self.time_s[-1] - self.time_s[0]))


@dataclass(frozen=True)
class Learned:
    """The shape at the head, the lag of balance and line (s), the residual of one reading (mg), and the correlation of neighbours."""

    shape: Shape
    lag_s: float
    residual_mg: float
    correlation: float


@dataclass(frozen=True)
class _Problem:
    """What is fitted: all runs with one shape of so many harmonics."""

    runs: list[Weighing]
    turn: Turn
    mg_per_nl: float
    harmonics: int


class _Block(NamedTuple):
    """One run: the columns of the shape, those of its drift, and the masses beyond an even flow."""

    waves: Any
    drift: Any
    masses_mg: Any


@dataclass(frozen=True)
class _Solved:
    """One least-squares solution: the shape's numbers, their covariance, the residual's rms and the neighbours' correlation."""

    numbers: Any
    covariance: Any
    residual_mg: float
    correlation: float


def learn(runs: list[Weighing], turn: Turn, mg_per_nl: float, harmonics: int = HARMONICS) -> Learned:
    """Return the shape that explains all runs with the common lag that fits best. Raises ValueError if the runs are too short."""
    problem = _Problem(runs, turn, mg_per_nl, harmonics)
    lag_s = _search_lag(problem)
    solved = _solve(problem, lag_s)
    row = (solved.numbers[:harmonics] + 1j * solved.numbers[harmonics:]) / mg_per_nl
    covariance = solved.covariance / mg_per_nl**2
    noise = np.diag(covariance)[:harmonics] + np.diag(covariance)[harmonics:]
    kept = np.maximum(0.0, 1.0 - noise / np.maximum(np.abs(row) ** 2, 1e-12))
    # What shrinking leaves of each harmonic's doubt; one that is dropped may still have been there.
    doubt = np.tile(np.sqrt(np.maximum(kept, LEAST_DOUBT)), 2)
    return Learned(Shape(row * kept, covariance * np.outer(doubt, doubt)), lag_s, solved.residual_mg, solved.correlation)


def _search_lag(problem: _Problem) -> float:
    """Return the lag with the smallest residual: a coarse grid, then golden section."""

    def residual(lag_s: float) -> float:
        return _solve(problem, lag_s, whiten=False, settle_s=LONGEST_LAG_S / SETTLED_LAGS).residual_mg

    grid = LONGEST_LAG_S * (np.arange(_COARSE) / (_COARSE - 1)) ** 2
    found = [residual(lag_s) for lag_s in grid]
    best = int(np.argmin(found))
    low, high = float(grid[max(0, best - 1)]), float(grid[min(_COARSE - 1, best + 1)])
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = residual(left), residual(right)
    for _ in range(_FINE_ROUNDS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = residual(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = residual(right)
        if high - low < 0.005:
            break
    return (low + high) / 2


def _solve(problem: _Problem, lag_s: float, *, whiten: bool = True, settle_s: float | None = None) -> _Solved:
    """Solve for the shape (seen through a first-order lag) and each run's own slow drift."""
    harmonics = problem.harmonics
    blocks = [_block(run.settled(lag_s if settle_s is None else settle_s), problem, lag_s) for run in problem.runs]
    design, masses = _stacked(blocks)
    ends = np.cumsum([len(block.masses_mg) for block in blocks])[:-1]
    numbers, left = _least_squares(design, masses)
    correlation = _correlation(left, ends)
    if whiten and correlation > 0:
        design, masses = _whitened(design, ends, correlation), _whitened(masses, ends, correlation)
        numbers, left = _least_squares(design, masses)
    free = len(masses) - design.shape[1]
    if free <= 0:
        raise ValueError(f"{len(masses)} readings can't give {design.shape[1]} numbers: weigh for longer")
    variance = float(left @ left) / free
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    covariance = inverse[: 2 * harmonics, : 2 * harmonics] * variance
    if whiten:  # of a reading, not of a difference of two
        variance /= max(1e-9, 1 - correlation**2)
    return _Solved(numbers[: 2 * harmonics], covariance, float(np.sqrt(variance)), correlation)


def _block(run: Weighing, problem: _Problem, lag_s: float) -> _Block:
    """Return one run with its shape seen through the lag."""
    turn, harmonics = problem.turn, problem.harmonics
    if len(run.time_s) < 2 * harmonics:
        raise ValueError(f"only {len(run.time_s)} settled readings in a run: weigh for longer")
    omega = 2 * np.pi * run.steps_per_s * turn.turns / turn.steps
    gain = 1 / (1 + 1j * np.arange(1, harmonics + 1) * omega * lag_s)
    waves = np.exp(1j * np.outer(turn.angles(run.motor_steps), np.arange(1, harmonics + 1))) * gain
    turned = (run.motor_steps[-1] - run.motor_steps[0]) * turn.turns / turn.steps
    knots = np.linspace(run.time_s[0], run.time_s[-1], max(2, int(turned / TURNS_PER_KNOT) + 2))
    drift = np.maximum(0, 1 - np.abs(run.time_s[:, None] - knots) / (knots[1] - knots[0]))
    even_mg = (run.motor_steps - run.motor_steps[0]) * turn.step_nl * problem.mg_per_nl
    return _Block(np.hstack([waves.real, -waves.imag]), drift, run.mass_mg - even_mg)


def _stacked(blocks: list[_Block]) -> tuple[Any, Any]:
    """Return one design matrix and one vector: the shape is common, the drift is each run's own."""
    width = sum(block.drift.shape[1] for block in blocks)
    rows, at = [], 0
    for block in blocks:
        own = np.zeros((len(block.waves), width))
        own[:, at : at + block.drift.shape[1]] = block.drift
        at += block.drift.shape[1]
        rows.append(np.hstack([block.waves, own]))
    return np.vstack(rows), np.concatenate([block.masses_mg for block in blocks])


def _least_squares(design: Any, masses: Any) -> tuple[Any, Any]:
    """Solve by normal equations: the columns are near orthogonal, and a singular-value solution takes twenty times as long."""
    normal = design.T @ design
    numbers = np.linalg.solve(normal + _RIDGE * np.eye(len(normal)), design.T @ masses)
    return numbers, masses - design @ numbers


def _correlation(left: Any, ends: Any) -> float:
    """Return the correlation of neighbouring residuals, from 0 to 0.95: a balance's own filter makes them alike."""
    parts = np.split(left, ends)
    neighbours = sum(float(part[1:] @ part[:-1]) for part in parts)
    return min(max(neighbours / max(float(left @ left), 1e-30), 0.0), 0.95)


def _whitened(values: Any, ends: Any, correlation: float) -> Any:
    """Return each run's differences to a part of the reading before: their errors are independent."""
    return np.concatenate([part[1:] - correlation * part[:-1] for part in np.split(values, ends)])
