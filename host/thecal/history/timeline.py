"""The whole history of a pump on one time axis: curves of planned and delivered steps, and all other events."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

from pumpcore.motion.dose import Calibration
from thecal.errors import BadInput
from thecal.history import plausible
from thecal.history.alarms import alarm_lines
from thecal.history.axis import Axis, Offsets
from thecal.history.books import Books
from thecal.history.curve import Curve, shaped
from thecal.history.evidence import Evidence
from thecal.history.laws import Laws
from thecal.history.parts import BolusLine, Span
from thecal.history.plan import Prescribed
from thecal.history.staged import Place, begins_s


@dataclass(frozen=True)
class Sums:
    """Steps of a period: planned = delivered + uncertain + missed + halted + due. `due_steps`: planned, but not yet made by the motor
    (less than two steps, or queued steps at the ends of the period)."""

    planned_steps: int
    delivered_steps: int
    uncertain_steps: int
    missed_steps: dict[str, int]
    halted_steps: int

    def due_steps(self) -> int:
        """Return the planned steps that nothing else accounts for."""
        return self.planned_steps - self.delivered_steps - self.uncertain_steps - sum(self.missed_steps.values()) - self.halted_steps


@dataclass(frozen=True)
class Sample:
    """One moment: planned steps, and the range of delivered steps, since the first moment. `law`: "volume" or "angle"; by volume a step
    is the calibration's mean volume of a step."""

    at_ms: int
    planned_steps: Fraction
    low_steps: Fraction
    high_steps: Fraction
    law: str


class Timeline:
    """`planned`, `low`, `high` are curves of steps over the pump's life; the known time is `from_ms` to `to_ms`. Raises BadInput without
    any record."""

    def __init__(self, evidence: Evidence) -> None:
        events, odd_events = plausible.split(evidence.events, evidence.status)
        faults, odd_faults = plausible.split(evidence.faults)
        evidence = replace(evidence, events=events, faults=faults, left_out=[*evidence.left_out, *odd_events, *odd_faults])
        if not evidence.events:
            raise BadInput(f"{evidence.source}: the journal has no event", "start the pump, or give the file of its events ring")
        self.evidence = evidence
        self.axis = Axis([*evidence.events, *evidence.faults], evidence.status)
        self.offsets = Offsets(self.axis, evidence.events, evidence.status)
        self.calibration: Calibration | None = evidence.calibration()
        program = evidence.program()
        known = program is not None and self.calibration is not None
        self.prescribed = (
            Prescribed(program, evidence.program_digest(), self.calibration) if known and program and self.calibration else None
        )
        self.books = Books(self.axis, self.prescribed, self.offsets.at(0))
        self.books.breaks += plausible.falls(evidence.events)
        self.books.read(evidence.events)
        self.books.find_fault_gaps(evidence.faults)
        for ring, rows in (("events", evidence.events), ("faults", evidence.faults)):
            self.books.find_end_gap(ring, rows, (evidence.status or {}).get(f"{ring}_sequence", 0))
        self.from_ms = min(self.axis.of(one) for one in evidence.events)
        self.to_ms = self._finish()
        self.laws = Laws(evidence.events, self.axis)
        self.alarms = alarm_lines(evidence.faults, self.axis)
        self._draw()

    def _finish(self) -> int:
        status = self.evidence.status
        if status is None:
            at_ms = max(self.axis.of(one) for one in self.evidence.events)
            self.books.finish(at_ms, None)
        else:
            at_ms = self.axis.at_ms(status["boot"], status["uptime_ms"])
            self._see_place(status, at_ms)
            self.books.finish(at_ms, status["delivered_steps"])
        return max(at_ms, self.from_ms)

    def _see_place(self, status: dict[str, Any], at_ms: int) -> None:
        """Take the place in the protocol from the status."""
        told, known = status.get("protocol"), self.prescribed
        if told and told["stage"] is not None and known is not None and known.program.protocol is not None:
            protocol, stage = known.program.protocol, told["stage"]
            lasts_s = next((part.lasts_s for part in protocol.parts() if part.first <= stage < part.first + part.count), 0)
            second_s = begins_s(protocol, stage) + lasts_s * (told["pass"] - 1) + told["second_s"]
            self.books.now.tells(Place(at_ms, second_s))

    def _draw(self) -> None:
        books, boluses = self.books, [self._so_far(one) for one in self.books.now.boluses.values()]
        self.high = shaped([(one.at_ms, one.high_steps) for one in books.tally.made], books.flows.made, boluses)
        self.low = shaped([(one.at_ms, one.low_steps) for one in books.tally.made], books.flows.made, boluses)
        self.planned = shaped(books.tally.planned, books.flows.planned, boluses)

    def _so_far(self, one: BolusLine) -> BolusLine:
        """Update a running or waiting bolus from the status."""
        status = self.evidence.status or {}
        told = [bolus for bolus in (status.get("bolus"), status.get("extended")) if bolus and bolus["token"] == one.token]
        if one.ended or one.started_ms is None or not told:
            return one
        one.delivered_steps = told[0]["delivered_steps"]
        return BolusLine(**{**vars(one), "ended_ms": self.to_ms})

    # -- looking

    def window(self, from_ms: int | None, to_ms: int | None) -> Span:
        """Widen the requested time to the nearest moments with a recorded position, so that sums are exact. Raises BadInput if it ends
        before it begins, or is outside the journal."""
        begin_ms, end_ms = (self.from_ms if from_ms is None else from_ms), (self.to_ms if to_ms is None else to_ms)
        if from_ms is not None and to_ms is not None and from_ms >= to_ms:
            raise BadInput("the period ends before it begins", "give --from before --to")
        if begin_ms > self.to_ms or end_ms < self.from_ms:
            raise BadInput("the journal has no records of this period", "`thecal journal` lists the records")
        known = self._known_ms
        first, last = max(0, bisect_right(known, begin_ms) - 1), min(len(known) - 1, bisect_left(known, end_ms))
        return Span(known[first], known[last])

    @cached_property
    def _known_ms(self) -> list[int]:
        """Return the moments with a recorded position, and both ends."""
        return sorted({one.at_ms for one in self.books.tally.made} | {self.from_ms, self.to_ms})

    def sums(self, from_ms: int, to_ms: int) -> Sums:
        """Return the sums between two moments; exact at those of `window`. Events at the begin itself belong to the period before,
        unless it is the begin of everything."""
        books, all_of_it = self.books, from_ms <= self.from_ms

        def inside(at_ms: int) -> bool:
            return (from_ms < at_ms or all_of_it) and at_ms <= to_ms

        missed: dict[str, int] = {}
        for one in books.misses:
            if inside(one.at_ms):
                missed[one.cause] = missed.get(one.cause, 0) + one.steps
        planned = int(self.planned.at(to_ms)) - int(self.planned.at(from_ms))
        return Sums(
            planned,
            int(self.low.at(to_ms)) - int(self.low.at(from_ms)),
            sum(one.uncertain_steps for one in books.losses if inside(one.cut_ms)),
            missed,
            sum(steps for at_ms, steps in books.halts if inside(at_ms)),
        )

    def samples(self, from_ms: int, to_ms: int, every_ms: int) -> Iterator[Sample]:
        """Return evenly spaced moments, on whole multiples of `every_ms`, and both ends; steps count from `from_ms` on."""
        curves = (self.planned, self.low, self.high)
        base = [curve.at(from_ms) for curve in curves]
        first = from_ms - from_ms % every_ms + every_ms
        for at_ms in (from_ms, *range(first, to_ms, every_ms), to_ms):
            planned, low, high = (curve.at(at_ms) - begin for curve, begin in zip(curves, base, strict=True))
            yield Sample(at_ms, planned, low, high, self.laws.at(at_ms).law)

    def offset_s(self, at_ms: int) -> int:
        """Return local time minus UTC at a moment, in seconds."""
        return self.offsets.at(at_ms)

    def time_is_known(self) -> bool:
        """Return True if any boot knew the time of day."""
        return any(boot.known for boot in self.axis.boots.values())

    def pair_at(self, at_ms: int) -> Calibration | None:
        """Return the calibration in use at a moment; None if none is known."""
        later = [one for one in self.books.calibrations if one.at_ms > at_ms]
        if later and later[0].old_steps:
            return Calibration(later[0].old_volume_nl, later[0].old_steps)
        if self.calibration is not None:
            return self.calibration
        known = self.books.calibrations[-1] if self.books.calibrations else None
        return Calibration(known.volume_nl, known.steps) if known and known.steps else None

    def volume_nl(self, steps: int | Fraction, at_ms: int) -> Fraction | None:
        """Convert steps at a moment to a volume by the calibration of that moment; None if none is known."""
        pair = self.pair_at(at_ms)
        return None if pair is None else Fraction(steps) * pair.volume_nl / pair.steps

    def volume_between(self, curve: Curve, from_ms: int, to_ms: int) -> Fraction | None:
        """Return the volume of a curve between two moments, across changes of the calibration."""
        edges = [from_ms, *(one.at_ms for one in self.books.calibrations if from_ms < one.at_ms < to_ms), to_ms]
        parts = [self.volume_nl(curve.between(begin, end), begin) for begin, end in pairwise(edges)]
        return None if None in parts else sum((part for part in parts if part is not None), Fraction(0))
