"""The chart's columns: they are the time line's own sums, at most 2,000 points, and quick."""

import time
from fractions import Fraction

import pytest

from bench.histories import Pump
from pumpcore.units import NL_PER_ML
from support.host.journals import STATUS, full_journal
from thecal.history.evidence import Evidence
from thecal.history.timeline import Timeline
from thecal.web.chart import SPANS_S, chart, moments_of, nothing

MOST_POINTS = 2000


@pytest.mark.parametrize("span", SPANS_S)
def test_the_columns_have_one_length_and_end_at_the_sums_of_the_time_line(span: str) -> None:
    line = Timeline(Pump(9).evidence())
    made = chart(line, span, True, 1000)
    columns = [made.t, made.planned_ml, made.delivered_ml, made.delivered_low_ml, made.rate_planned_ml_per_h, made.rate_ml_per_h]
    assert {len(column) for column in columns} == {len(made.t)} and 100 < len(made.t) <= MOST_POINTS
    assert made.t == sorted(set(made.t))
    from_ms = max(line.from_ms, line.to_ms - SPANS_S[span] * 1000)
    for column, curve in ((made.planned_ml, line.planned), (made.delivered_ml, line.high), (made.delivered_low_ml, line.low)):
        volume_nl = line.volume_between(curve, from_ms, line.to_ms)
        assert column[0] == 0 and column == sorted(column)
        assert column[-1] == pytest.approx(float(Fraction(volume_nl) / NL_PER_ML), abs=1e-5)


def test_the_mean_rates_make_the_volume() -> None:
    made = chart(Timeline(Pump(3).evidence()), "7d", True, 1000)
    sums = sum(rate * (after - before) / 3600 for rate, before, after in zip(made.rate_ml_per_h[1:], made.t, made.t[1:], strict=False))
    assert sums == pytest.approx(made.delivered_ml[-1], rel=0.01)


def test_what_happened_stands_on_the_time_axis_in_plain_words() -> None:
    rows = full_journal().rows
    events, faults = ([one for one in rows if one["ring"] == ring] for ring in ("events", "faults"))
    status = {**STATUS, "boot": 2, "uptime_ms": 600_000}
    made = chart(Timeline(Evidence(events=events, faults=faults, status=status, source="a test")), "24h", True, 1000)
    kinds = {one.kind for one in made.events}
    assert {"bolus_ended", "started", "refilled", "acknowledged"} <= kinds and kinds & {"alarm", "warning"}
    assert all(made.t[0] <= one.t <= made.t[-1] for one in made.events)
    assert not any("_steps" in one.text or "_nl" in one.text for one in made.events)


def test_nothing_is_an_empty_chart() -> None:
    made = nothing(5, False, 10)
    assert (made.t, made.complete, made.done_permille) == ([], False, 10)


@pytest.mark.parametrize(("from_ms", "to_ms"), [(0, 0), (0, 1), (500, 900), (999, 1000), (0, 60_000), (59_999, 180_001)])
def test_the_moments_ascend_by_whole_seconds(from_ms: int, to_ms: int) -> None:
    found = [one // 1000 for one in moments_of(from_ms, to_ms, 60_000)]
    assert found == sorted(set(found)) and found[0] == from_ms // 1000


def test_the_first_chart_of_thirty_days_takes_less_than_a_second_of_computing() -> None:
    pump = Pump(30)
    evidence = pump.evidence()
    begun_s = time.process_time()
    made = chart(Timeline(evidence), "30d", True, 1000)
    assert time.process_time() - begun_s < 1.0
    assert len(made.t) > 1000
