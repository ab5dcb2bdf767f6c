"""Peer: the stock REPL of a board that steps in a hard timer and appends and flushes a record every second in a soft one."""

from load import Log
from machine import Timer
from timer_hard import Stepper


def begin(gpio: int, rate_hz: int) -> tuple:
    """Return the objects that must be kept so that it goes on."""
    log, motor, timer = Log(), Stepper(gpio), Timer()
    motor.start(rate_hz)
    timer.init(period=1000, mode=Timer.PERIODIC, callback=lambda timer: log.append())
    return log, motor, timer
