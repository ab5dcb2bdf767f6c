"""The stop button, watched by a PIO machine that needs no CPU."""

from machine import Pin

from hal.rp2 import programs
from hal.rp2.pio import Machine

_NUMBER = 5
_HZ = 1_000_000
_PRESSED = 1  # the flag that the program raises


class Buttons:
    """The contact closes to ground and opens when it is pressed, so a broken wire stops too. The stop is latched."""

    def __init__(self, stop_pin: int, enable_pin: int, off_level: int) -> None:
        self._pin = Pin(stop_pin, Pin.IN, Pin.PULL_UP)
        options = {"freq": _HZ, "in_base": self._pin, "jmp_pin": self._pin, "set_base": Pin(enable_pin)}
        self.machine = Machine(_NUMBER, programs.stop_button(off_level), options)
        self.machine.run(True)

    def held(self) -> bool:
        return bool(self._pin.value())

    def stop_pressed(self) -> bool:
        """Whether it was pressed since `clear_stop`."""
        return bool(self.machine.flags() & _PRESSED)

    def clear_stop(self) -> None:
        """Forgets the press. As long as the button is held the enable line stays off all the same."""
        self.machine.clear_flags(_PRESSED)
