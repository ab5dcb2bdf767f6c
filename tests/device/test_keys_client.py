"""A stranger's program that knows only PROTOCOL.md and pyserial sets, uses and removes keys, and gets nowhere without them."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import serial

from support.rig.device import Device

CLIENT = Path(__file__).with_name("keys_client.py")
TIMEOUT_S = 60.0
pytestmark = [pytest.mark.needs("plant", "real_time"), pytest.mark.skipif(sys.platform == "win32", reason="links to folders")]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, dict]:
    """Return what the program printed, and what the journal and the motor say."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "serial").symlink_to(Path(serial.__file__).parent)
    with Device(speed=10.0) as device:
        url = device.sim.socket_url or device.port_url
        device.client.close()
        command = [sys.executable, "-I", "-S", str(CLIENT), str(folder), url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert json.loads(process.stdout.readline()) == {"press": True}
                time.sleep(0.3)
                device.sim.press_stop(hold_s=5)
                out, err = process.communicate(timeout=TIMEOUT_S)
            finally:
                process.kill()
        assert (process.returncode, err) == (0, "")
        told = json.loads(out)
        changes = [record.fields for record in device.records("keys_changed")]
        refused = [record.fields for record in device.records("keys_refused", ring="faults")]
        orders = len(device.records("bolus_ordered"))
        return told, {"changes": changes, "refused": refused, "orders": orders, "steps": device.sim.plant_steps()}


@pytest.mark.rule("R10")
def test_it_sets_uses_and_removes_the_keys(both: tuple[dict, dict]) -> None:
    told, seen = both
    assert told["loaded"] == [] and told["before"] == ["none", True]
    first, last = told["set"]
    assert first == {"done": False, "wait_s": 60, "hold_s": 2} and last["done"] and told["state"] == "set"
    used = told["used"]
    assert used["stage"] and "digest" in used["activate"] and "position_steps" in used["start"]
    assert used["repeated"] == used["bolus"] and used["seen"] in ("ordered", "delivering") and seen["orders"] == 1 and seen["steps"] > 0
    assert told["changed"]["done"] and told["old key"] == "signature" and told["named"] == {"name": "ours"} and told["removed"]["done"]
    assert told["no keys"] == "signature" and told["after"] == ["none", "ours"] and told["stop"] == "stopped"
    assert [(row["change"], row["by"]) for row in seen["changes"]] == [(0, 0), (0, 1), (1, 1)]


@pytest.mark.rule("R10")
def test_without_the_right_key_it_gets_nowhere(both: tuple[dict, dict]) -> None:
    told, seen = both
    assert told["while running"] == "not_stopped"
    assert told["misused"] == {
        "unsigned": "unsigned", "unsigned token": "unsigned", "look starts": "role", "operate names": "role",
        "look as program": "signature", "first": True, "challenge again": "signature", "cut": "signature", "another object": "signature",
        "nobody's challenge": "signature",
    }  # fmt: skip
    assert seen["refused"][0] == {"unsigned": 1, "signature": 0, "role": 0}, "journaled at the first"
