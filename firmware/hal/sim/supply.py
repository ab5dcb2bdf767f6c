"""The motor's supply, as the bench measures it."""

from hal.sim import panel


class Supply:
    def __init__(self, pulses: panel.Pulses, device: panel.Device) -> None:
        self._pulses = pulses
        self._device = device

    def mv(self) -> int | None:
        return self._device.answer_u64()

    def low(self) -> bool:
        """As of the last look at the board."""
        return self._pulses.flags & panel.SUPPLY_LOW != 0
