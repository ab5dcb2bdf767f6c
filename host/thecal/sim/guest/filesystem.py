"""The mounted littlefs, with WASI's error numbers. A call during which the power went raises `PowerCut`."""

from collections.abc import Callable
from typing import Any

from littlefs import LittleFS, lfs
from littlefs.errors import LittleFSError

from thecal.sim.errors import PowerCut, WasiError
from thecal.sim.guest.flash import BLOCK_BYTES, GEOMETRY, FlashChip

READ_ONLY, WRITE_ONLY, READ_WRITE = 1, 2, 3
CREATE, EXCLUSIVE, TRUNCATE, APPEND = 0x100, 0x200, 0x400, 0x800
FOLDER_TYPE = 2

_EIO = 29
_WASI_NUMBERS = {
    -2: 44,
    -5: _EIO,
    -9: 8,
    -12: 48,
    -17: 20,
    -20: 54,
    -21: 31,
    -22: 28,
    -27: 22,
    -28: 51,
    -36: 37,
    -39: 55,
}


class FileSystem:
    """littlefs on a chip, by its low-level calls: its file objects abort the process when a write fails under them."""

    def __init__(self, chip: FlashChip, blocks: int | None = None) -> None:
        """`blocks`: as many as the file system was made with, when the chip has more."""
        self._chip = chip
        self._littlefs = LittleFS(chip, False, None, block_count=blocks or chip.blocks, **GEOMETRY)
        self._fs = self._littlefs.fs

    def format(self) -> None:
        self._call(self._littlefs.format)

    def mount(self) -> None:
        """WasiError when there is no file system on the chip; nothing is ever formatted as a side effect."""
        self._call(self._littlefs.mount)

    def grow(self) -> None:
        """Takes all blocks of the chip into use; files stay as they are."""
        self._call(lfs.fs_grow, self._fs, self._chip.blocks)

    def stat(self, path: str) -> tuple[bool, int]:
        """Return (is a folder, size in bytes)."""
        found = self._call(lfs.stat, self._fs, path)
        return found.type == FOLDER_TYPE, found.size

    def open(self, path: str, flags: int) -> lfs.LFSFile:
        """Return a handle of littlefs; `close` must release it, or littlefs keeps a pointer to it."""
        return self._call(lfs.file_open, self._fs, path, flags)

    def read(self, handle: lfs.LFSFile, size_bytes: int) -> bytes:
        return self._call(lfs.file_read, self._fs, handle, size_bytes)

    def write(self, handle: lfs.LFSFile, data: bytes) -> int:
        return self._call(lfs.file_write, self._fs, handle, data)

    def seek(self, handle: lfs.LFSFile, offset: int, whence: int) -> int:
        return self._call(lfs.file_seek, self._fs, handle, offset, whence)

    def sync(self, handle: lfs.LFSFile) -> None:
        self._call(lfs.file_sync, self._fs, handle)

    def close(self, handle: lfs.LFSFile) -> None:
        self._call(lfs.file_close, self._fs, handle)

    def remove(self, path: str) -> None:
        self._call(lfs.remove, self._fs, path)

    def rename(self, old: str, new: str) -> None:
        self._call(lfs.rename, self._fs, old, new)

    def make_folder(self, path: str) -> None:
        self._call(lfs.mkdir, self._fs, path)

    def entries(self, path: str) -> list[tuple[str, bool]]:
        """Return (name, is a folder) of everything in a folder, sorted, with `.` and `..`."""
        handle = self._call(lfs.dir_open, self._fs, path)
        found = []
        while (entry := self._call(lfs.dir_read, self._fs, handle)) is not None:
            found.append((entry.name, entry.type == FOLDER_TYPE))
        self._call(lfs.dir_close, self._fs, handle)
        return sorted(found)

    def free_bytes(self) -> int:
        return (self._chip.blocks - self._call(lfs.fs_size, self._fs)) * BLOCK_BYTES

    def read_file(self, path: str) -> bytes:
        _, size_bytes = self.stat(path)
        handle = self.open(path, READ_ONLY)
        try:
            return self.read(handle, size_bytes)
        finally:
            self.close(handle)

    def write_file(self, path: str, data: bytes) -> None:
        handle = self.open(path, WRITE_ONLY | CREATE | TRUNCATE)
        try:
            self.write(handle, data)
        finally:
            self.close(handle)

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            result = function(*arguments)
        except LittleFSError as error:
            if self._chip.dead:
                raise PowerCut from None
            raise WasiError(_WASI_NUMBERS.get(error.code, _EIO)) from None
        if self._chip.dead:
            raise PowerCut
        return result
