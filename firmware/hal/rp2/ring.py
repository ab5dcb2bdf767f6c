"""The ring of words between the encoder and DMA; its inner loops are machine code.

A word tells the generator one item, made `repeats` times: `pulse:1 | repeats-1:8 | x:23`, lowest bit first. An item lasts
`x` cycles of 8 ns and what the generator's program takes besides. Indices run from 0 to WORDS - 1 and on from 0 again.
"""
# ruff: noqa: F821  (ptr32 is a word of MicroPython's compiler)

import micropython
from micropython import const

WORDS = const(2048)
BYTES_LOG2 = const(13)
MOST_X = const(0x7FFFFE)  # one less than fits, because `spread` makes some items a cycle longer
_MASK = const(2047)
# A block mixes two lengths; its worst step is a quarter of the block from its place, in cycles: 240 keeps it within 0.5 us.
_BLOCK = const(240)


@micropython.viper
def spread(words: ptr32, at: int, count: int, low_word: int, rest: int) -> int:
    """Writes `count` items from index `at` on, `rest` of them one cycle longer, evenly mixed in; returns the index behind.

    `low_word` has the pulse bit and the x of the shorter items; 0 <= rest < count <= 4,000,000.
    """
    block = int(_BLOCK)
    due = count >> 1
    left = count
    while left > 0:
        if left < block:
            block = left
        left -= block
        due += rest * block
        longer = due // count
        due -= longer * count
        if longer > 0:
            words[at] = low_word + 512 + ((longer - 1) << 1)
            at = (at + 1) & _MASK
        if longer < block:
            words[at] = low_word + ((block - longer - 1) << 1)
            at = (at + 1) & _MASK
    return at


@micropython.viper
def steps_in(words: ptr32, first: int, behind: int) -> int:
    """Pulses that the words from `first` up to `behind` make."""
    total = 0
    while first != behind:
        word = int(words[first])
        if word & 1:
            total += ((word >> 1) & 255) + 1
        first = (first + 1) & _MASK
    return total


@micropython.viper
def cycles_in(words: ptr32, first: int, behind: int, overhead: int) -> int:
    """Cycles that the words from `first` up to `behind` last, modulo 2 to the 30th."""
    total = 0
    while first != behind:
        word = int(words[first])
        total += (((word >> 9) & 0x7FFFFF) + overhead) * (((word >> 1) & 255) + 1)
        first = (first + 1) & _MASK
    return total & 0x3FFFFFFF
