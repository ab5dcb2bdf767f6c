"""The independent counter of pulses that owns the enable line."""

import struct

from hal.sim import panel

_ALLOW = 0
_REARM = 1


class Guard:
    """Counts are absolute since power-up; nothing is allowed until `allow`."""

    def __init__(self, pulses: panel.Pulses, device: panel.Device) -> None:
        self._pulses = pulses
        self._device = device

    def count(self) -> int:
        return self._pulses.read()[1]

    def allow(self, steps: int) -> None:
        """Absolute allowance. One pulse beyond it drops the enable line and latches."""
        self._device.order(struct.pack("<BQ", _ALLOW, steps))

    def tripped(self) -> bool:
        return bool(self._pulses.read()[4] & panel.TRIPPED)

    def rearm(self) -> None:
        """Releases the latch; what was queued when it fell is never stepped."""
        self._device.order(struct.pack("<BQ", _REARM, 0))
