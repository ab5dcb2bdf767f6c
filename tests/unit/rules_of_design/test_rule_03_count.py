"""R3: steps reported are steps emitted; the guard is the count."""

import pytest

from support.programs import constant
from support.pump.running import UnitPump

pytestmark = pytest.mark.rule("R3")


def test_what_is_reported_is_what_was_made_at_any_moment() -> None:
    pump = UnitPump.running(constant(500_000_000))
    for _ in range(40):
        pump.advance(0.737)
        assert pump.call("status")["delivered_steps"] == pump.plant_steps()


def test_the_guard_is_believed_and_not_the_generator() -> None:
    pump = UnitPump.running(constant(36_000_000))
    pump.advance(20.5)
    pump.board.stepper.step_error = 7
    pump.line(b"stop\n")
    assert pump.records("stopped")[-1]["delivered_steps"] == pump.plant_steps()


def test_a_stop_tells_what_was_made_and_not_what_was_ordered() -> None:
    pump = UnitPump.running(constant(500_000_000))
    pump.advance(10.3)
    answer = pump.call("stop")
    record = pump.records("stopped")[-1]
    assert answer["delivered_steps"] == record["delivered_steps"] == pump.plant_steps()
    assert record["delivered_steps"] < record["ordered_steps"]


def test_a_bolus_that_is_stopped_tells_its_own_share() -> None:
    pump = UnitPump.running(constant(0))
    pump.advance(7.1)
    token = pump.order(600_000, 60_000_000)
    pump.advance(17.3)
    pump.line(b"stop\n")
    made = pump.plant_steps()
    assert 0 < made < 600_000 * 99_991 // 1_000_003
    assert pump.call("bolus.status", token=token)["delivered_steps"] == made
