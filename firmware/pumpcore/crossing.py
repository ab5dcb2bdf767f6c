"""How a front goes through the line while a bridge runs: by which ratio the basal is delivered from a position on, and for how long."""

from pumpcore.dose import Accumulator
from pumpcore.schedule import NEVER_S
from pumpcore.units import U64_MAX, ceil_div

if 0:  # for the type checker alone
    from pumpcore.shapes import Content, Line, Program

OLD, UNCERTAIN = "old", "uncertain"


def ratio(old: "Content", new: "Content") -> tuple[int, int]:
    """(numerator, denominator) by which the basal of `new` delivers the same mass of `old`, in lowest terms."""
    numerator, denominator = new[1] * old[2], new[2] * old[1]
    common, rest = numerator, denominator
    while rest:
        common, rest = rest, common % rest
    return numerator // common, denominator // common


def _lasts_s(accumulator: Accumulator, rate_nl: int, steps: int) -> int:
    """For how many whole seconds at most `steps` fall due; NEVER_S when it is for ever."""
    flow = accumulator.flow(rate_nl)
    if steps < 0:
        return 0
    return ((steps + 1) * accumulator.modulus - 1 - accumulator.remainder) // flow if flow else NEVER_S


def _reaches_s(accumulator: Accumulator, rate_nl: int, steps: int) -> int:
    """Within how many whole seconds so many fall due; NEVER_S when never."""
    flow = accumulator.flow(rate_nl)
    return ceil_div(steps * accumulator.modulus - accumulator.remainder, flow) if flow else NEVER_S


def of_line(line: "Line", program: "Program", uncertain_steps: int) -> tuple[tuple[int, int], int, int]:
    """What a Crossing is made of, for the front in a pumpcore.front.Line."""
    line_nl = program.line_nl()
    return ratio(line.old, program.content()), line.old_until(line_nl), line.new_from(line_nl, uncertain_steps)


class Crossing:
    """Rates are in 1 / `denominator` nl, by an accumulator that is that much finer. The tip surely delivers what is old up to position
    `old_until`, and what is new from `new_from` on."""

    def __init__(self, pair: tuple[int, int], old_until: int, new_from: int) -> None:
        self.numerator, self.denominator = pair
        self.old_until = old_until
        self.new_from = new_from
        self.phase = UNCERTAIN

    def fits(self, modulus: int) -> bool:
        """Whether an accumulator of this modulus can be made so much finer."""
        return modulus * self.denominator <= U64_MAX and self.numerator <= U64_MAX

    def parts(self) -> int:
        """By how much finer than the program's the remainder of its basal is."""
        return self.denominator

    def of(self, basal_nl: int) -> int:
        """The rate in 1 / `parts` nl for a basal of `basal_nl`."""
        return basal_nl * (self.numerator if self.phase == OLD else min(self.numerator, self.denominator))

    def judge(self, accumulator: Accumulator, basal_nl: int, position_steps: int) -> int:
        """Sets the phase from this position on, before `new_from`; returns for how many seconds at most it holds at this basal."""
        self.phase = OLD
        lasts_s = _lasts_s(accumulator, self.of(basal_nl), self.old_until - position_steps)
        if not lasts_s:
            self.phase = UNCERTAIN
            lasts_s = _reaches_s(accumulator, self.of(basal_nl), self.new_from - position_steps)
        return lasts_s
