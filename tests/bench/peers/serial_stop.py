"""Peer: the hard-timer stepper; its main loop flushes a record and looks for a line `stop` on the serial port in every turn."""

import select
import sys

from load import Log
from timer_hard import Stepper


def run(gpio: int, rate_hz: int) -> None:
    """Return after the line `stop`."""
    log, motor, poll = Log(), Stepper(gpio), select.poll()
    poll.register(sys.stdin, select.POLLIN)
    motor.start(rate_hz)
    line = ""
    while line != "stop":
        log.append()
        if poll.poll(10):
            line = sys.stdin.readline().strip()
    motor.stop()
