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
_MOST_LINES = const(512)  # of a flood: each line becomes an object of 32 bytes
_PART_BYTES = const(256)
_LONG_BYTES = const(1024)
_NO_BYTE = const(b"\xfe")  # not in UTF-8, so in no line that the pump accepts
# Per call: MicroPython's own loop fills the USB stack's buffer faster than ours. If a host takes 64 bytes now and then, each part of 64
# may wait up to 500 ms, so a call may take twice that.
_CHUNK_BYTES = const(128)
# The first call of each answer. The stack holds 256 bytes and one packet. For a host that takes nothing they are then full between two
# calls, and not in the middle of one, which would wait twice.
_PACKET_BYTES = const(64)
_BLOCKED_MS = const(500)
_LOOK_MS = const(50)
_CTRL_C = const(3)


class Link:
    """`closed`: the program should end and give the REPL back; set from outside. `alert`: the board needs a look at once."""

    def __init__(self) -> None:
        self.input = sys.stdin.buffer
        self._output = sys.stdout.buffer
        self._arrivals = select.poll()
        self._arrivals.register(sys.stdin, select.POLLIN)
        self.end = io.BytesIO(b"\n")
        self._deaf = False
        self._arrived = False  # `wait` has just seen input
        self.rest: list[bytes] = []  # taken, and not returned yet
        self.alert: "Alert" = _nothing
        self.closed = False
        micropython.kbd_intr(-1)  # a stray 0x03 on the line must not stop a dose

    def release(self) -> None:
        """Let Ctrl-C work again."""
        micropython.kbd_intr(_CTRL_C)

    def wait(self, limit_ms: int) -> bool:
        """Sleep until input arrives (True) or the board needs a look, at most `limit_ms`. The only place where the loop sleeps."""
        if self.rest:
            return True
        end_ms = time.ticks_add(time.ticks_ms(), limit_ms)
        while not self.alert():
            left_ms = time.ticks_diff(end_ms, time.ticks_ms())
            if left_ms <= 0:
                return False
            if any(self._arrivals.ipoll(min(left_ms, _LOOK_MS))):
                self._arrived = True
                return True
        return False

    def read(self) -> bytes:
        """Return what has arrived, b"" if nothing; never block. At most 4 KiB and a few hundred lines, so that a flood delays no dose.

        MicroPython's `readline` reads a line in C and waits for its newline. If no input is left, it asks the second terminal, which
        answers with a newline at once.
        """
        if self.rest:
            return self.rest.pop(0)
        more = self._arrivals.ipoll
        if not self._arrived and not any(more(0)):
            return b""
        self._arrived = self._deaf = False
        end: "BinaryFile" = self.end
        end.seek(0)
        os.dupterm(end)
        try:
            data = self.input.readline(_PART_BYTES)
        finally:
            os.dupterm(None)
        if end.tell():
            data = data[:-1]
        if not any(more(0)):
            return data
        parts, size, lines = [data], len(data), 0
        filler = io.BytesIO(_NO_BYTE * _PART_BYTES)
        while size <= _MOST_BYTES - _PART_BYTES and lines < _MOST_LINES and any(more(0)):
            part = self._take(filler)
            parts.append(part)
            size += _PART_BYTES  # counts as a whole part, however little came: it took as much time
            lines += part.count(b"\n")
        if lines > 1 or size < _LONG_BYTES:
            try:
                return b"".join(parts)
            except MemoryError:  # no gap in memory is so large
                pass
        self.rest = parts  # a long line stays in parts, for which memory always has gaps
        return parts.pop(0)

    def _take(self, fill: "BinaryFile") -> bytes:
        """Return up to 256 bytes with their newlines: in a flood of short lines a call costs more than its bytes.

        If no input is left, the second terminal gives a byte that no line holds; as many of those are taken out again.
        """
        fill.seek(0)
        os.dupterm(fill)
        try:
            part = self.input.read(_PART_BYTES)
        finally:
            os.dupterm(None)
        return b"".join(part.rsplit(_NO_BYTE, fill.tell()))

    def write(self, data: bytes | memoryview) -> None:
        """Write `data`. Blocks at most about 500 ms if the host does not read (1 s if the buffer holds a part of a packet).

        For a host that takes a packet now and then it blocks up to 1.5 s. After that the rest is lost, and all that follows until the host
        sends.
        """
        if not self._deaf:
            self._deaf = put(self._output.write, data, len(data))


@micropython.native
def put(write: "PartWriter", data: bytes | memoryview, size: int) -> bool:
    """Return True if the host did not take all in time. Asking for room first would take a quarter of the time."""
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
