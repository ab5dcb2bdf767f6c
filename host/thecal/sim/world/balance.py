"""A simulated laboratory balance under the simulated pump's outlet: it weighs what the plant really delivered.

Time is the pump's true time, so speed and virtual time are the bench's. The pan is looked at once per update; stability
follows the flow; evaporation, noise and faults are the bench's too. What it says is in `balance_talk`.
All of it is by seed and time, whenever and however often the pan is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from thecal.sim.errors import SimulatorError
from thecal.sim.world.individual import Individual

_NS_PER_MS = 1_000_000
_NS_PER_MINUTE = 60_000_000_000
_NS_PER_H = 3_600_000_000_000
STABLE_OVER_MS = 1000
STABLE_DIGITS = 2
VESSEL_UG = 31_415_900
FAULTS = ("none", "unstable", "unit", "overload", "underload", "frozen", "silent", "half_line", "tare")


@dataclass(frozen=True)
class BalanceOptions:
    """`protocol`: mt-sics, sbi or plain (prints by itself). `noise_ug` is a standard deviation; its correlation halves every
    `noise_half_ms` (0: none). `lag_s`: the display follows the load with this time constant. Evaporation is steady, unless its sum
    walks off by `drift_ug` in the first minute (a standard deviation; it grows with the root of time)."""

    protocol: str = "mt-sics"
    resolution_ug: int = 100
    noise_ug: float = 40.0
    evaporation_ug_per_h: float = 0.0
    pulsation_percent: float = 0.0
    density_mg_per_ml: float = 998.2
    update_ms: int = 100
    lag_s: float = 0.0
    noise_half_ms: int = 0
    drift_ug: float = 0.0

    @classmethod
    def drafty(cls, **changes: Any) -> BalanceOptions:
        """Return a balance with all of its errors: lag 0.7 s, noise 0.15 mg that halves in 0.5 s, evaporation 2 mg/h that drifts."""
        errors = {"lag_s": 0.7, "noise_ug": 150.0, "noise_half_ms": 500, "evaporation_ug_per_h": 2_000.0, "drift_ug": 20.0}
        return cls(**{**errors, **changes})


@dataclass(frozen=True)
class Shown:
    """The display at one moment: whole micrograms, a multiple of the resolution."""

    mass_ug: int
    stable: bool


class Delivered(Protocol):
    """What left the tube, in micrograms by true time."""

    def delivered_ug(self, at_ns: int) -> float: ...

    def weighed_ug(self, at_ns: int) -> float: ...


class Pan:
    """`now_ns` brings the plant up to now and returns true time; called under the timeline's lock by it."""

    def __init__(self, fluid: Delivered, individual: Individual, options: BalanceOptions, now_ns: Callable[[], int]) -> None:
        self.fluid = fluid
        self.options = options
        self.fault = "none"
        self._now_ns = now_ns
        self._update_ns = options.update_ms * _NS_PER_MS
        self._noise = Noise(individual, options)
        self._drift = Drift(individual, options.drift_ug)
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
        exact_ug = load_ug - self._tare_ug + self._noise.at_ug(update)
        digit_ug = self.options.resolution_ug
        moved_ug = abs(load_ug - self._load_ug(at_ns - STABLE_OVER_MS * _NS_PER_MS))
        stable = self.fault != "unstable" and moved_ug < STABLE_DIGITS * digit_ug
        return Shown(round(exact_ug / digit_ug) * digit_ug, stable)

    def delivered_ug(self) -> float:
        """Return the true delivered mass, without evaporation."""
        return self.fluid.delivered_ug(self._now_ns())

    def _update_before(self, now_ns: int) -> int:
        return now_ns - now_ns % self._update_ns

    def _load_ug(self, at_ns: int) -> float:
        gone_ug = self.options.evaporation_ug_per_h * at_ns / _NS_PER_H
        return VESSEL_UG + self.fluid.weighed_ug(at_ns) - gone_ug - self._drift.at_ug(at_ns)


class Noise:
    """Noise of the display by number of update: independent, or the sum of the past with halving weights."""

    # what is older weighs less than a thousandth of the noise's power
    _HALVES = 5

    def __init__(self, individual: Individual, options: BalanceOptions) -> None:
        self._individual, self._scale_ug = individual, options.noise_ug
        self._fresh: dict[int, float] = {}
        self._weights = [1.0]
        if options.noise_half_ms:
            kept = 0.5 ** (options.update_ms / options.noise_half_ms)
            count = -(-self._HALVES * options.noise_half_ms // options.update_ms)
            weights = [kept**age for age in range(count)]
            power = sum(weight * weight for weight in weights)
            self._weights = [weight / power**0.5 for weight in weights]

    def at_ug(self, update: int) -> float:
        return self._scale_ug * sum(weight * self._luck(update - age) for age, weight in enumerate(self._weights))

    def _luck(self, update: int) -> float:
        luck = self._fresh.get(update)
        if luck is None:
            if len(self._fresh) > 4 * len(self._weights):
                self._fresh.clear()
            luck = self._fresh[update] = self._individual.noise(f"balance {update}")
        return luck


class Drift:
    """A random walk by true time, straight between whole minutes."""

    def __init__(self, individual: Individual, scale_ug: float) -> None:
        self._individual, self._scale_ug = individual, scale_ug
        self._by_minute_ug = [0.0]

    def at_ug(self, at_ns: int) -> float:
        if not self._scale_ug:
            return 0.0
        minute, rest_ns = divmod(max(0, at_ns), _NS_PER_MINUTE)
        walk = self._by_minute_ug
        while len(walk) < minute + 2:
            walk.append(walk[-1] + self._scale_ug * self._individual.noise(f"drift {len(walk)}"))
        return walk[minute] + (walk[minute + 1] - walk[minute]) * rest_ns / _NS_PER_MINUTE
