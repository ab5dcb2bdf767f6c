"""A simulated laboratory balance under the simulated pump's outlet: it weighs what the plant really delivered.

Time is the pump's true time, so speed and virtual time are the bench's. The pan is looked at once per update; stability
follows the flow; evaporation, noise and faults are the bench's too. What it says is in `balance_talk`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from thecal.sim.errors import SimulatorError
from thecal.sim.world.fluid import Fluid
from thecal.sim.world.individual import Individual

_NS_PER_MS = 1_000_000
_NS_PER_H = 3_600_000_000_000
STABLE_OVER_MS = 1000
STABLE_DIGITS = 2
VESSEL_UG = 31_415_900
FAULTS = ("none", "unstable", "unit", "overload", "underload", "frozen", "silent", "half_line", "tare")


@dataclass(frozen=True)
class BalanceOptions:
    """`protocol`: mt-sics, sbi or plain (prints by itself). `noise_ug` is a standard deviation. Evaporation is steady."""

    protocol: str = "mt-sics"
    resolution_ug: int = 100
    noise_ug: float = 40.0
    evaporation_ug_per_h: float = 0.0
    pulsation_percent: float = 0.0
    density_mg_per_ml: float = 998.2
    update_ms: int = 100


@dataclass(frozen=True)
class Shown:
    """The display at one moment: whole micrograms, a multiple of the resolution."""

    mass_ug: int
    stable: bool


class Pan:
    """`now_ns` brings the plant up to now and returns true time; called under the timeline's lock by it."""

    def __init__(self, fluid: Fluid, individual: Individual, options: BalanceOptions, now_ns: Callable[[], int]) -> None:
        self.fluid = fluid
        self.options = options
        self.fault = "none"
        self._individual = individual
        self._now_ns = now_ns
        self._update_ns = options.update_ms * _NS_PER_MS
        self._tare_ug = 0.0
        self._frozen: Shown | None = None
        self.tare()

    def now_ns(self) -> int:
        return self._now_ns()

    def tare(self) -> None:
        """Tare: the present load is zero from now on."""
        self._tare_ug = self._load_ug(self._update_before(self._now_ns()))

    def set_fault(self, kind: str) -> None:
        """Set one of FAULTS; `tare` happens once, `none` ends the others."""
        if kind not in FAULTS:
            raise SimulatorError(f"{kind!r} is not a fault of a balance", f"known are {', '.join(FAULTS)}")
        if kind == "tare":
            self.tare()
            return
        self._frozen = self.look() if kind == "frozen" else None
        self.fault = kind

    def look(self) -> Shown:
        """Return the display at the newest update."""
        if self._frozen is not None:
            return self._frozen
        at_ns = self._update_before(self._now_ns())
        update = at_ns // self._update_ns
        load_ug = self._load_ug(at_ns)
        exact_ug = load_ug - self._tare_ug + self.options.noise_ug * self._individual.noise(f"balance {update}")
        digit_ug = self.options.resolution_ug
        moved_ug = abs(load_ug - self._load_ug(at_ns - STABLE_OVER_MS * _NS_PER_MS))
        stable = self.fault != "unstable" and moved_ug < STABLE_DIGITS * digit_ug
        return Shown(round(exact_ug / digit_ug) * digit_ug, stable)

    def delivered_ug(self) -> float:
        """Return the true delivered mass, without evaporation."""
        return self.fluid.mass_ug(self.fluid.steps_at(self._now_ns()))

    def _update_before(self, now_ns: int) -> int:
        return now_ns - now_ns % self._update_ns

    def _load_ug(self, at_ns: int) -> float:
        gone_ug = self.options.evaporation_ug_per_h * at_ns / _NS_PER_H
        return VESSEL_UG + self.fluid.mass_ug(self.fluid.steps_at(at_ns)) - gone_ug
