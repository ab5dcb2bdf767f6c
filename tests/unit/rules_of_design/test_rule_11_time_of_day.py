"""R11: the wall time is used only if it is known; therapy resumes only if allowed; nothing is caught up."""

from fractions import Fraction

import pytest

from pumpcore.orders import bolus as boluses
from pumpcore.program.plan import Program
from support.programs import MONDAY_UTC_S, constant, day
from support.pump.running import BENCH, UnitPump, again
from support.replies import number

pytestmark = pytest.mark.rule("R11")
STEPS, VOLUME_NL = BENCH["calibration"]["steps"], BENCH["calibration"]["volume_nl"]
RATE_NL = 36_000_000


def resuming(program: Program) -> Program:
    program.after_power_loss = "resume"
    return program


def plan_steps(rate_nl: int, duration_s: int) -> Fraction:
    return Fraction(rate_nl * duration_s * STEPS, 3600 * VOLUME_NL)


def test_without_leave_nothing_resumes() -> None:
    pump = UnitPump.running(constant(RATE_NL))
    pump.advance(30)
    booted = again(pump, off_s=10)
    booted.advance(300)
    assert booted.plant_steps() == 0
    assert booted.call("status")["state"] == "stopped"
    assert number("not_resumed") in booted.call("status")["alarms"]


def test_with_leave_it_resumes_and_what_was_missed_is_told_and_not_caught_up() -> None:
    pump = UnitPump.running(resuming(constant(RATE_NL)))
    pump.advance(30.5)
    booted = again(pump, off_s=600)
    begun_s = booted.board.clock.now_us / 1_000_000
    booted.advance(120)
    assert booted.call("status")["state"] == "running"
    passed_s = int(booted.board.clock.now_us / 1_000_000 - begun_s)
    assert 0.9 * plan_steps(RATE_NL, passed_s) < booted.plant_steps() <= plan_steps(RATE_NL, passed_s + 1) + 1
    missed = booted.records("missed")[-1]
    gap_s = missed["to_utc_s"] - missed["from_utc_s"]
    assert abs(missed["missed_steps"] - plan_steps(RATE_NL, gap_s)) < 3
    assert gap_s > 500


def test_ordered_is_confirmed_plus_uncertain_plus_missed() -> None:
    pump = UnitPump.running(resuming(constant(RATE_NL)))
    pump.advance(130.5)
    begun_utc_s = pump.board.clock.utc_s() - 130
    booted = again(pump, off_s=600)
    booted.advance(200)
    boot = [record.fields for record in booted.journal() if record.name == "boot"][-1]
    missed = booted.records("missed")[-1]
    accounted = boot["confirmed_steps"] + boot["uncertain_steps"] + missed["missed_steps"]
    assert abs(accounted - plan_steps(RATE_NL, missed["to_utc_s"] - begun_utc_s)) < 3 + plan_steps(RATE_NL, 1)


def test_at_most_three_resumes_in_an_hour() -> None:
    pump = UnitPump.running(resuming(constant(RATE_NL)))
    resumed = 0
    for _ in range(4):
        pump.advance(120)
        resumed += pump.call("status")["state"] == "running"
        pump = again(pump, off_s=10)
    pump.advance(120)
    assert pump.call("status")["state"] == "stopped"
    assert resumed == 1 + 3
    assert number("not_resumed") in pump.call("status")["alarms"]


def test_a_bolus_that_was_cut_does_not_resume() -> None:
    pump = UnitPump.running(resuming(constant(900_000)))
    token = pump.order(600_000, 60_000_000)
    pump.advance(17.3)
    booted = again(pump, off_s=10)
    booted.advance(200)
    assert booted.call("status")["state"] == "running"
    assert 0 < booted.plant_steps() <= plan_steps(900_000, 201) + 1
    assert booted.call("bolus.status", token=token)["state"] == boluses.CUT
    assert [row["reason"] for row in booted.records("bolus_ended")] == [boluses.ENDS.index(boluses.CUT)]


def test_the_clock_can_not_be_stepped_while_running() -> None:
    pump = UnitPump.running(constant(RATE_NL))
    pump.advance(30)
    now_s = pump.board.clock.utc_s()
    for utc_s, offset_s in ((now_s + 3, 0), (now_s - 3, 0), (now_s, 3600)):
        assert pump.fault("clock.set", utc_s=utc_s, offset_s=offset_s) == "clock_step"
    assert pump.board.clock.utc_s() == now_s
    assert pump.call("clock.set", utc_s=now_s + 2, offset_s=0)["utc_s"] == now_s + 2


def test_a_constant_rate_needs_no_clock() -> None:
    pump = UnitPump.running(constant(RATE_NL), utc_s=0)
    pump.advance(60)
    assert pump.plant_steps() > 0


def test_a_schedule_without_a_clock_does_not_start() -> None:
    pump = UnitPump.ready(day((0, 0, RATE_NL), (12, 0, 1_000)), utc_s=0)
    assert pump.fault("start") == "clock_unknown"


def lowest(program: Program) -> Program:
    program.on_clock_loss = "lowest"
    return program


def test_a_schedule_without_a_clock_runs_at_its_lowest_rate_when_it_may() -> None:
    pump = UnitPump.running(lowest(day((0, 0, RATE_NL), (9, 0, 0), (12, 0, 2 * RATE_NL))), utc_s=0)
    pump.advance(300)
    assert pump.call("status")["state"] == "running"
    assert pump.plant_steps() == 0


def test_a_schedule_follows_local_time_across_midnight() -> None:
    pump = UnitPump.ready(day((0, 1, RATE_NL), (23, 59, 0)), utc_s=0)
    pump.call("clock.set", utc_s=MONDAY_UTC_S - 3600 - 90, offset_s=3600)
    pump.call("start")
    pump.advance(30)
    at_2359 = pump.plant_steps()
    assert abs(at_2359 - plan_steps(RATE_NL, 30)) <= plan_steps(RATE_NL, 1)
    pump.advance(115)
    assert pump.plant_steps() - at_2359 <= 1
    pump.advance(60)
    assert pump.plant_steps() - at_2359 > plan_steps(RATE_NL, 50)


def test_a_lost_clock_keeps_a_schedule_from_resuming() -> None:
    pump = UnitPump.running(resuming(day((0, 0, RATE_NL))), utc_s=MONDAY_UTC_S)
    pump.advance(30)
    booted = UnitPump(pump.image(), 0)
    booted.advance(300)
    assert booted.plant_steps() == 0
    assert number("clock_lost") in booted.call("status")["alarms"]
    assert booted.on_flash().state == 0
