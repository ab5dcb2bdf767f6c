"""Volume to steps: rounded down, remainder carried, exact however the time is cut into slices."""

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore import units
from pumpcore.motion.dose import UNCALIBRATED, Accumulator, Calibration

PAIRS = st.builds(Calibration, st.integers(1, 2**32 - 1), st.integers(1, 2**32 - 1))
RATES = st.integers(0, 1 << 48)
SECONDS = st.integers(1, 2**32 - 1)


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**20))
def test_divisions_round_as_they_say(numerator: int, denominator: int) -> None:
    assert units.floor_div(numerator, denominator) == floor(Fraction(numerator, denominator))
    assert units.ceil_div(numerator, denominator) == ceil(Fraction(numerator, denominator))


def test_constants_agree_with_each_other() -> None:
    assert units.S_PER_WEEK == 7 * units.S_PER_DAY == units.MINUTES_PER_WEEK * units.S_PER_MINUTE
    assert units.NL_PER_ML == units.NL_PER_UL * 1000 and units.U64_MAX == 2**64 - 1


@given(PAIRS, st.integers(0, 1 << 60))
def test_steps_never_hold_more_than_the_volume(pair: Calibration, volume_nl: int) -> None:
    steps = pair.steps_for_nl(volume_nl)
    assert Fraction(steps * pair.volume_nl, pair.steps) <= volume_nl < Fraction((steps + 1) * pair.volume_nl, pair.steps)
    assert pair.nl_for_steps(steps) <= volume_nl


@pytest.mark.parametrize(("volume_nl", "steps"), [(0, 1), (1, 0), (-1, 1), (1, -1), (1 << 32, 1), (1, 1 << 32)])
def test_an_impossible_calibration_is_refused(volume_nl: int, steps: int) -> None:
    with pytest.raises(ValueError, match="calibration"):
        Calibration(volume_nl, steps)


def test_a_calibration_is_uncalibrated_until_somebody_says_otherwise() -> None:
    assert Calibration(1_000_003, 99_991).describe() == {"volume_nl": 1_000_003, "steps": 99_991, "state": UNCALIBRATED}


@pytest.mark.rule("R4")
@given(PAIRS, SECONDS, st.lists(st.tuples(RATES, st.integers(1, 10**6)), max_size=30))
def test_any_sequence_of_rates_sums_to_the_whole_part_of_the_plan(pair: Calibration, seconds_s: int, parts: list) -> None:
    source, exact, total = Accumulator(seconds_s, pair), Fraction(0), 0
    for rate_nl, duration_s in parts:
        exact += Fraction(rate_nl * duration_s * pair.steps, seconds_s * pair.volume_nl)
        expected = source.peek(rate_nl, duration_s)
        steps = source.advance(rate_nl, duration_s)
        total += steps
        assert steps == expected
        assert total == floor(exact)
        assert Fraction(source.remainder, source.modulus) == exact - total


@pytest.mark.rule("R4")
@given(PAIRS, SECONDS, RATES, st.lists(st.integers(1, 10**5), min_size=1, max_size=20))
def test_slices_make_what_the_whole_makes(pair: Calibration, seconds_s: int, rate_nl: int, slices: list) -> None:
    cut, whole = Accumulator(seconds_s, pair), Accumulator(seconds_s, pair)
    assert sum([cut.advance(rate_nl, part_s) for part_s in slices]) == whole.advance(rate_nl, sum(slices))
    assert cut.remainder == whole.remainder


@given(PAIRS, SECONDS, st.integers(1, 1 << 48), st.integers(1, 10**6))
def test_times_of_steps_are_right_to_half_a_microsecond(pair: Calibration, seconds_s: int, rate_nl: int, duration_s: int) -> None:
    source = Accumulator(seconds_s, pair)
    slope = Fraction(rate_nl * pair.steps, seconds_s * pair.volume_nl * units.US_PER_S)
    source.advance(rate_nl, duration_s)
    part = Fraction(source.remainder, source.modulus)
    assert abs(source.until_next_step_us(rate_nl) - (1 - part) / slope) <= Fraction(1, 2)
    assert abs(source.since_last_step_us(rate_nl) - part / slope) <= Fraction(1, 2)
