"""What is ordered besides the basal of a span: its boluses and its temporary rate."""

from app.delivery.span import Span
from pumpcore.flash.ledger import LOWERED, NONE, RAISED, LedgerRecord
from pumpcore.orders import bolus as boluses
from pumpcore.orders.bolus import CANCELLED, CUT, DELIVERING, DONE, ENDS, EXTENDED, LIVE, PAUSED, Bolus
from pumpcore.units import MS_PER_S, ceil_div
from pumpcore.wire.records import SOURCES

if 0:  # for the type checker alone
    from app.types import Mark, Post, Reporter, Temporary

# --- orders ------------------------------------------------------------------------------------------------------------------
# The boluses of a span: one manual, demand or priming, and one extended, which waits while another runs and then goes on.


class Orders:
    """`bolus` and `extended` are the present or last of each. `report` writes at once, `mark` when its time has come."""

    def __init__(self, report: "Reporter", mark: "Mark") -> None:
        self._report = report
        self._mark = mark
        self.bolus: Bolus | None = None
        self.extended: Bolus | None = None
        self.wanted: list[Bolus] = []
        self._waiting: Bolus | None = None
        self._cancelled = False

    def order(self, bolus: Bolus) -> None:
        """Wants `bolus` from the next slice on, an extended one behind another that was ordered before."""
        self.wanted.append(bolus)
        if bolus.purpose == EXTENDED:
            self.extended = bolus
        else:
            self.bolus = bolus

    def live(self) -> list[Bolus]:
        """Those that wait or run."""
        return [bolus for bolus in (self.bolus, self.extended) if bolus is not None and bolus.state in LIVE]

    def begin(self, span: Span) -> None:
        """At a slice's start: what is wanted begins, in the order in which it was ordered. A new one goes before an extended one,
        and that before nothing."""
        for bolus in list(self.wanted):
            if bolus.purpose == EXTENDED and span.bolus is not None:
                continue
            self.wanted.remove(bolus)
            if span.bolus is not None:
                self._set_aside(span)
            self._start(span, bolus)

    def _set_aside(self, span: Span) -> None:
        """The extended bolus stands still, with its remainder, and keeps its place."""
        reason = self.over(span)
        if reason:
            self._mark(span, "bolus_ended", (span.end_bolus(), reason))
            return
        waiting = self._waiting = span.end_bolus()
        waiting.state = PAUSED
        self._mark(span, "extended_paused", (bytes.fromhex(waiting.token), waiting.planned_steps))

    def _start(self, span: Span, bolus: Bolus) -> None:
        self._cancelled = False
        again = bolus.state == PAUSED
        span.begin_bolus(bolus)
        token = bytes.fromhex(bolus.token)
        if again:
            self._mark(span, "extended_resumed", (token, bolus.planned_steps))
        else:
            self._mark(span, "bolus_started", (token,))

    def over(self, span: Span) -> str:
        """Why the bolus that runs ends with the present lease; "" when it goes on."""
        return DONE if span.bolus.rest_s() <= 0 else CANCELLED if self._cancelled else ""

    def finish(self, span: Span, reason: str) -> None:
        """The bolus that runs has planned its last slice; an extended one that waits follows at once, but not at a ceiling."""
        self._mark(span, "bolus_ended", (span.end_bolus(), reason))
        behind, self._waiting = self._waiting or (self.wanted.pop() if self.wanted else None), None
        if behind is not None and reason == "limit":
            self._mark(span, "bolus_ended", (behind, reason))
        elif behind is not None:
            self._start(span, behind)

    def cancel(self, bolus: Bolus, span: Span | None) -> int:
        """Ends it with its present lease, at most 5 s later, an extended one at most 60 s: nothing stays leased behind it, and what
        is queued still runs. Returns the most steps that it will have made."""
        if bolus in self.wanted:
            self.wanted.remove(bolus)
            self.ended(bolus, CANCELLED, 0)
        elif bolus is self._waiting:
            self._waiting = None
            self._mark(span, "bolus_ended", (bolus, CANCELLED))
        elif span.bolus is bolus:
            self._cancelled = span.bolus_ends = True
            return bolus.planned_steps + span.peek(span.lease_end_s - span.planned_s)[1]
        return bolus.planned_steps

    def end_all(self, span: Span | None, position: int, reason: str) -> None:
        """A halt cuts whatever is wanted, waits or runs at `position`. Its end is on flash before the ledger forgets it."""
        for bolus in self.live():
            steps = span.bolus_delivered(bolus, position) if bolus.state != boluses.ORDERED and span is not None else 0
            self.ended(bolus, reason, steps, self._report.settle)
        self.wanted, self._waiting = [], None

    def ended(self, bolus: Bolus, reason: str, delivered_steps: int, report: "Post | None" = None) -> None:
        """Its end in the journal, and what of a step it leaves behind."""
        bolus.state = reason if reason in (DONE, CANCELLED) else CUT
        bolus.delivered_steps = delivered_steps
        (report or self._report.post)("bolus_ended", (bytes.fromhex(bolus.token), ENDS.index(reason), delivered_steps))
        accumulator = bolus.accumulator
        if accumulator.remainder:
            self._report.post("remainder_dropped", (SOURCES.index("bolus"), accumulator.remainder, accumulator.modulus))

    def fill(self, record: LedgerRecord) -> None:
        """What a cut must be able to tell of them, until their ends are in the journal."""
        if self.bolus is not None and self.bolus.state == DELIVERING:
            record.bolus_token, record.bolus_steps = int(self.bolus.token, 16), self.bolus.planned_steps
        extended = self.extended
        if extended is not None and extended.state in (DELIVERING, PAUSED):
            record.extended_token, record.extended_steps = int(extended.token, 16), extended.planned_steps


# --- overlay -----------------------------------------------------------------------------------------------------------------
# The temporary rate of a span: begins and ends at a slice, where the present lease ends too.


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
