"""The flash of the pump on CPython: a chip that counts its operations and can die at one, littlefs on it, the hal's port on top."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from littlefs import LittleFS, UserContext, lfs
from littlefs.errors import LittleFSError

BLOCKS, BLOCK_BYTES, PROG_BYTES = 352, 4096, 256
ERASED_BLOCK = b"\xff" * BLOCK_BYTES
READ_ONLY, WRITE_ONLY, CREATE, TRUNCATE, APPEND = 1, 2, 0x100, 0x400, 0x800


class PowerCut(BaseException):
    """The power failed in the middle of a flash operation."""


class Chip(UserContext):
    """Flash that counts its operations and dies at `cut_at`; a torn operation is half done.

    It has its own `read`, `prog` and `erase`: the library's look up a logger each time, which took half of a unit test.
    """

    def __init__(self, image: bytes | None = None, cut_at: int | None = None, torn: bool = False) -> None:
        super().__init__(buffer=bytearray(ERASED_BLOCK * BLOCKS if image is None else image))
        self.operations = 0
        self.cut_at = cut_at
        self.torn = torn
        self.dead = False
        self.after_erase = None
        self.log = None
        self.witness = None

    def record(self, witness: object) -> None:
        """From now on keep every operation as (block, offset, data, witness()), so that a test can cut the power at any of them."""
        self.log, self.witness = [], witness

    def _begin(self, block: int, offset: int, data: bytes) -> bool:
        self.operations += 1
        if self.log is not None:
            self.log.append((block, offset, data, self.witness()))
        if self.dead or self.operations == self.cut_at:
            if not self.dead and self.torn:
                half = len(data) // 2
                start = block * BLOCK_BYTES + offset
                self.buffer[start : start + half] = data[:half]
            self.dead = True
        return not self.dead

    def read(self, config: object, block: int, offset: int, size: int) -> bytearray:
        start = block * BLOCK_BYTES + offset
        return self.buffer[start : start + size]

    def prog(self, config: object, block: int, offset: int, data: bytes) -> int:
        return self._change(block, offset, bytes(data))

    def erase(self, config: object, block: int) -> int:
        self._change(block, 0, ERASED_BLOCK)
        if self.after_erase is not None and not self.dead:
            self.after_erase()
        return 0

    def _change(self, block: int, offset: int, data: bytes) -> int:
        if self._begin(block, offset, data):
            start = block * BLOCK_BYTES + offset
            self.buffer[start : start + len(data)] = data
        return 0


def images_at_each_operation(image: bytes, log: list) -> object:
    """Yield (number, torn, flash image, witness) for a cut at every operation of `log`: not begun, and half done."""
    flash = bytearray(image)
    for number, (block, offset, data, seen) in enumerate(log, 1):
        start = block * BLOCK_BYTES + offset
        yield number, False, bytes(flash), seen
        torn = bytearray(flash)
        torn[start : start + len(data) // 2] = data[: len(data) // 2]
        yield number, True, bytes(torn), seen
        flash[start : start + len(data)] = data


def mount(chip: Chip) -> LittleFS:
    """Mount littlefs on `chip`; format it if it is new."""
    fs = LittleFS(
        context=chip, block_size=BLOCK_BYTES, block_count=BLOCKS, read_size=32, prog_size=PROG_BYTES,
        cache_size=PROG_BYTES, lookahead_size=32, mount=False,
    )
    try:
        fs.mount()
    except LittleFSError:
        fs.format()
        fs.mount()
    return fs


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
        self._flash.put(self._path, self._pending, WRITE_ONLY | CREATE | APPEND)
        self._pending = b""

    def close(self) -> None:
        pass


class Flash:
    """The hal's flash port on littlefs. Raises PowerCut as soon as the chip is dead."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.fs = mount(chip)
        self.fail = False

    def listen(self, look: object) -> None:
        """Call the listener after each erase, as on the board."""
        self.chip.after_erase = look

    def alive(self) -> None:
        if self.chip.dead:
            raise PowerCut
        if self.fail:
            raise OSError(5, "flash")

    def exists(self, path: str) -> bool:
        try:
            lfs.stat(self.fs.fs, path)
        except LittleFSError:
            return False
        return True

    def read(self, path: str) -> bytes:
        with os_errors():
            size_bytes = lfs.stat(self.fs.fs, path).size
            file = lfs.file_open(self.fs.fs, path, READ_ONLY)
            try:
                return lfs.file_read(self.fs.fs, file, size_bytes)
            finally:
                lfs.file_close(self.fs.fs, file)

    def open(self, path: str) -> io.BytesIO:
        return io.BytesIO(self.read(path))

    def write(self, path: str, data: bytes | list[bytes]) -> None:
        self.put(path, b"".join(data) if isinstance(data, list) else data, WRITE_ONLY | CREATE | TRUNCATE)

    def put(self, path: str, data: bytes, flags: int) -> None:
        """Write `data` to the file, opened with these flags of littlefs."""
        self.alive()
        with os_errors():
            file = lfs.file_open(self.fs.fs, path, flags)
            try:
                lfs.file_write(self.fs.fs, file, bytes(data))
            finally:
                lfs.file_close(self.fs.fs, file)
        self.alive()

    def append(self, path: str) -> Handle:
        self.alive()
        return Handle(self, path)

    def remove(self, path: str) -> None:
        self.alive()
        with os_errors():
            self.fs.remove(path)
        self.alive()

    def names(self, folder: str) -> list[str]:
        with os_errors():
            return sorted(self.fs.listdir(folder)) if self.exists(folder) else []

    def make_folder(self, path: str) -> None:
        self.alive()
        if not self.exists(path):
            with os_errors():
                self.fs.mkdir(path)
        self.alive()
