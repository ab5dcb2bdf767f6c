"""Runs without a program and the stored calibration, by serial, against the motor's true steps."""

import pytest

from pumpcore.bench import weighed
from pumpcore.units import S_PER_DAY
from support.programs import MONDAY_UTC_S, constant, resuming
from support.rig.device import Device
from thecal.errors import Refused
from thecal.quantities.amounts import Rate

RATE = Rate(3_600_000, 3600)  # 100 steps a second
STEPS = 4_321


def made(**changed: object) -> bytes:
    values = {
        "volume_nl": 1_023_456, "steps": 100_003, "utc_s": MONDAY_UTC_S, "density_ug_per_ml": 998_207, "scatter_ppm": 2_100,
        "runs": 3, "tube": "T1", "lot": "L1", "expires_nl": 0, "expires_days": 90,
    } | changed  # fmt: skip
    return weighed.pack(weighed.Weighed(*[values[name] for name in weighed.FIELDS]))


@pytest.mark.needs("plant")
@pytest.mark.rule("R3")
def test_a_calibration_run_makes_exactly_its_steps_and_ends(device: Device) -> None:
    before = device.sim.plant_steps()
    client = device.client
    token = client.bolus_token()
    told = client.run_start(token, "calibration", STEPS, RATE)
    device.run_for(5)
    assert device.state() == "calibrating" and client.status()["entry"] is None
    device.run_for(told["duration_s"])
    assert device.state() == "stopped" and device.alarms() == []
    assert device.sim.plant_steps() - before == STEPS == client.bolus_status(token)["delivered_steps"]
    assert client.status()["delivered_steps"] == STEPS
    names = [record.name for record in device.records() if record.name in ("run_ordered", "bolus_started", "bolus_ended", "stopped")]
    assert names == ["run_ordered", "bolus_started", "bolus_ended", "stopped"]


@pytest.mark.needs("plant")
@pytest.mark.rule("R1")
def test_priming_is_stopped_by_a_stop(device: Device) -> None:
    token = device.client.bolus_token()
    device.client.run_start(token, "priming", 50_000, RATE)
    device.run_for(12)
    assert device.state() == "priming"
    position = device.client.stop()["delivered_steps"]
    assert position == device.client.bolus_status(token)["delivered_steps"] > 500
    before = device.sim.plant_steps()
    device.run_for(60)
    assert device.sim.plant_steps() == before and device.state() == "stopped"


@pytest.mark.needs("power_cut")
@pytest.mark.rule("R11")
def test_a_cut_run_does_not_go_on(device: Device) -> None:
    device.upload(resuming(constant(1_000_000)))
    token = device.client.bolus_token()
    device.client.run_start(token, "calibration", STEPS, RATE)
    device.run_for(12)
    made_steps = device.power_cycle(30)
    assert device.state() == "stopped" and device.alarms() == ["power_lost"]
    device.run_for(120)
    assert device.sim.plant_steps() == made_steps
    told = device.client.bolus_status(token)
    assert told["state"] == "cut" and made_steps <= told["delivered_steps"] <= STEPS


@pytest.mark.needs("power_cut")
def test_a_calibration_survives_a_power_cut_and_doses_follow_it(device: Device) -> None:
    client = device.client
    client.clock_set(MONDAY_UTC_S, 0)
    packed = made()
    assert client.calibration_check(packed)["id"] == weighed.identity(packed)
    told = client.calibration_set(packed)
    device.power_cycle(3)
    status = client.status()["calibration"]
    assert status["id"] == told["id"] == client.hello()["calibration_id"] and status["state"] == "CALIBRATED"
    assert (status["volume_nl"], status["steps"]) == (1_023_456, 100_003)
    assert status["expires_utc_s"] == MONDAY_UTC_S + 90 * S_PER_DAY
    client.calibration_set(made(lot="L2"))
    read = client.calibration_read()
    assert len(read["history"]) == 1 and (read["nominal"]["volume_nl"], read["nominal"]["steps"]) == (1_000_003, 99_991)
    assert (read["turns"], read["turns_steps"]) == (1, 3_200)
    assert client.calibration_set(b"")["state"] == "UNCALIBRATED"


@pytest.mark.needs("new")
def test_what_is_far_off_is_refused_with_the_limit(device: Device) -> None:
    with pytest.raises(Refused, match="nearest") as error:
        device.client.calibration_set(made(volume_nl=1_023))
    assert error.value.fault == "calibration_far"
    assert device.client.status()["calibration"]["state"] == "UNCALIBRATED"
