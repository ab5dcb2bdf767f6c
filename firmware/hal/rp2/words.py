"""Encode (steps, cycles) as words in the ring, and count them: the last step exactly at the end, every other within 0.5 us."""
# ruff: noqa: F821  (ptr32 is a word of MicroPython's compiler)

import micropython
from micropython import const

# --- ring --------------------------------------------------------------------------------------------------------------------
# The ring of words between the encoder and DMA; its inner loops are machine code.
#
# A word is one item for the generator, made `repeats` times: `pulse:1 | repeats-1:8 | x:23`, lowest bit first. An item lasts `x` cycles of
# 8 ns and the overhead of the generator's program. Indices run from 0 to WORDS - 1 and wrap to 0.

WORDS = const(2048)
BYTES_LOG2 = const(13)
MOST_X = const(0x7FFFFE)  # one less than fits, because `spread` makes some items a cycle longer
_MASK = const(2047)
# A block mixes two lengths; its worst step is off by a quarter of the block, in cycles: 240 keeps it within 0.5 us.
_BLOCK = const(240)


@micropython.viper
def spread(words: ptr32, at: int, count: int, low_word: int, rest: int) -> int:
    """Write `count` items from index `at` on, `rest` of them one cycle longer, evenly mixed in. Return the next index.

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
    """Return the pulses of the words from `first` to before `behind`."""
    total = 0
    while first != behind:
        word = int(words[first])
        if word & 1:
            total += ((word >> 1) & 255) + 1
        first = (first + 1) & _MASK
    return total


@micropython.viper
def cycles_in(words: ptr32, first: int, behind: int, overhead: int) -> int:
    """Return the cycles of the words from `first` to before `behind`, modulo 2**30."""
    total = 0
    while first != behind:
        word = int(words[first])
        total += (((word >> 9) & 0x7FFFFF) + overhead) * (((word >> 1) & 255) + 1)
        first = (first + 1) & _MASK
    return total & 0x3FFFFFFF


# --- words -------------------------------------------------------------------------------------------------------------------
# Integers only; runs on CPython as well. `overhead` is an item's time besides its x, in cycles.

CYCLES_PER_US = const(125)
# the item of a single step after a long gap
_ALONE_CYCLES = const(1 << 20)
_PULSE = const(1)
_CHECKED_CYCLES = const(0x3FFFFFFF)


def most_words(steps: int, count: int) -> int:
    """Return the most words that `encode` may write, or a few less."""
    long_items = count // MOST_X + 1
    return 2 * (steps // 240 + long_items // 240) + 3 * min(steps, long_items) + 4


def encode(words: int, at: int, steps: int, count: int, overhead: int) -> int:
    """Write the words of `steps` evenly spaced over `count`, or of a dwell for 0 steps. Return the next index.

    Raises ValueError if an item would be shorter than `overhead`, or the words do not add up (a bug of ours).
    """
    if count < overhead * max(1, steps):
        raise ValueError("too short for the generator")
    if steps == 0:
        behind = dwell(words, at, count, overhead)
    elif count // steps - overhead <= MOST_X:
        low_word = (count // steps - overhead) << 9 | _PULSE
        behind = spread(words, at, steps, low_word, count % steps)
    else:
        behind = _far_apart(words, at, steps, count, overhead)
    _verify(words, at, behind, (steps, count, overhead))
    return behind


def dwell(words: int, at: int, size: int, overhead: int) -> int:
    count = size // MOST_X + 1
    return spread(words, at, count, (size // count - overhead) << 9, size % count)


def _far_apart(words: int, at: int, steps: int, count: int, overhead: int) -> int:
    """Write steps with a dwell before each; step k ends at k * cycles / steps, rounded."""
    made = 0
    for step in range(1, steps + 1):
        end = (count * step + steps // 2) // steps
        at = dwell(words, at, end - made - _ALONE_CYCLES, overhead)
        at = spread(words, at, 1, (_ALONE_CYCLES - overhead) << 9 | _PULSE, 0)
        made = end
    return at


def _verify(words: int, at: int, behind: int, wanted: tuple[int, int, int]) -> None:
    steps, cycles, overhead = wanted
    if steps_in(words, at, behind) != steps or cycles_in(words, at, behind, overhead) != cycles & _CHECKED_CYCLES:
        raise ValueError("the words do not make %d steps in %d cycles" % (steps, cycles))
