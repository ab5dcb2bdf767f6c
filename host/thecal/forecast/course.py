"""A volume that grows by known rates: exact volume at a second, and the second of a volume."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from typing import NamedTuple


class Flow(NamedTuple):
    """A flow between two seconds: `per_s` nl, or steps, a second at its begin, and `slope` more with each second.

    The rate of a second of a ramp is that of the straight line at its middle, so at whole seconds both have the same volume.
    """

    from_s: int
    to_s: int
    per_s: Fraction
    slope: Fraction = Fraction(0)


class Course:
    """`bends`: (second, nl since the start), sorted; `rates`: nl per second at each, `slopes`: by how much the rate grows a second until
    the next one. Between two bends a line, or the parabola of a ramp."""

    def __init__(self, flows: Iterable[Flow], end_s: int) -> None:
        changes: dict[int, tuple[Fraction, Fraction]] = {0: (Fraction(0), Fraction(0)), end_s: (Fraction(0), Fraction(0))}

        def change(at_s: int, by_s: Fraction, by_s_s: Fraction) -> None:
            before, was = changes.get(at_s, (Fraction(0), Fraction(0)))
            changes[at_s] = before + by_s, was + by_s_s

        for from_s, to_s, rate, slope in flows:
            if from_s < end_s:
                until_s = min(to_s, end_s)
                change(from_s, rate, slope)
                change(until_s, -(rate + slope * (until_s - from_s)), -slope)
        self.bends: list[tuple[int, Fraction]] = []
        self.rates: list[Fraction] = []
        self.slopes: list[Fraction] = []
        rate = slope = volume = Fraction(0)
        before_s = 0
        for at_s in sorted(changes):
            passed_s = at_s - before_s
            volume += rate * passed_s + slope * passed_s * passed_s / 2
            by_rate, by_slope = changes[at_s]
            rate, slope, before_s = rate + slope * passed_s + by_rate, slope + by_slope, at_s
            self.bends.append((at_s, volume))
            self.rates.append(rate)
            self.slopes.append(slope)
        self.end_s = end_s

    def _index(self, second_s: int) -> int:
        return bisect_right(self.bends, second_s, key=lambda bend: bend[0]) - 1

    def rate(self, second_s: int) -> Fraction:
        """Return nl per second at a second."""
        index = self._index(second_s)
        return self.rates[index] + self.slopes[index] * (second_s - self.bends[index][0])

    def at(self, second_s: int) -> Fraction:
        """Return nl by a second, 0 .. `end_s`."""
        return self._at(self._index(second_s), second_s)

    def _at(self, index: int, second_s: int) -> Fraction:
        at_s, volume = self.bends[index]
        passed_s = second_s - at_s
        return volume + self.rates[index] * passed_s + self.slopes[index] * passed_s * passed_s / 2

    def between(self, from_s: int, to_s: int) -> Fraction:
        """Return nL from one second to another."""
        return self.at(to_s) - self.at(from_s)

    def highest(self) -> tuple[Fraction, int]:
        """Return the highest rate in nL per second, and the second at which it first is reached."""
        ends = [(self.rates[index] + self.slopes[index] * (to_s - at_s), to_s) for index, ((at_s, _), (to_s, _)) in self._pairs()]
        found = [*zip(self.rates, (at_s for at_s, _ in self.bends), strict=True), *ends]
        return max(found, key=lambda one: (one[0], -one[1]))

    def lowest(self) -> Fraction:
        """Return the lowest rate in nL per second before the end."""
        ends = [self.rates[index] + self.slopes[index] * (to_s - at_s) for index, ((at_s, _), (to_s, _)) in self._pairs()]
        return min([*self.rates[:-1], *ends])

    def _pairs(self) -> Iterable[tuple[int, tuple[tuple[int, Fraction], tuple[int, Fraction]]]]:
        return enumerate(pairwise(self.bends))

    def flows(self) -> list[Flow]:
        """Return the parts between two bends as flows, in nL per second."""
        return [Flow(at_s, to_s, self.rates[index], self.slopes[index]) for index, ((at_s, _), (to_s, _)) in self._pairs()]

    def points(self, near: Fraction) -> list[tuple[int, Fraction]]:
        """Return the bends, and between those of a ramp so many points that straight lines between them are `near` the curve."""
        found = []
        for flow in self.flows():
            step_s = max(1, isqrt(int(8 * near / abs(flow.slope)))) if flow.slope else flow.to_s - flow.from_s
            found += [(at_s, self.at(at_s)) for at_s in range(flow.from_s, flow.to_s, step_s)]
        return [*found, self.bends[-1]]

    def cut(self, second_s: int | None) -> Course:
        """Return the same course without flow from this second on."""
        if second_s is None:
            return self
        return Course([flow._replace(to_s=min(flow.to_s, second_s)) for flow in self.flows() if flow.from_s < second_s], self.end_s)

    def reaches(self, volume_nl: Fraction | int) -> int | None:
        """Return the first whole second by which this volume has flowed; None if not within the period."""
        if volume_nl <= 0:
            return 0
        for index, ((at_s, _), (to_s, end)) in self._pairs():
            if end >= volume_nl:
                return self._first(index, range(at_s, to_s + 1), volume_nl)
        return None

    def _first(self, index: int, seconds: range, volume_nl: Fraction | int) -> int:
        """Return the first of these seconds by which the volume has flowed; the last one has it. No rate is below zero."""
        low, high = 0, len(seconds) - 1
        while low < high:
            middle = (low + high) // 2
            if self._at(index, seconds[middle]) >= volume_nl:
                high = middle
            else:
                low = middle + 1
        return seconds[high]
