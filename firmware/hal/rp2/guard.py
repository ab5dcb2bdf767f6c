"""What watches without the CPU: the lease guard, which counts the pulses on the pin itself, and the buttons."""

from machine import Pin
from micropython import const

from hal.rp2.pio import FIFO_WORDS, MOV_ISR_X, MOV_X_OSR, MOV_Y_ONES, SET_PINS, SET_X_0, Machine

# --- guard -------------------------------------------------------------------------------------------------------------------
# The lease guard counts the pulses on the pin, owns the enable line, and cuts it one step beyond the lease, all without the CPU.

_GUARD_NUMBER = const(4)
_SIGN = const(1 << 31)
_U32 = const((1 << 32) - 1)
_TRIPPED = const(2)  # the flag that the PIO program raises


class Guard:
    """Counts and allowances are absolute since power-up. From the first moment the enable line is off and nothing is allowed."""

    def __init__(self, counted_pin: int, enable: int, off_level: int) -> None:
        from hal.rp2 import programs

        self.off_level = off_level
        self._line = Pin(enable)
        self.wanted = self._held_off = False
        self.machine = Machine(_GUARD_NUMBER, programs.guard(off_level), {"in_base": Pin(counted_pin), "set_base": self._line})
        self._granted = 0  # allowances that the machine has pulled or will pull from its FIFO
        self.pending: list[int] = []  # those that may still be in the FIFO, oldest first
        self._owed = 0  # allowance that did not fit in the FIFO
        self.machine.execute(MOV_Y_ONES)
        self.machine.execute(SET_X_0)
        self.machine.run(True)

    def read(self) -> tuple[int, bool]:
        """Return (count, tripped) of one moment. Tripped: beyond the allowance, or the enable line is off although it was switched on."""
        machine = self.machine
        while True:
            level = machine.level()
            left = machine.read(MOV_ISR_X)
            if machine.level() == level:  # else the machine pulled an allowance meanwhile
                break
        del self.pending[: len(self.pending) - level]
        beyond = left >= _SIGN
        if beyond:
            left -= _U32 + 1
        return self._granted - sum(self.pending) - left, beyond or (self.wanted and self._line.value() == self.off_level)

    def count(self) -> int:
        """Return the pulses counted since power-up."""
        return self.read()[0]

    def tripped(self) -> bool:
        """Return True as in `read`."""
        return self.read()[1]

    def allow(self, steps: int) -> None:
        """Set the absolute allowance. One pulse beyond it cuts the enable line, latched.

        Less than before only while the generator stands still. Raises ValueError if that is less than the count.
        """
        more = steps - self._granted - self._owed
        if more < 0:
            self._reload(steps)
        elif more:
            self._owed += more
            self.top_up()

    def top_up(self) -> None:
        """Hand over the allowance that did not fit before. Call it in every turn."""
        if self._owed and self.machine.level() < FIFO_WORDS:
            self.machine.put(self._owed - 1)
            self.pending.append(self._owed)
            self._granted += self._owed
            self._owed = 0

    def rearm(self) -> None:
        """Release the latch while the generator stands still. The line is off until `enable`, nothing is allowed until `allow`."""
        self.enable(False)
        self._reload(self.count())
        self.clear_alert()

    def _reload(self, steps: int) -> None:
        left = steps - self.count()
        if left < 0:
            raise ValueError("more steps were made than are to be allowed")
        self.machine.run(False)
        self.machine.drain()
        self.machine.load(left, MOV_X_OSR)
        self._granted, self.pending, self._owed = steps, [], 0
        self.machine.run(True)

    def enable(self, on: bool) -> None:
        """Set the enable line. Stop button and a trip can switch it off at any time after."""
        self.wanted = on
        self._drive(on)

    def cut(self, off: bool) -> None:
        """Hold the enable line off, whatever `enable` asks for. `off` False ends that but switches nothing on."""
        self._held_off = off
        if off:
            self._drive(False)

    def _drive(self, on: bool) -> None:
        level = 1 - self.off_level if on and not self._held_off else self.off_level
        self.machine.execute(SET_PINS | level)

    def clear_alert(self) -> None:
        """Clear the flag of a trip."""
        self.machine.clear_flags(_TRIPPED)


# --- buttons -----------------------------------------------------------------------------------------------------------------
# A PIO machine watches each button without the CPU, so a press during a flash erase is not lost.

_STOP_NUMBER = const(5)
_BOLUS_NUMBER = const(6)
_STOP_HZ = const(1_000_000)
_BOLUS_HZ = const(50_000)
# the flags that the PIO programs raise
_STOPPED = const(1)
_BOLUS = const(4)


class Buttons:
    """The stop contact is normally closed to ground, so a broken wire stops too. A stop is latched.

    The bolus contact closes to ground on a press, so a broken wire orders nothing. `bolus_pin` None: there is none.
    """

    def __init__(self, stop_button: int, enable: int, off_level: int, bolus_button: int | None = None) -> None:
        from hal.rp2 import programs

        self.pin = Pin(stop_button, Pin.IN, Pin.PULL_UP)
        options = {"freq": _STOP_HZ, "in_base": self.pin, "jmp_pin": self.pin, "set_base": Pin(enable)}
        self.machine = Machine(_STOP_NUMBER, programs.stop_button(off_level), options)
        self.machine.run(True)
        self.told = False
        if bolus_button is not None:
            pin = Pin(bolus_button, Pin.IN, Pin.PULL_UP)
            Machine(_BOLUS_NUMBER, programs.bolus_button(), {"freq": _BOLUS_HZ, "in_base": pin, "jmp_pin": pin}).run(True)

    def held(self) -> bool:
        """Return True while the stop button is pressed."""
        return bool(self.pin.value())

    def stop_pressed(self) -> bool:
        """Return True if the stop button was pressed since `clear_stop`."""
        return bool(self.machine.flags() & _STOPPED)

    def clear_stop(self) -> None:
        """Forget the press. While the button is held, the enable line stays off all the same."""
        self.machine.clear_flags(_STOPPED)

    def bolus_pressed(self) -> bool:
        """Return True once for each press of at least 20 ms, however long it is held."""
        pressed = bool(self.machine.flags() & _BOLUS)
        if pressed:
            self.machine.clear_flags(_BOLUS)
        return pressed

    def alert(self) -> bool:
        """Return True for a stop, a trip of the guard, or a new press of the bolus button."""
        flags = self.machine.flags()
        told, self.told = self.told, bool(flags & _BOLUS)
        return bool(flags & ~_BOLUS) or (self.told and not told)
