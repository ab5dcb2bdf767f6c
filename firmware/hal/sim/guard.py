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
        self._order = bytearray(9)

    def count(self) -> int:
        return self._pulses.guard_count()

    def allow(self, steps: int) -> None:
        """Absolute allowance. One pulse beyond it drops the enable line and latches."""
        self._send(_ALLOW, steps)

    def tripped(self) -> bool:
        return self._pulses.flag(panel.TRIPPED)

    def rearm(self) -> None:
        """Releases the latch; what was queued when it fell is never stepped."""
        self._send(_REARM, 0)

    def _send(self, number: int, steps: int) -> None:
        self._pulses.up_to_date = False
        struct.pack_into("<BQ", self._order, 0, number, steps)
        self._device.order(self._order)
