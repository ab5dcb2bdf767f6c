"""The memory of MicroPython on the emulated chip, read from outside: the firmware runs on and takes no part."""

from __future__ import annotations

import struct
from typing import Any

_RAM = 0x2000_0000
_BLOCK_BYTES, _BLOCKS_PER_BYTE = 16, 4
_LEAST_BYTES = 100_000  # of a heap
_GAP_BYTES = 1  # behind the table
_FREE = 0


def holes(mcu: Any) -> list[int]:
    """Return the sizes of all free pieces, in bytes, largest first. What was not collected yet counts as used."""
    begin, size, blocks = _table(bytes(mcu.sram))
    kinds = [byte >> shift & 3 for byte in mcu.sram[begin : begin + size] for shift in (0, 2, 4, 6)][:blocks]
    found, length = [], 0
    for kind in [*kinds, 1]:
        if kind == _FREE:
            length += 1
        elif length:
            found.append(length * _BLOCK_BYTES)
            length = 0
    return sorted(found, reverse=True)


def _table(ram: bytes) -> tuple[int, int, int]:
    """Return (begin in `ram`, bytes, blocks) of the table of blocks: two bits for each block, 0 for a free one.

    Its state in py/mpstate.h (MicroPython 1.21 and newer) begins with: the table, its bytes, the table of finalisers, begin and end of
    the pool. The place of that state differs from image to image, so look for these five words.
    """
    words = struct.unpack(f"<{len(ram) // 4}I", ram[: len(ram) // 4 * 4])
    for at in range(len(words) - 4):
        table, size, finalisers, first, end = words[at : at + 5]
        if table < _RAM or not table < finalisers < first < end <= _RAM + len(ram) or end - first < _LEAST_BYTES:
            continue
        if table + size + _GAP_BYTES == finalisers and (end - first) // _BLOCK_BYTES == size * _BLOCKS_PER_BYTE:
            return table - _RAM, size, (end - first) // _BLOCK_BYTES
    raise LookupError("no heap of MicroPython in this memory")
