"""The angle sensor AS5600 at the rotor, on an I2C block without the clock.

Registers and bits as in the libraries RobTillaart/AS5600 and LibDriver AS5600, which name the ams data sheet v1-06. It was not read here.
"""

import time

from machine import I2C, Pin
from micropython import const

_ADDRESS = const(0x36)
_STATUS = const(0x0B)  # then RAW ANGLE, high byte first: one read of three bytes has both of one moment
_TIMEOUT_US = const(20_000)  # a read takes 0.6 ms at 100 kHz
_CLOCKS = const(9)
_HALF_US = const(5)


class As5600:
    """`status`: the register of the last read; bit 5: there is a magnet, bit 4: it is weak, bit 3: it is strong."""

    def __init__(self, sda: int, scl: int, bus_hz: int) -> None:
        self._pins = sda, scl, bus_hz
        self._data = bytearray(3)
        self.status = 0
        self._bus = self._opened()

    def _opened(self) -> I2C:
        sda, scl, bus_hz = self._pins
        return I2C(sda // 2 % 2, sda=Pin(sda), scl=Pin(scl), freq=bus_hz, timeout=_TIMEOUT_US)

    def counts(self) -> int:
        """Return the raw angle, 0 to 4095 for a turn, rising clockwise. Raises OSError within 50 ms if nothing answers."""
        data = self._data
        self._bus.readfrom_mem_into(_ADDRESS, _STATUS, data)
        self.status = data[0]
        return (data[1] & 15) << 8 | data[2]

    def free(self) -> None:
        """Make nine clocks and a stop by hand: a chip that was cut off within a byte lets SDA go (I2C specification UM10204, 3.1.16)."""
        sda, scl = [Pin(pin, Pin.OPEN_DRAIN, value=1) for pin in self._pins[:2]]
        for _ in range(_CLOCKS):
            scl.value(0)
            time.sleep_us(_HALF_US)
            scl.value(1)
            time.sleep_us(_HALF_US)
        sda.value(0)
        time.sleep_us(_HALF_US)
        sda.value(1)
        self._bus = self._opened()
