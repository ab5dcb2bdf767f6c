"""Peers: plain loops that step and wait. `between()` is the program's other work, called every `every` steps."""

import time

from machine import Pin


def sleep_loop(gpio: int, rate_hz: int, steps: int, between: object, every: int) -> None:
    """Step, sleep for one period, step."""
    pin = Pin(gpio, Pin.OUT)
    period_us = 1_000_000 // rate_hz
    for step in range(steps):
        pin.value(1)
        pin.value(0)
        if step % every == every - 1:
            between()
        time.sleep_us(period_us)


def deadline_loop(gpio: int, rate_hz: int, steps: int, between: object, every: int) -> None:
    """Step, poll the microsecond clock up to the next planned time (remainder carried), step."""
    pin = Pin(gpio, Pin.OUT)
    begin_us = time.ticks_us()
    for step in range(steps):
        due_us = time.ticks_add(begin_us, step * 1_000_000 // rate_hz)
        while time.ticks_diff(due_us, time.ticks_us()) > 0:
            pass
        pin.value(1)
        pin.value(0)
        if step % every == every - 1:
            between()


def flat_out(gpio: int, steps: int) -> int:
    """Pulse as fast as Python can; return the time in us."""
    pin = Pin(gpio, Pin.OUT)
    begin_us = time.ticks_us()
    for _ in range(steps):
        pin.value(1)
        pin.value(0)
    return time.ticks_diff(time.ticks_us(), begin_us)
