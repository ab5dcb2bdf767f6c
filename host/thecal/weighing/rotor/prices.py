"""From a learned shape to the pump's table: what each bin of a turn brings, in grains, and the way back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from thecal.weighing.rotor.shape import Shape, Turn, columns

PARTS = 64  # grains in a dose step of a head of one turn (firmware/pumpcore/motion/rotor.py)
BINS = 192  # 96 double the error at sharp releases, 384 add nothing (design notes)


def volumes_of(shape: Shape, turn: Turn, bins: int = BINS) -> list[int]:
    """Return each bin's volume in grains, negative where liquid flows back; the sum is exactly PARTS * turn.steps, one turn."""
    around = np.arange(bins + 1) * 2 * np.pi / bins
    ahead_nl = shape.deviation_nl(around)
    edges_nl = np.arange(bins + 1) * turn.turn_nl / bins + ahead_nl - ahead_nl[0]
    grains_per_nl = PARTS * turn.steps / turn.turn_nl
    edges = [round(float(nl) * grains_per_nl) for nl in edges_nl]
    edges[-1] = PARTS * turn.steps
    return [after - before for before, after in pairwise(edges)]


def uncertainties_nl(shape: Shape, bins: int = BINS) -> Any:
    """Return one standard deviation of each bin's volume, in nl."""
    edges = columns(np.arange(bins + 1) * 2 * np.pi / bins, len(shape.row))
    across = edges[1:] - edges[:-1]
    return np.sqrt(np.einsum("ij,jk,ik->i", across, shape.covariance, across))


def backflow_nl(volumes: list[int], turn: Turn) -> int:
    """Return the deepest fall of the delivered volume on its way round, in nl."""
    highest = fallen = total = 0
    for volume in volumes * 2:
        total += volume
        highest = max(highest, total)
        fallen = max(fallen, highest - total)
    return round(fallen * turn.turn_nl / (PARTS * turn.steps))


def deviation_nl(volumes: list[int], turn: Turn, angles: Any) -> Any:
    """Return how far a table's volume is ahead of an even turn at these angles (radians), in nl, mean zero; linear within a bin."""
    edges = np.concatenate([[0], np.cumsum(volumes)]) * turn.turn_nl / (PARTS * turn.steps)
    ahead = edges - np.arange(len(edges)) * turn.turn_nl / len(volumes)
    middle = float(np.mean((ahead[1:] + ahead[:-1]) / 2))
    places = np.mod(np.asarray(angles, dtype=float), 2 * np.pi) / (2 * np.pi) * len(volumes)
    return np.interp(places, np.arange(len(edges)), ahead) - middle
