"""Delivered volumes for people: mL or uL, and the uncertainty that a calibration's scatter leaves."""

from fractions import Fraction
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thecal.quantities.measured import brief, of_volume, part, total, volume


@pytest.mark.parametrize(
    ("nl", "text"),
    [(0, "0 mL"), (4, "0 uL"), (52_341, "52.34 uL"), (99_999, "100 uL"), (100_000, "0.1 mL"), (12_341_949, "12.3419 mL")],
)
def test_small_volumes_are_in_microlitres(nl: int, text: str) -> None:
    assert volume(nl) == text


def test_a_part_has_the_unit_of_the_whole() -> None:
    assert part(20_000, 500_000) == "0.02 of 0.5 mL" and part(5_000, 20_000) == "5 of 20 uL" and part(0, 0) == "0 of 0 mL"
    assert brief(Fraction(277_903)) == "0.28 mL" and brief(Fraction(13_041)) == "13 uL" and brief(Fraction(123_456_789)) == "123 mL"


@pytest.mark.parametrize(
    ("nl", "ppm", "runs", "text"),
    [
        (852_123, 4_000, 3, "0.852 +- 0.004 mL"),
        (852_123, 4_000, 1, "0.8521 mL"),
        (852_123, 0, 3, "0.8521 mL"),
        (12_341_949, 2_100, 3, "12.34 +- 0.03 mL"),
        (400_000_000, 9_000, 5, "400 +- 4 mL"),
        (52_341, 9_000, 4, "52.3 +- 0.5 uL"),
        (1_000_000, 20, 9, "1 mL"),
    ],
)
def test_the_scatter_reaches_the_total(nl: int, ppm: int, runs: int, text: str) -> None:
    assert of_volume(Fraction(nl), ppm, runs).text() == text


@given(st.integers(0, 10**12), st.integers(0, 50_000), st.integers(2, 99))
def test_both_parts_add_as_squares(nl: int, ppm: int, runs: int) -> None:
    found = of_volume(Fraction(nl), ppm, runs)
    told = found.as_dict()
    scatter_nl = nl * ppm / 1e6
    assert told["scatter_nl"] == pytest.approx(scatter_nl, abs=1) and told["mean_nl"] == pytest.approx(scatter_nl / sqrt(runs), abs=1)
    assert told["uncertainty_nl"] == pytest.approx(scatter_nl * sqrt(1 + 1 / runs), abs=2)


def test_a_calibration_that_nobody_weighed_promises_nothing() -> None:
    nominal = {"volume_nl": 1_000_003, "steps": 99_991, "state": "UNCALIBRATED", "scatter_ppm": 0, "runs": 0}
    assert total(99_991, nominal).as_dict() == {"volume_nl": 1_000_003, "uncertainty_nl": None, "scatter_nl": None, "mean_nl": None}
    assert total(99_991, {"volume_nl": 1_000_003, "steps": 99_991}).text() == "1 mL"
