"""The planned runs: turns as steps, the rate as the pump's integers, the expected volume. Checked before the pump runs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pumpcore.bench.weighed import FARTHEST_PERCENT, LONGEST_TEXT, MOST_DAYS, MOST_NL, MOST_RUNS
from pumpcore.motion.dose import Calibration
from thecal.checks.dose import option_nl, read
from thecal.errors import BadInput
from thecal.quantities.amounts import Rate
from thecal.quantities.typed import shown
from thecal.weighing.calibrate.masses import Plausible
from thecal.weighing.calibrate.water import typed_ug_per_ml, water_ug_per_ml

MOST_STEPS = (1 << 32) - 1
MOST_SECONDS = 1 << 31


@dataclass(frozen=True)
class Typed:
    """The typed options."""

    tube: str
    lot: str
    turns: int
    rate: str
    prime: str
    runs: int
    density: str
    temperature: str
    buoyancy: bool
    for_volume: str
    for_days: int


class Plan:
    """The runs in the pump's numbers. `prime_nl`: 0 for none; `expires_nl`: 0 for never."""

    def __init__(self, typed: Typed, pump: dict[str, Any]) -> None:
        """`pump`: the answer to calibration.read."""
        self.typed = typed
        self.tube, self.lot = name("tube", typed.tube, 1), name("lot", typed.lot, 0)
        if not 1 <= typed.runs <= MOST_RUNS:
            raise BadInput(f"{typed.runs} runs", f"give --runs from 1 to {MOST_RUNS}; three is usual")
        if not 0 <= typed.for_days <= MOST_DAYS:
            raise BadInput(f"{typed.for_days} days", f"give --for-days from 1 to {MOST_DAYS}, or 0 for no limit")
        self.steps = steps_of(typed.turns, pump)
        self.rate = flow(typed.rate)
        self.prime_nl = volume("--prime", typed.prime)
        self.expires_nl = volume("--for-volume", typed.for_volume)
        self.density_ug_per_ml = typed_ug_per_ml(typed.density) if typed.density else water_ug_per_ml(typed.temperature)
        nominal = pump["nominal"]
        self.nominal = Calibration(nominal["volume_nl"], nominal["steps"], nominal["state"])
        self.expected_nl = Fraction(self.steps * self.nominal.volume_nl, self.nominal.steps)

    def plausible(self) -> Plausible:
        """Return the tolerance of a run: the pump's own tolerance of a calibration."""
        return Plausible(self.expected_nl * self.density_ug_per_ml / 1_000_000, FARTHEST_PERCENT)


def name(what: str, text: str, shortest: int) -> str:
    """Check a tube or lot name against the pump's limits."""
    if not shortest <= len(text) <= LONGEST_TEXT or not text.isascii() or not text.isprintable():
        raise BadInput(f"{what} {shown(text)}", f"give --{what} as {shortest} to {LONGEST_TEXT} printable ASCII letters, like T1")
    return text


def steps_of(turns: int, pump: dict[str, Any]) -> int:
    """Return the whole steps of so many turns of the head, rounded down."""
    if turns < 1:
        raise BadInput(f"{turns} turns", "give --turns of 1 or more; the weight should be at least 100 times the balance's last digit")
    steps = int(turns * pump["turns_steps"] // pump["turns"])
    if steps > MOST_STEPS:
        raise BadInput(f"{turns} turns are {steps} steps", f"give fewer turns: a run takes at most {MOST_STEPS} steps")
    return steps


def flow(text: str) -> Rate:
    """Return a typed rate, exact. Raises BadInput for zero, and for too many digits."""
    exact = read(text, ("volume/time",), "2 mL/h").to("nL/s")
    if not exact:
        raise BadInput(f"{shown(text)} is zero", 'give a --rate above zero, like "2 mL/h"')
    if exact.denominator > MOST_SECONDS:
        raise BadInput(f"{shown(text)} has too many digits for the pump", "write fewer digits")
    return Rate(exact.numerator, exact.denominator)


def volume(option: str, text: str) -> int:
    """Return whole nl of a typed volume; 0 for "" and for "0"."""
    if text in ("", "0"):
        return 0
    nl = option_nl(option, text, "0.5 mL")
    if nl > MOST_NL:
        raise BadInput(f"{option} {shown(text)} is more than the pump can count", "give less, or 0 for none")
    return nl
