"""The chip's watchdog: resets the board when nobody feeds it."""

import struct

from hal.sim import panel


class Watchdog:
    def __init__(self, board: panel.Device, pulses: panel.Pulses) -> None:
        self._board = board
        self._pulses = pulses

    def start(self, timeout_ms: int) -> None:
        """1 to 8388 ms; can't be stopped again. OSError beyond that."""
        self._board.order(b"W" + struct.pack("<I", timeout_ms))

    def feed(self) -> None:
        """Goes with the next wait: time passes nowhere else."""
        self._pulses.feeds = True
