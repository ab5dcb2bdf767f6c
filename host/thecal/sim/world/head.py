"""A simulated pump head: the volume that its rotor brings by angle. All of it follows from a description and a seed.

A roller that leaves the tube takes volume back (a release): the flow dips, and may turn round for a moment. Rollers differ, no two
releases are quite alike, and the ripple grows with wear. A whole turn brings the pair's volume of the individual; back pressure takes a
part of it away, because it fills the chamber that each release opens. A model, not a measured head.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from math import floor

from thecal.files.bench import Bench
from thecal.sim.errors import SimulatorError
from thecal.sim.world.individual import Individual

FULL_STEPS_PER_TURN = 200
# of a turn at least: at 3 rollers 512 a roller, a cell then is 2 microsteps of 3,200
_CELLS = 1536
_PPM = 1_000_000
_SIGMAS_PER_WIDTH = 2 * math.sqrt(2 * math.log(2))


@dataclass(frozen=True)
class HeadSpec:
    """A head, its line and its motor's habits. Shares are of 1.

    `swing`: of a sine per roller. `loss`: of a roller's volume, taken back at a release; `width`: of a release at half its depth, of a
    roller's angle; `skew`: above 0 the release is steep and its end slow. `loss_spread`, `angle_spread_deg`: standard deviations from
    roller to roller. `jitter`: of the ripple, from release to release, with mean 0 over each. `wear`: growth of the ripple per 1,000 turns.
    `ripple`: factor of the deviation from the mean flow. `line_s`: time constant R C of the outlet line. `compliance_nl_per_kpa`: of
    the chamber that a release opens, against `pressure_kpa`. `jumps`: the rotor may jump when the driver is enabled.
    `seed`: None takes the pump's. `start_deg`: angle of the rotor at the first power-up, None draws it from the seed.
    """

    rollers: int = 3
    swing: float = 0.0
    loss: float = 0.0
    width: float = 0.15
    skew: float = 0.3
    loss_spread: float = 0.0
    angle_spread_deg: float = 0.0
    jitter: float = 0.0
    wear: float = 0.0
    ripple: float = 1.0
    line_s: float = 0.0
    compliance_nl_per_kpa: float = 12.0
    pressure_kpa: float = 0.0
    jumps: bool = False
    seed: int | None = None
    start_deg: float | None = None


NAMED = {
    "even": HeadSpec(),
    "sinus": HeadSpec(swing=1.0),
    # flows back 0.15 to 0.4 uL at its deepest release, by seed, on a head of 32 uL a turn
    "dip20": HeadSpec(loss=0.20, loss_spread=0.05, angle_spread_deg=0.5, jitter=0.01),
    # 1.6 to 3.6 uL, behind a line that takes most of it
    "dip35": HeadSpec(loss=0.35, loss_spread=0.10, angle_spread_deg=1.0, jitter=0.02, line_s=5.0),
}


@dataclass(frozen=True)
class Release:
    """Where one roller leaves the tube: the share of its volume that goes back, its middle and its two half widths, in turns."""

    loss: float
    middle: float
    before: float
    after: float

    def done(self, turns: float) -> float:
        """Return how much of this release and its neighbours is over at an angle from 0 to 1: it rises by 1 per turn."""
        return sum(self._once(turns - self.middle - turn) for turn in (-1, 0, 1))

    def _once(self, turns: float) -> float:
        """Return the integral of two half bells that meet at their common top."""
        first = self.before / (self.before + self.after)
        if turns < 0:
            return first * math.erfc(-turns / self.before / math.sqrt(2))
        return first + (1 - first) * math.erf(turns / self.after / math.sqrt(2))


class Head:
    """The tube and rotor of one pump. Angles are in motor steps, fractions allowed, counted on over all turns."""

    def __init__(self, spec: HeadSpec, bench: Bench, individual: Individual) -> None:
        self.spec = spec
        self.turn_steps = turn_steps(bench)
        pair = bench["calibration"]
        self.turn_nl = pair["volume_nl"] * (_PPM + individual.head_ppm) / _PPM / pair["steps"] * self.turn_steps
        self._luck = individual if spec.seed is None else Individual(spec.seed)
        per_roller = -(-_CELLS // spec.rollers)
        self._cells = per_roller * spec.rollers
        self._ripple_nl, self._opened = self._curves()
        self._jitter_nl = _without_chords(self._ripple_nl, per_roller)
        self._pass, self._pass_luck = 0, self._release_luck(0)
        self._takes_nl = spec.compliance_nl_per_kpa * spec.pressure_kpa

    @property
    def first_steps(self) -> float:
        """Return the angle at the first power-up."""
        if self.spec.start_deg is not None:
            return self.spec.start_deg / 360 * self.turn_steps
        return self._luck.share("rotor angle") * self.turn_steps

    def chance(self, what: str) -> float:
        """Return a number from 0 to 1 (excluded), the same for the same `what`."""
        return self._luck.share(what)

    def luck(self, what: str) -> float:
        """Return a number of a normal distribution with standard deviation 1, the same for the same `what`."""
        return self._luck.noise(what)

    def volume_nl(self, angle_steps: float) -> float:
        """Return the volume brought since angle 0; differences count. It may fall where a release takes more than the rotor brings."""
        turns = angle_steps / self.turn_steps
        whole = floor(turns)
        cell, part = divmod((turns - whole) * self._cells, 1)
        low = int(cell)
        ripple = self._ripple_nl
        deviation = ripple[low] + (ripple[low + 1] - ripple[low]) * part
        if self.spec.jitter:
            number = whole * self.spec.rollers + low * self.spec.rollers // self._cells
            if number != self._pass:
                self._pass, self._pass_luck = number, self._release_luck(number)
            jitter = self._jitter_nl
            deviation += self._pass_luck * (jitter[low] + (jitter[low + 1] - jitter[low]) * part)
        if self.spec.wear:
            deviation *= 1 + self.spec.wear * whole / 1000
        volume_nl = turns * self.turn_nl + deviation
        if self._takes_nl:
            opened = self._opened
            volume_nl -= self._takes_nl * (whole * self.spec.rollers + opened[low] + (opened[low + 1] - opened[low]) * part)
        return volume_nl

    def _release_luck(self, number: int) -> float:
        return self.spec.jitter * self._luck.noise(f"release {number}")

    def _curves(self) -> tuple[list[float], list[float]]:
        """Return, at each edge of the cells of a turn, the deviation from the mean volume, and the number of releases that are over."""
        spec, luck, cells = self.spec, self._luck, self._cells
        sigma = spec.width / spec.rollers / _SIGMAS_PER_WIDTH
        releases = [
            Release(
                spec.loss * (1 + spec.loss_spread * luck.noise(f"roller {number} loss")),
                (number + 0.5) / spec.rollers + spec.angle_spread_deg * luck.noise(f"roller {number} angle") / 360,
                sigma * (1 - spec.skew),
                sigma * (1 + spec.skew),
            )
            for number in range(spec.rollers)
        ]
        lost = sum(one.loss for one in releases) / spec.rollers
        if lost >= 1:
            raise SimulatorError("the rollers take back as much as they bring", "give a smaller loss")
        begun = [one.done(0.0) for one in releases]
        ripple_nl, opened = [], []
        for edge in range(cells + 1):
            turns = edge / cells
            over = [one.done(turns) - first for one, first in zip(releases, begun, strict=True)]
            taken = sum(one.loss * share for one, share in zip(releases, over, strict=True)) / spec.rollers
            flow = (turns - taken) / (1 - lost) - spec.swing * math.sin(2 * math.pi * spec.rollers * turns) / (2 * math.pi * spec.rollers)
            ripple_nl.append(spec.ripple * (flow - turns) * self.turn_nl)
            opened.append(sum(over))
        return [*ripple_nl[:-1], 0.0, 0.0], [*opened, opened[-1]]


def turn_steps(bench: Bench) -> float:
    """Return the motor steps of a turn of the head: by the bench's pair if it names turns, else of a motor without a gear."""
    pair = bench["calibration"]
    if "turns" in pair:
        return pair["steps"] / pair["turns"]
    return float(FULL_STEPS_PER_TURN * bench.get("motor", {}).get("microsteps", 16))


def _without_chords(curve: list[float], per_part: int) -> list[float]:
    """Return a curve less the straight line through the ends of each of its parts."""
    ends = curve[:-1:per_part]
    flat: list[float] = []
    for begin, end in pairwise(ends):
        part = curve[len(flat) : len(flat) + per_part]
        flat += [value - begin - (end - begin) * cell / per_part for cell, value in enumerate(part)]
    return [*flat, 0.0, 0.0]
