"""The encoder of hal/rp2: words add up to the item exactly, and every step is within 0.5 us of its place (R4)."""

from array import array
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.pump.rp2_modules import load

words = load("words")
OVERHEADS = st.sampled_from([394, 395])
WORST_CYCLES = Fraction(1, 2) * words.CYCLES_PER_US


def made(memory: array, at: int, behind: int, overhead: int) -> tuple[list[int], int]:
    """Return (end of each step, end of all) in cycles, item by item like the generator's program."""
    edges, now = [], 0
    while at != behind:
        word = memory[at]
        assert 0 <= word < 1 << 32
        for _ in range((word >> 1 & 255) + 1):
            now += (word >> 9) + overhead
            if word & 1:
                edges.append(now)
        at = (at + 1) % words.WORDS
    return edges, now


def encoded(steps: int, cycles: int, at: int = 0, overhead: int = 394) -> tuple[list[int], int, int]:
    memory = array("I", bytes(4 * words.WORDS))
    behind = words.encode(memory, at, steps, cycles, overhead)
    return *made(memory, at, behind, overhead), (behind - at) % words.WORDS


@st.composite
def items(draw: st.DrawFn) -> tuple[int, int]:
    """Steps and a duration with 1 us resolution, from one step in 17 s to 25,000 a second, or a dwell."""
    if draw(st.integers(0, 4)) == 0:
        return 0, draw(st.integers(4, 60_000_000))
    steps = draw(st.one_of(st.integers(1, 20), st.integers(1, 4_000)))
    interval_us = draw(st.one_of(st.integers(40, 2_000), st.integers(2_000, 4_000_000 // min(steps, 60))))
    return steps, steps * interval_us + draw(st.integers(0, steps - 1))


@pytest.mark.rule("R4")
@given(items(), st.integers(0, words.WORDS - 1), OVERHEADS)
def test_an_item_is_exact_and_every_step_is_within_half_a_microsecond(item: tuple[int, int], at: int, overhead: int) -> None:
    steps, duration_us = item
    cycles = duration_us * words.CYCLES_PER_US
    edges, end, count = encoded(steps, cycles, at, overhead)
    assert len(edges) == steps
    assert end == cycles
    assert not steps or edges[-1] == cycles
    assert all(abs(edge - Fraction(cycles * number, steps)) <= WORST_CYCLES for number, edge in enumerate(edges, 1))
    assert count <= words.most_words(steps, cycles)


@pytest.mark.parametrize("rate_hz", [1, 7, 14, 15, 16, 60, 200, 997, 1_000, 13_333, 19_997, 24_999, 25_000])
def test_the_highest_water_of_the_queue_fits_in_the_ring(rate_hz: int) -> None:
    assert encoded(4 * rate_hz, 4_000_000 * words.CYCLES_PER_US)[2] * 6.5 / 4 < words.WORDS - 2


@pytest.mark.parametrize(("steps", "cycles"), [(1, 393), (0, 393), (0, 0), (1_000, 393_999), (5, 0)])
def test_what_is_too_short_for_the_generator_is_refused(steps: int, cycles: int) -> None:
    with pytest.raises(ValueError, match="too short"):
        encoded(steps, cycles)


@pytest.mark.parametrize(("steps", "cycles"), [(1, 394), (0, 394), (1_000, 394_000), (3, 1_183)])
def test_the_shortest_items_are_made(steps: int, cycles: int) -> None:
    edges, end, _ = encoded(steps, cycles)
    assert (len(edges), end) == (steps, cycles)


def test_words_that_do_not_add_up_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    spread = words.spread
    monkeypatch.setattr(words, "spread", lambda memory, at, count, low_word, rest: spread(memory, at, count, low_word, rest) - 1)
    with pytest.raises(ValueError, match="do not make"):
        encoded(1_000, 1_000_000)


@pytest.mark.rule("R4")
@pytest.mark.parametrize(("steps", "duration_us"), [(1, 3_999_999), (1, 17), (2, 4_000_000), (41, 3_999_998), (99_999, 4_000_000)])
def test_slices_one_behind_the_other_add_up_to_the_cycle_also_around_the_ring(steps: int, duration_us: int) -> None:
    memory, total, at = array("I", bytes(4 * words.WORDS)), 0, words.WORDS - 3
    for _ in range(5):
        behind = words.encode(memory, at, steps, duration_us * words.CYCLES_PER_US, 394)
        edges, end = made(memory, at, behind, 394)
        assert len(edges) == steps
        total, at = total + end, behind
    assert total == 5 * duration_us * words.CYCLES_PER_US
