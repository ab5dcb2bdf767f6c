"""A bolus: as many steps as its volume holds, never one more, in the time that its rate takes."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pumpcore.faults.faults import Refusal
from pumpcore.limits.order_limits import check_rounding
from pumpcore.motion.dose import Calibration
from pumpcore.orders import bolus as boluses
from pumpcore.orders.bolus import Bolus, of_steps

PAIR = Calibration(1_000_003, 99_991)
TOKEN = "00010001deadbeef"


@given(st.integers(1, 10**8), st.integers(1, 10**8), st.lists(st.integers(1, 4), min_size=1, max_size=9))
def test_the_steps_of_the_slices_are_those_of_the_volume(volume_nl: int, rate_nl: int, cuts: list) -> None:
    assume(PAIR.steps_for_nl(volume_nl) and 20 <= volume_nl * 3600 // rate_nl < 20_000)
    made = Bolus(TOKEN, volume_nl, rate_nl, 3600, PAIR)
    turn = 0
    while made.rest_s() > 0:
        due = made.planned_steps
        due += made.advance(min(cuts[turn % len(cuts)], made.rest_s()))
        exact = Fraction(rate_nl * made.planned_s * PAIR.steps, 3600 * PAIR.volume_nl)
        assert made.planned_steps == due == min(int(exact), made.steps)
        turn += 1
    assert made.planned_steps == made.steps == int(Fraction(volume_nl * PAIR.steps, PAIR.volume_nl))
    assert made.planned_s == made.duration_s == ceil(Fraction(volume_nl * 3600, rate_nl))


@pytest.mark.rule("R2")
@given(st.integers(20, 10**5))
def test_a_lease_holds_at_most_five_seconds_and_a_twentieth(duration_s: int) -> None:
    made = Bolus(TOKEN, 100 * duration_s, 100, 1, PAIR)
    assert made.duration_s == duration_s
    assert 1 <= made.lease_s() <= 5 and made.lease_s() * 20 <= duration_s


@pytest.mark.rule("R7")
def test_less_than_a_step_is_refused_with_the_smallest_that_is_not() -> None:
    with pytest.raises(Refusal) as caught:
        Bolus(TOKEN, 10, 1, 3600, PAIR)
    assert caught.value.fault.name == "bolus_too_small"
    nearest_nl = caught.value.detail["nearest_nl"]
    check_rounding(nearest_nl, PAIR)
    assert Bolus(TOKEN, nearest_nl, 1, 3600, PAIR).steps >= 1


def refused_nl(volume_nl: int, pair: Calibration) -> tuple | None:
    """Return the nearest volumes below and above a refused dose."""
    try:
        check_rounding(volume_nl, pair)
    except Refusal as refusal:
        assert refusal.fault.name == "dose_rounded"
        return refusal.detail["nearest_nl"], refusal.detail["nearest_more_nl"]
    return None


@pytest.mark.rule("R7")
@given(st.integers(1, 3_000), st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_dose_that_whole_steps_change_by_more_than_one_percent_is_refused_with_two(asked_nl: int, nl: int, steps: int) -> None:
    pair = Calibration(nl, steps)
    made_nl = Fraction(pair.steps_for_nl(asked_nl) * nl, steps)
    nearest = refused_nl(asked_nl, pair)
    assert (nearest is not None) == (asked_nl - made_nl > Fraction(asked_nl, 100))
    if nearest is None:
        return
    less_nl, more_nl = nearest
    assert less_nl < asked_nl < more_nl
    assert refused_nl(more_nl, pair) is None and (not less_nl or refused_nl(less_nl, pair) is None)
    between = [volume_nl for volume_nl in range(less_nl + 1, min(more_nl, 5_000)) if refused_nl(volume_nl, pair) is None]
    assert {pair.steps_for_nl(volume_nl) for volume_nl in between} <= {pair.steps_for_nl(less_nl)}  # no other number of steps would do


@pytest.mark.rule("R7")
def test_a_step_of_ten_nanolitres_makes_ten_of_them_or_twenty() -> None:
    assert refused_nl(19, Calibration(10, 1)) == (10, 20)
    assert refused_nl(19, PAIR) == (0, 101)  # a step of 10.0009 nl: 10 steps are the first within 1 %
    assert [refused_nl(volume_nl, Calibration(10, 1)) for volume_nl in (20, 990, 999, 1_009, 100_009)] == [None, None, None, None, None]
    assert refused_nl(989, Calibration(10, 1)) is None and refused_nl(899, Calibration(10, 1)) == (890, 900)


@pytest.mark.rule("R7")
@given(st.integers(2_000, 10**6))
def test_less_than_twenty_seconds_is_refused_with_the_rate_that_is_not(volume_nl: int) -> None:
    with pytest.raises(Refusal) as caught:
        Bolus(TOKEN, volume_nl, volume_nl * 3600 // 19 + 1, 3600, PAIR)
    assert caught.value.fault.name == "bolus_too_short"
    nearest_nl = caught.value.detail["nearest_rate_nl"]
    assert Bolus(TOKEN, volume_nl, nearest_nl, 3600, PAIR).duration_s >= boluses.SHORTEST_S
    with pytest.raises(Refusal):
        Bolus(TOKEN, volume_nl, nearest_nl + nearest_nl // 19 + 1, 3600, PAIR)


def test_what_a_bolus_tells_of_itself() -> None:
    made = Bolus(TOKEN, 60_000, 3_600_000, 3600, PAIR)
    assert made.describe(12) == {
        "token": TOKEN,
        "purpose": "manual",
        "state": "ordered",
        "volume_nl": 60_000,
        "rate_nl": 3_600_000,
        "rate_seconds_s": 3600,
        "ordered_steps": 5_999,
        "delivered_steps": 12,
        "begins_at_ms": 0,
    }


def test_reasons_keep_their_numbers() -> None:
    """They are in journals: append only."""
    assert boluses.ENDS[:6] == ("done", "cancelled", "cut", "stopped", "fault", "limit")


@given(st.integers(1, 1 << 32), st.integers(1, 1 << 32), st.integers(1, 1 << 20), st.integers(1, 1 << 40))
def test_a_bolus_of_steps_has_exactly_these_in_its_time(volume_nl: int, steps: int, wanted: int, rate_nl: int) -> None:
    pair = Calibration(min(volume_nl, (1 << 32) - 1), min(steps, (1 << 32) - 1))
    try:
        made = of_steps(TOKEN, wanted, rate_nl, 3600, pair)
    except Refusal:
        return
    assert made.steps == wanted == made.advance(made.duration_s) and made.rest_s() == 0
