"""The trumpet against exact fractions, computed window by window as the standard writes it."""

import itertools
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.host.weighed_runs import facts, run_of, sample, swinging_run, swinging_ug
from support.rig.device import Figures
from thecal.errors import BadInput
from thecal.weighing.characterise.analysis import analyse
from thecal.weighing.characterise.run import Run
from thecal.weighing.characterise.trumpet import MS_PER_MIN, Ideal, Masses, mean_error_percent, on_grid, trumpet

MS_PER_H = 3_600_000


def reference(masses_ug, step_ms, ideal, minutes):
    """Return (Ep max, Ep min, windows): every Qi in mL/h, every window's mean of 100 (Qi - r) / r, in fractions."""
    step_min = Fraction(step_ms, MS_PER_MIN)
    lost_g = ideal.evaporation_ug_per_ms * step_ms / 1_000_000
    density_g_per_ml = ideal.density_mg_per_ml / 1000
    rate_ml_per_h = ideal.rate_nl_per_ms * MS_PER_H / 1_000_000
    flows = [
        60 * (Fraction(int(after) - int(before), 1_000_000) + lost_g) / (step_min * density_g_per_ml)
        for before, after in itertools.pairwise(masses_ug)
    ]
    errors = [100 * (flow - rate_ml_per_h) / rate_ml_per_h for flow in flows]
    length = minutes * MS_PER_MIN // step_ms
    means = [sum(errors[begin : begin + length]) / length for begin in range(len(errors) - length + 1)]
    return max(means), min(means), len(means)


@given(
    steps_ug=st.lists(st.integers(-500, 50_000), min_size=12, max_size=40),
    rate=st.fractions(min_value=Fraction(1, 1000), max_value=1000),
    density=st.fractions(min_value=500, max_value=3000),
    lost=st.fractions(min_value=0, max_value=1),
    step_ms=st.sampled_from([10_000, 20_000, 30_000, 60_000]),
)
def test_every_window_is_the_fraction_that_the_standard_means(steps_ug, rate, density, lost, step_ms):
    masses = Masses(0, step_ms, np.cumsum([0, *steps_ug]).astype(np.int64))
    ideal = Ideal(rate, density, lost)
    found = trumpet(masses, ideal)
    assert [window.minutes for window in found] == [minutes for minutes in (2, 5, 11, 19, 31) if minutes * MS_PER_MIN <= masses.span_ms]
    for window in found:
        assert (window.highest_percent, window.lowest_percent, window.count) == reference(masses.ug, step_ms, ideal, window.minutes)
        assert window.count == (masses.span_ms - window.minutes * MS_PER_MIN) // step_ms + 1


def test_a_whole_analysis_equals_the_fractions_to_1e_12():
    run = swinging_run(2.0, density_mg_per_ml="4991/5", evaporation_ug_per_h="1234567/1000")
    found = analyse(run, Fraction(5))
    masses_ug = [swinging_ug(time_ms) for time_ms in range(MS_PER_H, 2 * MS_PER_H + 1, 5_000)]
    ideal = Ideal(Fraction(5_000_000, MS_PER_H), Fraction(4991, 5), Fraction(1234567, 1000) / MS_PER_H)
    period = found.periods[0]
    assert (period.name, len(period.windows)) == ("T1, second hour", 5)
    for window in period.windows[:2]:
        highest, lowest, count = reference(masses_ug, 5_000, ideal, window.minutes)
        assert abs(window.highest_percent - highest) < 1e-12
        assert abs(window.lowest_percent - lowest) < 1e-12
        assert window.count == count == (60 - window.minutes) * 12 + 1
    assert period.mean_percent == mean_error_percent(Masses(0, 5_000, np.array(masses_ug)), ideal)


def test_a_steady_pump_has_a_flat_trumpet():
    found = analyse(run_of([1_400 * index for index in range(4 * 120 * 60 + 1)], density_mg_per_ml="1000"))
    exact = 100 * (Fraction(1_400 * 2 * 3600, 5_000_000) - 1)
    assert found.whole_percent == exact
    for period in found.periods:
        assert period.mean_percent == exact
        assert {window.highest_percent for window in period.windows} | {window.lowest_percent for window in period.windows} == {exact}
    assert [period.name[:2] for period in found.periods] == ["T1", "T2"]


def test_one_step_and_one_digit_are_what_they_make_of_a_window():
    found = analyse(run_of([1_400 * index for index in range(2 * 120 * 60 + 1)]))
    limit = found.limits[0]
    assert limit.window_min == 2
    assert limit.step_percent == 100 * Fraction(1_000_003, 99_991) / (Fraction(5_000_000, 30))
    assert limit.digit_percent == 100 * Fraction(1) / Fraction(5_000_000, 30), "the lines have six decimals"


def test_masses_between_the_samples_are_interpolated():
    masses = on_grid(np.array([0, 999, 2_003]), np.array([0, 999, 2_003]), 500)
    assert masses.ug.dtype == float
    assert masses.ug.tolist() == pytest.approx([0, 500, 1000, 1500, 2000])
    exact = on_grid(np.array([0, 500, 1000]), np.array([1, 2, 4]), 500)
    assert exact.ug.dtype == np.int64


def test_jittered_times_change_the_trumpet_by_little():
    even = analyse(swinging_run(2.0))
    moments = [index * 500 + (index * 7919) % 41 for index in range(4 * 3600)]
    jittered = analyse(Run(facts(), [sample(moment, swinging_ug(moment)) for moment in [*moments, 7_200_100]]))
    for one, other in zip(even.periods[0].windows, jittered.periods[0].windows, strict=True):
        assert abs(one.highest_percent - other.highest_percent) < 0.02


def test_a_short_run_is_one_period_with_the_windows_that_fit():
    found = analyse(swinging_run(0.2))
    assert [(period.name, [window.minutes for window in period.windows]) for period in found.periods] == [("whole run", [2, 5, 11])]


def test_a_sample_interval_that_no_minute_holds_is_refused():
    with pytest.raises(BadInput, match="does not divide a minute"):
        analyse(swinging_run(0.2), Fraction(7))


def test_a_day_at_two_a_second(record_property: Figures):
    """The figure is printed, not judged: `make bench` has its row."""
    masses_ug = np.array([swinging_ug(time_ms) for time_ms in range(0, 24 * MS_PER_H + 1, 500)], dtype=np.int64)
    ideal = Ideal(Fraction(5_000_000, MS_PER_H), Fraction(1000), Fraction(0))
    begun_s = time.perf_counter()
    found = trumpet(Masses(0, 500, masses_ug), ideal)
    took_ms = (time.perf_counter() - begun_s) * 1000
    assert [window.count for window in found] == [172_800 - minutes * 120 + 1 for minutes in (2, 5, 11, 19, 31)]
    record_property("figure", f"trumpet of 24 h at 2 Hz: {took_ms:.1f} ms")
