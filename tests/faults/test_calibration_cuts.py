"""Setting a calibration and a run without a program, with the power cut at every flash operation, whole and torn."""

import base64

import pytest

from pumpcore.bench import weighed
from support.programs import MONDAY_UTC_S, constant
from support.pump.flash import images_at_each_operation
from support.pump.running import Watched, ready

RUN = {"purpose": "calibration", "volume_nl": 0, "steps": 6_000, "rate_nl": 3_600_000, "rate_seconds_s": 3600}


def put(pump: Watched, lot: str) -> str:
    one = weighed.Weighed(1_023_456, 100_003, MONDAY_UTC_S, 998_207, 2_100, 0, 90, 3, "T1", lot)
    told = pump.call("calibration.set", calibration=base64.b64encode(weighed.pack(one)).decode())
    return str(told["id"])


def boot(image: bytes) -> Watched:
    pump = Watched(image, MONDAY_UTC_S + 3600)
    pump.advance(0.05)
    return pump


@pytest.mark.rule("R9")
@pytest.mark.parametrize("first", [True, False], ids=["the first one", "another one"])
def test_a_cut_at_any_operation_of_a_set_leaves_the_old_or_the_new(first: bool) -> None:
    pump = ready(constant(900_000))
    old = "" if first else put(pump, "old")
    image = pump.image()
    pump.board.chip.record(lambda: None)
    new = put(pump, "new")
    outcomes = set()
    for _number, _torn, cut, _seen in images_at_each_operation(image, pump.board.chip.log):
        booted = boot(cut)
        told = booted.call("status")["calibration"]
        assert told["id"] in (old, new) and booted.alarms() == []
        journaled = [record["calibration_id"].hex() for record in booted.records("calibration_set")]
        assert told["id"] != new or new in journaled  # before it happens
        outcomes.add(told["id"])
        assert put(booted, "newest") == booted.call("status")["calibration"]["id"]
    outcomes.add(boot(pump.image()).call("status")["calibration"]["id"])
    assert outcomes == {old, new} and len(pump.board.chip.log) >= 3


@pytest.mark.rule("R2")
@pytest.mark.rule("R11")
@pytest.mark.parametrize("stopped", [False, True], ids=["to its end", "stopped"])
@pytest.mark.long
def test_a_cut_at_any_operation_of_a_run_loses_no_step_and_makes_none(stopped: bool) -> None:
    pump = ready(constant(900_000))
    image, token = pump.image(), pump.token()
    pump.board.chip.record(pump.plant_steps)
    pump.call("run.start", token=token, **RUN)
    pump.advance(30 if stopped else 70)
    pump.call("stop")
    assert pump.plant_steps() == 6_000 or stopped
    operations = 0
    for _number, _torn, cut, made_steps in images_at_each_operation(image, pump.board.chip.log):
        operations += 1
        booted = boot(cut)
        assert booted.state() == "stopped" and set(booted.alarms()) <= {"power_lost"}
        found = [record.fields for record in booted.journal() if record.name == "boot"][-1]
        if found["uncertain_steps"]:
            assert found["confirmed_steps"] <= made_steps <= found["leased_steps"]
        assert booted.delivered_steps() >= made_steps
        told = booted.bolus(token)
        assert made_steps <= told.get("delivered_steps", 0) <= 6_000
        assert booted.fault("run.start", token=token, **RUN) == "token_unknown"
        booted.advance(5)
        assert booted.plant_steps() == 0
    assert operations == 2 * len(pump.board.chip.log) > 20
