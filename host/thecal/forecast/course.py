"""A volume that grows by known rates: exact volume at a second, and the second of a volume."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple


class Flow(NamedTuple):
    """A constant flow between two seconds: `per_s` nl, or steps, a second."""

    from_s: int
    to_s: int
    per_s: Fraction


class Course:
    """`bends`: (second, nl since the start), sorted, with straight lines between; `rates`: nl per second after each."""

    def __init__(self, flows: Iterable[Flow], end_s: int) -> None:
        changes: dict[int, Fraction] = {0: Fraction(0), end_s: Fraction(0)}
        for from_s, to_s, rate in flows:
            if from_s < end_s:
                changes[from_s] = changes.get(from_s, Fraction(0)) + rate
                changes[min(to_s, end_s)] = changes.get(min(to_s, end_s), Fraction(0)) - rate
        self.bends: list[tuple[int, Fraction]] = []
        self.rates: list[Fraction] = []
        rate = volume = Fraction(0)
        before_s = 0
        for at_s in sorted(changes):
            volume += rate * (at_s - before_s)
            rate, before_s = rate + changes[at_s], at_s
            self.bends.append((at_s, volume))
            self.rates.append(rate)
        self.end_s = end_s

    def _index(self, second_s: int) -> int:
        return bisect_right(self.bends, second_s, key=lambda bend: bend[0]) - 1

    def rate(self, second_s: int) -> Fraction:
        """Return nl per second at a second."""
        return self.rates[self._index(second_s)]

    def at(self, second_s: int) -> Fraction:
        """Return nl by a second, 0 .. `end_s`."""
        index = self._index(second_s)
        at_s, volume = self.bends[index]
        return volume + self.rates[index] * (second_s - at_s)

    def between(self, from_s: int, to_s: int) -> Fraction:
        """Return nL from one second to another."""
        return self.at(to_s) - self.at(from_s)

    def flows(self) -> list[Flow]:
        """Return the straight lines as flows, in nL per second."""
        return [Flow(at_s, to_s, rate) for (at_s, _), (to_s, _), rate in zip(self.bends, self.bends[1:], self.rates, strict=False)]

    def cut(self, second_s: int | None) -> Course:
        """Return the same course without flow from this second on."""
        if second_s is None:
            return self
        return Course([Flow(at_s, min(to_s, second_s), rate) for at_s, to_s, rate in self.flows() if at_s < second_s], self.end_s)

    def reaches(self, volume_nl: Fraction | int) -> int | None:
        """Return the first whole second by which this volume has flowed; None if not within the period."""
        if volume_nl <= 0:
            return 0
        for (at_s, begin), (_, end), rate in zip(self.bends, self.bends[1:], self.rates, strict=False):
            if end >= volume_nl:
                return at_s - int(-(volume_nl - begin) / rate // 1)
        return None
