"""The reader of the emulated chip's memory finds MicroPython's table of blocks, and its free pieces."""

import struct
import types

import pytest

from support.emulator.heap import holes

RAM, BLOCKS = 0x2000_0000, 8_192


def memory(kinds: dict[int, int], at: int = 4_000) -> types.SimpleNamespace:
    """Return a chip whose blocks are used (1), but for `kinds` {block: kind}."""
    table, ram = 6_000, bytearray(264 * 1024)
    ram[table : table + BLOCKS // 4] = bytes([0x55]) * (BLOCKS // 4)
    for block, kind in kinds.items():
        ram[table + block // 4] = ram[table + block // 4] & ~(3 << block % 4 * 2) | kind << block % 4 * 2
    finalisers = table + BLOCKS // 4 + 1
    pool = finalisers + BLOCKS // 8 + 3
    words = (RAM + table, BLOCKS // 4, RAM + finalisers, RAM + pool, RAM + pool + BLOCKS * 16)
    ram[at : at + 20] = struct.pack("<5I", *words)
    return types.SimpleNamespace(sram=ram)


def test_free_pieces_are_found_largest_first() -> None:
    free = [*range(1, 3), *range(100, 107), BLOCKS - 1]
    assert holes(memory(dict.fromkeys(free, 0))) == [7 * 16, 2 * 16, 16]


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_a_head_a_tail_and_a_mark_are_used(kind: int) -> None:
    assert holes(memory({**dict.fromkeys(range(10, 20), 0), 15: kind})) == [5 * 16, 4 * 16]


def test_a_memory_without_a_heap_is_refused() -> None:
    with pytest.raises(LookupError):
        holes(types.SimpleNamespace(sram=bytearray(264 * 1024)))
