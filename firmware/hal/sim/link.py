"""The USB line to the host, on standard input and output."""

import select
import sys

_CHUNK_BYTES = 512


class Link:
    """`closed`: no input will ever come; the program should end."""

    def __init__(self) -> None:
        self._input = sys.stdin.buffer
        self._output = sys.stdout.buffer
        self._poll = select.poll()
        self._poll.register(self._input, select.POLLIN)
        self.closed = False

    def wait(self, timeout_ms: int) -> None:
        """Sleeps until input is there, at most `timeout_ms`. The only place where the loop sleeps."""
        self._poll.poll(timeout_ms)

    def read(self) -> bytes:
        """Everything there is now, b"" if nothing; never blocks."""
        data = self._input.read(_CHUNK_BYTES)
        whole = b""
        while data:
            whole += data
            data = self._input.read(_CHUNK_BYTES)
        if data is not None:
            self.closed = True
        return whole

    def write(self, data: bytes) -> None:
        """Blocks at most 500 ms for a host that does not read; then the rest is lost."""
        self._output.write(data)
