"""One open port: bytes out, lines and counted bulk in, each with a deadline. Does not interpret the lines."""

from __future__ import annotations

import errno
import os
import time
from typing import Any, NamedTuple

from thecal.errors import NoPump, PortBusy, ThecalError
from thecal.pump.transport.serial_port import OPEN_ERRORS, SerialPort, connect, error_number, exclusive, is_busy

BUSY_RETRY_S = 0.8
BUSY_PAUSE_S = 0.02
LINE_MAX_BYTES = 16384
PERMISSION_DO = (
    "Linux: sudo cp hardware/60-thecal.rules /etc/udev/rules.d/ && sudo udevadm control --reload, and plug it in again;"
    " or join the group that owns the port (often dialout or uucp) and log in again"
)


class Link(SerialPort):
    """An open port of a pump. `share`: open it even if another program holds its lock; `shared` reports that this happened."""

    def __init__(self, port_url: str, share: bool = False) -> None:
        port, self.shared = open_serial(port_url, share)
        super().__init__(port_url, port)
        self.heard = b""

    def read_line(self, deadline_s: float) -> bytes | None:
        """Return the next line without its newline, or None at `deadline_s` (time.monotonic)."""
        late = False
        while True:
            end = self._buffer.find(b"\n")
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                return line
            if len(self._buffer) > LINE_MAX_BYTES:
                self._buffer.clear()
            if late or not self._read(deadline_s):
                return None
            late = time.monotonic() > deadline_s  # a flood without a newline ends here

    def read_bulk(self, count_bytes: int, deadline_s: float) -> bytes | None:
        """Return exactly `count_bytes` raw bytes, or None at the deadline (and drop the bytes received so far)."""
        while len(self._buffer) < count_bytes:  # each turn brings a byte, or ends it
            if not self._read(deadline_s):
                self._buffer.clear()
                return None
        data = bytes(self._buffer[:count_bytes])
        del self._buffer[:count_bytes]
        return data

    def partial(self) -> bytes:
        """Return the bytes after the last newline; a prompt if the other end is not a pump."""
        return bytes(self._buffer)

    def _read(self, deadline_s: float) -> bool:
        """Read more bytes. Returns False at the deadline."""
        data = self._fill(deadline_s - time.monotonic())
        self.heard = (self.heard + data)[-256:]
        return bool(data)


class Opened(NamedTuple):
    """A pyserial port; `shared`: another program holds its lock."""

    port: Any
    shared: bool


def open_serial(port_url: str, share: bool = False) -> Opened:
    """Open a port exclusively. Retry a busy port for 0.8 s, because `watch` opens it only for moments. With `share`, ignore another
    program's lock; only TIOCEXCL and Windows then prevent opening."""
    deadline_s = time.monotonic() + BUSY_RETRY_S
    locks = (exclusive(port_url), None) if share and exclusive(port_url) else (exclusive(port_url),)
    while True:
        for lock in locks:
            try:
                return Opened(connect(port_url, lock, baudrate=115200), lock is not locks[0])
            except OPEN_ERRORS as error:
                if not is_busy(error) or (lock is locks[-1] and time.monotonic() > deadline_s):
                    raise why_not_open(port_url, error) from error
        time.sleep(BUSY_PAUSE_S)


def why_not_open(port_url: str, error: Exception) -> ThecalError:
    """Return the error for a port that did not open."""
    if is_busy(error):
        return PortBusy(
            f"{port_url} is in use by another program",
            "close it (a serial monitor, mpremote, another thecal) and run the command again",
        )
    if error_number(error) == errno.EACCES:
        return NoPump(
            f"this user may not open {port_url}",
            PERMISSION_DO,
        )
    if port_url.startswith("socket://") and error_number(error) is None:
        return NoPump(f"can't open {port_url}", "write it as socket://HOST:PORT, as `thecal find` prints it")
    number = error_number(error)
    words = "not a port" if not number else "no such host" if number < 0 else os.strerror(number)
    return NoPump(
        f"can't open {port_url}: {words}",
        "plug the pump in or start one with `thecal sim`; `thecal find` lists the pumps",
    )
