"""What a pump with therapy modes has to make, written from THERAPY.md in fractions and plain lists; shares no code with the firmware.

Times are pump seconds of one run. The script says what was ordered and at which second the pump said that it begins.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

DAY_S = 86_400


@dataclass
class Dose:
    """`volume_nl` over `duration_s` from `begin_s` on; an extended one stands still while another runs."""

    begin_s: int
    volume_nl: int
    rate_nl_per_s: Fraction
    steps: int
    extended: bool = False
    cancel_s: int | None = None
    pauses: list = field(default_factory=list)

    def end_s(self) -> int:
        end = self.begin_s + ceil(Fraction(self.volume_nl) / self.rate_nl_per_s)
        for begin, stop in self.pauses:
            end += stop - begin
        return end

    def active_s(self, second: int) -> int:
        """Seconds that it has run by then."""
        passed = max(0, min(second, self.end_s()) - self.begin_s)
        return passed - sum([max(0, min(second, stop) - begin) for begin, stop in self.pauses])


@dataclass
class Temporary:
    begin_s: int
    end_s: int
    rate_nl_per_s: Fraction | None
    part: Fraction | None

    def of(self, basal: Fraction) -> Fraction:
        return basal * self.part if self.part is not None else self.rate_nl_per_s


@dataclass
class Plan:
    """A weekly program: [(second of the week, nl per second)], from `begin_s` of the run on."""

    begin_s: int
    entries: list
    rate_seconds_s: int

    def rate(self, week_second: int) -> Fraction:
        before = [rate for second, rate in self.entries if second <= week_second]
        return before[-1] if before else self.entries[-1][1]


@dataclass
class Front:
    """Another concentration in the line: of `line_nl`, give or take a tenth, `made` steps have gone in before the run, `uncertain` of
    them perhaps not. `ratio`: the new concentration over the old one."""

    line_nl: int
    ratio: Fraction
    made: int = 0
    uncertain: int = 0
    passed: bool = False

    def part(self, made: int, nl_a_step: Fraction, behind: int) -> Fraction:
        """By what the basal of a second is multiplied; `made` steps were made before it, and by the ratio `behind` would be behind it."""
        if self.passed:
            return Fraction(1)
        if (self.made + behind) * nl_a_step <= self.line_nl - floor(Fraction(self.line_nl, 10)):
            return self.ratio
        return min(self.ratio, Fraction(1))

    def is_through(self, made: int, nl_a_step: Fraction) -> bool:
        return (self.made + made - self.uncertain) * nl_a_step >= self.line_nl + ceil(Fraction(self.line_nl, 10))


class Reference:
    """`pair` is (volume_nl, steps); `week_s` the second of the week at second 0 of the run."""

    def __init__(self, pair: tuple, week_s: int) -> None:
        self.volume_nl, self.steps = pair
        self.week_s = week_s
        self.plans, self.temporaries, self.doses = [], [], []
        self._known = (0, 0, Fraction(0), 0)  # second, whole basal steps, remainder in steps, index of the plan
        self._over = 0
        self.front = None

    def begin_with(self, rest: Fraction, front: Front) -> None:
        """The part of a step and the front that the run begins with."""
        self._known, self.front = (0, 0, rest, 0), front

    def _of(self, volume_nl: Fraction) -> Fraction:
        return volume_nl * self.steps / self.volume_nl

    def _boundaries(self, begin: int, end: int) -> list:
        found = {begin, end} | {plan.begin_s for plan in self.plans}
        for one in self.temporaries:
            found |= {one.begin_s, one.end_s}
        for plan in self.plans:
            for second, _ in plan.entries:
                first = begin + (second - self.week_s - begin) % 604_800
                found |= set(range(first, end, 604_800))
        return sorted([second for second in found if begin <= second <= end])

    def basal_steps(self, second: int) -> int:
        """Whole steps of the basal by then, to be asked in the order of time; what a change of program leaves of a step is dropped,
        what a temporary rate leaves below the program's own denominator too."""
        start, whole, rest, index = self._known
        for begin, end in zip(bounds := self._boundaries(start, second), bounds[1:]):
            if index + 1 < len(self.plans) and self.plans[index + 1].begin_s == begin:
                index, rest = index + 1, Fraction(0)
            plan = self.plans[index]
            rate = plan.rate((self.week_s + begin) % 604_800)
            present = [one for one in self.temporaries if one.begin_s <= begin < one.end_s]
            if present:
                rate = present[0].of(rate)
            if [one for one in self.temporaries if one.end_s == begin]:
                fine = plan.rate_seconds_s * self.volume_nl
                rest = Fraction(floor(rest * fine), fine)
            if self.front is None or self.front.passed:
                total = rest + self._of(rate * (end - begin))
                made = max(0, floor(total))
                whole, rest = whole + made, total - made
            else:
                whole, rest = self._through(whole, rest, rate, (end - begin, plan.rate_seconds_s * self.volume_nl))
            self._known = (end, whole, rest, index)
        return whole

    def _through(self, whole: int, rest: Fraction, rate: Fraction, time_and_fine: tuple) -> tuple:
        """Second by second: what each begins with says how it goes on. What the bridge leaves of a step is dropped."""
        front, nl_a_step, (time_s, fine) = self.front, Fraction(self.volume_nl, self.steps), time_and_fine
        for _ in range(time_s):
            if not front.passed and front.is_through(whole, nl_a_step):
                front.passed, rest = True, Fraction(floor(rest * fine), fine)
            behind = whole + max(0, floor(rest + self._of(rate * front.ratio)))
            rest += self._of(rate * front.part(whole, nl_a_step, behind))
            made = max(0, floor(rest))
            whole, rest = whole + made, rest - made
        return whole, rest

    def part_of_a_step(self) -> Fraction:
        """What the basal has of its next step, when it was last asked."""
        return self._known[2]

    def dose_steps(self, dose: Dose, second: int) -> int:
        return min(dose.steps, floor(self._of(dose.rate_nl_per_s * dose.active_s(second))))

    def ordered(self, second: int) -> int:
        for dose in [dose for dose in self.doses if dose.end_s() + DAY_S < second]:
            self.doses.remove(dose)
            self._over += dose.steps
        return self.basal_steps(second) + self._over + sum([self.dose_steps(dose, second) for dose in self.doses])
