"""A stranger's program that knows only PROTOCOL.md, run without our packages: it programs the pump, starts it, reads its journal."""

import json
import select
import subprocess
import sys
from pathlib import Path

import pytest

from support.rig.device import Device
from support.rig.target import SIMULATOR, Target

CLIENT = Path(__file__).with_name("raw_client.py")
TIMEOUT_S, PATIENCE_S = 60.0, 3.0
RUN_S, SHORT_RUN_S = 100, 15  # if time costs something
RATE_NL = 900_000
pytestmark = [pytest.mark.needs("plant", "virtual_time"), pytest.mark.skipif(sys.platform == "win32", reason="select on a pipe")]


@pytest.fixture
def run_s(target: Target) -> int:
    return RUN_S if "free_time" in target.capabilities else SHORT_RUN_S


@pytest.fixture
def told(device: Device, port_url: str, target: Target, run_s: int) -> dict:
    """Return the program's last output; it ran for `run_s` of the pump's time between start and stop."""
    slower = target.reply_timeout_s / SIMULATOR.reply_timeout_s
    patience = ["--patience-s", str(PATIENCE_S * slower)]
    command = [sys.executable, "-I", "-S", str(CLIENT), port_url.removeprefix("socket://"), "--wait", *patience]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert select.select([process.stdout], [], [], TIMEOUT_S * slower)[0], "it never started the pump"
            assert json.loads(process.stdout.readline()) == {"started": "running"}
            device.run_for(run_s)
            out, err = process.communicate("\n", timeout=TIMEOUT_S * slower)
        finally:
            process.kill()
    assert (process.returncode, err) == (0, "")
    return json.loads(out)


def test_it_programs_the_pump_and_decodes_its_journal_as_we_do(device: Device, told: dict, run_s: int) -> None:
    assert told["not_importable"] == ["thecal", "pumpcore"]
    assert told["hello"]["implementation"]["name"] == "micropython"
    assert (told["status"]["state"], told["stop"]["state"]) == ("running", "stopped")
    assert told["stop"]["delivered_steps"] == device.sim.plant_steps()
    pair = device.calibration()
    assert abs(device.sim.plant_steps() - run_s * RATE_NL * pair.steps / (3600 * pair.volume_nl)) < 25
    assert device.client.program_read()["digest"] == told["digest"]
    ours = [plain(record) for record in device.records()]
    assert told["events"] == ours[: len(told["events"])]
    assert [event["record"] for event in told["events"]] == ["boot", "clock_set", "program_activated", "started", "entry", "stopped"]
    assert told["faults"] == []


def plain(record: object) -> dict:
    """Return one of our decoded records as the program prints it."""
    values = {name: value.hex() if isinstance(value, bytes) else value for name, value in record.fields.items()}
    stamp = {"boot": record.boot, "sequence": record.sequence, "uptime_ms": record.uptime_ms, "utc_s": record.utc_s}
    return {"record": record.name, **stamp, **values}


def test_with_our_packages_at_hand_it_refuses_to_prove_anything() -> None:
    """Its first check works: if a package of ours can be imported, it ends with an error."""
    here = Path(sys.modules["thecal"].__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(here)!r}); sys.argv = ['x', 'y']; exec(open({str(CLIENT)!r}).read())"],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "proves nothing" in done.stderr
