"""By which law each moment was dosed: from the journal's records of its changes. A journal without them was dosed by angle."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from pumpcore.wire.laws import LAWS
from thecal.history.axis import Axis
from thecal.history.rows import Row

VOLUME, ANGLE = LAWS


class LawChange(NamedTuple):
    """From `at_ms` on the pump doses by `law`; `cause` says why it is by angle, "" by volume."""

    at_ms: int
    law: str
    cause: str


class Laws:
    """All changes, in the order of time. Before the first one a pump doses by angle: it had no table."""

    def __init__(self, rows: Iterable[Row], axis: Axis) -> None:
        self.changes: list[LawChange] = []
        for row in rows:
            if row["event"] != "law":
                continue
            one = LawChange(axis.of(row), row["law"], row["cause"])
            if not self.changes or self.changes[-1][1:] != one[1:]:  # each span repeats the law that holds
                self.changes.append(one)
        self._moments = [one.at_ms for one in self.changes]

    def at(self, at_ms: int) -> LawChange:
        """Return the law in force at a moment."""
        before = bisect_right(self._moments, at_ms)
        return self.changes[before - 1] if before else LawChange(at_ms, ANGLE, "no_table")

    def within(self, from_ms: int, to_ms: int) -> list[LawChange]:
        """Return the law at the begin of a period, and its changes in it."""
        first = self.at(from_ms)
        return [first._replace(at_ms=from_ms), *(one for one in self.changes if from_ms < one.at_ms <= to_ms)]
