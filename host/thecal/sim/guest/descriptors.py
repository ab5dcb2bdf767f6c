"""The open file descriptors of the guest: the USB line, a file or folder in the littlefs, a device."""

import posixpath
import sys
from collections.abc import Callable

from thecal.sim.errors import WasiError
from thecal.sim.guest import filesystem
from thecal.sim.guest.filesystem import FileSystem
from thecal.sim.line import Line

AGAIN, BAD_DESCRIPTOR, INVALID, NOT_A_FOLDER, NOT_SEEKABLE = 6, 8, 28, 54, 70
_NOT_FOUND, _IS_FOLDER, _EXISTS = 44, 31, 20
_CHARACTER_DEVICE, _FOLDER, _FILE = 2, 3, 4
_WASI_CREATE, _WASI_FOLDER, _WASI_EXCLUSIVE, _WASI_TRUNCATE = 1, 2, 4, 8
_WASI_APPEND = 1
_MAY_READ, _MAY_WRITE = 1 << 1, 1 << 6
_STANDARD_ERROR_KEPT_BYTES = 8192


class Descriptor:
    """The defaults: nothing works. Errors are WasiError with WASI's number."""

    kind = _FILE

    def read(self, size_bytes: int) -> bytes:
        raise WasiError(BAD_DESCRIPTOR)

    def read_into(self, view: memoryview, address: int, size_bytes: int) -> int:
        """Put what `read` returns at `address` of the guest's memory; return its length."""
        data = self.read(size_bytes)
        view[address : address + len(data)] = data
        return len(data)

    def write(self, data: bytes) -> int:
        raise WasiError(BAD_DESCRIPTOR)

    def seek(self, offset: int, whence: int) -> int:
        raise WasiError(NOT_SEEKABLE)

    def entries(self) -> list[tuple[str, bool]]:
        raise WasiError(NOT_A_FOLDER)

    def sync(self) -> None:
        """Nothing is kept back unless a class says so."""

    def close(self) -> None:
        """Nothing to give back unless a class says so."""


class UsbInput(Descriptor):
    kind = _CHARACTER_DEVICE

    def __init__(self, line: Line) -> None:
        self._line = line

    def read(self, size_bytes: int) -> bytes:
        data = self._line.take(size_bytes)
        if data is None:
            raise WasiError(AGAIN)
        return data


class UsbOutput(Descriptor):
    kind = _CHARACTER_DEVICE

    def __init__(self, line: Line) -> None:
        self._line = line

    def write(self, data: bytes) -> int:
        self._line.send(data)
        return len(data)


class StandardError(Descriptor):
    """Keep the end of what MicroPython prints when the firmware fails. `loud`: pass it on to this process's standard error too."""

    kind = _CHARACTER_DEVICE

    def __init__(self) -> None:
        self.text = b""
        self.loud = True

    def write(self, data: bytes) -> int:
        self.text = (self.text + data)[-_STANDARD_ERROR_KEPT_BYTES:]
        if self.loud:
            sys.stderr.write(data.decode(errors="replace"))
            sys.stderr.flush()
        return len(data)


class Device(Descriptor):
    """A device file. Its two functions speak whole messages: every read is an answer, every write an order."""

    kind = _CHARACTER_DEVICE

    def __init__(self, answer: Callable[[], bytes], order: Callable[[bytes], None]) -> None:
        self._answer = answer
        self._order = order

    def read(self, size_bytes: int) -> bytes:
        return self._answer()[:size_bytes]

    def write(self, data: bytes) -> int:
        self._order(data)
        return len(data)


class Exchange(Device):
    """A device file whose reads begin with an order: the guest's buffer holds it, and the answer replaces it. One call instead of two."""

    def __init__(self, order: Callable[[bytes], None], exchange: Callable[[memoryview, int], int], size_bytes: int) -> None:
        super().__init__(lambda: b"", order)
        self._exchange = exchange
        self._size_bytes = size_bytes

    def read_into(self, view: memoryview, address: int, size_bytes: int) -> int:
        if size_bytes != self._size_bytes:
            raise WasiError(INVALID)
        return self._exchange(view, address)


class Folder(Descriptor):
    kind = _FOLDER

    def __init__(self, path: str, files: FileSystem) -> None:
        self._path = path
        self._files = files

    def entries(self) -> list[tuple[str, bool]]:
        return self._files.entries(self._path)


class WrittenFile(Descriptor):
    """A file opened for writing. Data that is not synced or closed is lost at a power cut, as on the board."""

    def __init__(self, path: str, flags: int, files: FileSystem) -> None:
        self._files = files
        self._handle = files.open(path, flags)

    def read(self, size_bytes: int) -> bytes:
        return self._files.read(self._handle, size_bytes)

    def write(self, data: bytes) -> int:
        return self._files.write(self._handle, data)

    def seek(self, offset: int, whence: int) -> int:
        return self._files.seek(self._handle, offset, whence)

    def sync(self) -> None:
        self._files.sync(self._handle)

    def close(self) -> None:
        self._files.close(self._handle)


class ReadFile(Descriptor):
    """A file opened for reading, fetched at once: MicroPython reads its sources a few bytes at a time."""

    def __init__(self, path: str, files: FileSystem) -> None:
        self._data = files.read_file(path)
        self._position = 0

    def read(self, size_bytes: int) -> bytes:
        data = self._data[self._position : self._position + size_bytes]
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int) -> int:
        position = (0, self._position, len(self._data))[whence] + offset
        if position < 0:
            raise WasiError(INVALID)
        self._position = position
        return position


class Opener:
    """Turns paths into descriptors; `devices` are the files below `/dev`."""

    def __init__(self, files: FileSystem, devices: dict[str, Device]) -> None:
        self.files = files
        self._devices = devices

    def absolute(self, raw: bytes) -> str:
        """The guest's folder is always the root."""
        return "/" + posixpath.normpath("/" + raw.decode(errors="surrogateescape")).lstrip("/")

    def stat(self, path: str) -> tuple[bool, int]:
        """Return (is a folder, size in bytes). Raises WasiError if there is none."""
        if path in self._devices:
            return False, 0
        return self.files.stat(path)

    def open(self, path: str, create: int, rights: int, mode: int) -> Descriptor:
        """Open a path; `create`, `rights` and `mode` are WASI's oflags, base rights and fdflags."""
        if path in self._devices:
            return self._devices[path]
        if create & _WASI_CREATE and rights & _MAY_WRITE and not create & _WASI_FOLDER:  # littlefs itself refuses a folder
            return WrittenFile(path, _flags(create, rights, mode), self.files)
        kind = self._kind(path)
        if kind == _FOLDER:
            return self._open_folder(path, create, rights)
        if create & _WASI_FOLDER:
            raise WasiError(NOT_A_FOLDER if kind else _NOT_FOUND)
        if rights & _MAY_WRITE:
            return WrittenFile(path, _flags(create, rights, mode), self.files)
        return ReadFile(path, self.files)

    def _open_folder(self, path: str, create: int, rights: int) -> Folder:
        if create & _WASI_EXCLUSIVE:
            raise WasiError(_EXISTS)
        if create & (_WASI_CREATE | _WASI_TRUNCATE):
            raise WasiError(_IS_FOLDER)
        return Folder(path, self.files)

    def _kind(self, path: str) -> int | None:
        try:
            is_folder, _ = self.files.stat(path)
        except WasiError as error:
            if error.number != _NOT_FOUND:
                raise
            return None
        return _FOLDER if is_folder else _FILE


def _flags(create: int, rights: int, mode: int) -> int:
    flags = filesystem.READ_WRITE if rights & _MAY_READ else filesystem.WRITE_ONLY
    for given, flag, meaning in (
        (create, _WASI_CREATE, filesystem.CREATE),
        (create, _WASI_EXCLUSIVE, filesystem.EXCLUSIVE),
        (create, _WASI_TRUNCATE, filesystem.TRUNCATE),
        (mode, _WASI_APPEND, filesystem.APPEND),
    ):
        if given & flag:
            flags |= meaning
    return flags
