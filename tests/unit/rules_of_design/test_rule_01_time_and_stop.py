"""R1: the pump owns time and the stop; motion queued ahead is finite."""

import pytest

from pumpcore.orders import bolus as boluses
from support.programs import constant
from support.pump.running import UnitPump

pytestmark = pytest.mark.rule("R1")
QUEUE_HIGH_WATER_US = 2_500_000 + 4_000_000


@pytest.mark.parametrize("rate_nl", [701, 900_000, 36_000_000, 500_000_000])
def test_no_more_than_a_few_seconds_are_queued_ahead(rate_nl: int) -> None:
    pump = UnitPump.running(constant(rate_nl))
    seen = []
    pump.each_turn(200, lambda: seen.append(pump.board.stepper.queued_us()))
    assert max(seen) <= QUEUE_HIGH_WATER_US


def test_nothing_moves_after_a_stop() -> None:
    pump = UnitPump.running(constant(500_000_000))
    pump.advance(10.3)
    pump.line(b"stop\n")
    made = pump.plant_steps()
    assert made > 0
    assert pump.board.stepper.queued_us() == 0
    pump.advance(20)
    assert pump.plant_steps() == made


def test_the_stop_button_stops_without_a_host() -> None:
    pump = UnitPump.running(constant(500_000_000))
    pump.advance(10.3)
    pump.board.buttons.stop = True
    pump.pump.turn()
    made = pump.plant_steps()
    pump.advance(20)
    assert pump.plant_steps() == made
    assert pump.pump.idle()


def test_a_bolus_ends_on_the_pump_while_no_host_is_there() -> None:
    pump = UnitPump.running(constant(0))
    pump.order(60_000, 4_000_000)
    pump.advance(120)
    assert pump.plant_steps() == 60_000 * 99_991 // 1_000_003
    assert [row["reason"] for row in pump.records("bolus_ended")] == [boluses.ENDS.index(boluses.DONE)]
