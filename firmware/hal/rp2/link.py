"""The USB line to the host, on standard input and output."""

import select
import sys
import time

import micropython

_MOST_BYTES = 4096
_CHUNK_BYTES = 64  # what the USB stack takes at once when there is room
_BLOCKED_MS = 500
_LOOK_MS = 50
_CTRL_C = 3


class Link:
    """`closed`: the program should end and give the REPL back; set from outside. `alert` tells that somebody has to look at once."""

    def __init__(self) -> None:
        self._input = sys.stdin.buffer
        self._output = sys.stdout.buffer
        self._arrivals = select.poll()
        self._arrivals.register(sys.stdin, select.POLLIN)
        self._departures = select.poll()
        self._departures.register(sys.stdout, select.POLLOUT)
        self._byte = bytearray(1)
        self._deaf = False
        self.alert = _nothing
        self.closed = False
        micropython.kbd_intr(-1)  # a stray 0x03 on the line must not stop a dose

    def release(self) -> None:
        """Ctrl-C works again."""
        micropython.kbd_intr(_CTRL_C)

    def wait(self, timeout_ms: int) -> None:
        """Sleeps until input is there or the board wants a look, at most `timeout_ms`. The only place where the loop sleeps."""
        end_ms = time.ticks_add(time.ticks_ms(), timeout_ms)
        while not self.alert():
            left_ms = time.ticks_diff(end_ms, time.ticks_ms())
            if left_ms <= 0 or self._arrived(min(left_ms, _LOOK_MS)):
                return

    def _arrived(self, timeout_ms: int) -> bool:
        return any(self._arrivals.ipoll(timeout_ms))

    def read(self) -> bytes:
        """What there is now, at most 4 KiB, so that a flood holds up no dose; b"" if nothing; never blocks."""
        whole = bytearray()
        _take(self._arrivals.ipoll, self._input.readinto, self._byte, whole)
        if whole:
            self._deaf = False
        return bytes(whole)

    def write(self, data: bytes) -> None:
        """Blocks at most 500 ms for a host that does not read; then the rest is lost, and what follows until it sends something."""
        view = memoryview(data)
        for at in range(0, len(view), _CHUNK_BYTES):
            if self._deaf or not any(self._departures.ipoll(_BLOCKED_MS)):
                self._deaf = True
                return
            self._output.write(view[at : at + _CHUNK_BYTES])


@micropython.native
def _take(arrived: object, take: object, byte: bytearray, whole: bytearray) -> None:
    """A byte at a time: asking for more would wait for more. Most of a question's time goes by in this loop."""
    count = 0
    going = True
    while going and count < _MOST_BYTES:
        going = False
        for _ in arrived(0):
            take(byte)
            whole.extend(byte)
            count += 1
            going = True


def _nothing() -> bool:
    return False
