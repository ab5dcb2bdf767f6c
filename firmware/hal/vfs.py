"""Files in flash, for every target that mounts a file system: durable when a function returns, absolute paths.

A write replaces its file in one step: a power cut leaves the old content or the new one. OSError passes through.
"""

import errno
import os

from micropython import const

if 0:  # for the type checker alone
    from hal.ports import BinaryFile, Reader

_FOLDER_MODE = const(0x4000)


class AppendHandle:
    """A file open at its end. What was written is on flash when `flush` or `close` returns."""

    def __init__(self, path: str) -> None:
        self._file: "BinaryFile" = open(path, "ab")

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class Flash:
    """The mounted file system."""

    def read(self, path: str) -> bytes:
        """All of the file. MicroPython reads a length that it is told at once, and one that it has to find out in small parts."""
        file: "BinaryFile"
        with open(path, "rb") as file:
            size_bytes = file.seek(0, 2)
            file.seek(0)
            return file.read(size_bytes)

    def open(self, path: str) -> "Reader":
        """The file, as it is at this moment, to be read by `seek` and `readinto`: opening takes ten times as long as reading a block."""
        return open(path, "rb")

    def write(self, path: str, data: bytes) -> None:
        """Creates or replaces the file."""
        file: "BinaryFile"
        with open(path, "wb") as file:
            file.write(data)

    def append(self, path: str) -> AppendHandle:
        """Opens the file at its end, creating it if it is not there."""
        return AppendHandle(path)

    def remove(self, path: str) -> None:
        os.remove(path)

    def rename(self, old: str, new: str) -> None:
        """Replaces `new` if it is there."""
        os.rename(old, new)

    def names(self, folder: str) -> "list[str]":
        """Names of everything in a folder, sorted; [] if the folder is not there."""
        try:
            entries = os.ilistdir(folder)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return []
        return sorted([entry[0] for entry in entries])

    def make_folder(self, path: str) -> None:
        """Creates the folder unless it is there."""
        if not self._is_folder(path):
            os.mkdir(path)

    def exists(self, path: str) -> bool:
        return self._stat(path) is not None

    def size(self, path: str) -> int:
        return os.stat(path)[6]

    def free_bytes(self) -> int:
        """Bytes in blocks that no file uses."""
        facts = os.statvfs("/")
        return facts[0] * facts[3]

    def _is_folder(self, path: str) -> bool:
        facts = self._stat(path)
        return facts is not None and bool(facts[0] & _FOLDER_MODE)

    def _stat(self, path: str) -> tuple[int, ...] | None:
        try:
            return os.stat(path)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return None
