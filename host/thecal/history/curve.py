"""A cumulative count of steps over time: exact at the moments in the journal, interpolated by the known rates between them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import chain, pairwise
from math import lcm
from typing import NamedTuple

from thecal.history.near import Near
from thecal.history.parts import BolusLine, Flow

Point = tuple[int, Fraction]
Ratio = tuple[int, int]  # not reduced: reducing the fractions of every minute would double the time


class Line(NamedTuple):
    """One straight line in integers: `zero` / `under` steps at `from_ms`, and `slope` / `under` steps more each ms."""

    zero: int
    slope: int
    under: int
    from_ms: int


class Curve:
    """Straight lines between points (at_ms, steps) that never fall; constant before the first and after the last."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.points = list(points)
        self._times_ms = [at_ms for at_ms, _ in self.points]

    def at(self, at_ms: int) -> Fraction:
        """Return the steps at a moment; after the jump if the curve jumps there."""
        if not self.points:
            return Fraction(0)
        index = bisect_right(self._times_ms, at_ms)
        if index == 0:
            return self.points[0][1]
        if index == len(self.points):
            return self.points[-1][1]
        (from_ms, low), (to_ms, high) = self.points[index - 1], self.points[index]
        return low + (high - low) * (at_ms - from_ms) / (to_ms - from_ms)

    def between(self, from_ms: int, to_ms: int) -> Fraction:
        """Return the steps from one moment to another."""
        return self.at(to_ms) - self.at(from_ms)

    def along(self, moments_ms: Sequence[int]) -> list[Ratio]:
        """Return `between` the first of these sorted moments and each. Each line is computed once, then each moment is one product."""
        if not self.points or not moments_ms:
            return [(0, 1)] * len(moments_ms)
        base, times_ms = self.at(moments_ms[0]), self._times_ms
        found: list[Ratio] = []
        index, line = bisect_right(times_ms, moments_ms[0]), None
        for at_ms in moments_ms:
            while index < len(times_ms) and times_ms[index] <= at_ms:
                index, line = index + 1, None
            if line is None:
                line = self._line(index, base)
            found.append((line.zero + line.slope * (at_ms - line.from_ms), line.under))
        return found

    def _line(self, index: int, base: Fraction) -> Line:
        """Return the line before point `index`, minus `base` steps."""
        if index in (0, len(self.points)):
            steps = self.points[max(0, index - 1)][1] - base
            return Line(steps.numerator, 0, steps.denominator, 0)
        (from_ms, low), (to_ms, high) = self.points[index - 1], self.points[index]
        under = lcm(low.denominator, high.denominator, base.denominator)
        begin, end, zero = (one.numerator * (under // one.denominator) for one in (low, high, base))
        return Line((begin - zero) * (to_ms - from_ms), end - begin, under * (to_ms - from_ms), from_ms)


def shaped(anchors: list[tuple[int, int]], flows: list[Flow], boluses: list[BolusLine]) -> Curve:
    """Return the curve through `anchors`. Between two anchors, boluses spread over their time, and the other steps follow the rates."""
    anchors = sorted(anchors)
    near_flows, near_boluses = Near(flows), Near(one for one in boluses if lasts(one))
    points: list[Point] = []
    highest = None
    for at_ms, steps in anchors:
        highest = steps if highest is None else max(highest, steps)
        here = (at_ms, Fraction(highest))
        if points:
            time_ms = points[-1][0], at_ms
            points += within(points[-1], here, near_flows.of(*time_ms), near_boluses.of(*time_ms))
        points.append(here)
    return Curve(points)


def within(before: Point, behind: Point, flows: list[Flow], boluses: list[BolusLine]) -> list[Point]:
    """Return the bends between two anchors."""
    (from_ms, low), (to_ms, high) = before, behind
    near = [flow for flow in flows if flow.from_ms < to_ms and flow.to_ms > from_ms]
    active = [one for one in boluses if lasts(one) and (one.started_ms or 0) < to_ms and (one.ended_ms or 0) > from_ms]
    times = {at_ms for flow in near for at_ms in (flow.from_ms, flow.to_ms)}
    times |= {at_ms for one in active for at_ms in (one.started_ms, one.ended_ms, *chain(*one.waits_ms)) if at_ms is not None}
    bends = sorted(at_ms for at_ms in times if from_ms < at_ms < to_ms)
    if not bends:
        return []
    if not near and not active:
        return []
    bolus_all = sum((share(one, from_ms, to_ms) for one in active), Fraction(0))
    weight_all = sum(weight(flow, from_ms, to_ms) for flow in near)
    rest = high - low - bolus_all
    if rest < 0 or (not weight_all and rest):
        return []
    near_flows, near_boluses = Near(near), Near(active)
    found, bolus, weighed = [], Fraction(0), Fraction(0)
    for begin_ms, at_ms in pairwise([from_ms, *bends]):
        bolus += sum((share(one, begin_ms, at_ms) for one in near_boluses.of(begin_ms, at_ms)), Fraction(0))
        weighed += sum(weight(flow, begin_ms, at_ms) for flow in near_flows.of(begin_ms, at_ms))
        found.append((at_ms, low + bolus + rest * (weighed / weight_all if weight_all else Fraction(0))))
    return found


def lasts(one: BolusLine) -> bool:
    """Return True for a bolus with a begin and a later end."""
    return one.started_ms is not None and one.ended_ms is not None and one.ended_ms > one.started_ms


def share(one: BolusLine, from_ms: int, to_ms: int) -> Fraction:
    """Return the bolus's steps in a time, spread evenly over its active time."""
    whole_ms = one.runs_ms(one.started_ms or 0, one.ended_ms or 0)
    return Fraction(one.delivered_steps * one.runs_ms(from_ms, to_ms), max(1, whole_ms))


def weight(flow: Flow, from_ms: int, to_ms: int) -> int | Fraction:
    """Return the share of a flow in a time, as a weight."""
    return flow.rate_nl * max(0, min(to_ms, flow.to_ms) - max(from_ms, flow.from_ms))
