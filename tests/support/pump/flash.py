"""The flash of the pump on CPython: a chip that counts its operations and can die at one, littlefs on it, the hal's port on top."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from littlefs import LittleFS, UserContext
from littlefs.errors import LittleFSError

BLOCKS, BLOCK_BYTES, PROG_BYTES = 352, 4096, 256


class PowerCut(BaseException):
    """The power failed in the middle of a flash operation."""


class Chip(UserContext):
    """Flash that counts its operations and dies at `cut_at`; a torn operation is half done."""

    def __init__(self, image: bytes | None = None, cut_at: int | None = None, torn: bool = False) -> None:
        super().__init__(BLOCKS * BLOCK_BYTES)
        if image is not None:
            self.buffer[:] = image
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

    def prog(self, config: object, block: int, offset: int, data: bytes) -> int:
        return super().prog(config, block, offset, data) if self._begin(block, offset, bytes(data)) else 0

    def erase(self, config: object, block: int) -> int:
        done = super().erase(config, block) if self._begin(block, 0, b"\xff" * BLOCK_BYTES) else 0
        if self.after_erase is not None and not self.dead:
            self.after_erase()
        return done


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
        self._flash.alive()
        mode = "ab" if self._flash.exists(self._path) else "xb"
        with os_errors(), self._flash.fs.open(self._path, mode) as file:
            file.write(self._pending)
        self._pending = b""
        self._flash.alive()

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
            self.fs.stat(path)
        except LittleFSError:
            return False
        return True

    def read(self, path: str) -> bytes:
        if not self.exists(path):
            raise OSError(2, path)
        with os_errors(), self.fs.open(path, "rb") as file:
            return file.read()

    def open(self, path: str) -> io.BytesIO:
        return io.BytesIO(self.read(path))

    def write(self, path: str, data: bytes) -> None:
        self.alive()
        with os_errors(), self.fs.open(path, "wb") as file:
            file.write(data)
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
