"""R12: a self test before any motion, with the motor disabled; each enable makes the rotor's position uncertain, never the dose."""

import pytest

from support.programs import MONDAY_UTC_S, constant
from support.pump.running import BENCH, UnitPump, again
from support.replies import number

pytestmark = pytest.mark.rule("R12")
CYCLE_STEPS = 4 * BENCH["motor"]["microsteps"]


def test_the_test_runs_with_the_motor_disabled_in_whole_cycles() -> None:
    image = UnitPump.ready(constant(36_000_000)).image()
    pump, enabled = UnitPump(image, MONDAY_UTC_S), []
    pump.each_turn(1, lambda: enabled.append(pump.board.stepper.enabled))
    made = pump.board.guard.count()
    assert not any(enabled)
    assert made > 0
    assert made % CYCLE_STEPS == 0
    assert pump.call("status")["state"] == "stopped"


def test_nothing_starts_before_the_test_is_done() -> None:
    image = UnitPump.ready(constant(36_000_000)).image()
    pump = UnitPump(image, MONDAY_UTC_S)
    pump.board.stepper.enable = lambda on: enabled.append(pump.pump.selftest.done) if on else None
    enabled = []
    pump.call("start")
    assert enabled == []
    pump.advance(1)
    assert enabled == [True]


@pytest.mark.parametrize("error", [1, -1])
def test_a_generator_that_disagrees_with_the_guard_fails(error: int) -> None:
    pump = UnitPump(UnitPump.ready(constant(36_000_000)).image(), MONDAY_UTC_S)
    pump.board.stepper.step_error = error
    pump.advance(1)
    assert number("self_test") in pump.call("status")["alarms"]
    assert pump.fault("start") == "alarm_active"
    assert pump.ask("ack", fault=number("self_test"))["error"]["code"] == number("alarm_stays")


def test_the_steps_of_the_test_are_no_dose() -> None:
    pump = UnitPump.running(constant(36_000_000))
    pump.advance(30)
    pump.line(b"stop\n")
    made = pump.plant_steps()
    assert pump.call("status")["delivered_steps"] == made
    booted = again(pump)
    assert booted.board.guard.count() > 0
    assert booted.call("status")["delivered_steps"] == made


def test_each_enable_adds_four_full_steps_of_uncertain_position_and_none_to_the_dose() -> None:
    pump = UnitPump.ready(constant(0))
    for times in range(1, 4):
        pump.call("start")
        pump.advance(10)
        pump.call("stop")
        status = pump.call("status")
        assert status["position_uncertain_steps"] == times * CYCLE_STEPS
        assert status["delivered_steps"] == status["uncertain_steps"] == 0


def test_a_running_program_keeps_the_motor_energised() -> None:
    pump, enabled = UnitPump.running(constant(900_000)), []
    pump.advance(1)
    pump.each_turn(200, lambda: enabled.append(pump.board.stepper.enabled))
    assert all(enabled)


def test_a_damaged_clock_offset_or_unknown_reset_does_not_hide_the_test() -> None:
    pump = UnitPump(UnitPump.ready(constant(1_000)).image(), 0)
    assert not pump.pump.selftest.done
    pump.advance(1)
    assert pump.pump.selftest.done
    assert not pump.pump.selftest.failed
