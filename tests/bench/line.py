"""A serial line to an emulated board without threads: its time passes only while a client waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.emulator.board import EmulatedBoard

_PATIENCE_S = 60.0
_lines: dict[str, Line] = {}


class Line:
    """One end is the board's USB. `first_ns` and `last_ns`: times of the first and last byte since `mark`."""

    def __init__(self, board: EmulatedBoard) -> None:
        self.board = board
        self._buffer = bytearray()
        self.first_ns: int | None = None
        self.last_ns = 0
        board.on_output = self._receive

    def mark(self) -> int:
        """Forget the times; return the present."""
        self.first_ns = None
        return self.board.now_ns()

    def write(self, data: bytes) -> None:
        self.board.write(data)

    def waiting(self) -> int:
        return len(self._buffer)

    def read(self, size: int, timeout_s: float | None) -> bytes:
        """Return up to `size` bytes: run the board until they are there or `timeout_s` of its time has passed."""
        if len(self._buffer) < size and timeout_s != 0:
            self.board.run_until(lambda: len(self._buffer) >= size, _PATIENCE_S if timeout_s is None else timeout_s)
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _receive(self, data: bytes) -> None:
        self._buffer += data
        self.last_ns = self.board.now_ns()
        if self.first_ns is None:
            self.first_ns = self.last_ns


class BoardTime:
    """The module `time` for a client: the board's clock; sleeping lets the board run."""

    def __init__(self, board: EmulatedBoard) -> None:
        self._board = board

    def monotonic(self) -> float:
        return self._board.now_ns() / 1e9

    def sleep(self, duration_s: float) -> None:
        self._board.run_for(duration_s)

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@contextmanager
def clients_on(line: Line) -> Iterator[str]:
    """Return the URL of `line`. Inside the block both clients use the board's clock."""
    import serial
    from mpremote import transport_serial

    from thecal.pump import exchange
    from thecal.pump.transport import link

    if "bench.urls" not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append("bench.urls")
    url = f"emulated://{len(_lines)}"
    _lines[url] = line
    modules: tuple[Any, ...] = (transport_serial, exchange, link)
    before = [module.time for module in modules]
    for module in modules:
        module.time = BoardTime(line.board)
    try:
        yield url
    finally:
        for module, clock in zip(modules, before, strict=True):
            module.time = clock


def open_line(url: str) -> Line:
    return _lines[url]
