"""Peer: `adafruit_motor.stepper` in a plain loop, on four pins that look like its digital outputs."""

import time

from adafruit_motor.stepper import StepperMotor
from machine import Pin


class Output:
    """The `value` of a digital output, on a pin."""

    def __init__(self, gpio: int) -> None:
        self._pin = Pin(gpio, Pin.OUT)

    @property
    def value(self) -> int:
        return self._pin.value()

    @value.setter
    def value(self, level: int) -> None:
        self._pin.value(level)


def motor(gpios: tuple) -> StepperMotor:
    return StepperMotor(*[Output(gpio) for gpio in gpios], microsteps=None)


def flat_out(gpios: tuple, steps: int, direction: int, style: int) -> int:
    """Step as fast as possible; return the time in us."""
    one = motor(gpios)
    begin_us = time.ticks_us()
    for _ in range(steps):
        one.onestep(direction=direction, style=style)
    return time.ticks_diff(time.ticks_us(), begin_us)


def patterns(gpios: tuple, steps: int, direction: int, style: int) -> list:
    """Return the bits of the four pins, lowest first, after each step of a new motor."""
    one, pins = motor(gpios), [Pin(gpio) for gpio in gpios]
    found = []
    for _ in range(steps):
        one.onestep(direction=direction, style=style)
        found.append(sum([pin.value() << bit for bit, pin in enumerate(pins)]))
    return found
