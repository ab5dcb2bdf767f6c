"""R3: steps reported are steps emitted; the guard is the count."""

import pytest

from support.pump.rule_help import order, plant_steps, records_of, started
from support.pump.unit_pump import constant

pytestmark = pytest.mark.rule("R3")


def test_what_is_reported_is_what_was_made_at_any_moment() -> None:
    pump = started(constant(500_000_000))
    for _ in range(40):
        pump.advance(0.737)
        assert pump.call("status")["delivered_steps"] == plant_steps(pump)


def test_the_guard_is_believed_and_not_the_generator() -> None:
    pump = started(constant(36_000_000))
    pump.advance(20.5)
    pump.board.stepper.step_error = 7
    pump.line(b"stop\n")
    assert records_of(pump, "stopped")[-1]["delivered_steps"] == plant_steps(pump)


def test_a_stop_tells_what_was_made_and_not_what_was_ordered() -> None:
    pump = started(constant(500_000_000))
    pump.advance(10.3)
    answer = pump.call("stop")
    record = records_of(pump, "stopped")[-1]
    assert answer["delivered_steps"] == record["delivered_steps"] == plant_steps(pump)
    assert record["delivered_steps"] < record["ordered_steps"]


def test_a_bolus_that_is_stopped_tells_its_own_share() -> None:
    pump = started(constant(0))
    pump.advance(7.1)
    token = order(pump, 600_000, 60_000_000)
    pump.advance(17.3)
    pump.line(b"stop\n")
    made = plant_steps(pump)
    assert 0 < made < 600_000 * 99_991 // 1_000_003
    assert pump.call("bolus.status", token=token)["delivered_steps"] == made
