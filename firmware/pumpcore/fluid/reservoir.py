"""The volume in the reservoir: what was there after a refill, less what was delivered since, by the calibrations in force.

Positions are absolute steps in which uncertain steps count as delivered. The volume left is therefore the least that can be there;
`spread_nl` is how much more it may be.
"""

import struct

from pumpcore.motion.dose import Calibration
from pumpcore.units import ceil_div, const

if 0:  # for the type checker alone
    from pumpcore.shapes import Settings

NAME = const("reservoir")
NEVER_STEPS = const(1 << 62)
FIELDS = const((
    "token", "position_steps", "uncertain_steps", "base_nl", "base_spread_nl", "before_nl", "volume_nl", "steps", "utc_s",
    "expected_nl", "measured_nl", "filled_nl", "nearest_nl", "blocks",
))  # fmt: skip
_FORMAT = const("<8sQQQQQIIIQQQQB")


class Reservoir:
    """`base_nl` (up to `base_spread_nl` more) was there at `position_steps`, when `before_nl` of this filling had already gone.

    `volume_nl` and `steps` are the calibration that counts from there. `expected_nl`, `measured_nl`, `filled_nl`: the last refill.
    `nearest_nl`: the measured volume in tolerance that is nearest. `blocks`: it was out of tolerance, and nobody has given a reason yet.
    """

    token = bytes(8)
    position_steps = uncertain_steps = base_nl = base_spread_nl = before_nl = utc_s = 0
    volume_nl = steps = 1
    expected_nl = measured_nl = filled_nl = nearest_nl = blocks = 0

    def gone_nl(self, position_steps: int) -> int:
        """Return the volume delivered since the record's `position_steps`, rounded up."""
        return ceil_div(max(0, position_steps - self.position_steps) * self.volume_nl, self.steps)

    def left_nl(self, position_steps: int) -> int:
        """Return the least volume left at a position."""
        return max(0, self.base_nl - self.gone_nl(position_steps))

    def spread_nl(self, uncertain_steps: int) -> int:
        """Return how much more may be left. `uncertain_steps` is the pump's sum now."""
        return self.base_spread_nl + ceil_div(max(0, uncertain_steps - self.uncertain_steps) * self.volume_nl, self.steps)

    def delivered_nl(self, position_steps: int) -> int:
        """Return the most that can have been delivered since the last refill."""
        return self.before_nl + self.gone_nl(position_steps)

    def position_at(self, volume_nl: int) -> int:
        """Return the last position at which at least `volume_nl` is left."""
        return self.position_steps + max(0, self.base_nl - volume_nl) * self.steps // self.volume_nl

    def counts_by(self, calibration: Calibration) -> bool:
        """Return True if the reservoir counts with this calibration."""
        return (self.volume_nl, self.steps) == (calibration.volume_nl, calibration.steps)

    def move(self, position_steps: int, uncertain_steps: int, calibration: Calibration) -> None:
        """From this position on, count with another calibration."""
        self.base_spread_nl = self.spread_nl(uncertain_steps)
        self.before_nl, self.base_nl = self.delivered_nl(position_steps), self.left_nl(position_steps)
        self.position_steps, self.uncertain_steps = position_steps, uncertain_steps
        self.volume_nl, self.steps = calibration.volume_nl, calibration.steps

    def pack(self) -> bytes:
        """Return the bytes of the store's image."""
        return struct.pack(_FORMAT, *[getattr(self, name) for name in FIELDS])


def tolerated_nl(settings: "Settings", left_nl: int, spread_nl: int, delivered_nl: int) -> tuple[int, int]:
    """Return (least, most) that a refill may find without a reason: the expected volume, plus or minus the tolerance.

    The tolerance is a fixed volume and a part of what was delivered.
    """
    apart_nl = settings.tolerance_nl + delivered_nl * settings.tolerance_permille // 1000
    return max(0, left_nl - apart_nl), left_nl + spread_nl + apart_nl


def unpack(packed: bytes) -> Reservoir:
    """Return the reservoir of an image of the store. Raises ValueError if the bytes are not one."""
    if len(packed) != struct.calcsize(_FORMAT):
        raise ValueError("not a reservoir")
    found = Reservoir()
    for name, value in zip(FIELDS, struct.unpack(_FORMAT, packed)):
        setattr(found, name, value)
    if not found.volume_nl or not found.steps:
        raise ValueError("a reservoir without a pair")
    return found
