"""Parts of the unit tests' flash: a file opened at its end, and littlefs errors as the firmware sees them."""

from collections.abc import Iterator
from contextlib import contextmanager

from littlefs.errors import LittleFSError


@contextmanager
def os_errors() -> Iterator[None]:
    """Turn errors of littlefs into OSErrors, as on every target; also if a folder is read as a file."""
    try:
        yield
    except LittleFSError as error:
        raise OSError(-error.code, str(error)) from None


class Handle:
    def __init__(self, flash: object, path: str) -> None:
        self._flash = flash
        self._path = path
        self._pending = b""

    def write(self, data: bytes) -> None:
        self._pending += data

    def flush(self) -> None:
        self._flash.alive()
        mode = "ab" if self._flash.exists(self._path) else "xb"
        with os_errors(), self._flash.fs.open(self._path, mode) as file:
            file.write(self._pending)
        self._pending = b""
        self._flash.alive()

    def close(self) -> None:
        pass
