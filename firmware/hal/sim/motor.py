"""The simulated motor: stepper, guard and supply."""

import array
import struct

from micropython import const

from hal.sim import panel

# --- stepper -----------------------------------------------------------------------------------------------------------------

_QUEUE = const(0)
_HALT = const(1)
_ENABLE = const(2)
_U64 = const(1 << 64)
_SMALL = const(1 << 29)  # small integers of MicroPython: a slice always fits


class Stepper:
    """The pulse generator: a queue of slices that runs without the CPU. Counts are absolute; `max_rate_hz` is the bench's."""

    def __init__(self, pulses: panel.Pulses, max_rate_hz: int) -> None:
        self._pulses = pulses
        self.max_rate_hz = max_rate_hz
        self._interval_us = 1_000_000 // max_rate_hz + 1
        self.file, self._order = pulses.file, array.array("I", [0, 0])

    def queue(self, steps: int, duration_us: int) -> None:
        """Queue steps evenly spaced, the last one exactly at the end; 0 steps is a dwell. Starts now if nothing is queued.

        Raises ValueError if steps or duration are out of range or faster than `max_rate_hz`.
        """
        if not 0 <= steps < _SMALL or not steps * self._interval_us < duration_us < _SMALL:
            self._check(steps, duration_us)
            self._pulses.order(_QUEUE, steps, duration_us)
            return
        self._pulses.up_to_date = False
        order = self._order
        order[0], order[1] = steps, duration_us
        self.file.write(order)

    def _check(self, steps: int, duration_us: int) -> None:
        if not 0 <= steps < _U64 or not 0 < duration_us < _U64:
            raise ValueError("steps or duration out of range")
        if steps * 1_000_000 > duration_us * self.max_rate_hz:
            raise ValueError("faster than the driver allows")

    def send(self) -> None:
        """Do nothing: `queue` has already handed it over."""

    def halt(self) -> int:
        """Drop the queue. Return the steps done."""
        self._pulses.order(_HALT, 0, 0)
        return self.steps_done()

    def enable(self, on: bool) -> None:
        """Set the enable line. Guard and stop button may hold it off."""
        self._pulses.order(_ENABLE, 1 if on else 0, 0)

    def steps_done(self) -> int:
        """Return the steps done since power-up."""
        return self._pulses.steps()

    def queued_us(self) -> int:
        """Return the time still queued."""
        return self._pulses.queued_us()

    def underruns(self) -> int:
        """Return how often the queue ran dry after a slice with steps while the motor was enabled."""
        return self._pulses.underruns()

    def busy(self) -> bool:
        """Return True while something queued was not made."""
        return self._pulses.flag(panel.BUSY)


# --- guard -------------------------------------------------------------------------------------------------------------------

_ALLOW = const(0)
_REARM = const(1)


class Guard:
    """The independent counter of pulses that owns the enable line. Counts are absolute; nothing is allowed until `allow`."""

    def __init__(self, pulses: panel.Pulses, device: panel.Device) -> None:
        self._pulses = pulses
        self._device = device
        self._order = bytearray(9)

    def count(self) -> int:
        """Return the pulses counted since power-up."""
        return self._pulses.guard_count()

    def allow(self, steps: int) -> None:
        """Set the absolute allowance. One pulse beyond it drops the enable line, latched."""
        self._send(_ALLOW, steps)

    def tripped(self) -> bool:
        """Return True if the guard has cut the enable line."""
        return self._pulses.flag(panel.TRIPPED)

    def rearm(self) -> None:
        """Release the latch. What was queued when it fell is never stepped."""
        self._send(_REARM, 0)

    def _send(self, number: int, steps: int) -> None:
        self._pulses.up_to_date = False
        struct.pack_into("<BQ", self._order, 0, number, steps)
        self._device.order(self._order)


# --- supply ------------------------------------------------------------------------------------------------------------------


class Supply:
    """The motor's supply, as the simulated bench measures it."""
    def __init__(self, pulses: panel.Pulses, device: panel.Device) -> None:
        self._pulses = pulses
        self._device = device

    def mv(self) -> int | None:
        """Return the supply [mV]."""
        return self._device.answer_u64()

    def amiss(self) -> str:
        """Return the alarm's name if the supply was outside its limits at the last look at the board, else ""."""
        flags = self._pulses.flags
        return "motor_supply" if flags & panel.SUPPLY_LOW else "motor_supply_high" if flags & panel.SUPPLY_HIGH else ""
