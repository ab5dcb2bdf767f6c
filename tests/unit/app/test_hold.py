"""A run that keeps the motor energised after its end: the next one begins without an enable, which may turn the rotor."""

import pytest

from pumpcore.orders.bolus import CALIBRATION
from support.protocols import slope
from support.pump.by_volume import rate_nl
from support.pump.running import UnitPump, ready

ENABLE_STEPS = 64  # four full steps
ORDER = {"purpose": CALIBRATION, "steps": 1_000, "volume_nl": 0, "rate_nl": rate_nl(50.0), "rate_seconds_s": 3600}


def run(pump: UnitPump, hold_s: int = 0, seconds_s: float = 25) -> str:
    token = pump.token()
    pump.call("run.start", token=token, law="angle", hold_s=hold_s, **ORDER)
    pump.advance(seconds_s)
    return token


def uncertain_steps(pump: UnitPump) -> int:
    return pump.call("status")["position_uncertain_steps"]


def energised(pump: UnitPump) -> bool:
    return pump.board.stepper.enabled


def test_the_next_run_begins_without_an_enable() -> None:
    pump = ready()
    before = uncertain_steps(pump)
    token = run(pump, hold_s=60)
    assert pump.call("status")["state"] == "stopped"
    assert energised(pump)
    assert pump.records("run_held") == [{"token": bytes.fromhex(token), "hold_s": 60}]
    run(pump)
    assert not energised(pump)
    assert pump.plant_steps() == 2_000 == pump.delivered_steps()
    assert uncertain_steps(pump) == before + ENABLE_STEPS
    run(pump)
    assert uncertain_steps(pump) == before + 2 * ENABLE_STEPS
    assert len(pump.records("run_held")) == 1


def test_the_motor_is_let_go_when_the_time_is_over() -> None:
    pump = ready()
    run(pump, hold_s=30, seconds_s=20.5)  # the run takes 20 s
    pump.advance(28)
    assert energised(pump)
    pump.advance(3)
    assert not energised(pump)
    assert pump.alarms() == []


def test_without_it_the_motor_is_let_go_at_once() -> None:
    pump = ready()
    run(pump)
    assert not energised(pump)


@pytest.mark.rule("R6")
def test_a_stop_and_the_button_let_the_motor_go() -> None:
    for halt in (lambda pump: pump.call("stop"), lambda pump: setattr(pump.board.buttons, "stop", True)):
        pump = ready()
        run(pump, hold_s=120)
        assert energised(pump)
        halt(pump)
        pump.advance(0.5)
        assert not energised(pump)


@pytest.mark.rule("R6")
def test_a_supply_that_fails_lets_a_held_motor_go() -> None:
    pump = ready()
    run(pump, hold_s=120)
    pump.board.supply.now_mv = 0
    pump.advance(1)
    assert not energised(pump)
    assert "motor_supply" in pump.alarms()


def test_what_is_cut_short_is_not_held() -> None:
    pump = ready()
    token = run(pump, hold_s=120, seconds_s=1)
    pump.call("bolus.cancel", token=token)
    pump.advance(10)
    assert pump.call("status")["state"] == "stopped"
    assert not energised(pump)


def test_a_protocol_that_ends_later_is_not_held() -> None:
    pump = ready(slope())
    run(pump, hold_s=120)
    pump.call("start")
    pump.advance(slope().protocol.end_s() + 10)
    assert pump.call("status")["state"] == "stopped"
    assert not energised(pump)


@pytest.mark.parametrize("hold_s", [-1, 121])
def test_the_time_has_limits(hold_s: int) -> None:
    pump = ready()
    assert pump.fault("run.start", token=pump.token(), hold_s=hold_s, **ORDER) == "bad_params"
