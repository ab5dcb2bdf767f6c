"""Orders at the ends of their ranges on a running pump, and a check that takes several calls: the pump keeps answering."""

import base64

import pytest

from pumpcore.program import packing as programs
from support.replies import fault_of
from support.rig.device import Device
from thecal.errors import Refused

ONE_ML_PER_HOUR_NL = 1_000_000
U48, U32 = 1 << 48, (1 << 32) - 1
EXTREMES = {
    "a bolus for ever": ("bolus.start", {"volume_nl": U48, "rate_nl": 1}, "bolus_too_long"),
    "1000 mL at 1 nL/h": ("bolus.start", {"volume_nl": 1_000_000_000, "rate_nl": 1}, "bolus_too_long"),
    "100 hours": ("bolus.start", {"volume_nl": 90_000, "rate_nl": 900}, "bolus_too_long"),
    "an extended bolus of 136 years": ("bolus.extended", {"volume_nl": U48, "duration_s": U32}, "extended_time"),
    "a temporary rate of 136 years": (
        "temporary.start", {"rate_nl": 0, "numerator": U32, "denominator": U32, "duration_s": U32}, "temporary_time",
    ),
}  # fmt: skip


def largest() -> bytes:
    """Return 336 entries over a day and a half."""
    made = programs.Program("largest", "water", 3600, [(4 * number, 1_000 + number) for number in range(programs.MAX_ENTRIES)])
    made.mode, made.on_clock_loss = programs.SCHEDULE, "lowest"
    return programs.pack(made)


@pytest.mark.rule("R7")
@pytest.mark.rule("R10")
@pytest.mark.parametrize("name", EXTREMES)
def test_an_order_without_end_is_refused_and_the_pump_still_stops(name: str, device: Device) -> None:
    """`bolus.start` of 2^48 nl at 1 nl an hour once was not answered, nor anything after it."""
    device.begin(largest())
    method, params, fault = EXTREMES[name]
    assert fault_of(device.ask_raw(method, token=device.client.bolus_token(), **params)) == fault
    assert device.state() == "running"
    assert device.client.stop()["state"] == "stopped"


@pytest.mark.rule("R8")
def test_stop_is_answered_while_a_program_is_checked_and_changes_are_busy(device: Device) -> None:
    device.begin_at_one_ml_per_hour()
    packed = largest()
    digest = programs.digest(packed)
    device.ask_raw("program.stage", program=base64.b64encode(packed).decode())
    assert device.ask_raw("program.check", digest=digest)["result"]["done"] is False
    assert fault_of(device.ask_raw("start")) == "busy"
    assert device.state() == "running" and device.client.hello()["protocol"][0] == 1
    assert device.client.stop()["state"] == "stopped"
    with pytest.raises(Refused) as error:
        device.client.program_activate(digest)
    assert error.value.fault == "not_checked"
    device.client.program_check(digest)
    assert device.client.program_activate(digest)["digest"] == digest


def test_a_check_that_nobody_goes_on_with_is_over_after_ten_seconds(device: Device) -> None:
    device.begin_at_one_ml_per_hour()
    packed = largest()
    device.ask_raw("program.stage", program=base64.b64encode(packed).decode())
    device.ask_raw("program.check", digest=programs.digest(packed))
    assert fault_of(device.ask_raw("start")) == "busy"
    device.run_for(11)
    assert fault_of(device.ask_raw("start")) == "not_stopped"
