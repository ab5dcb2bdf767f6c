"""The balance's serial port: whole lines with the time at which they had come. Half a line is never handed out as a line.

A stream joined in its middle is dropped up to the first line's end; a line that stops before its end is an error.
"""

from __future__ import annotations

import os
import re
import time
from typing import Any

from thecal.errors import BadInput, Failed, LinkLost, NoPump, ThecalError
from thecal.pump.transport.serial_port import OPEN_ERRORS, SerialPort, connect, error_number, exclusive, is_busy
from thecal.weighing.balance import errors

QUIET_S = 0.2
LINE_GAP_S = 1.0
LINE_MAX_BYTES = 256
# chunks; more is a flood
MOST_WAITING = 64
# a pseudo-terminal has no parity, and the system refuses the setting
PSEUDOTERMINALS = "/dev/pts/"
FRAMING = re.compile(r"(\d{3,6})-([78])([NEO])([12])")
END = re.compile(rb"[\r\n]+")


class BalancePort(SerialPort):
    """An open port of a balance."""

    def __init__(self, port_url: str, framing: str) -> None:
        super().__init__(port_url, _open(port_url, framing))
        self._came_s = 0.0
        self.join()

    def frame(self, framing: str) -> None:
        """Set another baud rate and parity."""
        for name, value in parameters(framing, self.port_url).items():
            setattr(self._serial, name, value)
        self.join()

    def join(self) -> None:
        """Drop earlier bytes. If the line is not quiet then, begin after the end of the current line."""
        self._buffer.clear()
        self._serial.reset_input_buffer()
        if not self._read(time.monotonic() + QUIET_S):
            return
        while not END.search(self._buffer):
            if len(self._buffer) > LINE_MAX_BYTES or not self._read(time.monotonic() + LINE_GAP_S):
                raise self._half("no end of line came")
        self._take()

    def skip_waiting(self) -> None:
        """Drop the waiting whole lines, so that the next one is current."""
        for _ in range(MOST_WAITING):
            if not self._read(0.0):
                break
        ends = list(END.finditer(self._buffer))
        if ends:
            del self._buffer[: ends[-1].end()]

    def listen(self, duration_s: float) -> bool:
        """Return True if bytes arrive by themselves; they stay readable."""
        return bool(self._buffer) or self._read(time.monotonic() + duration_s)

    def line(self, deadline_s: float) -> tuple[str, float] | None:
        """Return the next non-empty line without its end, and its time; None if the deadline passes without a byte."""
        asked_s = time.monotonic()
        while True:
            text = self._take()
            if text:
                return text, self._came_s
            begun = bool(self._buffer)
            if len(self._buffer) > LINE_MAX_BYTES:
                raise self._half("no end of line in so many bytes")
            if not begun and time.monotonic() > max(deadline_s, asked_s + LINE_GAP_S):
                return None  # only empty lines came
            if not self._read(time.monotonic() + LINE_GAP_S if begun else deadline_s):
                if begun:
                    raise self._half("its end did not come")
                return None

    def _take(self) -> str:
        end = END.search(self._buffer)
        if end is None:
            return ""
        raw = bytes(self._buffer[: end.start()])
        del self._buffer[: end.end()]
        return raw.decode("latin-1")

    def _half(self, why: str) -> errors.BalanceError:
        raw = bytes(self._buffer[:LINE_MAX_BYTES]).decode("latin-1")
        self._buffer.clear()
        return errors.half_line(raw, why)

    def _read(self, deadline_s: float) -> bool:
        """Read more bytes, and note when they came. Returns False at the deadline."""
        data = self._fill(deadline_s - time.monotonic())
        if data:
            self._came_s = time.monotonic()
        return bool(data)

    def _lost(self, doing: str, error: Exception) -> LinkLost:
        return LinkLost(f"the link to the balance on {self.port_url} broke ({error})", "check its cable and begin again")


def parameters(framing: str, port_url: str) -> dict[str, Any]:
    """Convert "9600-8N1" to pyserial's settings. Raises BadInput for another form."""
    match = FRAMING.fullmatch(framing)
    if match is None:
        raise BadInput(f"{framing!r} is not a serial setting", "write it like 9600-8N1 or 1200-7O1: baud, bits, parity N E O, stop bits")
    baud, bits, parity, stop = match.groups()
    if os.path.realpath(port_url).startswith(PSEUDOTERMINALS):
        bits, parity = "8", "N"
    return {"baudrate": int(baud), "bytesize": int(bits), "parity": parity, "stopbits": int(stop)}


def _open(port_url: str, framing: str) -> Any:
    settings = parameters(framing, port_url)
    try:
        return connect(port_url, exclusive(port_url), **settings)
    except OPEN_ERRORS as error:
        raise _why_not_open(port_url, error) from error


def _why_not_open(port_url: str, error: Exception) -> ThecalError:
    if is_busy(error):
        return Failed(f"the balance's port {port_url} is in use by another program", "close that program and run the command again")
    number = error_number(error)
    reason = "no such port" if number is None else str(error).rpartition(":")[2].strip()
    do = "check its cable and name; write a network one as socket://HOST:PORT or rfc2217://HOST:PORT"
    return NoPump(f"can't open the balance's port {port_url}: {reason}", do)
