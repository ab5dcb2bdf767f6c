"""Files in flash, for every target with a file system: absolute paths, durable when a function returns.

A write replaces its file in one step: a power cut leaves the old content or the new one. An OSError passes.
"""

import errno
import os

from micropython import const

if 0:  # for the type checker alone
    from hal.ports import BinaryFile, Reader

_FOLDER_MODE = const(0x4000)


class AppendHandle:
    """A file opened at its end. Data is on flash when `flush` or `close` returns."""

    def __init__(self, path: str) -> None:
        self.file: "BinaryFile" = open(path, "ab")

    def write(self, data: bytes) -> None:
        """Append `data`; not yet durable."""
        self.file.write(data)

    def flush(self) -> None:
        """Make everything written so far durable."""
        self.file.flush()

    def close(self) -> None:
        """Make everything durable and close the file."""
        self.file.close()


class Flash:
    """The mounted file system."""

    def read(self, path: str) -> bytes:
        """Return the whole file. MicroPython reads a known length in one piece, and an unknown one in many small parts."""
        file: "BinaryFile"
        with open(path, "rb") as file:
            size_bytes = file.seek(0, 2)
            file.seek(0)
            return file.read(size_bytes)

    def open(self, path: str) -> "Reader":
        """Return the open file, for `seek` and `readinto`: opening takes ten times as long as reading a block."""
        return open(path, "rb")

    def write(self, path: str, data: "bytes | list[bytes]") -> None:
        """Create or replace the file. `data` may come in parts."""
        file: "BinaryFile"
        with open(path, "wb") as file:
            for part in data if isinstance(data, list) else [data]:
                file.write(part)

    def append(self, path: str) -> AppendHandle:
        """Open the file at its end; create it if necessary."""
        return AppendHandle(path)

    def remove(self, path: str) -> None:
        """Delete the file. Raises OSError if it does not exist."""
        os.remove(path)

    def names(self, path: str) -> "list[str]":
        """Return the sorted names of everything in a folder; [] if the folder does not exist."""
        try:
            entries = os.ilistdir(path)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return []
        return sorted([entry[0] for entry in entries])

    def make_folder(self, path: str) -> None:
        """Create the folder unless it exists."""
        facts = self.stat(path)
        if facts is None or not facts[0] & _FOLDER_MODE:
            os.mkdir(path)

    def exists(self, path: str) -> bool:
        """Return True if a file or folder has this path."""
        return self.stat(path) is not None

    def size(self, path: str) -> int:
        """Return the bytes of a file. Raises OSError if it does not exist."""
        return os.stat(path)[6]

    def stat(self, path: str) -> tuple[int, ...] | None:
        try:
            return os.stat(path)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return None
