"""The orders of a span besides its basal: its boluses and its temporary rate."""

from app.delivery.span import Span
from pumpcore.flash.ledger import LOWERED, NONE, RAISED, LedgerRecord
from pumpcore.orders import bolus as boluses
from pumpcore.orders.bolus import CANCELLED, CUT, DELIVERING, DONE, ENDS, EXTENDED, LIVE, PAUSED, Bolus
from pumpcore.units import MS_PER_S, ceil_div
from pumpcore.wire.records import SOURCES

if 0:  # for the type checker alone
    from app.types import Marks, Post, Reporter, Temporary

# --- orders ------------------------------------------------------------------------------------------------------------------
# A span has one manual, demand or priming bolus, and one extended bolus, which waits while another runs and then goes on.


class Orders:
    """`bolus` and `extended` are the present or last of each. `report` writes at once, `marks` at the planned time."""

    def __init__(self, report: "Reporter", marks: "Marks") -> None:
        self.report = report
        self.marks = marks
        self.bolus: Bolus | None = None
        self.extended: Bolus | None = None
        self.wanted: list[Bolus] = []
        self.pending: Bolus | None = None
        self._cancelled = False

    def order(self, bolus: Bolus) -> None:
        """Begin `bolus` with the next slice; an extended one after another that was ordered before."""
        self.wanted.append(bolus)
        if bolus.purpose == EXTENDED:
            self.extended = bolus
        else:
            self.bolus = bolus

    def live(self) -> list[Bolus]:
        """Return the boluses that wait or run."""
        return [bolus for bolus in (self.bolus, self.extended) if bolus is not None and bolus.state in LIVE]

    def begin(self, span: Span) -> None:
        """At a slice's start: begin what was ordered, in order. A new bolus interrupts an extended one; an extended one waits."""
        for bolus in list(self.wanted):
            if bolus.purpose == EXTENDED and span.bolus is not None:
                continue
            self.wanted.remove(bolus)
            if span.bolus is not None:
                self._set_aside(span)
            self.start(span, bolus)

    def _set_aside(self, span: Span) -> None:
        """Pause the extended bolus with its remainder, or end it if it is over."""
        reason = self.over(span)
        if reason:
            self.marks.bolus_ends(span, span.end_bolus(), reason)
            return
        waiting = self.pending = span.end_bolus()
        waiting.state = PAUSED
        self.marks.add(span, "extended_paused", (bytes.fromhex(waiting.token), waiting.planned_steps))

    def start(self, span: Span, bolus: Bolus) -> None:
        self._cancelled = False
        again = bolus.state == PAUSED
        span.begin_bolus(bolus)
        token = bytes.fromhex(bolus.token)
        if again:
            self.marks.add(span, "extended_resumed", (token, bolus.planned_steps))
        else:
            self.marks.add(span, "bolus_started", (token,))

    def over(self, span: Span) -> str:
        """Return why the running bolus ends with the present lease; "" if it goes on."""
        return DONE if span.bolus.rest_s() <= 0 else CANCELLED if self._cancelled else ""

    def finish(self, span: Span, reason: str) -> None:
        """End the running bolus after its last slice. A waiting extended one follows at once, but ends too at a ceiling."""
        self.marks.bolus_ends(span, span.end_bolus(), reason)
        behind, self.pending = self.pending or (self.wanted.pop() if self.wanted else None), None
        if behind is not None and reason == "limit":
            self.marks.bolus_ends(span, behind, reason)
        elif behind is not None:
            self.start(span, behind)

    def cancel(self, bolus: Bolus, span: Span | None) -> int:
        """End a bolus with its present lease: at most 5 s later, an extended one at most 60 s. Return the most steps of it.

        Nothing of it stays leased after that; what is queued still runs.
        """
        if bolus in self.wanted:
            self.wanted.remove(bolus)
            self.ended(bolus, CANCELLED, 0)
        elif bolus is self.pending:
            self.pending = None
            self.marks.bolus_ends(span, bolus, CANCELLED)
        elif span.bolus is bolus:
            self._cancelled = span.bolus_ends = True
            return bolus.planned_steps + span.peek(span.lease_end_s - span.planned_s)[1]
        return bolus.planned_steps

    def end_all(self, span: Span | None, position_steps: int, reason: str) -> None:
        """A halt at `position_steps` cuts everything that waits or runs. The ends are on flash before the ledger forgets the boluses."""
        for bolus in self.live():
            steps = span.bolus_delivered(bolus, position_steps) if bolus.state != boluses.ORDERED and span is not None else 0
            self.ended(bolus, reason, steps, self.report.settle)
        self.wanted, self.pending = [], None

    def ended(self, bolus: Bolus, reason: str, delivered_steps: int, report: "Post | None" = None) -> None:
        """Journal the end of a bolus, and the remainder of a step that it leaves."""
        bolus.state = reason if reason in (DONE, CANCELLED) else CUT
        bolus.delivered_steps = delivered_steps
        (report or self.report.post)("bolus_ended", (bytes.fromhex(bolus.token), ENDS.index(reason), delivered_steps))
        accumulator = bolus.accumulator
        if accumulator.remainder:
            self.report.post("remainder_dropped", (SOURCES.index("bolus"), accumulator.remainder, accumulator.modulus))

    def fill(self, record: LedgerRecord) -> None:
        """Put into the record what a power cut must not lose, until the ends are in the journal."""
        if self.bolus is not None and self.bolus.state == DELIVERING:
            record.bolus_token, record.bolus_steps = int(self.bolus.token, 16), self.bolus.planned_steps
        extended = self.extended
        if extended is not None and extended.state in (DELIVERING, PAUSED):
            record.extended_token, record.extended_steps = int(extended.token, 16), extended.planned_steps


# --- overlay -----------------------------------------------------------------------------------------------------------------
# A temporary rate begins and ends at a slice; the present lease ends there too.


class Overlay:
    """`present` waits or runs, `last` was ordered last. `report` writes at once, `marks` at the planned time."""

    def __init__(self, report: "Reporter", marks: "Marks") -> None:
        self.report = report
        self.marks = marks
        self.present: "Temporary | None" = None
        self.last: "Temporary | None" = None
        self.wanted = False
        self._cancelled = False

    def order(self, temporary: "Temporary") -> None:
        """Begin a checked and journaled temporary rate with the next slice."""
        self.present = self.last = temporary
        self.wanted = True

    def cancel(self, span: Span, next_ms: int) -> int:
        """End it with what is queued, at a ceiling in this second. Return the uptime of its end, always the same."""
        if self.wanted:
            self.present, self.wanted = None, False
            self.report.post("temporary_ended", (ENDS.index(CANCELLED), span.ordered_steps))
            return next_ms
        if not self._cancelled:
            self.present.end_s = ceil_div(next_ms - span.origin_ms, MS_PER_S)
            self._cancelled = True
        return span.at_ms(self.present.end_s)

    def turn(self, span: Span) -> None:
        """Begin or end it; call at each slice's start. Steps left in a lease that ends early stay valid: a lease is absolute."""
        present = self.present
        if self.wanted:
            self.wanted = self._cancelled = False
            present.end_s = span.planned_s + present.duration_s
            if not present.denominator:
                present.lowered = present.rate_nl < span.basal.highest_nl(span.planned_s, present.duration_s)
            span.basal.begin_temporary(present)
        elif span.planned_s >= present.end_s:
            self._drop(span)
            self.marks.add(span, "temporary_ended", (ENDS.index(CANCELLED if self._cancelled else DONE), span.ordered_steps))
        else:
            if not present.denominator:  # a clock that becomes known may bring another basal
                present.lowered = present.lowered or present.rate_nl < span.basal.highest_nl(span.planned_s, 1)
            return
        span.lease_end_s = span.planned_s

    def _drop(self, span: Span) -> None:
        modulus = span.basal.accumulator.modulus
        lost = span.basal.end_temporary()
        if lost:
            self.report.post("remainder_dropped", (SOURCES.index("basal"), lost, modulus))
        self.present, self.wanted = None, False

    def stop(self, span: Span, reason: str) -> None:
        """End it, because of a halt."""
        if self.present is not None:
            self._drop(span)
            self.report.settle("temporary_ended", (ENDS.index(reason), span.ordered_steps))

    def direction(self) -> int:
        """Return how it compares with the basal, for the ledger."""
        return NONE if self.present is None else LOWERED if self.present.lowered else RAISED
