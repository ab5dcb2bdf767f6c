"""The rows of a forecast as flows: a ramp is one row, and one flow with a slope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from pumpcore.program.plan import Program
from pumpcore.program.schedule import Week, Zone
from thecal.forecast.course import Flow

PerS = Callable[[Fraction], Fraction]


class Rows:
    """The rows that `pumpcore.program.forecast` computed for a program from `utc_s` on; `parts`: the denominator of a bridge, else 1."""

    def __init__(self, program: Program, rows: Sequence[Any], end_s: int, parts: int = 1) -> None:
        self._program, self._rows, self._end_s, self._parts = program, rows, end_s, parts

    def flows(self, utc_s: int, zone: Zone, per_s: PerS) -> list[Flow]:
        """Return one flow a row. `per_s` converts nl per the program's seconds to a rate per second."""
        wait_s = waits_s(self._program, utc_s, zone)
        ends = [row[0] for row in self._rows[1:]] + [self._end_s]
        found = []
        for row, to_s in zip(self._rows, ends, strict=True):
            rate, slope = Fraction(row[1]) + Fraction(row[4], self._parts), self._slope(row, wait_s)
            found.append(Flow(row[0], to_s, per_s(rate - slope / 2), per_s(slope)))
        return found

    def _slope(self, row: Any, wait_s: int) -> Fraction:
        """Return by how much the rate of a row grows each second. Its rate is that of its first second, at the middle of that second."""
        protocol = self._program.protocol
        if protocol is None:
            return Fraction(0)
        place = protocol.place(row[0] - wait_s)
        if not protocol.ramps(place.entry):
            return Fraction(0)
        lasts_s, begin_nl, end_nl = protocol.stages[place.entry]
        share = (Fraction(row[1]) + Fraction(row[4], self._parts)) / protocol.rate_nl(place.entry, place.second_s)
        return share * (end_nl - begin_nl) / lasts_s


def delayed(flows: list[Flow], pauses: list[tuple[int, int]]) -> list[Flow]:
    """Return the flows of a protocol that stood still: from second `at_s` of [(at_s, on_s)] on it went on in second `on_s`."""
    found, edges = [], [(0, 0), *pauses]
    for (at_s, on_s), (until_s, _) in zip(edges, [*edges[1:], (None, None)], strict=True):
        for flow in flows:
            from_s, to_s = max(flow.from_s, at_s), flow.to_s if until_s is None else min(flow.to_s, until_s)
            if from_s < to_s:
                rate = flow.per_s + flow.slope * (from_s - flow.from_s)
                found.append(Flow(from_s + on_s - at_s, to_s + on_s - at_s, rate, flow.slope))
    return found


def waits_s(program: Program, utc_s: int, zone: Zone) -> int:
    """Return the seconds from `utc_s` until the first stage of a protocol begins; 0 without a protocol."""
    return program.protocol.wait_s(Week(utc_s, zone)) if program.protocol is not None else 0
