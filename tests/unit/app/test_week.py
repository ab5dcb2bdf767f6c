"""A week with every mode against a reference written from the rules, at every eighth slice that the pump plans."""

import itertools
from fractions import Fraction
from math import floor

import pytest

from pumpcore.program import packing as programs
from support.models.therapy import MONDAY_S, Dose, Front, Pair, Plan, Span, Temporary, Wall
from support.programs import MONDAY_UTC_S, day, resuming, with_settings
from support.pump.running import BENCH, Watched, power_cut, ready

PAIR = Pair(BENCH["calibration"]["volume_nl"], BENCH["calibration"]["steps"])
DAY_S = 86_400
SETTINGS = {
    "demand_on": 1, "demand_nl": 40_001, "demand_s": 240, "lockout_s": 3600, "demand_per_day": 4, "bolus_day_nl": 1_000_000,
    "bolus_max_nl": 600_000, "capacity_nl": 50_000_000, "low_nl": 2_000_000, "empty_nl": 500_000, "tolerance_nl": 100_000,
    "line_day": 20_000, "tubing_nl": 140_000, "catheter_nl": 199_000,
}  # fmt: skip
LINE_NL = 339_000
FIRST = ((0, 0, 123_457), (6, 30, 400_003), (9, 0, 90_000), (17, 15, 250_001), (22, 0, 60_007))
THIRD = ((0, 0, 240_000), (1, 0, 100_003), (2, 30, 180_001), (6, 0, 70_000))
SECOND = ((0, 0, 60_000), (7, 0, 300_001), (12, 0, 150_007), (20, 0, 80_001))


def weekly(rows: tuple, mass_ng: int = 500) -> programs.Program:
    made = resuming(with_settings(day(*rows), **SETTINGS))
    made.concentration = (mass_ng, 1_000_000)
    return made


def plan(rows: tuple) -> Plan:
    return Plan(3600, tuple((d * DAY_S // 60 + hour * 60 + minute, rate) for d in range(7) for hour, minute, rate in rows))


class Week:
    """The pump, the reference, and the orders for both."""

    def __init__(self) -> None:
        self.pump: Watched = ready(weekly(FIRST), MONDAY_UTC_S)
        pump = self.pump
        self.filled_nl = 40_000_000
        pump.call("reservoir.refill", token=self.token(), measured_nl=0, filled_nl=self.filled_nl)
        pump.call("bolus.prime", token=self.token(), rate_nl=12_204_000, again=0)
        pump.advance(120)
        self.primed = pump.plant_steps()
        assert self.primed == LINE_NL * PAIR.steps // PAIR.volume_nl
        pump.call("start")
        self.slices, self.ordered_steps = 0, 0
        self.watch(FIRST)

    def watch(self, rows: tuple) -> None:
        """A run has just begun with this program."""
        pump = self.pump
        pump.advance(0.01)
        self.span, self.due = pump.pump.delivery.span, []
        self.base = pump.records("started")[-1]["position_steps"]
        self.reference = Span(PAIR, Wall(MONDAY_S + self.span.basal.week.local_s(0)), plan(rows))
        turn = pump.pump.turn

        def watched() -> None:
            turn()
            self.due.append((self.span.planned_s, self.span.ordered_steps))

        pump.pump.turn = watched

    def token(self) -> str:
        return self.pump.token()

    def second(self, uptime_ms: int) -> int:
        assert (uptime_ms - self.span.origin_ms) % 1000 == 0
        return (uptime_ms - self.span.origin_ms) // 1000

    def now_s(self) -> int:
        return (self.pump.board.clock.uptime_ms() - self.span.origin_ms) // 1000

    def until(self, second: int) -> None:
        self.pump.advance(second - self.now_s())

    def dose(self, method: str, asked: tuple, **params: int) -> Dose:
        volume_nl, rate = asked
        answer = self.pump.call(method, token=self.token(), **params)
        begin_s = self.second(answer["begins_at_ms"])
        assert 0 <= begin_s - self.now_s() <= 8 and answer["ordered_steps"] == volume_nl * PAIR.steps // PAIR.volume_nl
        made = Dose(method.split(".")[1], begin_s, volume_nl, rate)
        self.reference.doses.append(made)
        self.ordered_steps += answer["ordered_steps"]
        return made

    def manual(self, volume_nl: int, rate_nl: int) -> None:
        self.dose("bolus.start", (volume_nl, Fraction(rate_nl, 3600)), volume_nl=volume_nl, rate_nl=rate_nl)

    def demand(self) -> None:
        self.dose("bolus.demand", (SETTINGS["demand_nl"], Fraction(SETTINGS["demand_nl"], SETTINGS["demand_s"])))

    def extended(self, volume_nl: int, duration_s: int) -> None:
        self.dose("bolus.extended", (volume_nl, Fraction(volume_nl, duration_s)), volume_nl=volume_nl, duration_s=duration_s)

    def temporary(self, duration_s: int, rate_nl: int, numerator: int = 0, denominator: int = 0) -> None:
        params = {"rate_nl": rate_nl, "numerator": numerator, "denominator": denominator, "duration_s": duration_s}
        answer = self.pump.call("temporary.start", token=self.token(), **params)
        begin_s = self.second(answer["begins_at_ms"])
        self.reference.temporaries.append(Temporary(begin_s, begin_s + duration_s, rate_nl, numerator, denominator))

    def takes_over(self, rows: tuple) -> None:
        packed = programs.pack(weekly(rows))
        digest = self.pump.stage(packed)["digest"]
        self.pump.call("program.activate", digest=digest)
        self.reference.takeovers.append((self.span.lease_end_s, plan(rows)))

    def ordered(self, second: int) -> int:
        """Return the steps that the rules have planned by then."""
        return max(0, floor(self.reference.basal(second))) + self.reference.of_doses(second)

    def compare(self) -> None:
        """Compare the steps of every slice planned since the last look with the rules."""
        seen = [key for key, _ in itertools.groupby(self.due)]
        for second, ordered in seen[::8] + seen[-1:]:
            assert ordered - self.base == self.ordered(second), second
            self.slices += 1
        self.due = self.due[-1:]


    def cross(self, new_ng: int, ratio: Fraction) -> None:
        """After a stop, continue with another concentration than that in the line."""
        pump = self.pump
        pump.upload(weekly(THIRD, new_ng))
        assert pump.fault("start") == "bridge_needed"
        self.front_steps, self.ratio = pump.delivered_steps(), ratio
        self.uncertain_steps = pump.call("status")["uncertain_steps"]
        pump.call("bridge.start", token=self.token())
        self.watch(THIRD)
        self.reference.front = Front(LINE_NL, ratio)

    def lose_power(self, off_s: int, gap_s: int) -> None:
        """Cut the power and restore it, `off_s` later or `gap_s` after the broken lease. The program resumes by ledger and rules."""
        off_s = off_s or self.span.lease_end_s - self.now_s() + gap_s
        due_steps, fine = self.base + self.ordered(self.span.lease_end_s), 3600 * PAIR.volume_nl
        rest = Fraction(floor(self.reference.basal(self.span.lease_end_s) % 1 * fine), fine)
        pump = self.pump = power_cut(self.pump, off_s)
        while pump.state() != "running":
            pump.advance(1)
        boot, missed, third = pump.records("boot")[-1], pump.records("missed")[-1], plan(THIRD)
        for second in range(missed["from_utc_s"], missed["to_utc_s"]):
            rest += PAIR.exact_steps(third.rate_at((second - MONDAY_UTC_S) % (7 * DAY_S)) * min(self.ratio, 1))
        left = floor(rest) - (boot["leased_steps"] - due_steps)  # below 0: booked beyond the plan, and owed
        assert missed["missed_steps"] == max(0, left)
        assert missed["to_utc_s"] - missed["from_utc_s"] == gap_s and boot["uncertain_steps"] > 0
        self.watch(THIRD)
        assert self.base == boot["leased_steps"]
        uncertain = pump.call("status")["uncertain_steps"] - self.uncertain_steps
        owed = Fraction(floor(rest % 1 * fine), fine) + min(0, left)
        self.reference.front = Front(LINE_NL, self.ratio, self.base - self.front_steps, uncertain, owed)

    def passes(self) -> None:
        """Run until the front has passed, and an hour more."""
        while not self.reference.front.passed(PAIR):
            self.until(self.now_s() + 600)
            self.compare()
        self.until(self.now_s() + 3600)
        self.compare()
        line = self.pump.call("status")["therapy"]["line"]
        assert (line["needs"], line["phase"]) == ("", "") and self.pump.records("front_passed")
        self.pump.call("stop")
        self.compare()


def one_day(week: Week, number: int) -> None:
    """Order different things each day: boluses near every entry, a pause across an entry, early presses."""
    begin = number * DAY_S - week.span.basal.week.local_s(0)
    week.until(begin + 3_601 + 61 * number)
    week.demand()
    week.pump.board.buttons.bolus = True
    week.until(begin + 6 * 3600 + 1_000)
    week.extended(300_007 + number, 7_200)
    week.until(begin + 6 * 3600 + 1_795 + number)
    week.manual(50_003, 1_800_000)
    week.until(begin + 7 * 3600)
    week.demand()
    week.compare()
    week.until(begin + 10 * 3600)
    week.temporary(3_333 + number, 0, 1 + number, 7)
    week.until(begin + 10 * 3600 + 600)
    week.manual(20_000, 720_000)
    week.until(begin + 16 * 3600)
    week.temporary(7_200, 333_333)
    week.until(begin + 18 * 3600)
    week.demand()
    week.compare()


def crossings(week: Week) -> int:
    """Change the concentration twice, to a weaker and a stronger drug. Return how many slices were compared.

    The power fails once before each front is near, and once while its position is uncertain.
    """
    before = week.slices
    for new_ng, ratio in ((300, Fraction(300, 500)), (700, Fraction(700, 300))):
        week.cross(new_ng, ratio)
        week.until(2_000)
        week.compare()
        week.lose_power(13, 0)
        while not week.pump.records("front_near"):
            week.until(week.now_s() + 300)
        week.compare()
        week.lose_power(0, 240)
        week.passes()
    return week.slices - before


@pytest.mark.rule("R2")
@pytest.mark.rule("R3")
@pytest.mark.rule("R4")
@pytest.mark.rule("R11")
@pytest.mark.long
def test_a_week_with_every_mode_is_step_for_step_what_the_rules_say() -> None:
    week = Week()
    pump = week.pump
    for number in range(7):
        one_day(week, number)
        if number == 3:
            week.until(number * DAY_S + 23 * 3600)
            week.takes_over(SECOND)
            week.compare()
        if number in (1, 4):
            left_nl = pump.call("status")["therapy"]["reservoir"]["left_nl"]
            answer = pump.call("reservoir.refill", token=week.token(), measured_nl=left_nl, filled_nl=1_000_000)
            assert (answer["expected_nl"], answer["blocks"]) == (left_nl, 0)
            week.filled_nl += 1_000_000
    week.until(7 * DAY_S)
    week.compare()
    position = pump.call("stop")["delivered_steps"]
    assert position == pump.plant_steps()
    assert 0 <= week.due[-1][1] - position <= 30  # planned ahead, at most 7 s
    told = {row["token"]: row["delivered_steps"] for row in pump.records("bolus_ended")}
    assert sum(told.values()) == week.primed + week.ordered_steps
    assert len(pump.records("demand_refused")) == 7 and len(pump.records("temporary_ended")) == 14
    gone_nl = week.filled_nl - pump.call("status")["therapy"]["reservoir"]["left_nl"]
    assert 0 <= gone_nl - position * PAIR.volume_nl / PAIR.steps <= 4
    assert pump.alarms() == [] and week.slices > 15_000
    made = week.slices
    assert crossings(week) > 800
    print("\na week: %d slices compared, %d steps, %d boluses" % (made, position, len(told)))
