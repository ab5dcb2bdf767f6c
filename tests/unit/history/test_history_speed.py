"""The fast code gives the same curves, differences and reasons as the slow code that looked at everything for every minute."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.histories import Pump
from thecal.errors import BadInput
from thecal.forecast.compare import MINUTE_MS, SAME_STEPS, UNCERTAIN, Comparison, Difference, merged
from thecal.history.curve import Curve, lasts, shaped, within
from thecal.history.near import Near
from thecal.history.parts import BolusLine, Flow
from thecal.history.timeline import Timeline

HOURS_MS = 20 * 3_600_000
MOMENTS = st.integers(0, HOURS_MS)
LINE = Timeline(Pump(1).evidence())


def slow_shaped(anchors, flows, boluses):
    anchors, points, highest = sorted(anchors), [], None
    for at_ms, steps in anchors:
        highest = steps if highest is None else max(highest, steps)
        here = (at_ms, Fraction(highest))
        if points:
            points += within(points[-1], here, flows, boluses)
        points.append(here)
    return Curve(points)


def slow_bolus_steps(found, from_ms, to_ms):
    total = Fraction(0)
    for one in found.line.books.now.boluses.values():
        if one.started_ms is not None:
            whole_ms = one.runs_ms(one.started_ms, found.line.to_ms)
            total += Fraction(one.delivered_steps * one.runs_ms(from_ms, to_ms), max(1, whole_ms))
    return total


def slow_why(found, from_ms, to_ms):
    books, line, reasons = found.line.books, found.line, []
    if any(one.cut_ms >= from_ms - MINUTE_MS and one.cut_ms <= to_ms for one in books.losses):
        reasons.append("power cut")
    for before, behind in zip(books.runs, [*books.runs[1:], None], strict=True):
        end_ms = line.to_ms if behind is None else behind.from_ms
        if before.to_ms and before.ended != "running" and before.to_ms < to_ms and end_ms > from_ms:
            reasons.append("power off" if before.ended == "power" else f"stopped ({before.ended})")
    if any(one.from_ms < to_ms and (one.to_ms or line.to_ms) > from_ms for one in books.pauses):
        reasons.append("paused at a ceiling")
    if slow_bolus_steps(found, from_ms, to_ms):
        reasons.append("bolus")
    for text, spans in (("temporary rate", found.temporaries), ("bridge", found.bridges)):
        if any(begin_ms < to_ms + MINUTE_MS and end_ms > from_ms for begin_ms, end_ms in spans):
            reasons.append(text)
    if any(begin_ms < to_ms and end_ms > from_ms for begin_ms, end_ms in found.timeless):
        reasons.append("time of day unknown")
    return ", ".join(dict.fromkeys(reasons)) or "untold"


def slow_slack_steps(found, from_ms, to_ms):
    course = found.course
    seconds = [(at_ms - found.origin_ms) // 1000 for at_ms in (from_ms - 1000, to_ms + 1000)]
    first, last = (max(0, min(course.end_s, second_s)) for second_s in seconds)
    inside = [course.rate(first), *(course.rate(at_s) for at_s, _ in course.bends if first < at_s <= last)]
    return max(inside) - min(inside)


def slow_differences(found):
    line, times, result = found.line, [one.at_ms for one in found.minutes], []
    for begin_ms, end_ms in itertools.pairwise(times):
        delivered, low = line.high.between(begin_ms, end_ms), line.low.between(begin_ms, end_ms)
        forecast = found.forecast_at(end_ms) - found.forecast_at(begin_ms)
        bolus, uncertain = slow_bolus_steps(found, begin_ms, end_ms), delivered - low
        same = abs(delivered - forecast) < SAME_STEPS + slow_slack_steps(found, begin_ms, end_ms) and bolus < 1
        if same and uncertain < 1:
            continue
        why = UNCERTAIN if same else slow_why(found, begin_ms, end_ms)
        one = Difference(begin_ms, end_ms, forecast, delivered, bolus, uncertain, why)
        if result and result[-1].to_ms == begin_ms and result[-1].why == why:
            result[-1] = merged(result[-1], one)
        else:
            result.append(one)
    return result


@st.composite
def boluses(draw):
    begin_ms = draw(MOMENTS)
    end_ms = draw(st.none() | st.integers(begin_ms - 10, HOURS_MS))
    waits, steps = [], draw(st.integers(0, 5_000))
    if draw(st.booleans()) and begin_ms + 9_000 < HOURS_MS:
        waits = [(begin_ms + 9_000, draw(st.none() | st.integers(begin_ms + 9_000, HOURS_MS)))]
    times = {"started_ms": draw(st.none() | st.just(begin_ms)), "ended_ms": end_ms, "waits_ms": waits}
    return BolusLine("t", 1, 1, steps, 0, delivered_steps=steps, **times)


ANCHORS = st.lists(st.tuples(MOMENTS, st.integers(0, 1 << 40)), max_size=20)
FLOWS = st.lists(st.builds(Flow, MOMENTS, MOMENTS, st.integers(0, 10**9) | st.fractions(0, 10**6)), max_size=12)


@given(ANCHORS, FLOWS, st.lists(boluses(), max_size=8), st.lists(MOMENTS, min_size=1, max_size=30))
def test_a_curve_is_that_of_looking_at_every_flow_and_bolus_between_all_anchors(anchors, flows, lines, moments):
    fast, slow = shaped(anchors, flows, lines), slow_shaped(anchors, flows, lines)
    assert fast.points == slow.points
    moments = sorted(moments)
    assert [Fraction(*ratio) for ratio in fast.along(moments)] == [slow.between(moments[0], at_ms) for at_ms in moments]
    assert Curve([]).along(moments) == [(0, 1)] * len(moments)
    assert all(lasts(one) == (one.started_ms is not None and one.ended_ms is not None and one.ended_ms > one.started_ms) for one in lines)


@given(st.lists(st.tuples(MOMENTS, MOMENTS), max_size=30), MOMENTS, MOMENTS)
def test_near_misses_nothing_that_overlaps_and_keeps_the_order(spans, one_ms, other_ms):
    from_ms, to_ms = sorted((one_ms, other_ms))
    flows = [Flow(begin_ms, end_ms, index) for index, (begin_ms, end_ms) in enumerate(spans)]
    found = [flow.rate_nl for flow in Near(flows).of(from_ms, to_ms)]
    assert found == sorted(set(found))
    overlap = [index for index, (begin_ms, end_ms) in enumerate(spans) if begin_ms <= to_ms and end_ms >= from_ms]
    assert set(overlap) <= set(found)


@settings(max_examples=3)
@given(st.integers(1, 2))
def test_a_comparison_is_that_of_looking_at_every_bolus_for_every_minute(days):
    found = Comparison(Timeline(Pump(days).evidence()))
    begin_ms = found.from_ms
    for one in found.minutes[:: len(found.minutes) // 97]:
        assert one.forecast_steps == found.forecast_at(one.at_ms) - found.forecast_at(begin_ms)
        assert one.low_steps == found.line.low.between(begin_ms, one.at_ms)
        assert one.high_steps == found.line.high.between(begin_ms, one.at_ms)
    assert found.differences == slow_differences(found)
    whys = {one.why for one in found.differences}
    assert {"bolus", "temporary rate", "power cut, power off"} <= whys, whys


@pytest.mark.parametrize("days", [1, 3])
def test_the_made_history_is_one_that_the_host_believes(days):
    line = Timeline(Pump(days).evidence())
    assert not line.books.gaps and not line.books.breaks
    assert len(line.books.losses) == days and len(line.books.now.boluses) == 12 * days


@given(st.none() | st.integers(-5_000_000, 95_000_000), st.none() | st.integers(-5_000_000, 95_000_000))
def test_a_window_ends_at_the_nearest_known_moments(begin, end):
    line = LINE
    begin_ms, end_ms = (None if one is None else line.from_ms + one for one in (begin, end))
    known = sorted({one.at_ms for one in line.books.tally.made} | {line.from_ms, line.to_ms})
    low, high = (line.from_ms if begin_ms is None else begin_ms), (line.to_ms if end_ms is None else end_ms)
    if low > line.to_ms or high < line.from_ms or (begin_ms is not None and end_ms is not None and begin_ms >= end_ms):
        with pytest.raises(BadInput):
            line.window(begin_ms, end_ms)
    else:
        slow = max([at for at in known if at <= low] or known[:1]), min([at for at in known if at >= high] or known[-1:])
        assert line.window(begin_ms, end_ms) == slow
