"""What the unit tests' flash hands out: a file open at its end, and errors of littlefs as the firmware knows them."""

from collections.abc import Iterator
from contextlib import contextmanager

from littlefs.errors import LittleFSError


@contextmanager
def os_errors() -> Iterator[None]:
    """An error of littlefs is an OSError, as on every target; a folder that is read as a file is one too."""
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
