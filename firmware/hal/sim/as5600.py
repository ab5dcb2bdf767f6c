"""The simulated angle sensor AS5600 at the rotor."""

from micropython import const

from hal.sim import panel

_STATUS = const(0x0B)  # then RAW ANGLE, high byte first


class As5600:
    """`status`: the register of the last read; bit 5: there is a magnet, bit 4: it is weak, bit 3: it is strong."""

    def __init__(self) -> None:
        self._device = panel.Device("/dev/rotor")
        self._data = bytearray(3)
        self.status = 0

    def counts(self) -> int:
        """Return the raw angle, 0 to 4095 for a turn. Raises OSError within 50 ms if nothing answers."""
        data = self._data
        data[0] = _STATUS
        self._device.file.readinto(data)
        self.status = data[0]
        return (data[1] & 15) << 8 | data[2]

    def free(self) -> None:
        """Make nine clocks and a stop by hand."""
        self._device.order(b"\x01")
