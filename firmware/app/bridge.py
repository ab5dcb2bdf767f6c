"""A bridge: the basal by the ratio of two concentrations while the tip delivers the old one, by the lower of both ratios while that
is uncertain, plain behind it. Imported when one begins."""

from app.span import Span
from pumpcore.dose import Accumulator
from pumpcore.faults import Refusal
from pumpcore.schedule import NEVER_S
from pumpcore.units import ceil_div
from pumpcore.wire.records import FRONT_WAYS, SOURCES

OLD, UNCERTAIN = "old", "uncertain"


def ratio(old: tuple, new: tuple) -> tuple:
    """(numerator, denominator) by which the basal of `new` delivers the same mass of `old`, in lowest terms."""
    numerator, denominator = new[1] * old[2], new[2] * old[1]
    common, rest = numerator, denominator
    while rest:
        common, rest = rest, common % rest
    return numerator // common, denominator // common


def lasts_s(accumulator: Accumulator, rate_nl: int, steps: int) -> int:
    """For how many whole seconds at most `steps` fall due; NEVER_S when it is for ever."""
    flow = accumulator.flow(rate_nl)
    if steps < 0:
        return 0
    return ((steps + 1) * accumulator.modulus - 1 - accumulator.remainder) // flow if flow else NEVER_S


def reaches_s(accumulator: Accumulator, rate_nl: int, steps: int) -> int:
    """Within how many whole seconds so many fall due; NEVER_S when never."""
    flow = accumulator.flow(rate_nl)
    return ceil_div(steps * accumulator.modulus - accumulator.remainder, flow) if flow else NEVER_S


class Bridge:
    """Stands where a temporary rate would (app/basal.py), but ends by position. `phase` holds until pump second `end_s`."""

    by_time = False

    def __init__(self, pump: object, token: str = "") -> None:
        line, program = pump.setup.line, pump.setup.program
        line_nl = program.line_nl()
        self.token = token
        self.line_nl = line_nl
        self.old, self.new = line.old, program.content()
        self.numerator, self.denominator = ratio(self.old, self.new)
        self.old_until = line.old_until(line_nl)
        self.new_from = line.new_from(line_nl, pump.book.uncertain_steps)
        self.phase = UNCERTAIN
        self.end_s = 0
        self._report = self._mark = None

    def parts(self) -> int:
        """By how much finer than the program's the remainder of its basal is."""
        return self.denominator

    def of(self, basal_nl: int) -> int:
        """The rate in 1 / `parts` nl for a basal of `basal_nl`."""
        return basal_nl * (self.numerator if self.phase == OLD else min(self.numerator, self.denominator))

    def told(self, position_steps: int) -> tuple:
        """What the journal says of it."""
        values = bytes.fromhex(self.token or "0" * 16), position_steps, self.line_nl, self.numerator, self.denominator
        return values + (max(0, self.old_until), self.new_from)

    def begin(self, span: Span, report: object, mark: object) -> None:
        """From the span's first lease on."""
        self._report, self._mark = report, mark
        span.basal.begin_temporary(self)

    def passes(self, span: Span) -> bool:
        """To be asked at each lease's start: what holds for it. True when the front has surely passed, and the bridge is over."""
        at, basal, was = span.ordered_steps, span.basal, self.phase
        if at >= self.new_from:
            self.stop(span)
            self._mark(span, "front_passed", (FRONT_WAYS.index("delivered"), at))
            return True
        self.phase = OLD
        rate_nl = basal.program.entries[basal.entry_at(span.planned_s)][1]
        lease_s = lasts_s(basal.accumulator, self.of(rate_nl), self.old_until - at)
        if not lease_s:
            self.phase = UNCERTAIN
            lease_s = reaches_s(basal.accumulator, self.of(rate_nl), self.new_from - at)
            if was == OLD or not span.planned_s:
                self._mark(span, "front_near", (at,))
        self.end_s = span.planned_s + lease_s
        return False

    def stop(self, span: Span) -> None:
        """The program's own rates and modulus; the front is where it is."""
        modulus, lost = span.basal.accumulator.modulus, span.basal.end_temporary()
        if lost:
            self._report.post("remainder_dropped", (SOURCES.index("basal"), lost, modulus))

    def refuse(self, position_steps: int) -> None:
        """Nothing else goes beside it. Refusal `bridge_running`: a front that has so much left to go, at least and at most."""
        left = [max(0, steps - position_steps) for steps in (self.old_until, self.new_from)]
        raise Refusal("bridge_running", rule="R7", phase=self.phase, left_least_steps=left[0], left_most_steps=left[1])
