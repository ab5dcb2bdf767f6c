"""The buttons, each watched by a PIO machine that needs no CPU: a press during a flash erase is not lost."""

from machine import Pin

from hal.rp2.pio import Machine

_STOP_NUMBER, _BOLUS_NUMBER = 5, 6
_STOP_HZ, _BOLUS_HZ = 1_000_000, 50_000
_STOPPED, _BOLUS = 1, 4  # the flags that the programs raise


class Buttons:
    """The stop contact closes to ground and opens when it is pressed, so a broken wire stops too; the stop is latched.

    The bolus contact closes to ground when it is pressed, so a broken wire orders nothing. `bolus_pin` None: there is none.
    """

    def __init__(self, stop_pin: int, enable_pin: int, off_level: int, bolus_pin: int | None = None) -> None:
        from hal.rp2 import programs

        self._pin = Pin(stop_pin, Pin.IN, Pin.PULL_UP)
        options = {"freq": _STOP_HZ, "in_base": self._pin, "jmp_pin": self._pin, "set_base": Pin(enable_pin)}
        self.machine = Machine(_STOP_NUMBER, programs.stop_button(off_level), options)
        self.machine.run(True)
        self._told = False
        if bolus_pin is not None:
            pin = Pin(bolus_pin, Pin.IN, Pin.PULL_UP)
            Machine(_BOLUS_NUMBER, programs.bolus_button(), {"freq": _BOLUS_HZ, "in_base": pin, "jmp_pin": pin}).run(True)

    def held(self) -> bool:
        return bool(self._pin.value())

    def stop_pressed(self) -> bool:
        """Whether it was pressed since `clear_stop`."""
        return bool(self.machine.flags() & _STOPPED)

    def clear_stop(self) -> None:
        """Forgets the press. As long as the button is held the enable line stays off all the same."""
        self.machine.clear_flags(_STOPPED)

    def bolus_pressed(self) -> bool:
        """True once for each press of at least 20 ms, however long it is held."""
        pressed = bool(self.machine.flags() & _BOLUS)
        if pressed:
            self.machine.clear_flags(_BOLUS)
        return pressed

    def alert(self) -> bool:
        """Whether a stop, a trip of the guard, or a press that nobody was woken for has to be looked at."""
        flags = self.machine.flags()
        told, self._told = self._told, bool(flags & _BOLUS)
        return bool(flags & ~_BOLUS) or (self._told and not told)
