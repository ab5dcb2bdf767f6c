"""The motor's own supply leaves its limits while the pump runs: no step is silently booked as delivered."""

import pytest

from support.programs import constant
from support.rig.benches import CLOCK, named
from support.rig.device import Device
from thecal.errors import Refused
from thecal.text.status import rows

MEASURED = {"supply_full_scale_mv": 16_170, "supply_low_mv": 10_000}
HIGH = {"supply_high_mv": 14_000}


def measuring(**more: int) -> dict:
    table = named(CLOCK)
    return {**table, "motor": {**table["motor"], **MEASURED, **more}}


@pytest.mark.needs("plant")
@pytest.mark.rule("R6")
def test_a_supply_that_fails_in_mid_dose_stops_the_pump_and_tells_which_steps_are_uncertain() -> None:
    with Device(measuring()) as device:
        device.begin_at_one_ml_per_hour()
        device.run_for(7)
        assert 11_900 <= device.client.status()["motor_supply_mv"] <= 12_100
        device.sim.set_motor_supply(0)
        gone_at = device.sim.plant_steps()
        device.run_for(3)
        status = device.client.status()
        assert status["state"] == "alarm" and status["motor_supply_mv"] == 0 and not device.sim.enable_level()
        assert device.alarms() == ["motor_supply"]
        assert device.sim.plant_steps() == gone_at, "a motor without a supply does not turn"
        (told,) = device.records("supply_low")
        never_made = status["delivered_steps"] - gone_at
        assert 0 <= never_made <= told.fields["uncertain_steps"] == status["uncertain_steps"] <= 4 * 29


@pytest.mark.needs("plant")
@pytest.mark.rule("R6")
def test_without_a_supply_nothing_starts_and_with_it_the_alarm_can_be_acknowledged() -> None:
    with Device(measuring()) as device:
        device.upload(constant(1_000_000))
        device.client.clock_set(1_767_571_200, 0)
        device.sim.set_motor_supply(9_000)
        device.run_for(1)
        with pytest.raises(Refused, match="supply"):
            device.client.start()
        device.sim.set_motor_supply(12_000)
        device.run_for(1)
        device.client.start()
        device.run_for(5)
        assert device.state() == "running"
        device.sim.set_motor_supply(0)
        device.run_for(5)
        assert device.state() == "alarm"
        device.sim.set_motor_supply(12_000)
        device.client.ack(685)
        device.client.start()
        device.run_for(5)
        assert device.state() == "running"


@pytest.mark.needs("plant")
@pytest.mark.rule("R6")
def test_with_too_much_supply_nothing_starts_and_a_running_pump_stops_with_a_fault_of_its_own() -> None:
    with Device(measuring(**HIGH)) as device:
        device.upload(constant(1_000_000))
        device.client.clock_set(1_767_571_200, 0)
        device.sim.set_motor_supply(15_000)
        device.run_for(1)
        with pytest.raises(Refused, match="supply is too high"):
            device.client.start()
        device.sim.set_motor_supply(12_000)
        device.run_for(1)
        device.client.start()
        device.run_for(5)
        status = device.client.status()
        assert status["state"] == "running" and status["motor_supply_high_mv"] == 14_000
        device.sim.set_motor_supply(15_000)
        device.run_for(3)
        assert device.state() == "alarm" and device.alarms() == ["motor_supply_high"] and not device.sim.enable_level()
        (told,) = device.records("supply_high")
        assert 14_900 <= told.fields["motor_supply_mv"] <= 15_100 and device.records("supply_low") == []
        device.sim.set_motor_supply(12_000)
        device.client.ack(686)
        device.client.start()
        device.run_for(5)
        assert device.state() == "running"


@pytest.mark.needs("plant")
@pytest.mark.rule("R6")
def test_an_open_divider_reads_its_full_scale_which_every_upper_limit_takes_as_too_high() -> None:
    with Device(measuring(supply_high_mv=MEASURED["supply_full_scale_mv"])) as device:
        device.begin_at_one_ml_per_hour()
        device.run_for(5)
        device.sim.set_motor_supply(60_000)  # the resistor to ground is gone: the pin has all of the supply
        device.run_for(3)
        assert device.alarms() == ["motor_supply_high"]


@pytest.mark.needs("plant")
def test_without_an_upper_limit_nobody_watches_and_status_says_so() -> None:
    with Device(measuring()) as device:
        device.begin_at_one_ml_per_hour()
        device.sim.set_motor_supply(60_000)
        device.run_for(3)
        status = device.client.status()
        assert status["state"] == "running" and status["motor_supply_high_mv"] is None
        assert dict(rows(status))["motor supply"].endswith("(no upper limit: supply_high_mv in the bench file)")
