"""A program that the host would not send, sent in hand-made frames: the pump itself refuses it in the same words."""

import pytest

from pumpcore.bench.bench import Bench
from pumpcore.faults import fault_texts
from pumpcore.faults.faults import Refusal
from pumpcore.limits import limits
from pumpcore.program import packing as programs
from support.programs import constant
from support.rig.benches import CLOCK, named
from support.rig.device import Device
from thecal.errors import Refused
from thecal.files.bench import for_pump
from thecal.pump.client import Client
from thecal.pump.refusals import sentence

WIDER = constant(1_000_000)
WIDER.day_nl = 41_000_000
WRONG = {
    "above the rate": constant(12_000_000),
    "a thousand times the rate": constant(10_000_000_000),
    "above an hour": constant(6_000_000),
    "above a day": constant(2_000_000),
    "wider than the bench": WIDER,
}


@pytest.fixture(scope="module")
def pump() -> object:
    with Device() as device:
        yield device


@pytest.mark.needs("instant_commands")  # the bench of the simulator
@pytest.mark.rule("R7")
@pytest.mark.rule("R10")
@pytest.mark.parametrize("name", WRONG)
def test_the_pump_says_what_the_host_would_have_said(name: str, pump: Device) -> None:
    import base64

    rig = Bench(for_pump(named(CLOCK)))
    with pytest.raises(Refusal) as hosts:
        limits.check_program(WRONG[name], rig, rig.calibration)
    packed = programs.pack(WRONG[name])
    reply = pump.ask_raw("program.stage", program=base64.b64encode(packed).decode())
    while "error" not in reply and not reply["result"].get("done"):
        reply = pump.ask_raw("program.check", digest=programs.digest(packed))
    error = reply["error"]
    assert (error["message"], error["data"]["do"]) == fault_texts.told(hosts.value.fault.name)
    with pytest.raises(Refused) as pumps, Client(pump.sim.socket_url) as client:
        client.program_stage(packed)
    assert pumps.value.cause == sentence(hosts.value)
    assert pump.client.program_read()["program"] is None


@pytest.mark.needs("instant_commands")  # the bench of the simulator
def test_the_pump_tells_its_ceilings(pump: Device) -> None:
    table = named(CLOCK)
    told = pump.client.hello()["ceilings"]
    assert {name: told[name] for name in table["ceilings"]} == table["ceilings"]
    assert (told["max_rate_hz"], told["start_rate_hz"], told["acceleration_hz_per_s"]) == (table["motor"]["max_rate_hz"], 0, 0)
