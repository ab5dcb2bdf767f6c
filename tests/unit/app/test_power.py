"""The power fails at any time: what is uncertain, what is missed, what resumes; nothing is caught up."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpcore.program.plan import Program
from support.programs import MONDAY_UTC_S, constant, day, resuming
from support.pump.running import Watched, power_cut, ready, running

STEPS_PER_NL = Fraction(99_991, 1_000_003)
HOURLY = 900_000  # 25 steps a second


def ran(program: Program, run_s: float) -> Watched:
    pump = running(program)
    pump.advance(run_s)
    return pump


@pytest.mark.rule("R11")
def test_by_default_nothing_goes_on() -> None:
    pump = ran(constant(HOURLY), 100)
    again = power_cut(pump, 60)
    again.advance(600)
    assert again.state() == "stopped" and again.plant_steps() == 0 and not again.board.stepper.enabled
    assert again.alarms() == ["power_lost", "not_resumed"]
    again.call("start")
    again.advance(1)
    assert again.state() == "running"  # warnings do not forbid it


@pytest.mark.rule("R2")
@settings(max_examples=30)
@given(st.integers(0, 400_000))
def test_what_was_open_counts_as_delivered_and_is_told_as_uncertain(run_ms: int) -> None:
    pump = ran(constant(HOURLY), run_ms / 1000)
    plant = pump.plant_steps()
    again = power_cut(pump, 5)
    again.advance(1)
    boot = again.records("boot")[-1]
    assert boot["confirmed_steps"] <= plant <= boot["confirmed_steps"] + boot["uncertain_steps"] == boot["leased_steps"]
    status = again.call("status")
    assert status["uncertain_steps"] == boot["uncertain_steps"] and status["delivered_steps"] == boot["leased_steps"]
    assert boot["cause"] == 0 and boot["unique_id"].hex() == "0123456789abcdef"


@pytest.mark.rule("R11")
@settings(max_examples=30)
@given(st.integers(0, 400_000), st.integers(0, 5_000), st.booleans(), st.integers(1, 900_000))
def test_ordered_is_confirmed_and_uncertain_and_missed(run_ms: int, off_s: int, known: bool, rate_nl: int) -> None:
    """Exact to the step, against the plan of the whole time in fractions."""
    pump = ran(resuming(constant(rate_nl)), run_ms / 1000)
    plant, first_s = pump.plant_steps(), pump.pump.delivery.span.lease_end_s
    again = power_cut(pump, off_s, known)
    again.advance(5_000)
    (missed,), boot = again.records("missed"), again.records("boot")[-1]
    assert boot["confirmed_steps"] <= plant <= boot["confirmed_steps"] + boot["uncertain_steps"]
    span = again.pump.delivery.span
    after_steps, owed = span.ordered_steps - boot["leased_steps"], span.basal.owed_steps(0, 0)
    assert missed["cause"] == 0 and not (owed and after_steps)
    gap_s = missed["to_utc_s"] - missed["from_utc_s"] if known else _gap_without_clock(again)
    planned = rate_nl * STEPS_PER_NL * (first_s + gap_s + span.planned_s) / 3600
    ordered = boot["confirmed_steps"] + boot["uncertain_steps"] + missed["missed_steps"] + after_steps
    assert ordered - owed == floor(planned)
    assert again.plant_steps() <= after_steps


def _gap_without_clock(pump: Watched) -> int:
    """Without a clock the time off is unknown and left out: the gap runs from power-up to the start of the span."""
    (started,) = [record for record in pump.journal() if record.name == "started" and record.fields["by"] == 1]
    return started.uptime_ms // 1000


@pytest.mark.rule("R11")
def test_a_long_time_off_is_missed_and_not_caught_up() -> None:
    pump = ran(resuming(day((0, 0, HOURLY), (12, 0, 100_000))), 1_000)
    again = power_cut(pump, 86_400)
    again.advance(1_000)
    (missed,) = again.records("missed")
    expected = (12 * HOURLY + 12 * 100_000) * STEPS_PER_NL
    assert abs(missed["missed_steps"] - expected) < 70 * 25
    assert abs(again.plant_steps() - 1_000 * 25) < 60
    assert missed["to_utc_s"] - missed["from_utc_s"] == pytest.approx(86_400, abs=70)


@pytest.mark.rule("R2")
def test_the_pump_waits_until_the_plan_has_passed_what_the_lease_had_booked() -> None:
    pump = ran(resuming(constant(HOURLY)), 63)  # a fresh lease of 60 s, the most of it open
    again = power_cut(pump, 1)
    again.advance(20)
    assert again.state() == "resuming" and again.plant_steps() == 0 and not again.board.stepper.enabled
    again.advance(60)
    assert again.state() == "running" and again.plant_steps() > 0
    total = 145 * 25
    assert again.delivered_steps() <= total + 1


@pytest.mark.rule("R2")
@pytest.mark.rule("R4")
def test_a_step_that_is_owed_keeps_no_bolus_from_a_pump_with_no_basal_and_is_owed_after_the_next_cut_too() -> None:
    """What the lease booked beyond a plan that stands still: therapy resumes at once, the basal a step later."""
    schedule = resuming(day((0, 0, 0), (2, 0, 360_000)))
    pump = ran(schedule, 130)
    for _ in range(2):
        pump = power_cut(pump, 5)
        pump.advance(100)
        assert pump.state() == "running" and pump.plant_steps() == 0
    assert pump.pump.delivery.span.basal.owed_steps(0, 0) == 2  # each cut books one that the guard may have passed
    token = pump.order(60_000, 7_200_000)
    pump.advance(120)
    assert pump.bolus(token)["state"] == "done" and pump.plant_steps() == pump.bolus(token)["ordered_steps"]
    made, span = pump.delivered_steps(), pump.pump.delivery.span
    pump.advance(2 * 3600 + 600)
    on_s = span.basal.week.local_s(span.planned_s) % 86_400 - 2 * 3600
    assert on_s > 600 and span.ordered_steps - made == floor(360_000 * STEPS_PER_NL * on_s / 3600) - 2


@pytest.mark.rule("R11")
def test_at_most_three_resumes_in_an_hour() -> None:
    pump = ran(resuming(constant(HOURLY)), 100)
    states = []
    for _ in range(4):
        pump = power_cut(pump, 300)
        pump.advance(100)
        states.append(pump.state())
    assert states == ["running", "running", "running", "stopped"]
    assert pump.alarms() == ["power_lost", "not_resumed"]
    pump.call("start")
    pump.advance(3_700)
    pump = power_cut(pump, 300)
    pump.advance(100)
    assert pump.state() == "running"  # an hour of power later it may again


@pytest.mark.rule("R2")
def test_the_power_fails_again_while_waiting_to_resume() -> None:
    pump = ran(resuming(constant(HOURLY)), 63)
    leased = pump.pump.delivery.leases.files.record.leased_steps
    for _ in range(5):
        pump = power_cut(pump, 1)
        pump.advance(2)
        assert pump.state() == "resuming"
    assert [row["uncertain_steps"] for row in pump.records("boot")][-4:] == [0, 0, 0, 0]  # reported once
    pump.advance(100)
    assert pump.state() == "running" and pump.records("started")[-1]["position_steps"] == leased


@pytest.mark.rule("R11")
@pytest.mark.parametrize(("policy", "known", "fault"), [("stop", False, "clock_lost"), ("stop", True, ""), ("lowest", False, "")])
def test_a_schedule_resumes_with_its_time_or_as_it_says_without(policy: str, known: bool, fault: str) -> None:
    made = resuming(day((0, 0, HOURLY), (12, 0, 100_000)))
    made.on_clock_loss = policy
    again = power_cut(ran(made, 100), 100, known)
    again.advance(200)
    assert again.state() == ("stopped" if fault else "running")
    assert fault in again.alarms() if fault else again.alarms() == ["power_lost"]
    if not fault:
        assert again.call("status")["entry_rate_nl"] == (HOURLY if known else 100_000)


@pytest.mark.rule("R11")
def test_a_clock_that_was_set_back_resumes_only_when_the_lease_s_end_has_come_again() -> None:
    again = power_cut(ran(resuming(constant(HOURLY)), 100), -3_600)
    again.advance(600)
    assert again.state() == "resuming" and again.plant_steps() == 0
    assert again.call("stop")["state"] == "stopped"


@pytest.mark.rule("R8")
@pytest.mark.parametrize("how", ["stop", "button", "alarm"])
def test_whatever_stops_a_waiting_pump_keeps_it_stopped(how: str) -> None:
    again = power_cut(ran(resuming(constant(HOURLY)), 63), 1)
    again.advance(5)
    position = again.call("status")["delivered_steps"]
    assert again.state() == "resuming"
    if how == "stop":
        assert again.call("stop") == {"state": "stopped", "delivered_steps": position}
    elif how == "button":
        again.board.buttons.stop = True
    else:
        again.pump.alarms.raise_fault("internal")
    again.advance(200)
    assert again.state() == ("alarm" if how == "alarm" else "stopped") and again.plant_steps() == 0
    if how == "alarm":
        assert "not_resumed" in again.alarms()
    third = power_cut(again, 5)
    third.advance(5)
    assert third.state() == ("alarm" if how == "alarm" else "stopped")  # a reset ends no alarm
    assert third.records("boot")[-1]["leased_steps"] == position


@pytest.mark.rule("R8")
def test_a_stop_during_the_self_test_of_a_resuming_pump_keeps_the_position() -> None:
    pump = ran(resuming(constant(HOURLY)), 63)
    leased = pump.pump.delivery.leases.files.record.leased_steps
    again = power_cut(pump, 1)
    assert not again.pump.selftest.done
    assert again.call("status")["delivered_steps"] == leased
    assert again.call("stop")["delivered_steps"] == leased
    again.advance(100)
    assert again.call("status")["delivered_steps"] == leased and again.alarms() == ["power_lost"]


def test_a_stopped_pump_that_loses_power_has_nothing_to_tell() -> None:
    pump = ran(constant(HOURLY), 30)
    position = pump.call("stop")["delivered_steps"]
    again = power_cut(pump, 5)
    again.advance(1)
    assert again.alarms() == [] and again.call("status")["delivered_steps"] == position
    assert again.records("boot")[-1]["uncertain_steps"] == 0


@pytest.mark.rule("R5")
def test_powered_on_time_never_goes_back_and_counts_no_time_off() -> None:
    pump, before_s = ran(constant(HOURLY), 1_000), 0
    for _ in range(3):
        pump = power_cut(pump, 10_000)
        pump.advance(400)
        now_s = pump.call("status")["powered_on_s"]
        assert before_s <= now_s <= 1_000 + 3 * 401
        before_s = now_s


@pytest.mark.rule("R11")
def test_years_without_power_take_no_time_to_account_for() -> None:
    rows = [(minute, HOURLY if minute % 60 else 100_000) for minute in range(0, 10_080, 30)]
    made = resuming(day((0, 0, 1)))
    made.entries = rows
    again = power_cut(ran(made, 100), 10 * 365 * 86_400)
    again.advance(5)
    (missed,) = again.records("missed")
    weekly = sum([rate_nl for _, rate_nl in rows]) * 1800
    assert missed["missed_steps"] == pytest.approx(weekly * STEPS_PER_NL / 3600 * 10 * 365 / 7, rel=1e-3)
    assert again.pump.resume is None and again.state() == "running"


def test_a_pump_without_a_clock_chip_forgets_the_time() -> None:
    pump = ready(constant(HOURLY))
    assert pump.call("status")["utc_s"] >= MONDAY_UTC_S
    assert power_cut(pump, 5, known=False).call("status")["utc_s"] == 0
