"""The chip's watchdog: resets the board when nobody feeds it."""

import struct

from hal.sim import panel
from hal.sim.link import Link


class Watchdog:
    def __init__(self, board: panel.Device, link: Link) -> None:
        self._board = board
        self._link = link

    def start(self, timeout_ms: int) -> None:
        """1 to 8388 ms; can't be stopped again. OSError beyond that."""
        self._board.order(b"W" + struct.pack("<I", timeout_ms))

    def feed(self) -> None:
        """Goes with the next wait: time passes nowhere else."""
        self._link.feeds = True
