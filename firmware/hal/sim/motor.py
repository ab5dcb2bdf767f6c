"""The simulated motor: stepper, guard and supply."""

import array
import struct

from micropython import const

from hal.sim import panel

# --- stepper -----------------------------------------------------------------------------------------------------------------
# The pulse generator: a queue of slices that runs without the CPU.

_QUEUE = const(0)
_HALT = const(1)
_ENABLE = const(2)
_U64 = const(1 << 64)
_SMALL = const(1 << 29)  # the machine's own integers: what a slice needs is always among them


class Stepper:
    """Counts are absolute since power-up. `max_rate_hz` is the bench's."""

    def __init__(self, pulses: panel.Pulses, max_rate_hz: int) -> None:
        self._pulses = pulses
        self.max_rate_hz = max_rate_hz
        self._interval_us = 1_000_000 // max_rate_hz + 1
        self._file, self._order = pulses.file, array.array("I", [0, 0])

    def queue(self, steps: int, duration_us: int) -> None:
        """Steps evenly spaced, the last one exactly at the end; 0 steps is a dwell. Starts now if nothing is queued.

        ValueError when steps or duration are out of range or faster than `max_rate_hz`.
        """
        if not 0 <= steps < _SMALL or not steps * self._interval_us < duration_us < _SMALL:
            self._check(steps, duration_us)
            self._pulses.order(_QUEUE, steps, duration_us)
            return
        self._pulses.up_to_date = False
        order = self._order
        order[0], order[1] = steps, duration_us
        self._file.write(order)

    def _check(self, steps: int, duration_us: int) -> None:
        if not 0 <= steps < _U64 or not 0 < duration_us < _U64:
            raise ValueError("steps or duration out of range")
        if steps * 1_000_000 > duration_us * self.max_rate_hz:
            raise ValueError("faster than the driver allows")

    def send(self) -> None:
        """What was queued is already with the generator."""

    def halt(self) -> int:
        """Drops the queue; returns the steps done."""
        self._pulses.order(_HALT, 0, 0)
        return self.steps_done()

    def enable(self, on: bool) -> None:
        """Asks for the enable line; guard and stop button may hold it off."""
        self._pulses.order(_ENABLE, 1 if on else 0, 0)

    def steps_done(self) -> int:
        return self._pulses.steps()

    def queued_us(self) -> int:
        """Time still queued ahead."""
        return self._pulses.queued_us()

    def underruns(self) -> int:
        """How often the queue ran dry behind a slice with steps while the motor was enabled."""
        return self._pulses.underruns()

    def busy(self) -> bool:
        return self._pulses.flag(panel.BUSY)


# --- guard -------------------------------------------------------------------------------------------------------------------
# The independent counter of pulses that owns the enable line.

_ALLOW = const(0)
_REARM = const(1)


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


# --- supply ------------------------------------------------------------------------------------------------------------------
# The motor's supply, as the bench measures it.


class Supply:
    def __init__(self, pulses: panel.Pulses, device: panel.Device) -> None:
        self._pulses = pulses
        self._device = device

    def mv(self) -> int | None:
        return self._device.answer_u64()

    def low(self) -> bool:
        """As of the last look at the board."""
        return self._pulses.flags & panel.SUPPLY_LOW != 0
