"""The running sums of the books: position, missed, halted and uncertain steps, and the anchors of the two curves."""

from __future__ import annotations

from fractions import Fraction

from thecal.history.flows import Flows
from thecal.history.now import Now
from thecal.history.parts import BolusLine, Made

MAKING_STEPS = 2  # a position so near to the plan counts as on it: the step in progress, and the moment of the record


class Tally:
    """`made` and `planned` are the anchors of the curves; `begins_vaguely`: the flow since the last of `planned` begins at a moment that
    is not exactly known."""

    def __init__(self, now: Now, flows: Flows) -> None:
        self._now, self._flows = now, flows
        self.made: list[Made] = []
        self.planned: list[tuple[int, int]] = []
        self.position: int | None = None
        self.missed = self.halted = self.uncertain = 0
        self.begins_vaguely = False

    def booked(self) -> int:
        """Return the plan up to the steps made or reported as not made."""
        return (self.position or 0) + self.missed + self.halted

    def planned_now(self, at_ms: int) -> int:
        """Return the plan at a moment without an anchor: by the prescription if known, otherwise by the booked steps."""
        booked = self.booked()
        if self._now.prescribed is None or not self._now.plan_is_known() or not self.planned or self.begins_vaguely:
            return booked
        from_ms, steps = self.planned[-1]
        lasting = self._flows.plan_from
        flows = [*self._flows.planned, *(self._flows.flows(lasting[0], at_ms, lasting[1]) if lasting and lasting[0] < at_ms else [])]
        due_ms = sum(flow.rate_nl * max(0, min(flow.to_ms, at_ms) - max(flow.from_ms, from_ms)) for flow in flows if flow.to_ms > from_ms)
        live = [one for one in self._now.boluses.values() if one.ended_ms is None or one.ended_ms > from_ms]
        boluses = sum(self._bolus_due(one, from_ms, at_ms) for one in live)
        due = steps + int(self._now.prescribed.steps_per_s(due_ms) / 1000 + boluses)
        return due if due > booked + MAKING_STEPS else booked

    def reached_ms(self, steps: int, until_ms: int) -> int:
        """Return when the flows of now have made so many steps since the last known position; `until_ms` if not before it."""
        known, last, going = self._now.prescribed, self.made[-1], self._flows.made_from
        if known is None or going is None or last.at_ms >= until_ms:
            return until_ms
        live = [one for one in self._now.boluses.values() if one.started_ms is not None and not one.ended]
        boluses = sum((known.bolus_per_s(one) for one in live if one.runs_ms(last.at_ms, until_ms)), Fraction(0))
        at_ms, left = last.at_ms, Fraction(steps - last.high_steps)
        for flow in self._flows.flows(last.at_ms, until_ms, going[1]):
            per_s = known.steps_per_s(flow.rate_nl) + boluses
            here = per_s * (flow.to_ms - flow.from_ms) / 1000
            if per_s and left <= here:
                return min(until_ms, at_ms + max(0, int(left / per_s * 1000)))
            at_ms, left = flow.to_ms, left - here
        return until_ms

    def _bolus_due(self, one: BolusLine, from_ms: int, at_ms: int) -> Fraction:
        """Return the planned steps of a bolus between the last anchor and now."""
        if self._now.prescribed is None:
            return Fraction(0)
        return min(Fraction(one.ordered_steps), self._now.prescribed.bolus_per_s(one) * one.runs_ms(from_ms, at_ms) / 1000)

    def see(self, at_ms: int, position_steps: int) -> None:
        """Take a position from a record or the status; it never falls."""
        if self.position is not None and position_steps < self.position:
            position_steps = self.position  # made a moment before the record that was read before it
        self.position = position_steps
        self.made.append(Made(at_ms, position_steps, position_steps - self.uncertain))

    def plan_ends(self, cut_ms: int) -> None:
        """Let the plan of a run that did not go on after its power cut end with its last lease, which no later record reports."""
        if not self.planned or self.planned[-1][1] >= self.booked():
            return
        if self.planned[-1][0] >= cut_ms:
            self.planned.pop()
        self.plan_at(cut_ms, self.position or 0)

    def plan_at(self, at_ms: int, ordered_steps: int) -> None:
        """Take the ordered steps of a record as an anchor of the plan."""
        self.planned.append((at_ms, ordered_steps + self.missed + self.halted))
        self.begins_vaguely = False
