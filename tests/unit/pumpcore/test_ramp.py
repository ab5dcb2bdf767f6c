"""Ramps: every step against its time under ideal constant acceleration, in decimals; no step lost, added or too fast."""

import itertools
from collections.abc import Callable
from decimal import Decimal
from math import isqrt as whole_root
from types import SimpleNamespace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pumpcore.motion import profile
from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.motion.profile import Ramp, Train
from pumpcore.units import HZ4_PER_HZ, US_PER_S
from support.models.ramp import Ideal, largest_error_us

pytestmark = pytest.mark.rule("R4")
Figures = Callable[[str, object], None]
BOUND_US = 12  # the promised limit is 25
MOST_ITEMS = 320  # of any slice; a queue must hold them

START_HZ, HZ_PER_S = st.integers(100, 5_000), st.integers(1_000, 500_000)
MAX_HZ = 25_000


def motor(start_hz: int, hz_per_s: int, max_hz: int = MAX_HZ) -> SimpleNamespace:
    return SimpleNamespace(start_rate_hz=start_hz, acceleration_hz_per_s=hz_per_s, max_rate_hz=max_hz)


def ideal_of(items: list, begin_hz4: int, end_hz4: int, hz_per_s: int) -> Ideal:
    steps, duration_us = sum([item[0] for item in items]), sum([item[1] for item in items])
    begin_hz, end_hz = [Decimal(hz4) / HZ4_PER_HZ for hz4 in (begin_hz4, end_hz4)]
    return Ideal(steps, duration_us, begin_hz, end_hz, hz_per_s)


def check_sound(items: list, steps: int, duration_us: int, max_hz: int) -> None:
    """Check for exactly the steps in exactly the time, and no item faster than the driver allows."""
    assert sum([item[0] for item in items]) == steps and sum([item[1] for item in items]) == duration_us
    assert all(count > 0 and time_us > 0 and count * US_PER_S <= time_us * max_hz for count, time_us in items)
    assert len(items) <= MOST_ITEMS


@given(START_HZ, HZ_PER_S, st.integers(0, 10_000), st.integers(0, 10_000), st.integers(1, 4), st.integers(-2, 2))
@example(3_200, 50_000, 0, 10_000, 1, 2)
def test_every_step_of_a_slice_is_near_its_ideal_time(
    start_hz: int, hz_per_s: int, begin: int, end: int, duration_s: int, more: int
) -> None:
    """Any rate that staging allows, from any rate at or below it, to any rate: never refused, never off."""
    highest_hz = profile.highest_rate_hz(motor(start_hz, hz_per_s))
    assume(highest_hz > start_hz)
    rate_hz4 = start_hz * HZ4_PER_HZ + (highest_hz - start_hz) * HZ4_PER_HZ * max(begin, end) // 10_000
    assume(rate_hz4 > start_hz * HZ4_PER_HZ)
    moving = Ramp(start_hz, hz_per_s, MAX_HZ)
    moving.rate_hz4 = rate_hz4 * begin // 10_000 if begin * rate_hz4 > 10_000 * moving.start_hz4 else 0
    begin_hz4 = max(moving.start_hz4, moving.rate_hz4)
    steps, duration_us = rate_hz4 * duration_s // HZ4_PER_HZ + more, duration_s * US_PER_S
    items = moving.items([(steps, duration_us)], 0, rate_hz4, rate_hz4 * end // 10_000)
    check_sound(items, steps, duration_us, MAX_HZ)
    assert moving.rate_hz4 <= rate_hz4
    ideal = ideal_of(items, begin_hz4, max(moving.start_hz4, moving.rate_hz4), hz_per_s)
    if ideal.cruise_hz is None or ideal.cruise_hz < start_hz:  # a hair below the start rate: even
        assert items == [(steps, duration_us)] and steps < duration_s * (start_hz + 3)
    else:
        assert largest_error_us(items, ideal) <= BOUND_US


@pytest.mark.parametrize(("start_hz", "hz_per_s", "rate_hz"), [(3_200, 50_000, 25_000), (1_000, 20_000, 9_000), (500, 500_000, 25_000)])
def test_every_single_step_up_and_down_again(start_hz: int, hz_per_s: int, rate_hz: int, record_property: Figures) -> None:
    rate_hz4, worst_us, most = rate_hz * HZ4_PER_HZ, Decimal(0), 0
    moving = Ramp(start_hz, hz_per_s, rate_hz * 6 // 5)
    for begin_hz4, end_hz4 in ((start_hz * HZ4_PER_HZ, rate_hz4), (rate_hz4, start_hz * HZ4_PER_HZ)):
        items = moving.items([(4 * rate_hz, 4 * US_PER_S)], 0, rate_hz4, end_hz4)
        check_sound(items, 4 * rate_hz, 4 * US_PER_S, rate_hz * 6 // 5)
        assert moving.rate_hz4 == end_hz4
        worst_us = max(worst_us, largest_error_us(items, ideal_of(items, begin_hz4, end_hz4, hz_per_s), every=True))
        most = max(most, len(items))
    assert worst_us <= BOUND_US and most <= 120
    record_property(
        "figure",
        f"ramp {start_hz} <-> {rate_hz} Hz at {hz_per_s} Hz/s: every step within {worst_us:.1f} us of constant acceleration "
        f"(bound 25), at most {most} items in the slice of 4 s",
    )


def test_the_largest_error_over_the_whole_range_of_motors(record_property: Figures) -> None:
    worst_us, most, slices = Decimal(0), 0, 0
    for start_hz, hz_per_s, part in itertools.product((100, 450, 1_500, 5_000), (1_000, 8_000, 63_000, 500_000), (1, 5, 9)):
        rate_hz4 = start_hz * HZ4_PER_HZ + (profile.highest_rate_hz(motor(start_hz, hz_per_s)) - start_hz) * HZ4_PER_HZ * part // 9
        moving = Ramp(start_hz, hz_per_s, MAX_HZ)
        for duration_s, end_hz4 in ((1, rate_hz4), (2, rate_hz4 * 2 // 3), (4, rate_hz4), (3, 0)):
            begin_hz4, steps = max(moving.start_hz4, moving.rate_hz4), rate_hz4 * duration_s // HZ4_PER_HZ
            items = moving.items([(steps, duration_s * US_PER_S)], 0, rate_hz4, end_hz4)
            check_sound(items, steps, duration_s * US_PER_S, MAX_HZ)
            assert moving.rate_hz4 == max(moving.start_hz4, end_hz4)
            worst_us = max(worst_us, largest_error_us(items, ideal_of(items, begin_hz4, moving.rate_hz4, hz_per_s)))
            most, slices = max(most, len(items)), slices + 1
    assert worst_us <= BOUND_US
    record_property(
        "figure",
        f"ramps of {slices} slices, start 100 to 5000 Hz, 1,000 to 500,000 Hz/s, up to 25,000 Hz: largest error {worst_us:.1f} us "
        f"(bound 25), at most {most} items in a slice",
    )


def test_a_steady_run_is_one_item_and_is_not_touched() -> None:
    moving, rate_hz4 = Ramp(3_200, 50_000, MAX_HZ), 15_000 * HZ4_PER_HZ
    moving.items([(60_000, 4 * US_PER_S)], 0, rate_hz4, rate_hz4)
    for steps in (60_001, 59_999, 60_000):
        even = [(steps, 4 * US_PER_S)]
        assert moving.items(even, 0, rate_hz4, rate_hz4) is even


def test_from_rest_the_first_step_is_counted_from_the_slice_s_begin() -> None:
    """Not from the last step before it, and not at the fast rate right after that."""
    moving, rate_hz4 = Ramp(1_000, 20_000, MAX_HZ), 5_000 * HZ4_PER_HZ
    items = moving.items([(1, 700_123), (3_999, 800_000)], 700_000, rate_hz4, rate_hz4)
    (first, first_us), rest = items[0], items[1:]
    assert first == 1 and 700_000 + 980 <= first_us <= 700_000 + 1_000
    check_sound([(1, first_us - 700_000), *rest], 4_000, 800_123, MAX_HZ)


def test_a_run_too_fast_for_its_slice_is_refused_by_name() -> None:
    moving = Ramp(1_000, 2_000, MAX_HZ)
    with pytest.raises(ValueError, match="5000 steps in 1000000 us are too many for the ramp"):
        moving.items([(5_000, US_PER_S)], 0, 5_000 * HZ4_PER_HZ, 5_000 * HZ4_PER_HZ)


def test_a_slice_with_too_few_steps_to_slow_down_in_stays_even_and_loses_none() -> None:
    moving, even = Ramp(1_000, 20_000, MAX_HZ), [(1_200, US_PER_S)]
    moving.rate_hz4 = 20_000 * HZ4_PER_HZ
    assert moving.items(even, 0, 1_200 * HZ4_PER_HZ, 1_200 * HZ4_PER_HZ) is even
    assert moving.rate_hz4 == 1_200 * HZ4_PER_HZ


def test_an_end_that_would_need_more_than_the_motor_has_runs_through() -> None:
    """From rest to the highest rate and back within one second: up in time, down abruptly."""
    highest_hz = profile.highest_rate_hz(motor(3_200, 50_000))
    moving, rate_hz4 = Ramp(3_200, 50_000, MAX_HZ), highest_hz * HZ4_PER_HZ
    items = moving.items([(highest_hz, US_PER_S)], 0, rate_hz4, 0)
    check_sound(items, highest_hz, US_PER_S, MAX_HZ)
    assert moving.rate_hz4 == rate_hz4


@given(START_HZ, HZ_PER_S, st.integers(100, MAX_HZ))
def test_staging_admits_what_one_second_holds_and_not_much_less(start_hz: int, hz_per_s: int, max_hz: int) -> None:
    """In closed form: the rate at which ramp and run of a second make the steps of that rate."""
    highest_hz = profile.highest_rate_hz(motor(start_hz, hz_per_s, max_hz))
    if start_hz >= max_hz - profile.SLACK_HZ:
        assert highest_hz == max_hz - profile.SLACK_HZ
        return
    assert start_hz <= highest_hz <= max_hz - profile.SLACK_HZ

    def possible(rate_hz: int) -> bool:
        ideal = Ideal(rate_hz, US_PER_S, Decimal(start_hz), Decimal(rate_hz), hz_per_s)
        return ideal.cruise_hz is not None and ideal.cruise_hz <= max_hz

    assert highest_hz == start_hz or possible(highest_hz)
    room_hz = max_hz // 30 + 60  # whole steps, and ends rounded to 1 us
    assert highest_hz + room_hz > max_hz or not possible(highest_hz + room_hz)


def test_without_a_ramp_only_what_rounding_needs_is_kept_back() -> None:
    assert profile.of_bench(motor(0, 0)) is None and profile.highest_rate_hz(motor(0, 0)) == MAX_HZ - 4
    assert profile.of_bench(motor(25_000, 1_000)) is None
    assert profile.highest_rate_hz(motor(0, 0, 1)) == 1


SLICES = st.lists(st.tuples(st.integers(0, 12), st.lists(st.integers(1, 4), min_size=1, max_size=3)), min_size=1, max_size=6)


@given(SLICES, START_HZ, HZ_PER_S)
def test_slow_rates_are_untouched_and_fast_ones_end_where_the_train_ends(slices: list, start_hz: int, hz_per_s: int) -> None:
    """A train of rates up and down: the same steps and ends as without ramps, whatever comes next."""
    source, train, moving = Accumulator(3600, Calibration(1_000_003, 99_991)), Train(), Ramp(start_hz, hz_per_s, MAX_HZ)
    highest_hz, end_us = profile.highest_rate_hz(motor(start_hz, hz_per_s)), 0
    for level, parts in slices:
        rate_nl = highest_hz * level * 3600 * 1_000_003 // (99_991 * 12)
        rate_hz4 = source.rate_hz4(rate_nl)
        for duration_s in parts:
            wait_us = max(0, end_us - train.end_us)
            end_us += duration_s * US_PER_S
            steps, even = train.single(source, rate_nl, end_us, duration_s)
            if rate_hz4 <= moving.start_hz4:
                moving.rest()
                continue
            items = moving.items(even, wait_us, rate_hz4, rate_hz4 if duration_s < 4 else 0)
            assert sum([item[0] for item in items]) == steps
            assert sum([item[1] for item in items]) == sum([item[1] for item in even])
            assert all(count * US_PER_S <= time_us * MAX_HZ for count, time_us in items[items is even :])


@given(st.integers(0, 1 << 140), st.integers(1, 1 << 80))
def test_the_root_is_the_whole_part_from_any_guess(number: int, guess: int) -> None:
    assert profile.isqrt(number, guess) == whole_root(number)


@given(st.integers(1, 1 << 40), st.integers(1, 100_000), st.integers(1, 100_000_000))
def test_the_highest_slow_rate_is_the_last_one_that_is_not_faster(seconds_s: int, steps: int, rate_hz4: int) -> None:
    source = Accumulator(seconds_s, Calibration(1_000_003, steps))
    rate_nl = source.rate_nl(rate_hz4)
    assert source.rate_hz4(rate_nl) <= rate_hz4 < source.rate_hz4(rate_nl + 1)
