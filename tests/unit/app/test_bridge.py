"""A bridge: the dose stays right, the lower rate runs while the front is uncertain, and no fault makes the dose larger."""

from fractions import Fraction
from math import floor

import pytest

from pumpcore.fluid import front
from pumpcore.motion.dose import Calibration
from pumpcore.program import packing as programs
from pumpcore.program.forecast import Forecast
from pumpcore.program.schedule import Zone
from support.programs import MONDAY_UTC_S, day
from support.pump.bridges import HIGH_NL, LOW_NL, PAIR, RATE, bridge, bridged, changed, content, drug, line
from support.pump.running import UnitPump, Watched, power_cut, ready
from support.replies import refusal_of
from support.some import some_of

STEPS_A_SECOND = 100


def expected(pump: Watched, begun: int, ratio: Fraction, second: int) -> int:
    """Return the steps ordered by then at a constant rate, second by second from the rules, from the front's begin on."""
    due, at = Fraction(0), begun
    per_s = Fraction(RATE, 3600) * PAIR.steps / PAIR.volume_nl
    low, high = (Fraction(nl) * PAIR.steps / PAIR.volume_nl for nl in (LOW_NL, HIGH_NL))
    for _ in range(second):
        made = begun + floor(due)
        if made >= high:
            rate = Fraction(1)
        elif begun + floor(due + per_s * ratio) <= low:
            rate = ratio
        else:
            rate = min(ratio, Fraction(1))
        due += per_s * rate
        at = made
    assert at <= begun + floor(due)
    return begun + floor(due)


@pytest.mark.rule("R4")
@pytest.mark.parametrize(("old", "new"), [(500, 300), (300, 500), (7, 3), (3, 7), (999, 1000)])
def test_the_dose_stays_right_and_every_second_has_its_rate(old: int, new: int) -> None:
    pump = changed(drug(old), drug(new))
    begun = pump.plant_steps()
    answer = bridged(pump)
    assert Fraction(answer["numerator"], answer["denominator"]) == Fraction(new, old)
    span = pump.pump.delivery.span
    for _ in range(400):
        pump.advance(4)
        assert span.ordered_steps - begun == expected(pump, 0, Fraction(new, old), span.planned_s), span.planned_s
        if pump.pump.delivery.bridge is None and pump.records("front_passed"):
            break
    assert [row["way"] for row in pump.records("front_passed")] == [0] and len(pump.records("front_near")) == 1
    assert line(pump)["phase"] == "" and line(pump)["needs"] == ""
    assert pump.alarms() == []


@pytest.mark.rule("R7")
def test_nothing_goes_beside_it_and_everything_says_so() -> None:
    more = {"demand_on": 1, "demand_nl": 60_000, "demand_s": 60, "lockout_s": 120, "demand_per_day": 2}
    pump = changed(drug(500, **more), drug(300, **more))
    bridged(pump)
    pump.advance(20)
    orders = {
        "bolus.start": {"volume_nl": 60_000, "rate_nl": 3_600_000}, "bolus.demand": {},
        "bolus.extended": {"volume_nl": 60_000, "duration_s": 600},
        "temporary.start": {"rate_nl": 0, "numerator": 1, "denominator": 2, "duration_s": 60},
    }  # fmt: skip
    for method, params in orders.items():
        told = pump.refusal(method, token=pump.token(), **params)
        assert (told["fault"], told["phase"]) == ("bridge_running", "old") and 0 < told["left_least_nl"] < told["left_most_nl"]
    pump.board.buttons.bolus = True
    pump.advance(5)
    assert len(pump.records("demand_refused")) == 1 and not pump.records("dose")
    packed = programs.pack(drug(300, RATE + 1, **more))
    digest = pump.stage(packed)["digest"]
    assert pump.refusal("program.activate", digest=digest)["fault"] == "bridge_running"


@pytest.mark.rule("R8")
def test_a_token_begins_one_bridge() -> None:
    pump = changed(drug(500), drug(300))
    one = pump.token()
    first = pump.call("bridge.start", token=one)
    assert pump.call("bridge.start", token=one) == first
    pump.advance(10)
    assert pump.call("bridge.start", token=one)["new_from_steps"] == first["new_from_steps"]
    assert refusal_of(bridge(pump))["fault"] == "not_stopped"
    pump.call("stop")
    assert pump.refusal("bridge.start", token=one)["fault"] == "token_unknown"
    assert len(pump.records("bridge_started")) == 1


@pytest.mark.rule("R5")
def test_what_would_be_too_fast_or_too_much_is_refused() -> None:
    limit = 700_000_000
    told = refusal_of(bridge(changed(drug(1, RATE), drug(200, RATE))))
    assert (told["fault"], told["rule"], told["asked_nl"], told["limit_nl"]) == ("rate_above_ceiling", "R7", 200 * RATE, limit)
    assert told["nearest_nl"] == limit // 200
    library = {"library": "bench", "library_version": 1}
    told = refusal_of(bridge(changed(drug(1, RATE), drug(3, RATE, hard_rate_nl=2 * RATE, **library))))
    assert (told["fault"], told["nearest_nl"]) == ("library_hard", 2 * RATE // 3)
    told = refusal_of(bridge(changed(drug(1, RATE), drug(3, RATE, soft_rate_nl=2 * RATE, **library))))
    assert told["fault"] == "library_soft"
    tight = drug(200, RATE)
    tight.hour_nl = 3_700_000
    told = refusal_of(bridge(changed(drug(100, RATE), tight)))
    assert (told["fault"], told["rule"]) == ("hour_above_ceiling", "R5") and told["asked_nl"] > told["limit_nl"] == told["nearest_nl"] - 0
    tight.hour_nl, tight.day_nl = 0, 86_500_000
    assert refusal_of(bridge(changed(drug(100, RATE), tight)))["fault"] == "day_above_ceiling"
    fine = drug((1 << 40) + 1, RATE, nl=1 << 20)
    assert refusal_of(bridge(changed(drug((1 << 40) - 1, RATE, nl=1 << 20), fine)))["fault"] == "bridge_ratio"


def test_a_stop_keeps_the_front_and_the_next_start_goes_on_from_there() -> None:
    pump = changed(drug(500), drug(300))
    begun = pump.plant_steps()
    bridged(pump)
    pump.advance(200)
    pump.call("stop")
    made = pump.plant_steps() - begun
    assert pump.refusal("start")["fault"] == "bridge_needed"
    told = line(pump)
    assert told["least_nl"] == PAIR.nl_for_steps(made) and told["most_nl"] == told["least_nl"] + 1
    answer = bridged(pump)
    assert answer["old_until_steps"] - begun == LOW_NL * PAIR.steps // PAIR.volume_nl
    span = pump.pump.delivery.span
    pump.advance(600)
    (near,) = pump.records("front_near")
    assert 0 <= answer["old_until_steps"] - near["ordered_steps"] < STEPS_A_SECOND * 3 // 5 + 1
    assert span.ordered_steps > answer["new_from_steps"]


@pytest.mark.rule("R11")
@pytest.mark.parametrize(("old", "new", "known"), [(500, 300, True), (300, 500, True), (500, 300, False)])
def test_after_a_cut_it_goes_on_and_the_uncertain_steps_count_both_ways(old: int, new: int, known: bool) -> None:
    pump = changed(drug(old), drug(new))
    begun = pump.plant_steps()
    bridged(pump)
    pump.advance(130)
    again = power_cut(pump, 7, known)
    again.advance(150)
    assert again.state() == "running" and not again.records("not_resumed")
    status = again.call("status")
    uncertain = status["uncertain_steps"]
    assert uncertain > 1000
    answer = again.records("bridge_started")[-1]
    assert answer["position_steps"] == again.records("boot")[-1]["leased_steps"]
    assert answer["old_until_steps"] == begun + LOW_NL * PAIR.steps // PAIR.volume_nl
    assert answer["new_from_steps"] == begun + uncertain - (-HIGH_NL * PAIR.steps // PAIR.volume_nl)
    again.advance(900)
    near, passed = again.records("front_near")[-1]["ordered_steps"], again.records("front_passed")[-1]["ordered_steps"]
    assert near <= answer["old_until_steps"] and passed >= answer["new_from_steps"]
    slow, waited = again.pump.delivery.bridge, again.call("status")["therapy"]["line"]
    assert slow is None and waited["phase"] == ""


@pytest.mark.rule("R11")
def test_a_cut_on_a_schedule_without_a_clock_stops_and_keeps_the_front() -> None:
    def scheduled(ng: int) -> programs.Program:
        return content(day((0, 0, RATE), (12, 0, 2 * RATE)), ng)

    pump = changed(scheduled(500), scheduled(300))
    bridged(pump)
    pump.advance(100)
    again = power_cut(pump, 7, known=False)
    again.advance(200)
    assert again.state() == "stopped" and "clock_lost" in again.alarms()
    again.call("clock.set", utc_s=MONDAY_UTC_S + 400, offset_s=0)
    assert again.refusal("start")["fault"] == "bridge_needed"
    bridged(again)
    assert again.state() == "running"


def test_another_calibration_in_the_middle_moves_nothing_that_is_in_the_line() -> None:
    pump = changed(drug(500), drug(300))
    bridged(pump)
    pump.advance(200)
    pump.call("stop")
    before = line(pump)
    pump.pump.setup.calibration = Calibration(2 * PAIR.volume_nl, PAIR.steps)
    pump.pump.setup.ceilings.rate_nl *= 1
    answer = bridged(pump)
    after = line(pump)
    assert (after["least_nl"], after["most_nl"]) == (before["least_nl"], before["most_nl"])
    rest = (LOW_NL - before["most_nl"]) * PAIR.steps // (2 * PAIR.volume_nl)
    assert answer["old_until_steps"] - answer["position_steps"] == rest


def test_a_low_reservoir_does_not_end_it_and_an_empty_one_does() -> None:
    tank = {"capacity_nl": 20_000_000, "low_nl": 100_000, "empty_nl": 50_000, "tolerance_nl": 10_000_000}
    pump = ready(drug(500, **tank))
    pump.call("reservoir.refill", token=pump.token(), measured_nl=0, filled_nl=200_000)
    pump.upload(drug(300, **tank))
    bridged(pump)
    pump.advance(200)
    assert "reservoir_low" in pump.alarms() and pump.state() == "running"
    pump.advance(200)
    assert pump.state() == "alarm" and "reservoir_empty" in pump.alarms()
    assert pump.pump.delivery.bridge is None and line(pump)["needs"] == "bridge"


@pytest.mark.rule("R11")
def test_years_without_power_do_not_take_minutes() -> None:
    def scheduled(ng: int) -> programs.Program:
        return content(day((0, 0, RATE), (7, 30, 2 * RATE), (12, 0, RATE), (18, 0, 3 * RATE)), ng)

    pump = changed(scheduled(500), scheduled(300))
    bridged(pump)
    pump.advance(100)
    turns = []
    again = power_cut(pump, 20 * 365 * 86_400)
    again.advance(10)
    basal = again.pump.delivery.span.basal
    count = type(basal.accumulator).advance
    try:
        type(basal.accumulator).advance = lambda self, rate_nl, time_s: turns.append(1) or count(self, rate_nl, time_s)
        assert basal.plan_steps(0, 20 * 365 * 86_400) > 0
    finally:
        type(basal.accumulator).advance = count
    assert again.state() == "running" and len(turns) < 100


# --- forecast -----------------------------------------------------------------------------------------------------------------


def forecast_of(pump: UnitPump, made: programs.Program) -> tuple:
    """Return (the laptop's Forecast, from the pump's report of the line; its first position)."""
    packed = programs.pack(made)
    staged = pump.stage(packed)
    told, status = staged["line"], pump.call("status")
    forecast = Forecast(made, PAIR, status["utc_s"], Zone(0), 5)
    pair = front.ratio((tuple(told["old_" + name] for name in ("fluid", "ng", "nl")),), made.content())
    forecast.crossing = front.Crossing(pair, told["old_until_steps"], told["new_from_steps"])
    return forecast, status["delivered_steps"]


def digests(pump: UnitPump, made: programs.Program, forecast: Forecast, position: int) -> tuple:
    """Return (the pump's, the laptop's) digest of the same days."""
    digest = programs.digest(programs.pack(made))
    answer = {"second_s": 0, "remainder": 0, "chain": "0" * 64, "position_steps": position, "done": False}
    utc_s = pump.call("status")["utc_s"]
    while not answer.pop("done"):
        answer = pump.call("forecast.digest", digest=digest, days=5, utc_s=utc_s, offset_s=0, bridge=1, **answer)
    cursor = forecast.begin(bytes.fromhex(digest), position)
    while cursor.second_s < forecast.end_s:
        cursor = forecast.block(cursor)
    return answer["chain"], cursor.chain.hex()


@pytest.mark.parametrize(("old", "new"), some_of([(500, 300), (300, 500)], 2))
def test_laptop_and_pump_forecast_the_same_bridge_and_the_pump_then_does_it(old: int, new: int) -> None:
    def scheduled(ng: int) -> programs.Program:
        return content(day(*[(hour, 7 * hour % 60, 200_000 + 31_007 * hour % 70_000) for hour in range(24)]), ng)

    pump = changed(scheduled(old), scheduled(old))
    pump.call("stop")
    forecast, position = forecast_of(pump, scheduled(new))
    theirs, ours = digests(pump, scheduled(new), forecast, position)
    assert theirs == ours  # staged only
    pump.upload(scheduled(new))
    forecast, position = forecast_of(pump, scheduled(new))
    theirs, ours = digests(pump, scheduled(new), forecast, position)
    assert theirs == ours  # active, about to begin
    bridged(pump)
    rows = list(forecast.rows(0, 0, position))
    span = pump.pump.delivery.span
    assert span.basal.week.utc_s == pump.call("status")["utc_s"]
    for second, *_, (_, ordered), _ in rows[:40]:
        ends = next(row[0] for row in rows if row[0] > second)
        pump.advance(max(0, ends - span.planned_s - 5))
        while span.planned_s < ends:
            pump.advance(1)
        if span.planned_s == ends:
            assert span.ordered_steps == ordered, (second, ends)
    assert pump.records("front_passed")
    middle = changed(scheduled(old), scheduled(new))
    bridged(middle)
    middle.advance(2000)
    forecast, position = forecast_of(middle, scheduled(new))
    theirs, ours = digests(middle, scheduled(new), forecast, position)
    assert theirs == ours  # under way
    other = programs.digest(programs.pack(scheduled(new)))
    assert pump.fault("forecast.digest", digest=other, days=1, utc_s=MONDAY_UTC_S, offset_s=0, bridge=1,
                      second_s=0, remainder=0, chain="0" * 64) == "no_bridge"  # fmt: skip
