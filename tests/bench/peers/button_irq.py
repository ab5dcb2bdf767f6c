"""Peer: the hard-timer stepper with a stop button on a hard pin interrupt."""

from machine import Pin
from timer_hard import Stepper


class StoppableStepper(Stepper):
    def __init__(self, gpio: int, button: int) -> None:
        super().__init__(gpio)
        self._button = Pin(button, Pin.IN, Pin.PULL_UP)
        self._button.irq(self._pressed, Pin.IRQ_RISING, hard=True)

    def _pressed(self, pin: Pin) -> None:
        self.stop()
