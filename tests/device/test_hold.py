"""A run that keeps the motor energised, by serial: the next one begins without an enable."""

import pytest

from pumpcore.orders.bolus import CALIBRATION
from support.rig.device import Device
from thecal.quantities.amounts import Rate

STEPS, RATE = 2_000, Rate(3_200_000, 3600)  # about 22 s


@pytest.mark.needs("plant")
def test_two_runs_take_one_enable_and_the_motor_is_let_go_after_the_time(device: Device) -> None:
    client, first = device.client, device.sim.plant_steps()
    before = client.status()["position_uncertain_steps"]
    for hold_s in (20, 4):
        client.run_start(client.bolus_token(), CALIBRATION, STEPS, RATE, law="angle", hold_s=hold_s)
        device.run_for(26)
        assert client.status()["state"] == "stopped"
    once = client.status()["position_uncertain_steps"]
    assert once > before
    assert device.sim.plant_steps() - first == 2 * STEPS
    device.run_for(5)
    client.run_start(client.bolus_token(), CALIBRATION, STEPS, RATE)
    device.run_for(26)
    assert client.status()["position_uncertain_steps"] - once == once - before
    assert [record.fields["hold_s"] for record in device.records() if record.name == "run_held"] == [20, 4]
    assert device.sim.plant_steps() - first == 3 * STEPS
    assert device.alarms() == []
