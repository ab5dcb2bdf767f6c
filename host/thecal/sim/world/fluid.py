"""The fluid that the motor's true steps deliver without a simulated head, in micrograms, at any recent moment.

A roller that leaves the tube takes volume back: the flow swings about its mean once per roller; the volume over a whole turn and every
step count stay the same.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from thecal.files.bench import Bench
from thecal.sim.world.individual import Individual

ROLLERS = 3
FULL_STEPS_PER_TURN = 200
RUNS_KEPT = 512
_PPM = 1_000_000


class Steps(NamedTuple):
    """So many steps, evenly spaced between two true times, after `before` others."""

    first_ns: int
    last_ns: int
    before: int
    steps: int


class Fluid:
    """The tube of one individual. `pulsation_percent`: swing of the flow about its mean. Density in mg per mL."""

    def __init__(self, bench: Bench, individual: Individual, pulsation_percent: float, density_mg_per_ml: float) -> None:
        pair = bench["calibration"]
        true_nl = pair["volume_nl"] * (_PPM + individual.head_ppm) / _PPM / pair["steps"]
        self.ug_per_step = true_nl * density_mg_per_ml / 1000
        self.steps_per_turn = FULL_STEPS_PER_TURN * bench.get("motor", {}).get("microsteps", 16)
        self._swing_steps = pulsation_percent / 100 * self.steps_per_turn / (2 * math.pi * ROLLERS)
        self._runs: deque[Steps] = deque(maxlen=RUNS_KEPT)

    def note(self, first_ns: int, last_ns: int, before: int, steps: int) -> None:
        """Note steps, evenly spaced from `first_ns` to `last_ns` (true time), after `before` others."""
        self._runs.append(Steps(first_ns, last_ns, before, steps))

    def steps_at(self, true_ns: int) -> int:
        """Return the steps by a time; as far back as the last few hundred runs of steps."""
        for first_ns, last_ns, before, steps in reversed(self._runs):
            if true_ns >= last_ns:
                return before + steps
            if true_ns >= first_ns:
                return before + 1 + (true_ns - first_ns) * (steps - 1) // (last_ns - first_ns)
        return self._runs[0].before if self._runs else 0

    def delivered_ug(self, at_ns: int) -> float:
        """Return the mass delivered by a time."""
        return self.mass_ug(self.steps_at(at_ns))

    def weighed_ug(self, at_ns: int) -> float:
        """Return the mass on a balance by a time: at once."""
        return self.delivered_ug(at_ns)

    def mass_ug(self, steps: int) -> float:
        """Return the mass delivered by so many steps since the head's angle zero."""
        angle = 2 * math.pi * ROLLERS * (steps % self.steps_per_turn) / self.steps_per_turn
        return (steps - self._swing_steps * math.sin(angle)) * self.ug_per_step
