"""Dose by volume, by serial, against the motor's true steps."""

import base64

import pytest

from pumpcore.bench import learned, weighed
from pumpcore.motion.rotor import PARTS
from support.models.rotor import dip
from support.programs import MONDAY_UTC_S, constant
from support.pump.calibrations import weighed_one
from support.pump.learned_tables import learned_one
from support.rig.device import Device

STEPS_PER_NL = 100_000 / 1_000_000
RATE_HZ = 40


def give_table(device: Device) -> learned.Learned:
    """Calibrate the pump, give it a table, and say where its rotor stands."""
    client = device.client
    client.clock_set(MONDAY_UTC_S, 0)
    client.calibration_set(weighed.pack(weighed_one(volume_nl=1_000_000, steps=100_000)))
    table = learned_one(dip(0.35), bench=client.hello()["bench"])
    text = base64.b64encode(learned.pack(table)).decode()
    assert client.ask("rotor.check", {"rotor": text})["rotor"] == text
    told = client.ask("rotor.set", {"rotor": text, "zero_steps": client.status()["motor_steps"]})
    assert (told["law"], told["law_cause"]) == ("volume", "")
    return table


@pytest.mark.needs("plant")
@pytest.mark.rule("R3")
def test_the_motor_makes_the_steps_that_bring_the_dose(device: Device) -> None:
    table = give_table(device)
    rotor = table.rotor()
    device.upload(constant(round(RATE_HZ / STEPS_PER_NL * 3600)))
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
    device.upload(constant(round(RATE_HZ / STEPS_PER_NL * 3600)))
    device.client.start()
    device.run_for(100)
    made = device.power_cycle(20)
    status = device.client.status()
    assert status["delivered_steps"] * PARTS >= table.rotor().paid(made)
    assert (status["law"], status["law_cause"]) == ("angle", "phase_power")
    device.client.start()
    device.run_for(70)
    assert "by_angle" in device.alarms()
    read = device.client.ask("rotor.read", {})
    assert base64.b64decode(read["rotor"]) == learned.pack(table)
    assert read["status"]["zero_steps"] is None
