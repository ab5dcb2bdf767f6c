"""pyserial's `emulated://NUMBER`: the line of an emulated board that runs only while somebody reads or sleeps.

So mpremote and the host tool, both unmodified, are timed on the board's clock, and their own computing counts as zero.
"""

from __future__ import annotations

from typing import Any

from bench.line import open_line


class Serial:
    """The part of `serial.Serial` that both clients use. pyserial sets `port` after the constructor, then opens it."""

    def __init__(self, port: str | None = None, timeout: float | None = None, **options: Any) -> None:
        self.port = port
        self.timeout = timeout
        self.is_open = False
        self.dtr = self.rts = True

    def isOpen(self) -> bool:
        return self.is_open

    def open(self) -> None:
        self._line = open_line(str(self.port))
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def write(self, data: bytes) -> int:
        self._line.write(data)
        return len(data)

    def read(self, size: int = 1) -> bytes:
        return self._line.read(size, self.timeout)

    def inWaiting(self) -> int:
        return self._line.waiting()
