"""The model: what a pump must have made and answered, from the rules alone, with exact fractions and a list of events.

No slices, no leases, no accumulators. A moment is a second since the beginning of the span (one run without a stop); a rate is a Fraction
of nl per second; a position is steps, with its exact fraction. The model is given the moments at which an order takes effect ("the next
slice boundary", from the reply). It computes everything else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

DAY_S, WEEK_S = 86_400, 604_800
MONDAY_S = 4 * DAY_S  # 1970-01-05: the first Monday since the epoch
ZERO = Fraction(0)


@dataclass(frozen=True)
class Pair:
    """A calibration: `steps` move `volume_nl`."""

    volume_nl: int
    steps: int

    def exact_steps(self, volume_nl: Fraction | int) -> Fraction:
        return Fraction(volume_nl) * self.steps / self.volume_nl

    def exact_nl(self, steps: int) -> Fraction:
        return Fraction(steps) * self.volume_nl / self.steps


@dataclass(frozen=True)
class Wall:
    """Local time: UTC at second 0 of the span, the offset, and the transition (UTC second, offset from it on) if one is known."""

    utc_s: int
    offset_s: int = 0
    transition: tuple[int, int] | None = None

    def week_second(self, second_s: int) -> int:
        utc_s = self.utc_s + second_s
        changed = self.transition is not None and utc_s >= self.transition[0]
        offset_s = self.transition[1] if changed and self.transition else self.offset_s
        return (utc_s + offset_s - MONDAY_S) % WEEK_S

    def transition_second(self) -> int | None:
        return None if self.transition is None else self.transition[0] - self.utc_s


@dataclass(frozen=True)
class Plan:
    """A program's basal: (minute of week, nl per `rate_seconds_s`). The last row of the week holds until the first."""

    rate_seconds_s: int
    rows: tuple[tuple[int, int], ...]

    def row_at(self, week_s: int) -> int:
        begun = [index for index, (minute, _) in enumerate(self.rows) if minute * 60 <= week_s]
        return begun[-1] if begun else len(self.rows) - 1

    def rate_at(self, week_s: int) -> Fraction:
        return Fraction(self.rows[self.row_at(week_s)][1], self.rate_seconds_s)

    def highest(self) -> Fraction:
        """The highest rate of the whole week."""
        return max(Fraction(rate_nl, self.rate_seconds_s) for _, rate_nl in self.rows)

    def next_change_s(self, week_s: int) -> int:
        """Return the seconds until the next row begins."""
        return min((minute * 60 - week_s - 1) % WEEK_S + 1 for minute, _ in self.rows)


@dataclass
class Temporary:
    """Instead of the basal from `begin_s` to `end_s`: `rate_nl` per the program's seconds, or numerator / denominator of the basal."""

    begin_s: int
    end_s: int
    rate_nl: int = 0
    numerator: int = 0
    denominator: int = 0

    def rate(self, basal: Fraction, plan: Plan) -> Fraction:
        return basal * self.numerator / self.denominator if self.denominator else Fraction(self.rate_nl, plan.rate_seconds_s)


@dataclass
class Dose:
    """A bolus that begins at `begin_s`; an extended one pauses while another is delivered. `cancel_s`: cut short there."""

    kind: str
    begin_s: int
    volume_nl: int
    rate: Fraction
    cancel_s: int | None = None

    def duration_s(self) -> int:
        return math.ceil(self.volume_nl / self.rate)

    def end_s(self) -> int:
        end_s = self.begin_s + self.duration_s()
        return end_s if self.cancel_s is None else min(end_s, self.cancel_s)


@dataclass
class Front:
    """Another concentration in the line, `ratio` the new one over it. `made` steps of the new one went in before the span.

    `uncertain` of them may not have been made. The span begins with the remainder `rest`. `course`: exact steps due at each second.
    """

    line_nl: int
    ratio: Fraction
    made: int = 0
    uncertain: int = 0
    rest: Fraction = ZERO
    course: list[Fraction] = field(init=False)

    def __post_init__(self) -> None:
        self.course = [self.rest]

    def rate(self, basal: Fraction, pair: Pair) -> Fraction:
        """Return the rate of the second after the end of `course`, by the position there."""
        if self.passed(pair):
            return basal
        ends = self.made + _whole(self.course[-1] + pair.exact_steps(basal * self.ratio))
        is_old = pair.exact_nl(ends) <= self.line_nl - math.floor(Fraction(self.line_nl, 10))
        return basal * (self.ratio if is_old else min(self.ratio, Fraction(1)))

    def passed(self, pair: Pair) -> bool:
        surely = self.made + _whole(self.course[-1]) - self.uncertain
        return pair.exact_nl(surely) >= self.line_nl + math.ceil(Fraction(self.line_nl, 10))


def _whole(due: Fraction) -> int:
    """Return the whole steps due; none while steps are owed."""
    return max(0, math.floor(due))


@dataclass
class Span:
    """One run without a stop, from second 0 on."""

    pair: Pair
    wall: Wall
    plan: Plan
    takeovers: list[tuple[int, Plan]] = field(default_factory=list)
    temporaries: list[Temporary] = field(default_factory=list)
    doses: list[Dose] = field(default_factory=list)
    front: Front | None = None
    _edge: tuple[int, Fraction] = field(init=False, default=(0, ZERO))  # the last change that was passed, and the steps due there

    # -- basal

    def plan_at(self, second_s: int) -> Plan:
        return [plan for begin_s, plan in [(0, self.plan), *self.takeovers] if begin_s <= second_s][-1]

    def basal_rate(self, second_s: int) -> Fraction:
        plan = self.plan_at(second_s)
        rate = plan.rate_at(self.wall.week_second(second_s))
        for temporary in self.temporaries:
            if temporary.begin_s <= second_s < temporary.end_s:
                return temporary.rate(rate, plan)
        return rate

    def highest_beside(self, begin_s: int, end_s: int) -> Fraction:
        """Return the highest basal of these seconds: with the running temporary rate, and if that is cancelled."""
        highest, at_s = ZERO, begin_s
        while at_s < end_s:
            highest = max(highest, self.plan_at(at_s).rate_at(self.wall.week_second(at_s)), self.basal_rate(at_s))
            at_s = self._next_edge(at_s)
        return highest

    def flow(self, second_s: int) -> Fraction:
        """Return the delivery of basal and bolus in this second, nl per second."""
        running = [dose.rate for dose in self.doses if self.active(dose, Fraction(second_s + 1)) > self.active(dose, Fraction(second_s))]
        return self.basal_rate(second_s) + sum(running, ZERO)

    def _next_edge(self, second_s: int) -> int:
        edges = [second_s + self.plan_at(second_s).next_change_s(self.wall.week_second(second_s))]
        edges += [begin_s for begin_s, _ in self.takeovers]
        edges += [edge for temporary in self.temporaries for edge in (temporary.begin_s, temporary.end_s)]
        changed_s = self.wall.transition_second()
        edges += [] if changed_s is None else [changed_s]
        return min(edge for edge in edges if edge > second_s)

    def basal(self, second: Fraction | int) -> Fraction:
        """Return the exact basal steps due by then, less what a change of program or the end of a temporary rate drops."""
        if self.front is not None:
            return self._across(self.front, second)
        if self._edge[0] > second:
            self._edge = 0, ZERO
        at_s, due = self._edge
        while at_s < second:
            edge = min(Fraction(self._next_edge(at_s)), Fraction(second))
            due += self.pair.exact_steps(self.basal_rate(at_s) * (edge - at_s))
            at_s = int(edge) if edge == int(edge) else at_s
            if edge == second:
                return self._dropped(due, at_s) if edge == int(edge) else due
            due = self._dropped(due, at_s)
            self._edge = at_s, due
        return due

    def _across(self, front: Front, second: Fraction | int) -> Fraction:
        """Go second by second. After the front, the remainder below the program's own parts is dropped."""
        parts = self.plan.rate_seconds_s * self.pair.volume_nl
        while len(front.course) - 1 <= second:
            at_s, before = len(front.course) - 1, front.course[-1]
            rate = front.rate(self.basal_rate(at_s), self.pair)
            if front.passed(self.pair):
                before = Fraction(math.floor(before * parts), parts)
            front.course.append(before + self.pair.exact_steps(rate))
        whole = math.floor(second)
        return front.course[whole] + (front.course[whole + 1] - front.course[whole]) * (second - whole)

    def _dropped(self, due: Fraction, second_s: int) -> Fraction:
        if any(begin_s == second_s for begin_s, _ in self.takeovers):
            return Fraction(math.floor(due))
        if any(temporary.end_s == second_s for temporary in self.temporaries):
            parts = self.plan_at(second_s).rate_seconds_s * self.pair.volume_nl
            return Fraction(math.floor(due * parts), parts)
        return due

    # -- boluses

    def paused_s(self, second: Fraction) -> Fraction:
        """Return for how long a bolus that interrupts the extended one was delivered, from 0 until `second`."""
        return sum((max(ZERO, min(second, Fraction(dose.end_s())) - dose.begin_s) for dose in self._normal()), ZERO)

    def _normal(self) -> Iterator[Dose]:
        return (dose for dose in self.doses if dose.kind != "extended")

    def active(self, dose: Dose, second: Fraction) -> Fraction:
        """Return for how long `dose` was delivered by then."""
        if second <= dose.begin_s:
            return ZERO
        if dose.kind != "extended":
            return max(ZERO, min(second, Fraction(dose.end_s())) - dose.begin_s)
        until = second if dose.cancel_s is None else min(second, Fraction(dose.cancel_s))
        if until <= dose.begin_s:  # cancelled before it began
            return ZERO
        return until - dose.begin_s - (self.paused_s(until) - self.paused_s(Fraction(dose.begin_s)))

    def of_dose(self, dose: Dose, second: Fraction | int) -> int:
        """Return the whole steps due by then."""
        volume = min(Fraction(dose.volume_nl), dose.rate * self.active(dose, Fraction(second)))
        return math.floor(self.pair.exact_steps(volume))

    def live(self, second: Fraction | int) -> list[Dose]:
        """Return the boluses that make steps at that moment."""
        return [dose for dose in self.doses if 0 < self.active(dose, Fraction(second)) < dose.duration_s()]

    def of_doses(self, second: Fraction | int) -> int:
        return sum(self.of_dose(dose, second) for dose in self.doses)


# -- what is allowed


@dataclass(frozen=True)
class Rules:
    """The limits of a program by which the model judges orders; 0 = none."""

    rate_nl: int = 0  # highest, per the program's seconds
    demand: tuple[int, int, int, int] | None = None  # nl, s, lockout s, most in a day
    bolus_max_nl: int = 0
    bolus_day_nl: int = 0
    capacity_nl: int = 0
    low_nl: int = 0
    empty_nl: int = 0


@dataclass(frozen=True)
class Count:
    """A bolus in the counts: its start in powered-on seconds, rounded up."""

    kind: str
    start_s: int
    volume_nl: int


@dataclass
class Counts:
    """Lockout, count and sum of the boluses in 24 powered-on hours; only powered-on time removes one."""

    rules: Rules
    boluses: list[Count] = field(default_factory=list)

    def began(self, kind: str, powered_on: Fraction, volume_nl: int) -> None:
        self.boluses.append(Count(kind, math.ceil(powered_on), volume_nl))

    def in_day(self, powered_on_s: int, kind: str = "") -> list[Count]:
        return [row for row in self.boluses if powered_on_s - row.start_s < DAY_S and kind in ("", row.kind)]

    def lockout_left_s(self, powered_on_s: int) -> int:
        starts = [row.start_s for row in self.boluses if row.kind == "demand"]
        return max(0, starts[-1] + self.rules.demand[2] - powered_on_s) if starts and self.rules.demand else 0

    def demand_refusals(self, powered_on_s: int) -> set[str]:
        """Return why a press now is refused; empty if the counts allow it."""
        if self.rules.demand is None:
            return {"demand_off"}
        reasons = {"demand_locked"} if self.lockout_left_s(powered_on_s) else set()
        full = len(self.in_day(powered_on_s, "demand")) >= self.rules.demand[3]
        return reasons | ({"demand_count"} if full else set()) | self.volume_refusals(self.rules.demand[0], powered_on_s)

    def volume_refusals(self, volume_nl: int, powered_on_s: int) -> set[str]:
        held_nl = sum(row.volume_nl for row in self.in_day(powered_on_s) if row.kind != "priming")
        reasons = {"bolus_above_max"} if 0 < self.rules.bolus_max_nl < volume_nl else set()
        return reasons | ({"bolus_day"} if 0 < self.rules.bolus_day_nl < held_nl + volume_nl else set())


@dataclass
class Tank:
    """The least volume left, from the last refill on."""

    pair: Pair
    rules: Rules
    base_nl: int = 0
    base_steps: int = 0

    def left_nl(self, position_steps: int) -> int:
        return math.floor(self.base_nl - self.pair.exact_nl(position_steps - self.base_steps))

    def refill(self, position_steps: int, measured_nl: int, filled_nl: int) -> None:
        self.base_nl, self.base_steps = measured_nl + filled_nl, position_steps

    def refusals(self, volume_nl: int, position_steps: int) -> set[str]:
        left_nl = self.left_nl(position_steps)
        reasons = {"reservoir_is_low"} if left_nl <= self.rules.low_nl else set()
        return reasons | ({"reservoir_holds_less"} if left_nl - self.rules.empty_nl < volume_nl else set())


# -- a span and what was seen of it


@dataclass
class Carried:
    """The remainder with which a span began: unknown to an observer, but one number for the whole span.

    `whole` steps counted when `due` were exact say `whole <= due + carried < whole + 1`.
    """

    least: Fraction = ZERO
    below: Fraction = Fraction(1)

    def fits(self, due: Fraction, whole: int) -> bool:
        """Narrow the number by one observation; return False if none is left."""
        self.least = max(self.least, whole - due)
        self.below = min(self.below, whole + 1 - due)
        return self.least < self.below


def first_second(reached: Callable[[int], bool], low_s: int, high_s: int) -> int:
    """Return the first second in (low, high] for which `reached` (which stays true) holds."""
    while high_s - low_s > 1:
        middle_s = (low_s + high_s) // 2
        low_s, high_s = (low_s, middle_s) if reached(middle_s) else (middle_s, high_s)
    return high_s
