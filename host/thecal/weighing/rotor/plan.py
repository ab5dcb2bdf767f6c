"""Plan the weighed turns of a rotor: two rates below the ceilings, whole turns in at most half an hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from thecal.errors import Failed
from thecal.quantities.amounts import Rate
from thecal.weighing.rotor.shape import Turn

FASTEST_NL_PER_H = 1_600_000
LEARNING_S = 1_760  # of weighing; with its begin and end below half an hour
VERIFYING_S = 220
VERIFY_TURNS = 2
LEAST_TURNS = 3
SETTLING_S = 12  # before the first reading that counts: the lag of an ordinary balance, five times over
INTERVAL_S = 0.5


@dataclass(frozen=True)
class WeighedRun:
    """One run: `steps` motor steps at `rate`, by angle; it takes `duration_s`."""

    rate: Rate
    steps: int
    duration_s: float


@dataclass(frozen=True)
class Turns:
    """All runs of a learning or a verification; `turns` of each that count."""

    turn: Turn
    turns: int
    runs: list[WeighedRun]

    @property
    def duration_s(self) -> float:
        """Return the time of all runs."""
        return sum(run.duration_s for run in self.runs)

    @property
    def readings(self) -> int:
        """Return how many readings a balance gives that answers every INTERVAL_S."""
        return int(sum(run.duration_s - SETTLING_S for run in self.runs) / INTERVAL_S)

    def mg_per_reading(self, mg_per_nl: float) -> float:
        """Return by how much the mass grows from one reading to the next, on the average."""
        return sum(run.steps for run in self.runs) * self.turn.step_nl * mg_per_nl * INTERVAL_S / self.duration_s


def to_learn(turn: Turn, ceilings: dict[str, Any]) -> Turns:
    """Return two runs, the second twice as fast as the first. Raises Failed if the ceilings leave no time for enough turns."""
    fast_nl_per_h = fastest_nl_per_h(ceilings)
    turns = int(LEARNING_S * fast_nl_per_h / 3600 / (3 * turn.turn_nl))
    if turns < LEAST_TURNS:
        raise Failed(
            f"half an hour at the bench's ceilings is only {turns} turns of this head",
            "raise the ceilings for the learning: thecal bench set --max-rate RATE",
        )
    return Turns(turn, turns, [_run(turn, turns, nl_per_h) for nl_per_h in (fast_nl_per_h // 2, fast_nl_per_h)])


def to_verify(turn: Turn, ceilings: dict[str, Any]) -> Turns:
    """Return one run of two turns. Raises Failed if the ceilings make it longer than four minutes."""
    run = _run(turn, VERIFY_TURNS, fastest_nl_per_h(ceilings))
    if run.duration_s > VERIFYING_S + SETTLING_S:
        raise Failed(
            f"two turns of this head take {run.duration_s / 60:.0f} minutes at the bench's ceilings, more than four",
            "raise the ceilings for the verification: thecal bench set --max-rate RATE",
        )
    return Turns(turn, VERIFY_TURNS, [run])


def fastest_nl_per_h(ceilings: dict[str, Any]) -> int:
    """Return the rate of the faster run in nl/h, even: FASTEST_NL_PER_H, or the least that a ceiling allows for a whole day."""
    most = min(FASTEST_NL_PER_H, ceilings["rate_nl"] * 3600 // ceilings["rate_seconds_s"], ceilings["hour_nl"], ceilings["day_nl"] // 24)
    return most // 2 * 2


def _run(turn: Turn, turns: int, nl_per_h: int) -> WeighedRun:
    settling_steps = SETTLING_S * nl_per_h / 3600 / turn.step_nl
    steps = -int(-(turns * turn.steps / turn.turns + settling_steps) // 1)
    return WeighedRun(Rate(nl_per_h, 3600), steps, steps * turn.step_nl * 3600 / nl_per_h)
