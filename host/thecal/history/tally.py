"""The running sums of the books: position, missed, halted and uncertain steps, and the anchors of the two curves."""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

from pumpcore.units import MS_PER_S, S_PER_DAY
from thecal.history.parts import BolusLine, ClockSet, Flow, Made, Run, Stretch
from thecal.history.plan import Prescribed

LONGEST_UNSEEN_MS = 400 * S_PER_DAY * MS_PER_S  # entries of a longer time are not drawn one by one
MAKING_STEPS = 2  # a position so near to the plan counts as on it: the step in progress, and the moment of the record


class Overlay(Protocol):
    """A temporary rate or a bridge: the flow instead of a basal, per the program's seconds."""

    def of(self, basal_nl: int) -> Fraction:
        """Return the rate instead of a basal of `basal_nl`, in nl per the program's seconds."""


class Tally:
    """`made` and `planned` are the anchors of the curves, `made_flows` and `plan_flows` the rates between them."""

    def __init__(self, prescribed: Prescribed | None, first_offset_s: int) -> None:
        self.prescribed = prescribed
        self.first_offset_s = first_offset_s
        self.boluses: dict[str, BolusLine] = {}
        self.clock_sets: list[ClockSet] = []
        self.stretches: list[Stretch] = []
        self.made: list[Made] = []
        self.planned: list[tuple[int, int]] = []
        self.made_flows: list[Flow] = []
        self.plan_flows: list[Flow] = []
        self.run: Run | None = None
        self._stretch: Stretch | None = None
        self._position: int | None = None
        self._missed = self._halted = self._uncertain = 0
        self._begin_planned = self._begin_certain = 0
        self._overlay: Overlay | None = None
        self._begins_vaguely = False
        self._plan_from: tuple[int, int] | None = None
        self._made_from: tuple[int, int] | None = None

    def _plan_is_known(self) -> bool:
        """Return True if the entries of the running program are known."""
        return self.prescribed is not None and self.run is not None and self.run.digest == self.prescribed.digest

    def _booked(self) -> int:
        """Return the plan up to the steps made or reported as not made."""
        return (self._position or 0) + self._missed + self._halted

    def _planned_now(self, at_ms: int) -> int:
        """Return the plan at a moment without an anchor: by the prescription if known, otherwise by the booked steps."""
        booked = self._booked()
        if self.prescribed is None or not self._plan_is_known() or not self.planned or self._begins_vaguely:
            return booked
        from_ms, steps = self.planned[-1]
        flows = [*self.plan_flows, *([self._flow(self._plan_from[0], at_ms, self._plan_from[1])] if self._plan_from else [])]
        due_ms = sum(flow.rate_nl * max(0, min(flow.to_ms, at_ms) - max(flow.from_ms, from_ms)) for flow in flows if flow.to_ms > from_ms)
        live = [one for one in self.boluses.values() if one.ended_ms is None or one.ended_ms > from_ms]
        boluses = sum(self._bolus_due(one, from_ms, at_ms) for one in live)
        due = steps + int(self.prescribed.steps_per_s(due_ms) / 1000 + boluses)
        return due if due > booked + MAKING_STEPS else booked

    def _bolus_due(self, one: BolusLine, from_ms: int, at_ms: int) -> Fraction:
        """Return the planned steps of a bolus between the last anchor and now."""
        if self.prescribed is None:
            return Fraction(0)
        return min(Fraction(one.ordered_steps), self.prescribed.bolus_per_s(one) * one.runs_ms(from_ms, at_ms) / 1000)

    def _see(self, at_ms: int, position_steps: int) -> None:
        if self._position is not None and position_steps < self._position:
            position_steps = self._position  # made a moment before the record that was read before it
        self._position = position_steps
        self.made.append(Made(at_ms, position_steps, position_steps - self._uncertain))

    def _plan_at(self, at_ms: int, ordered_steps: int) -> None:
        self.planned.append((at_ms, ordered_steps + self._missed + self._halted))
        self._begins_vaguely = False

    def _flowing(self, basal_nl: int) -> int | Fraction:
        """Return the basal, or the flow instead of it."""
        return basal_nl if self._overlay is None else self._overlay.of(basal_nl)

    def _flow(self, from_ms: int, to_ms: int, basal_nl: int) -> Flow:
        return Flow(from_ms, to_ms, self._flowing(basal_nl))

    def _overlay_is(self, overlay: Overlay | None, at_ms: int) -> None:
        """Run this instead of the basal from here on; None: the basal again."""
        plan, made = self._plan_from, self._made_from
        self._flows_end(at_ms)
        self._overlay = overlay
        self._plan_from, self._made_from = ((max(at_ms, one[0]), one[1]) if one else None for one in (plan, made))
        if self._stretch is not None:
            self._stretch.overlaid = True

    def _plan_ends(self, at_ms: int) -> None:
        if self._plan_from is not None and at_ms > self._plan_from[0]:
            self.plan_flows += self._scheduled(self._plan_from[0], at_ms, self._plan_from[1])
        self._plan_from = None

    def _made_ends(self, at_ms: int) -> None:
        if self._made_from is not None and at_ms > self._made_from[0]:
            self.made_flows.append(self._flow(self._made_from[0], at_ms, self._made_from[1]))
        self._made_from = None

    def _flows_end(self, at_ms: int) -> None:
        self._plan_ends(at_ms)
        self._made_ends(at_ms)

    def _scheduled(self, from_ms: int, to_ms: int, rate_nl: int) -> list[Flow]:
        """Return one flow, or those of the schedule if an entry may have begun unseen, in a pause or with the power off."""
        stretch, known = self._stretch, self.prescribed
        unseen = stretch is not None and (stretch.cut or stretch.paused) and to_ms - from_ms <= LONGEST_UNSEEN_MS
        if not unseen or stretch is None or known is None or stretch.digest != known.digest or not stretch.from_utc_s:
            return [self._flow(from_ms, to_ms, rate_nl)]
        flows, at_ms = [], from_ms
        for part_s, part_nl in known.pieces(stretch.from_utc_s + self._offset_s(from_ms), (to_ms - from_ms) // 1000 + 1):
            flows.append(self._flow(at_ms, min(to_ms, at_ms + part_s * 1000), part_nl))
            at_ms += part_s * 1000
        return [flow for flow in flows if flow.to_ms > flow.from_ms]

    def _offset_s(self, at_ms: int) -> int:
        found = [one.offset_s for one in self.clock_sets if one.at_ms <= at_ms]
        return found[-1] if found else self.first_offset_s
