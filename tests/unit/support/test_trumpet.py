"""The errors of windows and boluses, from volumes whose errors are known."""

import math

import pytest

from support.rig.trumpet import bolus_errors, sum_errors_nl, window_errors

RATE_NL_PER_H = 360_000  # 100 nl a second


def test_an_even_flow_has_the_error_of_its_rate() -> None:
    volumes_nl = [102.0 * second for second in range(7_200)]
    found = window_errors(volumes_nl, 1.0, RATE_NL_PER_H)
    assert list(found) == [2, 5, 11, 31]
    assert all(one.worst_percent == pytest.approx(2) and one.most_percent == pytest.approx(2) for one in found.values())


def test_the_worst_window_is_where_the_flow_is_and_most_leave_it_out() -> None:
    volumes_nl = [100.0 * second + (3_000.0 if second >= 3_000 else 0.0) for second in range(20_000)]
    found = window_errors(volumes_nl, 1.0, RATE_NL_PER_H, (2,))[2]
    assert found.worst_percent == pytest.approx(25)
    assert found.most_percent == pytest.approx(0), "120 of 19,880 windows"


def test_a_sine_has_the_error_that_one_computes() -> None:
    period_s, swing_nl = 400.0, 1_000.0
    volumes_nl = [100 * at / 2 + swing_nl * math.sin(2 * math.pi * at / 2 / period_s) for at in range(14_400)]
    found = window_errors(volumes_nl, 0.5, RATE_NL_PER_H, (2,))[2]
    assert found.worst_percent == pytest.approx(100 * 2 * swing_nl * math.sin(math.pi * 120 / period_s) / 12_000, rel=1e-3)


def test_what_is_skipped_and_what_is_too_short_does_not_count() -> None:
    volumes_nl = [0.0] * 100 + [100.0 * second for second in range(400)]
    assert window_errors(volumes_nl, 1.0, RATE_NL_PER_H, (2, 11), skip_s=100) == {2: (pytest.approx(0), pytest.approx(0))}
    with pytest.raises(ValueError, match="not a whole number"):
        window_errors(volumes_nl, 7.0, RATE_NL_PER_H)


def test_boluses_and_their_sums() -> None:
    before_nl, after_nl = [0.0, 101.0, 200.0], [101.0, 200.0, 302.0]
    assert bolus_errors(before_nl, after_nl, 100.0) == pytest.approx([1.0, -1.0, 2.0])
    assert sum_errors_nl(before_nl, after_nl, 100.0) == pytest.approx([1.0, 0.0, 2.0])
