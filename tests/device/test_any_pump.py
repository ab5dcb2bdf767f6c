"""What every pump does, even a real one on the bench: these scenarios need only its port, and take real time there."""

import base64
import itertools

import pytest

from pumpcore.program import packing as programs
from support.programs import MONDAY_UTC_S, constant
from support.replies import fault_of
from support.rig.device import Device, Figures

RATE_NL = 1_000_000
RUN_S = 20
BOLUS_NL, BOLUS_RATE_NL = 20_000, 3_000_000
PLANNED_AHEAD_S = 8


def test_it_says_who_it_is_and_that_it_is_no_medical_device(device: Device) -> None:
    hello = device.client.hello()
    assert hello["implementation"]["name"] == "micropython" and hello["protocol"][0] == 1
    assert "never" in hello["thecal"] and hello["unique_id"]


@pytest.mark.rule("R3")
def test_it_delivers_what_it_was_told_and_stops(device: Device, record_property: Figures) -> None:
    device.begin(constant(RATE_NL))
    pair, before = device.calibration(), device.client.status()["delivered_steps"]
    device.run_for(RUN_S)
    made_steps = device.client.stop()["delivered_steps"] - before
    planned_steps = RATE_NL * RUN_S * pair.steps / (3600 * pair.volume_nl)
    assert 0.5 * planned_steps < made_steps < 1.5 * planned_steps
    assert device.surely_disabled() and device.alarms() == []
    record_property("figure", f"{made_steps} steps in about {RUN_S} s at 1 ml/h; the plan holds {planned_steps:.0f}")


@pytest.mark.rule("R8")
def test_a_bolus_is_given_once_and_to_the_step(device: Device) -> None:
    device.begin(constant(RATE_NL))
    token = device.client.bolus_token()
    first = device.client.bolus_start(token, BOLUS_NL, BOLUS_RATE_NL)
    assert device.client.bolus_start(token, BOLUS_NL, BOLUS_RATE_NL) == first
    device.run_for(first["duration_s"] + PLANNED_AHEAD_S + 2)
    told = device.client.bolus_status(token)
    assert (told["state"], told["delivered_steps"]) == ("done", device.calibration().steps_for_nl(BOLUS_NL))
    device.client.stop()


@pytest.mark.rule("R7")
def test_what_it_may_not_is_refused_and_leaves_it_stopped(device: Device) -> None:
    assert fault_of(device.ask_raw("bolus.cancel", token="0" * 16)) == "no_bolus"
    assert fault_of(device.ask_raw("program.activate", digest="0" * 64)) == "not_staged"
    assert fault_of(device.ask_raw("start", speed=2)) == "bad_params"
    assert device.state() == "stopped"


def test_a_program_is_read_back_byte_for_byte(device: Device) -> None:
    for rate_nl in (RATE_NL, RATE_NL + 1):
        packed = programs.pack(constant(rate_nl))
        device.upload(packed)
        assert base64.b64decode(device.client.program_read()["program"]) == packed


@pytest.mark.rule("R9")
def test_its_journal_has_no_gap_and_tells_what_was_done(device: Device) -> None:
    device.begin(constant(RATE_NL))
    device.run_for(2)
    device.client.stop()
    device.client.clock_set(MONDAY_UTC_S, 0)
    everything = device.records()
    assert all(after.sequence == before.sequence + 1 for before, after in itertools.pairwise(everything))
    assert [record.name for record in everything if record.name in ("started", "stopped")][-2:] == ["started", "stopped"]
