"""Peer: a step pulse in the hard interrupt of a periodic `machine.Timer`, as tutorials do it."""

from machine import Pin, Timer


class Stepper:
    def __init__(self, gpio: int) -> None:
        self.steps = 0
        self._pin = Pin(gpio, Pin.OUT)
        self._timer = Timer()

    def start(self, rate_hz: int) -> None:
        self._timer.init(freq=rate_hz, mode=Timer.PERIODIC, hard=True, callback=self._tick)

    def stop(self) -> None:
        self._timer.deinit()

    def _tick(self, timer: Timer) -> None:
        self._pin.value(1)
        self._pin.value(0)
        self.steps += 1
