"""Moves virtual time to moments of the pump's own clock, whose crystal is a few ppm off, and reads the books there."""

from __future__ import annotations

from typing import Any

from thecal.pump.client import Client
from thecal.sim.runner import SimulatedPump

CRYSTAL_PPM = 100
MOMENTS_TRIED = 40


class Moment:
    """The books at one instant: true time, the pump's guard count, the steps that the motor really made."""

    def __init__(self, now_ms: int, guard_steps: int, plant_steps: int) -> None:
        self.now_ms = now_ms
        self.guard_steps = guard_steps
        self.plant_steps = plant_steps


def look(sim: SimulatedPump, client: Client) -> tuple[Moment, dict[str, Any]]:
    """Return the books now, and the pump's whole status; time stands still meanwhile."""
    status = client.status()
    return Moment(sim.now_ms(), status["guard_steps"], sim.plant_steps()), status


def advance_to_uptime(sim: SimulatedPump, client: Client, uptime_ms: int) -> None:
    """Let time pass until the pump's uptime reads `uptime_ms`; from below, by less each time."""
    for _ in range(MOMENTS_TRIED):
        left_ms = uptime_ms - client.status()["uptime_ms"]
        if left_ms <= 0:
            return
        sim.advance_by(max(1, left_ms - left_ms * CRYSTAL_PPM // 1_000_000 - 1))
    raise AssertionError(f"the pump's clock did not reach {uptime_ms} ms")
