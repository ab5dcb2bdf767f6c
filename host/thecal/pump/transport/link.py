"""One open port: bytes out, lines and counted bulk in, each with a deadline. Does not interpret the lines."""

from __future__ import annotations

import errno
import os
import time
from types import TracebackType
from typing import Any, NamedTuple

from thecal.errors import LinkLost, NoPump, PortBusy, ThecalError

BUSY_RETRY_S = 0.8
BUSY_PAUSE_S = 0.02
CHUNK_BYTES = 4096
LINE_MAX_BYTES = 16384
WRITE_TIMEOUT_S = 2.0
PERMISSION_DO = (
    "Linux: sudo cp hardware/60-thecal.rules /etc/udev/rules.d/ && sudo udevadm control --reload, and plug it in again;"
    " or join the group that owns the port (often dialout or uucp) and log in again"
)
BUSY_ERRNOS = (errno.EBUSY, errno.EAGAIN)


class Link:
    """An open serial port, pseudo-terminal or socket:// URL. Reads in chunks, because socket:// never reports more than one waiting byte.

    `share`: open the port even if another program holds its lock; `shared` reports that this happened.
    """

    def __init__(self, port_url: str, share: bool = False) -> None:
        self.port_url = port_url
        self._buffer = bytearray()
        self._serial, self.shared = open_serial(port_url, share)
        self.heard = b""

    def __enter__(self) -> Link:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close at once: pyserial's socket:// would sleep for 0.3 s, and leave the socket open if the other end closed first."""
        connection = getattr(self._serial, "_socket", None)
        if connection is not None:
            connection.close()
            self._serial.is_open = False
        self._serial.close()

    def write(self, data: bytes) -> None:
        """Send everything. Raises LinkLost if the port is gone or accepts nothing."""
        import serial

        try:
            self._serial.write(data)
        except (serial.SerialException, OSError) as error:
            raise LinkLost(
                f"the link to {self.port_url} broke while sending ({error})", "check the cable and run the command again"
            ) from error

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
            if late or not self._fill(deadline_s):
                return None
            late = time.monotonic() > deadline_s  # a flood without a newline ends here

    def read_bulk(self, count_bytes: int, deadline_s: float) -> bytes | None:
        """Return exactly `count_bytes` raw bytes, or None at the deadline (and drop the bytes received so far)."""
        while len(self._buffer) < count_bytes:  # each turn brings a byte, or ends it
            if not self._fill(deadline_s):
                self._buffer.clear()
                return None
        data = bytes(self._buffer[:count_bytes])
        del self._buffer[:count_bytes]
        return data

    def partial(self) -> bytes:
        """Return the bytes after the last newline; a prompt if the other end is not a pump."""
        return bytes(self._buffer)

    def _fill(self, deadline_s: float) -> bool:
        """Wait for the first byte, then read all waiting bytes. Returns False at the deadline."""
        import serial

        try:
            self._serial.timeout = max(0.0, deadline_s - time.monotonic())
            data = self._serial.read(1)
            if data:
                self._serial.timeout = 0
                data += self._serial.read(CHUNK_BYTES)
        except (serial.SerialException, OSError, TypeError) as error:
            # TypeError: pyserial on a port that another thread closed
            raise LinkLost(
                f"the link to {self.port_url} broke while listening ({error})", "check the cable and run the command again"
            ) from error
        self._buffer += data
        self.heard = (self.heard + data)[-256:]
        return bool(data)


class Opened(NamedTuple):
    """A pyserial port; `shared`: another program holds its lock."""

    port: Any
    shared: bool


def open_serial(port_url: str, share: bool = False) -> Opened:
    """Open a port exclusively. Retry a busy port for 0.8 s, because `watch` opens it only
    for moments. With `share`, ignore another program's lock; only TIOCEXCL and Windows then prevent opening."""
    import serial

    deadline_s = time.monotonic() + BUSY_RETRY_S
    locks = (exclusive(port_url), None) if share and exclusive(port_url) else (exclusive(port_url),)
    while True:
        for lock in locks:
            try:
                port = serial.serial_for_url(port_url, baudrate=115200, timeout=0, write_timeout=WRITE_TIMEOUT_S, exclusive=lock)
                return Opened(port, lock is not locks[0])
            except (serial.SerialException, OSError, ValueError) as error:
                if not is_busy(error) or (lock is locks[-1] and time.monotonic() > deadline_s):
                    raise why_not_open(port_url, error) from error
        time.sleep(BUSY_PAUSE_S)


def exclusive(port_url: str) -> bool | None:
    """Request an exclusive lock if there is one; on Windows every serial port is exclusive, a URL has no lock."""
    return None if "://" in port_url or os.name == "nt" else True


def error_number(error: Exception) -> int | None:
    """Return the system's errno; pyserial keeps it only in the exception behind its own, or (Windows) in the text."""
    number = getattr(error, "errno", None) or getattr(error.__context__, "errno", None)
    return errno.EBUSY if number is None and "PermissionError" in str(error) else number


def is_busy(error: Exception) -> bool:
    return error_number(error) in BUSY_ERRNOS


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
