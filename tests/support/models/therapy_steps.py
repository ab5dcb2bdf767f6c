"""The reference for a pump with therapy modes, written from THERAPY.md in fractions and plain lists; shares no code with the firmware.

Times are pump seconds of one run. The script gives each order and the second at which the pump says that it begins.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

DAY_S = 86_400


@dataclass
class Dose:
    """`volume_nl` over `duration_s` from `begin_s` on; an extended one pauses while another runs."""

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
        """Return the seconds that it has run by then."""
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
    """Another concentration in the line of `line_nl`, give or take 10 %. `ratio`: new concentration over old.

    `made` steps of it had gone in before the run, `uncertain` of them perhaps not.
    """

    line_nl: int
    ratio: Fraction
    made: int = 0
    uncertain: int = 0
    passed: bool = False

    def part(self, made: int, nl_a_step: Fraction, behind: int) -> Fraction:
        """Return the factor of the basal in a second. `made`: steps of the run before it; `behind`: by its end, at the ratio."""
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
        """Set the remainder of a step and the front at the beginning of the run."""
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
        """Return the whole basal steps by then; ask in order of time.

        A change of program drops its remainder, and a temporary rate the part below the program's own denominator.
        """
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
        """Go second by second: the state at its beginning decides. The bridge's remainder is dropped."""
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
        """Return the basal's part of its next step, as of the last call."""
        return self._known[2]

    def dose_steps(self, dose: Dose, second: int) -> int:
        return min(dose.steps, floor(self._of(dose.rate_nl_per_s * dose.active_s(second))))

    def ordered(self, second: int) -> int:
        for dose in [dose for dose in self.doses if dose.end_s() + DAY_S < second]:
            self.doses.remove(dose)
            self._over += dose.steps
        return self.basal_steps(second) + self._over + sum([self.dose_steps(dose, second) for dose in self.doses])
