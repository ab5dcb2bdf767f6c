"""Demand, extended, temporary, reservoir by serial port, in real MicroPython, against the motor's true steps."""

from typing import Any

import pytest

from pumpcore.program import packing as programs
from pumpcore.program.settings import Settings
from support.programs import MONDAY_UTC_S, constant, resuming
from support.replies import fault_of
from support.rig.device import Device

RATE_NL = 1_000_000
SETTINGS = {
    "demand_on": 1, "demand_nl": 50_000, "demand_s": 300, "lockout_s": 1800, "demand_per_day": 2, "bolus_max_nl": 300_000,
    "bolus_day_nl": 900_000, "capacity_nl": 20_000_000, "low_nl": 2_000_000, "empty_nl": 500_000, "tolerance_permille": 50,
    "tolerance_nl": 100_000, "library_version": 2,
}  # fmt: skip


def program() -> programs.Program:
    made = resuming(constant(RATE_NL))
    settings = Settings(library="bench fluids")
    for name, value in SETTINGS.items():
        setattr(settings, name, value)
    made.settings = settings
    return made


def done(device: Device, method: str, **params: object) -> dict[str, Any]:
    """Return the result of a command that takes a token."""
    reply = device.ask_raw(method, token=device.client.bolus_token(), **params)
    assert "result" in reply, reply
    result: dict[str, Any] = reply["result"]
    return result


def refused(device: Device, method: str, **params: object) -> dict[str, Any]:
    reply = device.ask_raw(method, token=device.client.bolus_token(), **params)
    fault_of(reply)
    data: dict[str, Any] = reply["error"]["data"]
    return data


@pytest.fixture
def filled(device: Device) -> Device:
    """A pump that runs with 10 mL."""
    device.upload(program())
    device.client.clock_set(MONDAY_UTC_S, 0)
    assert fault_of(device.ask_raw("start")) == "refill_unknown"
    assert done(device, "reservoir.refill", measured_nl=0, filled_nl=10_000_000)["left_nl"] == 10_000_000
    device.client.start()
    device.run_for(10)
    return device


@pytest.mark.needs("plant", "new")
@pytest.mark.rule("R5")
def test_the_button_gives_a_demand_bolus_and_its_lockout_outlives_a_cut(filled: Device) -> None:
    filled.sim.press_bolus()
    filled.run_for(400)
    filled.sim.press_bolus()
    filled.run_for(5)
    told = filled.client.status()["therapy"]
    assert (told["demands_in_day"], told["demands_refused"], told["demand_barred"]) == (1, 1, "demand_locked")
    (ended,) = filled.records("bolus_ended")
    assert ended.fields["reason"] == 0
    basal = 415 * RATE_NL / 3600
    pair = filled.calibration()
    assert abs(pair.nl_for_steps(filled.sim.plant_steps()) - basal - 50_000) < 4000
    filled.power_cycle(86_400)
    filled.run_for(100)
    data = refused(filled, "bolus.demand")
    assert data["fault"] == "demand_locked" and data["wait_s"] > 1800 - 530
    filled.run_for(data["wait_s"])
    done(filled, "bolus.demand")
    assert [row.fields["count"] for row in filled.records("demand_refused")] == [1]


@pytest.mark.needs("plant", "new")
@pytest.mark.rule("R4")
def test_an_extended_bolus_a_manual_one_and_a_temporary_rate_are_exact_together(filled: Device) -> None:
    pair = filled.calibration()
    begun = filled.sim.plant_steps()
    extended = done(filled, "bolus.extended", volume_nl=200_000, duration_s=1200)
    filled.run_for(100)
    manual = filled.order(60_000, 3_600_000)
    filled.run_for(60)
    done(filled, "temporary.start", rate_nl=0, numerator=1, denominator=3, duration_s=600)
    filled.run_for(1800)
    told = [filled.client.bolus_status(token) for token in (extended["token"], manual)]
    assert [row["state"] for row in told] == ["done", "done"]
    assert [row["delivered_steps"] for row in told] == [pair.steps_for_nl(200_000), pair.steps_for_nl(60_000)]
    gone_nl = pair.nl_for_steps(filled.sim.plant_steps())  # read first: on a chip the motor turns meanwhile
    status = filled.client.status()
    made = status["delivered_steps"] - begun
    seconds_s = 1960
    basal = RATE_NL * (seconds_s - 400) // 3600
    assert abs(made - pair.steps_for_nl(200_000 + 60_000 + basal)) <= 8 * pair.steps * RATE_NL // (3600 * pair.volume_nl)
    assert status["therapy"]["reservoir"]["left_nl"] <= 10_000_000 - gone_nl
    assert [row.fields["reason"] for row in filled.records("temporary_ended")] == [0]


@pytest.mark.needs("new")
@pytest.mark.rule("R5")
def test_a_refill_out_of_tolerance_blocks_until_it_is_explained(filled: Device) -> None:
    filled.run_for(600)
    filled.client.stop()
    assert done(filled, "reservoir.refill", measured_nl=8_000_000, filled_nl=2_000_000)["blocks"] == 1
    filled.power_cycle(5)
    assert fault_of(filled.ask_raw("start")) == "refill_blocks" and "refill_tolerance" in filled.alarms()
    assert filled.ask_raw("reservoir.acknowledge", reason="spilt while filling")["result"] == {"blocks": 0}
    filled.client.start()
    filled.run_for(5)
    assert filled.state() == "running"


@pytest.mark.needs("new")
@pytest.mark.rule("R7")
def test_refusals_name_rule_limit_asked_and_nearest(filled: Device) -> None:
    for data in (
        refused(filled, "bolus.start", volume_nl=300_001, rate_nl=3_600_000),
        refused(filled, "bolus.start", volume_nl=300_000, rate_nl=9_900_000),
        refused(filled, "temporary.start", rate_nl=10_000_001, numerator=0, denominator=0, duration_s=60),
    ):
        assert {"rule", "asked_nl", "limit_nl", "nearest_nl", "do"} <= set(data), data
    assert refused(filled, "temporary.start", rate_nl=1, numerator=0, denominator=0, duration_s=59)["nearest_s"] == 60
    assert refused(filled, "bolus.extended", volume_nl=1000, duration_s=90_000)["nearest_s"] == 86_400
