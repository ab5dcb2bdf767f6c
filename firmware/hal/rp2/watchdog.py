"""The chip's watchdog: resets the board when nobody feeds it."""

import machine


class Watchdog:
    def __init__(self) -> None:
        self._dog: machine.WDT | None = None

    def start(self, timeout_ms: int) -> None:
        """1 to 8388 ms; can't be stopped again. ValueError beyond that."""
        self._dog = machine.WDT(timeout=timeout_ms)

    def feed(self) -> None:
        """Nothing before `start`."""
        if self._dog is not None:
            self._dog.feed()

    def started(self) -> bool:
        return self._dog is not None
