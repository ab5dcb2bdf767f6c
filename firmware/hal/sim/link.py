"""The USB line to the host, on standard input and output."""

import sys

from micropython import const

from hal.sim import panel

_INPUT = const(16)  # panel.INPUT
_CHUNK_BYTES = const(512)
_MOST_BYTES = const(4096)


class Link:
    """`closed`: no input will ever come; the program should end."""

    def __init__(self, pulses: panel.Pulses) -> None:
        self._pulses = pulses
        self.input = sys.stdin.buffer
        self._output = sys.stdout.buffer
        self._chunk = bytearray(_CHUNK_BYTES)
        self.closed = False
        self.wait = pulses.wait  # the only place where the loop sleeps

    def alert(self) -> bool:
        """Return True for what cannot wait: a stop, or the guard."""
        return self._pulses.flag(panel.STOP | panel.TRIPPED)

    def read(self) -> bytes:
        """Return what has arrived, b"" if nothing; never block. At most 4 KiB, so that a flood delays no dose.

        It reads only if the last look at the board reported input, or there was no look yet.
        """
        if not self._pulses.flags & _INPUT:
            return b""
        whole = b""
        count = self.input.readinto(self._chunk)
        while count:
            whole += bytes(memoryview(self._chunk)[:count])
            if len(whole) >= _MOST_BYTES:
                return whole
            count = self.input.readinto(self._chunk, min(_CHUNK_BYTES, _MOST_BYTES - len(whole)))
        if count is not None:
            self.closed = True
        return whole

    def write(self, data: bytes | memoryview) -> None:
        """Write `data`. Blocks at most 500 ms if the host does not read; then the rest is lost."""
        self._output.write(data)
