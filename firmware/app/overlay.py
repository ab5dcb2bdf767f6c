"""The temporary rate of a span: begins and ends at a slice, where the present lease ends too."""

from app.span import Span
from pumpcore.bolus import CANCELLED, DONE, ENDS
from pumpcore.ledger import LOWERED, NONE, RAISED
from pumpcore.units import MS_PER_S, ceil_div
from pumpcore.wire.records import SOURCES

if 0:  # for the type checker alone
    from app.types import Mark, Reporter, Temporary


class Overlay:
    """`present` waits or runs, `last` is the last one that was ordered. `report` writes at once, `mark` when its time has come."""

    def __init__(self, report: "Reporter", mark: "Mark") -> None:
        self._report = report
        self._mark = mark
        self.present: "Temporary | None" = None
        self.last: "Temporary | None" = None
        self._wanted = False
        self._cancelled = False

    def order(self, temporary: "Temporary") -> None:
        """Wants a temporary rate, already checked and journaled, from the next slice on."""
        self.present = self.last = temporary
        self._wanted = True

    def cancel(self, span: Span, next_ms: int) -> int:
        """Ends it with what is queued, at a ceiling in this second; returns the uptime of that, the same when it is asked again."""
        if self._wanted:
            self.present, self._wanted = None, False
            self._report.post("temporary_ended", (ENDS.index(CANCELLED), span.ordered_steps))
            return next_ms
        if not self._cancelled:
            self.present.end_s = ceil_div(next_ms - span.origin_ms, MS_PER_S)
            self._cancelled = True
        return span.at_ms(self.present.end_s)

    def turn(self, span: Span) -> None:
        """To be asked at each slice's start. What a lease that ends early holds more is carried on by being absolute."""
        present = self.present
        if self._wanted:
            self._wanted = self._cancelled = False
            present.end_s = span.planned_s + present.duration_s
            if not present.denominator:
                present.lowered = present.rate_nl < span.basal.highest_nl(span.planned_s, present.duration_s)
            span.basal.begin_temporary(present)
        elif span.planned_s >= present.end_s:
            self._drop(span)
            self._mark(span, "temporary_ended", (ENDS.index(CANCELLED if self._cancelled else DONE), span.ordered_steps))
        else:
            if not present.denominator:  # a clock that becomes known may bring another basal
                present.lowered = present.lowered or present.rate_nl < span.basal.highest_nl(span.planned_s, 1)
            return
        span.lease_end_s = span.planned_s

    def _drop(self, span: Span) -> None:
        modulus = span.basal.accumulator.modulus
        lost = span.basal.end_temporary()
        if lost:
            self._report.post("remainder_dropped", (SOURCES.index("basal"), lost, modulus))
        self.present, self._wanted = None, False

    def stop(self, span: Span, reason: str) -> None:
        """A halt ends it."""
        if self.present is not None:
            self._drop(span)
            self._report.settle("temporary_ended", (ENDS.index(reason), span.ordered_steps))

    def direction(self) -> int:
        """What the ledger keeps of it."""
        return NONE if self.present is None else LOWERED if self.present.lowered else RAISED
