"""The USB line to the host, on standard input and output."""

import io
import os
import select
import sys
import time

import micropython
from micropython import const

if 0:  # for the type checker alone
    from hal.ports import Alert, BinaryFile, PartWriter

_MOST_BYTES = const(4096)
_MOST_PARTS = const(32)  # each costs 32 bytes more: of lines of two bytes 4 KiB would fill the memory
_PART_BYTES = const(256)
# In one call: MicroPython's own loop fills the USB stack's buffer quicker than ours. A host that takes 64 bytes now and then makes each
# part of 64 wait up to 500 ms, so a call may last twice that.
_CHUNK_BYTES = const(128)
# The first call of each answer. The stack holds 256 bytes and one packet: for a host that takes nothing they are full between two calls,
# and not in the middle of one, which would wait twice.
_PACKET_BYTES = const(64)
_BLOCKED_MS = const(500)
_LOOK_MS = const(50)
_CTRL_C = const(3)


class Link:
    """`closed`: the program should end and give the REPL back; set from outside. `alert` tells that somebody has to look at once."""

    def __init__(self) -> None:
        self._input = sys.stdin.buffer
        self._output = sys.stdout.buffer
        self._arrivals = select.poll()
        self._arrivals.register(sys.stdin, select.POLLIN)
        self._end = io.BytesIO(b"\n")
        self._deaf = False
        self._arrived = False  # `wait` has just seen it
        self.alert: "Alert" = _nothing
        self.closed = False
        micropython.kbd_intr(-1)  # a stray 0x03 on the line must not stop a dose

    def release(self) -> None:
        """Ctrl-C works again."""
        micropython.kbd_intr(_CTRL_C)

    def wait(self, timeout_ms: int) -> bool:
        """Sleeps until input is there (True) or the board wants a look, at most `timeout_ms`. The only place where the loop sleeps."""
        end_ms = time.ticks_add(time.ticks_ms(), timeout_ms)
        while not self.alert():
            left_ms = time.ticks_diff(end_ms, time.ticks_ms())
            if left_ms <= 0:
                return False
            if any(self._arrivals.ipoll(min(left_ms, _LOOK_MS))):
                self._arrived = True
                return True
        return False

    def read(self) -> bytes:
        """What there is now, at most 4 KiB, so that a flood holds up no dose; b"" if nothing; never blocks."""
        if not self._arrived and not any(self._arrivals.ipoll(0)):
            return b""
        self._arrived = self._deaf = False
        data = self._take(_PART_BYTES)
        if not any(self._arrivals.ipoll(0)):
            return data
        parts, size = [data], len(data)
        while size < _MOST_BYTES and len(parts) < _MOST_PARTS and any(self._arrivals.ipoll(0)):
            part = self._take(min(_PART_BYTES, _MOST_BYTES - size))
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    def _take(self, most: int) -> bytes:
        """Up to a newline, what there is, or `most` bytes. MicroPython reads a line byte by byte in C and waits for its newline; where
        nothing has arrived, it asks the second terminal, and that says newline at once."""
        end: "BinaryFile" = self._end
        end.seek(0)
        os.dupterm(end)
        try:
            line = self._input.readline(most)
        finally:
            os.dupterm(None)
        return line[:-1] if end.tell() else line

    def write(self, data: bytes | memoryview) -> None:
        """Blocks at most about 500 ms for a host that does not read (1 s if the buffer holds a part of a packet), and 1.5 s for one that
        takes a packet now and then. After that the rest is lost, and what follows until the host sends something."""
        if not self._deaf:
            self._deaf = _put(self._output.write, data, len(data))


@micropython.native
def _put(write: "PartWriter", data: bytes | memoryview, size: int) -> bool:
    """True when the host did not take all of it in time. Whether there is room is not asked first: that takes a quarter of the time."""
    at, part, now_ms, diff_ms = 0, _PACKET_BYTES, time.ticks_ms, time.ticks_diff
    begun_ms = now_ms()
    while at < size:
        write(data, at, part)
        if diff_ms(now_ms(), begun_ms) >= _BLOCKED_MS:
            return True
        at += part
        part = _CHUNK_BYTES
    return False


def _nothing() -> bool:
    return False
