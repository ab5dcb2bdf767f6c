"""The flash of the board: NOR blocks that wear, lose power on request, and record their operations.

Geometry and littlefs settings are those of MicroPython's rp2 port on a Pico, so erase and page counts are the board's. A simulated pump
contains the firmware's sources, which take 780 kB more than the pack on a board. Its flash has so many blocks more; otherwise a journal
of 32 segments would fill it on day 32.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from littlefs.context import UserContext

BLOCK_BYTES = 4096
BLOCKS = 352
PAGE_BYTES = 256
IMAGE_BYTES = BLOCK_BYTES * BLOCKS
SIMULATED_BLOCKS = 544
SIZES_BYTES = (BLOCK_BYTES * SIMULATED_BLOCKS, IMAGE_BYTES)  # the board's: also that of simulators before this
GEOMETRY = {
    "block_size": BLOCK_BYTES,
    "read_size": 32,
    "prog_size": PAGE_BYTES,
    "cache_size": 4 * PAGE_BYTES,
    "lookahead_size": 32,
    "block_cycles": 100,
}
_LFS_ERR_IO = -5
_NO_CUT = 0


class Operation(NamedTuple):
    """One erase (`data` is all ones) or program, with the true steps and time at which it was done."""

    name: str
    block: int
    offset: int
    data: bytes
    plant_steps: int
    now_ms: int


class Moment(NamedTuple):
    """The flash as a power cut after `operations` whole operations leaves it; `torn`: the next one half done.

    `plant_steps` and `now_ms` are those of the last operation in it (of the first one when there is none).
    """

    operations: int
    torn: bool
    image: bytes
    plant_steps: int
    now_ms: int


class FlashChip(UserContext):
    """Block device under littlefs.

    `operations` counts erases and programs since the chip was made. A cut at operation k lets k happen (`torn`: half of
    it) and nothing after it, until `restore`. `observe(name, size_bytes)` is called after each operation and says
    whether there is power left; `stamp` gives (plant steps, now ms) to the record, when `record` is on.
    """

    def __init__(self, image: bytes, record: bool = False) -> None:
        if len(image) not in SIZES_BYTES:
            raise ValueError(f"a flash image has {SIZES_BYTES[0]} bytes, not {len(image)}")
        super().__init__(buffer=bytearray(image))
        self.blocks = len(image) // BLOCK_BYTES
        self.operations = 0
        self.erases = [0] * self.blocks
        self.pages = 0
        self.dead = False
        self.observe: Callable[[str, int], bool] = lambda name, size_bytes: True
        self.stamp: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self._recorded: list[Operation] | None = [] if record else None
        self._image_before = bytes(image) if record else b""
        self._cut_at = _NO_CUT
        self._torn = False

    def cut_at(self, operation: int, torn: bool) -> None:
        """Arms a cut at this operation, counted like `operations`."""
        self._cut_at, self._torn = operation, torn

    def die(self) -> None:
        """Switch power off: no operation reaches the flash any more."""
        self.dead = True

    def restore(self) -> None:
        """Switch power on; forget an armed cut."""
        self.dead, self._cut_at = False, _NO_CUT

    def wear(self) -> dict[str, object]:
        return {"erases": list(self.erases), "erases_total": sum(self.erases), "pages_total": self.pages}

    # -- called by littlefs; an exception would be lost in it, so errors are return values

    def read(self, cfg: object, block: int, off: int, size: int) -> bytearray:
        start = block * BLOCK_BYTES + off
        return self.buffer[start : start + size]

    def prog(self, cfg: object, block: int, off: int, data: bytes) -> int:
        return self._change("program", block, off, data)

    def erase(self, cfg: object, block: int) -> int:
        return self._change("erase", block, 0, b"\xff" * BLOCK_BYTES)

    def sync(self, cfg: object) -> int:
        return _LFS_ERR_IO if self.dead else 0

    def _change(self, name: str, block: int, offset: int, data: bytes) -> int:
        if self.dead:
            return _LFS_ERR_IO
        self.operations += 1
        is_last = self.operations == self._cut_at
        is_torn = is_last and self._torn
        start = block * BLOCK_BYTES + offset
        size_bytes = len(data) // 2 if is_torn else len(data)
        self.buffer[start : start + size_bytes] = data[:size_bytes]
        self._note(name, block, offset, data)
        self.dead = is_last or not self.observe(name, len(data))
        return _LFS_ERR_IO if is_torn else 0

    def _note(self, name: str, block: int, offset: int, data: bytes) -> None:
        if name == "erase":
            self.erases[block] += 1
        else:
            self.pages += len(data) // PAGE_BYTES
        if self._recorded is not None:
            self._recorded.append(Operation(name, block, offset, data, *self.stamp()))

    # -- the record

    def recorded(self) -> list[Operation]:
        """Return all operations since the chip was made. Raises ValueError without `record`."""
        if self._recorded is None:
            raise ValueError("this flash was made without record")
        return self._recorded

    def moments(self) -> Iterator[Moment]:
        """Return every image that a power cut could have left: each operation half done, then whole."""
        image = bytearray(self._image_before)
        operations = self.recorded()
        steps, now_ms = (operations[0].plant_steps, operations[0].now_ms) if operations else (0, 0)
        yield Moment(0, False, bytes(image), steps, now_ms)
        for count, operation in enumerate(operations):
            start = operation.block * BLOCK_BYTES + operation.offset
            half = len(operation.data) // 2
            image[start : start + half] = operation.data[:half]
            yield Moment(count, True, bytes(image), operation.plant_steps, operation.now_ms)
            image[start : start + len(operation.data)] = operation.data
            yield Moment(count + 1, False, bytes(image), operation.plant_steps, operation.now_ms)
