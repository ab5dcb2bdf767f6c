"""Peer micropython-stepper, stopped at a given time after its start, and its report then."""

import time

from machine import Pin
from stepper import Stepper

SETTLE_MS = 3


class Trials:
    def __init__(self, step: int, direction: int, mark: int) -> None:
        self._motor = Stepper(step, direction)
        self._motor.stop()
        self._mark = Pin(mark, Pin.OUT, value=0)

    def halt_after(self, rate_hz: int, after_us: int, meanwhile: object) -> int:
        """Return the steps reported at the stop; MARK toggles once no further step of this trial can come."""
        motor = self._motor
        before = motor.get_pos()
        motor.speed(rate_hz)
        motor.free_run(1)
        time.sleep_us(after_us)
        meanwhile()
        motor.stop()
        made = motor.get_pos() - before
        time.sleep_ms(SETTLE_MS)
        self._mark.toggle()
        return made
