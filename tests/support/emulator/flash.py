"""The flash chip: erasing and programming take time with the CPU waiting, wear is counted, a power cut tears the operation.

The emulator's flash is instant. Here the clock goes on inside the command that ends at chip select, which is where a real board waits with
interrupts off; PIO, DMA and the power supply go on meanwhile.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

BLOCK_BYTES = 4096
PAGE_BYTES = 256
FLASH_BYTES = 2 << 20
FILES_AT = 0xA0000  # where MicroPython's file system begins on RPI_PICO: 352 blocks up to the end
_SECTOR_ERASE, _BLOCK_ERASE, _PROGRAM = 0x20, 0xD8, 0x02
_BIG_ERASE_BYTES = 65_536
TYPICAL_ERASE_NS, WORST_ERASE_NS, PAGE_NS = 45_000_000, 400_000_000, 400_000


class FlashChip:
    """Contents, wear and times of one board's flash, over all power-ups. `erase_ns` 0: as fast as the emulator's own.

    `cut_at_operation`: the power fails somewhere within this one, counted like `operations`.
    """

    def __init__(self, erase_ns: int = TYPICAL_ERASE_NS, page_ns: int = PAGE_NS) -> None:
        self.contents = bytearray(b"\xff" * FLASH_BYTES)
        self.erase_ns = erase_ns
        self.page_ns = page_ns
        self.erases = 0
        self.pages = 0
        self.torn = 0
        self.wear: Counter[int] = Counter()
        self.busy_until_ns = 0
        self.cut_at_operation: int | None = None
        self._lose_power: Any = None
        self._chance = random.Random(1)

    def operations(self) -> int:
        """Erases and programmed pages so far."""
        return self.erases + self.pages

    def connect(self, mcu: Any, powered: Callable[[], bool], lose_power: Callable[[], None]) -> None:
        """Put the contents into a chip that gets power, and hook its flash controller."""
        self._lose_power = mcu.clock.create_alarm(lose_power)
        mcu.flash[: len(self.contents)] = self.contents
        inner = mcu.ssi._apply_command

        def apply() -> None:
            command = bytes(mcu.ssi._tx_buffer)
            region = self._region(command, mcu.ssi._write_enabled)
            before = bytes(mcu.flash[region]) if region else b""
            inner()
            if region:
                self._wait(mcu, command[0], region)
                if not powered():
                    self._tear(mcu, region, before)

        mcu.ssi._apply_command = apply

    def save(self, mcu: Any) -> None:
        """Keep the content of the chip's flash when power goes."""
        self.contents[:] = mcu.flash[: len(self.contents)]

    def files(self) -> bytes:
        """Return the image of the file system."""
        return bytes(self.contents[FILES_AT:])

    def put_files(self, image: bytes) -> None:
        self.contents[FILES_AT : FILES_AT + len(image)] = image

    def _region(self, command: bytes, write_enabled: bool) -> slice | None:
        if not write_enabled or len(command) < 4 or command[0] not in (_SECTOR_ERASE, _BLOCK_ERASE, _PROGRAM):
            return None
        address = int.from_bytes(command[1:4], "big")
        if command[0] == _PROGRAM:
            return slice(address, address + len(command) - 4)
        size = BLOCK_BYTES if command[0] == _SECTOR_ERASE else _BIG_ERASE_BYTES
        address &= ~(size - 1)
        return slice(address, address + size)

    def _wait(self, mcu: Any, opcode: int, region: slice) -> None:
        if opcode == _PROGRAM:
            self.pages += 1
            duration_ns = self.page_ns
        else:
            self.erases += 1
            self.wear[region.start // BLOCK_BYTES] += 1
            duration_ns = self.erase_ns
        if self.cut_at_operation == self.operations():
            self._lose_power.schedule(self._chance.randrange(duration_ns))
        if duration_ns:
            mcu.clock.tick(duration_ns)

    def _tear(self, mcu: Any, region: slice, before: bytes) -> None:
        """The power failed in the operation: a random part of it has happened, with a page of noise at the seam."""
        self.torn += 1
        length = region.stop - region.start
        seam = self._chance.randrange(length)
        noisy = min(length, seam + self._chance.randrange(PAGE_BYTES))
        after = bytes(mcu.flash[region])
        noise = bytes(old & self._chance.randrange(256) | new & self._chance.randrange(256) for old, new in zip(before, after, strict=True))
        mcu.flash[region] = after[:seam] + noise[seam:noisy] + before[noisy:]
