"""An open serial port of any device, a pump or a balance: opened with a lock, closed at once, read in chunks."""

from __future__ import annotations

import errno
import os
from types import TracebackType
from typing import Any, Self

from thecal.errors import LinkLost

CHUNK_BYTES = 4096
WRITE_TIMEOUT_S = 2.0
BUSY_ERRNOS = (errno.EBUSY, errno.EAGAIN)
OPEN_ERRORS = (OSError, ValueError)  # pyserial's own error is an OSError


class SerialPort:
    """A pyserial port, pseudo-terminal or socket:// URL. A subclass takes lines out of `_buffer`."""

    def __init__(self, port_url: str, port: Any) -> None:
        self.port_url = port_url
        self._serial = port
        self._buffer = bytearray()

    def __enter__(self) -> Self:
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
        try:
            self._serial.write(data)
        except OSError as error:
            raise self._lost("sending", error) from error

    def _fill(self, timeout_s: float) -> bytes:
        """Wait for the first byte, then read all waiting bytes, because socket:// never reports more than one waiting byte. Returns the
        new bytes; none if the time is up."""
        try:
            self._serial.timeout = max(0.0, timeout_s)
            data: bytes = self._serial.read(1)
            if data:
                self._serial.timeout = 0
                data += self._serial.read(CHUNK_BYTES)
        except (OSError, TypeError) as error:  # TypeError: pyserial on a port that another thread closed
            raise self._lost("listening", error) from error
        self._buffer += data
        return data

    def _lost(self, doing: str, error: Exception) -> LinkLost:
        return LinkLost(f"the link to {self.port_url} broke while {doing} ({error})", "check the cable and run the command again")


def connect(port_url: str, lock: bool | None, **settings: Any) -> Any:
    """Open a pyserial port. Raises one of OPEN_ERRORS."""
    import serial

    return serial.serial_for_url(port_url, timeout=0, write_timeout=WRITE_TIMEOUT_S, exclusive=lock, **settings)


def exclusive(port_url: str) -> bool | None:
    """Request an exclusive lock if there is one; on Windows every serial port is exclusive, a URL has no lock."""
    return None if "://" in port_url or os.name == "nt" else True


def error_number(error: Exception) -> int | None:
    """Return the system's errno; pyserial keeps it only in the exception behind its own, or (Windows) in the text."""
    number = getattr(error, "errno", None) or getattr(error.__context__, "errno", None)
    return errno.EBUSY if number is None and "PermissionError" in str(error) else number


def is_busy(error: Exception) -> bool:
    """Return True if another program holds the port."""
    return error_number(error) in BUSY_ERRNOS
