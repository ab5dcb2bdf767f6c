"""How much one turn of the pump moves: an integer pair (volume_nl, steps), never a decimal number of nl per step."""

from pumpcore.units import S_PER_DAY, floor_div

UNCALIBRATED = "UNCALIBRATED"
CALIBRATED = "CALIBRATED"
EXPIRED = "EXPIRED"


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


class Validity:
    """Until when a weighed calibration holds: `expires_nl` delivered since `position_steps`, `expires_days` since `utc_s`; 0 = for ever.

    `told`: that it has expired was reported.
    """

    def __init__(self, name: str, position_steps: int, utc_s: int, expires_nl: int, expires_days: int) -> None:
        self.id = name
        self.position_steps = position_steps
        self.utc_s = utc_s
        self.expires_nl = expires_nl
        self.expires_utc_s = utc_s + expires_days * S_PER_DAY if expires_days else 0
        self.told = False

    def expired(self, delivered_nl: int, utc_s: int) -> str:
        """"" while it holds, else "volume" or "date"; `utc_s` 0 = the time is not known, and then the date can't tell."""
        if self.expires_nl and delivered_nl >= self.expires_nl:
            return "volume"
        return "date" if self.expires_utc_s and utc_s >= self.expires_utc_s else ""
