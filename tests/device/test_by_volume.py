"""Dose by volume, by serial, against the motor's true steps."""

import base64

import pytest

from pumpcore.bench import learned
from pumpcore.motion.rotor import PARTS
from support.programs import constant
from support.rig.device import Device
from support.rig.tables import give_table, rate_nl

RATE_HZ = 40


@pytest.mark.needs("plant")
@pytest.mark.rule("R3")
def test_the_motor_makes_the_steps_that_bring_the_dose(device: Device) -> None:
    table = give_table(device)
    rotor = table.rotor()
    device.upload(constant(rate_nl(RATE_HZ)))
    first = device.sim.plant_steps()
    device.client.start()
    for _ in range(6):
        device.run_for(23)
        status = device.client.status()
        assert (status["law"], status["law_cause"]) == ("volume", "")
    told = device.client.stop()["delivered_steps"]
    made = device.sim.plant_steps() - first
    assert device.client.status()["motor_steps"] == made
    assert rotor.paid(made) <= told * PARTS <= rotor.paid(made) + (1 + rotor.dearest) * PARTS
    assert abs(made - told) > 20
    laws = [record.fields for record in device.records() if record.name == "law"]
    assert [one["law"] for one in laws] == [0]
    assert device.alarms() == []


@pytest.mark.needs("power_cut")
@pytest.mark.rule("R2")
def test_after_a_cut_the_table_is_there_and_its_phase_is_not(device: Device) -> None:
    table = give_table(device)
    device.upload(constant(rate_nl(RATE_HZ)))
    device.client.start()
    device.run_for(100)
    made = device.power_cycle(20)
    status = device.client.status()
    assert status["delivered_steps"] * PARTS >= table.rotor().paid(made)
    assert (status["law"], status["law_cause"]) == ("angle", "phase_power")
    device.client.start()
    device.run_for(70)
    assert "by_angle" in device.alarms()
    read = device.client.rotor_read()
    assert base64.b64decode(read["rotor"]) == learned.pack(table)
    assert read["status"]["zero_steps"] is None
    device.client.stop()
    assert device.client.rotor_phase(17)["law"] == "volume"
