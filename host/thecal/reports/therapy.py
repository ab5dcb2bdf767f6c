"""The table of therapy events besides the program: temporary rates, bridges, refills, confirmed soft limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pumpcore.faults import fault_texts
from pumpcore.orders.bolus import CANCELLED, CUT, DONE
from thecal.history.alarms import named
from thecal.history.therapy import PASSED, STOPPED, BridgeLine, Override, Refill, TemporaryLine
from thecal.history.timeline import Timeline
from thecal.quantities.amounts import ml, span, ug_per_ml
from thecal.reports.words import Words

HOW = {
    DONE: "done",
    CANCELLED: "cancelled",
    STOPPED: "by a stop",
    CUT: "cut by the power",
    "fault": "by an alarm",
    PASSED: "the front has passed",
}


def text_of(fault: int) -> str:
    """Return the text of the fault."""
    name, severity = named(fault)
    return fault_texts.told(name)[0] if severity != "unknown" else "of a newer pump"


class Event(NamedTuple):
    """One row, and when it holds; `to_ms` is None while it lasts."""

    from_ms: int
    to_ms: int | None
    cells: tuple[str, ...]


def at(at_ms: int, *cells: str) -> Event:
    """Return an event of one moment."""
    return Event(at_ms, at_ms, cells)


class TherapyRows:
    """Make the events of a time line, in order of time."""

    def __init__(self, line: Timeline, words: Words) -> None:
        self.line, self.words = line, words

    def events(self) -> list[Event]:
        """Return the events in order of time."""
        return sorted(self._events(), key=lambda event: event.from_ms)

    def _events(self) -> Iterator[Event]:
        books = self.line.books
        for temporary in books.therapy.temporaries:
            cells = self._lasting("temporary rate", self._temporary(temporary), temporary)
            yield Event(temporary.ordered_ms, temporary.ended_ms, cells)
        for bridge in books.therapy.bridges:
            yield Event(bridge.from_ms, bridge.ended_ms, self._lasting("bridge", self._bridge(bridge), bridge))
        for refill in books.therapy.refills:
            yield at(refill.at_ms, "refill", self._refill(refill), "-", self._judged(refill))
        for override in books.therapy.overrides:
            yield at(override.at_ms, "soft limit passed", self._override(override), "-", "acknowledged in the prescription")
        for at_ms, digest in books.therapy.changed:
            yield at(at_ms, "another program", f"took over while running: {digest[:12]}", "-", "-")
        for refused in books.therapy.refused:
            text = f"{text_of(refused.fault)}: {refused.count} at the button, {span(refused.wait_s)} too early"
            yield at(refused.at_ms, "demand refused", text, "-", "-")

    def _lasting(self, what: str, text: str, one: TemporaryLine | BridgeLine) -> tuple[str, ...]:
        return what, text, self.words.time(one.ended_ms), HOW.get(one.ended, one.ended) or "lasts"

    def _temporary(self, one: TemporaryLine) -> str:
        part = f"basal x {one.numerator}/{one.denominator}" if one.denominator else self.words.rate(one.rate_nl, one.digest)
        return f"{part} for {span(one.duration_s)}"

    def _bridge(self, one: BridgeLine) -> str:
        near = "" if one.near_ms is None else f", from {self.words.time(one.near_ms)} the lower of that and the basal"
        return f"basal x {one.numerator}/{one.denominator} with {ml(one.line_nl)} in the line{near}"

    def _refill(self, one: Refill) -> str:
        least, most = ml(one.expected_nl), ml(one.expected_nl + one.uncertain_nl)
        expected = least if least == most else f"{least} to {most}"
        known = any(other.at_ms < one.at_ms for other in self.line.books.therapy.refills) or one.expected_nl
        wanted = f"expected {expected}, " if known else ""
        return f"{wanted}measured {ml(one.measured_nl)}, filled {ml(one.filled_nl)}"

    def _judged(self, one: Refill) -> str:
        if not one.blocks:
            return "within tolerance"
        if one.acknowledged_ms is None:
            return "OUT OF TOLERANCE: blocks the next start"
        return f'OUT OF TOLERANCE, explained at {self.words.time(one.acknowledged_ms)}: "{one.reason}"'

    def _override(self, one: Override) -> str:
        asked, limit = (self._amount(one, value) for value in (one.asked, one.limit))
        return f"{one.what}: asked {asked}, limit {limit} (library version {one.library_version})"

    def _amount(self, one: Override, value: int) -> str:
        if one.what == "rate":
            return self.words.rate(value, one.digest)
        return ug_per_ml(value, digits=3) if one.what == "concentration" else ml(value)
