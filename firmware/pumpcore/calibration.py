"""How much one turn of the pump moves: an integer pair (volume_nl, steps), never a decimal number of nl per step."""

from pumpcore.units import floor_div

UNCALIBRATED = "UNCALIBRATED"
CALIBRATED = "CALIBRATED"


class Calibration:
    """`steps` steps move `volume_nl` nanolitres. Both 1 .. 2**32-1; `state` is UNCALIBRATED until somebody weighed."""

    def __init__(self, volume_nl: int, steps: int, state: str = UNCALIBRATED) -> None:
        if not (0 < volume_nl < 1 << 32 and 0 < steps < 1 << 32):
            raise ValueError("calibration pair out of range")
        self.volume_nl = volume_nl
        self.steps = steps
        self.state = state

    def steps_for_nl(self, volume_nl: int) -> int:
        """Whole steps that do not exceed `volume_nl` (rounded down)."""
        return floor_div(volume_nl * self.steps, self.volume_nl)

    def nl_for_steps(self, steps: int) -> int:
        """Volume of `steps` in whole nanolitres, rounded down; for display and limits, never to make steps from."""
        return floor_div(steps * self.volume_nl, self.steps)

    def describe(self) -> dict:
        return {"volume_nl": self.volume_nl, "steps": self.steps, "state": self.state}
