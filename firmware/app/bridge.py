"""A bridge: the basal by the ratio of two concentrations while the tip delivers the old one, by the lower of both ratios while that
is uncertain, plain behind it. Imported when one begins."""

from app.span import Span
from pumpcore.crossing import OLD, UNCERTAIN, Crossing, of_line
from pumpcore.faults import Refusal
from pumpcore.wire.records import FRONT_WAYS, SOURCES

if 0:  # for the type checker alone
    from app.types import Delivery, Mark, Payload, Pump, Reporter


class Bridge(Crossing):
    """Stands where a temporary rate would (app/basal.py), but ends by position. `phase` holds until pump second `end_s`."""

    by_time = False
    _delivery: "Delivery | None"
    _report: "Reporter | None"
    _mark: "Mark | None"

    def __init__(self, pump: "Pump", token: str = "") -> None:
        super().__init__(*of_line(pump.setup.line, pump.setup.program, pump.book.uncertain_steps))
        self.line_nl = pump.setup.program.line_nl()
        self.token = token
        self.end_s = 0
        self._delivery = self._report = self._mark = None

    def told(self, position_steps: int) -> "Payload":
        """What the journal says of it."""
        values = bytes.fromhex(self.token or "0" * 16), position_steps, self.line_nl, self.numerator, self.denominator
        return values + (max(0, self.old_until), self.new_from)

    def begin(self, delivery: "Delivery", report: "Reporter", mark: "Mark") -> None:
        """From the first lease of the delivery's span on."""
        self._delivery, self._report, self._mark = delivery, report, mark
        delivery.span.basal.begin_temporary(self)

    def judge_lease(self, span: Span) -> None:
        """To be asked at each lease's start: what holds for it. When the front has surely passed the bridge is over."""
        at, basal, was = span.ordered_steps, span.basal, self.phase
        if at >= self.new_from:
            self.stop(span)
            self._mark(span, "front_passed", (FRONT_WAYS.index("delivered"), at))
            return
        rate_nl = basal.program.entries[basal.entry_at(span.planned_s)][1]
        self.end_s = span.planned_s + self.judge(basal.accumulator, rate_nl, at)
        if self.phase == UNCERTAIN and (was == OLD or not span.planned_s):
            self._mark(span, "front_near", (at,))

    def stop(self, span: Span) -> None:
        """It is over: the program's own rates and modulus; the front is where it is."""
        self._delivery.bridge = None
        modulus, lost = span.basal.accumulator.modulus, span.basal.end_temporary()
        if lost:
            self._report.post("remainder_dropped", (SOURCES.index("basal"), lost, modulus))

    def refuse(self, pump: "Pump") -> None:
        """Nothing else goes beside it. Refusal `bridge_running`: a front that has so much left to go, at least and at most."""
        position, pair = pump.position_steps(), pump.setup.calibration
        left = [pair.nl_for_steps(max(0, steps - position)) for steps in (self.old_until, self.new_from)]
        counts = {"asked": 2, "limit": 1, "nearest": 1}
        raise Refusal("bridge_running", rule="R7", phase=self.phase, left_least_nl=left[0], left_most_nl=left[1], **counts)
