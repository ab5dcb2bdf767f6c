"""Step timing: every single step against its time in the exact plan."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.motion.profile import DWELL_FROM_US, Ramp, Train
from pumpcore.units import US_PER_S
from support.models.weekly import step_times_us

PAIR = Calibration(1_000_003, 99_991)
STEPS_PER_NL = Fraction(99_991, 1_000_003)
MOST_STEPS = 3_000


def step_times(items: list) -> list:
    """Return when the generator makes each step of `items`: evenly spaced, the last at its item's end."""
    times, at_us = [], 0
    for steps, duration_us in items:
        times += [at_us + Fraction(number * duration_us, steps) for number in range(1, steps + 1)]
        at_us += duration_us
    return times


def planned(slices: list, seconds_s: int, remainder: int) -> tuple:
    """Return (items, train, source) of slices [(rate_nl, duration_s)] planned one after the other."""
    source, train, items, end_us = Accumulator(seconds_s, PAIR), Train(), [], 0
    source.remainder = remainder
    for rate_nl, duration_s in slices:
        end_us += duration_s * US_PER_S
        items += train.single(source, rate_nl, end_us, duration_s)[1]
    return items, train, source


# rates in nl per hour: from one step in hours to 800 steps a second, and none
HOURLY = st.one_of(st.just(0), st.integers(1, 500), st.integers(500, 100_000), st.integers(100_000, 30_000_000))
SLICES = st.lists(st.tuples(HOURLY, st.integers(1, 4)), min_size=1, max_size=8)


def repeated(slices: list) -> list:
    """Each rate for a while, like an entry: several slices of 4 s and a short one."""
    return [(rate_nl, part_s) for rate_nl, duration_s in slices for part_s in (4, 4, duration_s)]


@pytest.mark.rule("R4")
@given(SLICES, st.integers(0, 3600 * 1_000_003 - 1))
def test_every_step_is_half_a_microsecond_early_at_most_and_less_than_one_late(slices: list, remainder: int) -> None:
    slices = repeated(slices)
    while sum([rate_nl * part_s for rate_nl, part_s in slices]) // 36_000 > MOST_STEPS:
        slices.pop()
    items, _, source = planned(slices, 3600, remainder)
    plan = [(Fraction(rate_nl, 3600), part_s) for rate_nl, part_s in slices]
    exact = step_times_us(plan, STEPS_PER_NL, Fraction(remainder, source.modulus))
    made = step_times(items)
    assert len(made) == len(exact)
    assert all(Fraction(-1, 2) <= at_us - exact_us < 1 for at_us, exact_us in zip(made, exact))


@given(SLICES)
def test_items_are_few_positive_and_reach_no_further_than_their_slice(slices: list) -> None:
    source, train, end_us, total_us = Accumulator(3600, PAIR), Train(), 0, 0
    for rate_nl, duration_s in repeated(slices):
        end_us += duration_s * US_PER_S
        steps, items = train.single(source, rate_nl, end_us, duration_s)
        total_us += sum([item[1] for item in items])
        assert len(items) <= 3 and all(item[1] > 0 for item in items)
        assert steps == sum([item[0] for item in items])
        assert end_us - DWELL_FROM_US < train.end_us <= end_us and train.end_us == total_us


@given(st.integers(0, 1_000_000), SLICES)
def test_merged_slices_end_exactly_where_they_should(steps: int, slices: list) -> None:
    _, train, _ = planned(repeated(slices), 3600, 0)
    begin_us = train.end_us
    end_us = (12 * len(slices) + 4) * US_PER_S
    *wait, (made, its_us) = train.merged(steps, end_us, 4)
    early_us = end_us - 4 * US_PER_S - begin_us
    assert wait == ([(0, early_us)] if early_us > 1_000 else [])
    assert (made, its_us) == (steps, 4 * US_PER_S + (0 if wait else early_us))
    assert train.end_us == end_us


def test_a_slow_rate_dwells_and_steps_at_its_time() -> None:
    """7 nl per hour at 10 nl a step: a step every 85.7 minutes."""
    items, _, _ = planned([(7, 4)] * 3_000, 3600, 0)
    exact = step_times_us([(Fraction(7, 3600), 12_000)], STEPS_PER_NL, Fraction(0))
    assert len(exact) == 2
    assert [abs(at_us - exact_us) <= Fraction(1, 2) for at_us, exact_us in zip(step_times(items), exact)] == [True, True]


@pytest.mark.rule("R4")
@given(st.integers(1, 90_000), st.integers(0, 45))
def test_a_step_due_just_behind_a_dwell_comes_at_its_time(rate_nl: int, late_us: int) -> None:
    """A driver needs 40 us for a step, so the dwell ends early enough, whatever the rate."""
    source, train = Accumulator(3600, PAIR), Train(40)
    source.remainder = max(0, source.modulus - source.flow(rate_nl) * (4 * US_PER_S + late_us) // US_PER_S - 1)
    begun = Fraction(source.remainder, source.modulus)
    items = train.single(source, rate_nl, 4 * US_PER_S, 4)[1] + train.single(source, rate_nl, 8 * US_PER_S, 4)[1]
    exact = step_times_us([(Fraction(rate_nl, 3600), 8)], STEPS_PER_NL, begun)
    assert exact
    assert [abs(at_us - exact_us) < 1 for at_us, exact_us in zip(step_times(items), exact)] == [True] * len(exact)
    assert all(duration_us >= 40 for steps, duration_us in items if steps)


def test_a_rate_of_zero_is_a_dwell_to_the_end() -> None:
    items, train, _ = planned([(0, 4), (0, 2)], 3600, 0)
    assert items == [(0, 4_000_000), (0, 2_000_000)] and train.end_us == 6_000_000


@pytest.mark.rule("R4")
@given(st.integers(1, 20_000), st.integers(0, 100), st.booleans())
def test_a_first_step_that_is_due_at_once_waits_for_what_the_driver_allows(rate_hz: int, parts: int, rests: bool) -> None:
    """The plan may pass a whole step in the first microsecond: no item is shorter than a step, and no step is lost."""
    source, train, shortest_us = Accumulator(3600, PAIR), Train(50), 50
    source.remainder = source.modulus - 1 - parts * rate_hz * source.modulus // US_PER_S
    rate_nl = rate_hz * 3600 * 1_000_003 // 99_991
    if source.remainder < 0 or not rate_nl:
        return
    at_once = source.until_next_step_us(rate_nl) < shortest_us
    if rests:
        train.move_to(300)
    steps, items = train.single(source, rate_nl, 4 * US_PER_S, 4)
    assert sum([item[0] for item in items]) == steps
    assert all(duration_us >= shortest_us * (count > 0) for count, duration_us in items)
    if at_once:
        assert items[0] == (1, shortest_us)


def test_behind_a_fast_run_the_next_slow_step_keeps_the_distance_of_its_end() -> None:
    moving = Ramp(1_000, 20_000, 20_000)
    source, train = Accumulator(1, Calibration(10_000, 1)), Train(50, moving)
    source.remainder = 9_999
    train.merged(4_000, US_PER_S, 1)
    moving.rate_hz4 = moving.start_hz4
    assert source.until_next_step_us(10_000) == 100
    _, items = train.single(source, 10_000, 4 * US_PER_S, 3)
    assert items[0] == (1, 1_000) and sum([item[0] for item in items]) == 3
