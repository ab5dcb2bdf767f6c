"""The program's load besides stepping: a record of 34 bytes flushed to flash every 50 ms, the CPU busy or asleep in between."""

import time

LOG = "/load.log"
PERIOD_MS = 50
BETWEEN_MS = 10  # at least, if a flush took longer than the period
_RECORD = b"1767571200 0123456789abcdef steps\n"


class Log:
    def __init__(self) -> None:
        self._file = open(LOG, "ab")  # noqa: SIM115  (open as long as the program runs)
        self.records = 0

    def append(self) -> None:
        self._file.write(_RECORD)
        self._file.flush()
        self.records += 1


def nothing() -> None:
    pass


def run(duration_ms: int, busy: bool, turn: object = nothing) -> int:
    """Return the number of flushed records. `turn()` is called before each record and in between."""
    log = Log()
    end_ms = time.ticks_add(time.ticks_ms(), duration_ms)
    while time.ticks_diff(end_ms, time.ticks_ms()) > 0:
        begun_ms = time.ticks_ms()
        turn()
        log.append()
        left_ms = max(BETWEEN_MS, PERIOD_MS - time.ticks_diff(time.ticks_ms(), begun_ms))
        rest_until(time.ticks_add(time.ticks_ms(), left_ms), busy)
    return log.records


def rest_until(due_ms: int, busy: bool) -> None:
    if not busy:
        time.sleep_ms(time.ticks_diff(due_ms, time.ticks_ms()))
    while time.ticks_diff(due_ms, time.ticks_ms()) > 0:
        compute()


def compute() -> int:
    """Run a millisecond or two of ordinary Python that allocates."""
    total = 0
    for number in range(10):
        total += len(str({number: [number] * 4}))
    return total
