"""The --json output of every verb, from a real process against the simulated pump, matches `thecal schema`."""

import json
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from support.host.cli import Tool
from support.rig.device import Device
from thecal.cli.schema.verbs import SHAPES, schema
from thecal.cli.verbs import VERBS

RX = 'title = "t"\ndrug = "d"\n[basal]\nrate = "1 mL/h"\n'
BY_OTHER_TESTS = {
    "calibrate": "its keys are open",
    "characterise": "unit/weighing/test_characterise_files.py",
    "report": "its keys are open",
    "forecast": "unit/forecast/test_forecast.py; its keys are open",
    "bench": "device/test_bench_set.py; its keys are open",
    "limits": "unit/prescription/test_library.py; its keys are open",
    "read": "its keys are open",
    "compare": "its keys are open",
    "temporary": "device/test_therapy_verbs.py",
    "prime": "device/test_therapy_verbs.py",
    "bridge": "device/test_bridge.py",
    "refill": "device/test_therapy_verbs.py",
    "flash": "a board is needed: tests/pico/test_flash.py and unit/deploy/test_flash.py",
}
pytestmark = pytest.mark.needs("free_time")  # the pump is always `thecal sim`: another target would test nothing else


def held(verb: str, text: str) -> Any:
    """Return the decoded output after comparing it with the verb's shape: no key missing, none undocumented."""
    value = json.loads(text)
    TypeAdapter(SHAPES[verb]).validate_json(text, strict=True)
    return value


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[str]]]:
    """Return the stdout of each verb, in the order of a person's first hour."""
    folder = tmp_path_factory.mktemp("shapes")
    (folder / "rx.toml").write_text(RX)
    tool, said = Tool(folder), {}
    pump = tool.start("sim", "--json", "--image", str(folder / "flash"), "--speed", "10")  # the run of 10 s is waited for
    assert pump.stdout is not None
    said["sim"] = [pump.stdout.readline()]
    port = ("--port", json.loads(said["sim"][0])["socket"])

    def run(*words: str) -> str:
        done = tool.run(*words, "--json", *port)
        said.setdefault(words[0], []).append(done.stdout)
        return done.stdout

    try:
        run("find")
        run("run", "1 mL/h", "--drug", "d", "--dry-run")
        run("run", "1 mL/h", "--drug", "d", "--yes")
        run("stop")
        run("run", "--volume", "1 uL", "--for", "10 s", "--yes", "--wait")
        run("program", "rx.toml", "--dry-run")
        run("program", "rx.toml", "--yes")
        run("start")
        run("status")
        token = json.loads(run("bolus", "0.1 mL", "--rate", "2 mL/h", "--yes"))["token"]
        run("bolus", "--status", token)
        run("bolus", "--cancel", token)
        run("status")
        run("watch", "--count", "1")
        run("clock")
        run("stop")
        run("run", "1 mL/h", "--for", "10 min", "--drug", "d", "--yes")
        run("stop")
        run("run", "--restore", "--yes")
        run("journal")
        run("alarms")
        said["status"].append(tool.run("status", "--all", "--json").stdout)
        run("name", "flow-1")
        run("name", "--dry-run", "flow-2")
        run("name")
        run("key")
        run("key", "new", "--dry-run")
        for alone in (("new", "other.toml"), ("config",), ("help",), ("help", "bolus"), ("schema",), ("schema", "stop")):
            said.setdefault(alone[0], []).append(tool.run(*alone, "--json").stdout)
        said["error"] = [run("ack", "watchdog"), tool.run("status", "--json", "--port", "/dev/none").stdout]
        said["ack"] = [run("ack", "all")]
        run("maintenance", "--yes")
    finally:
        pump.terminate()
        pump.communicate(timeout=30)
    yield said


@pytest.mark.parametrize("verb", [verb for verb in SHAPES if verb not in BY_OTHER_TESTS])
def test_what_a_verb_prints_is_what_its_schema_says(verb: str, walk: dict[str, list[str]]) -> None:
    for text in walk[verb]:
        held(verb, text)


def test_alarms_that_are_there_have_the_shape_too(device: Device, tmp_path: Path) -> None:
    device.begin_at_one_ml_per_hour()
    device.run_for(5)
    device.power_cycle(5)
    done = Tool(tmp_path).run("alarms", "--json", "--port", device.sim.socket_url)
    assert [alarm["name"] for alarm in held("alarms", done.stdout)["alarms"]] == ["power_lost", "not_resumed"]
    done = Tool(tmp_path).run("ack", "all", "--json", "--port", device.sim.socket_url)
    assert held("ack", done.stdout) == [{"fault": 612, "alarms": [613]}, {"fault": 613, "alarms": []}]


def test_every_verb_that_prints_json_has_a_shape() -> None:
    printing = {verb for verb, function in VERBS.items() if "as_json" in signature(function).parameters}
    assert printing == set(SHAPES) - {"error"}


def test_a_key_that_is_not_written_down_is_seen() -> None:
    with pytest.raises(ValueError, match="volume_ml"):
        held("stop", '{"state": "stopped", "delivered_steps": 1, "volume_ml": 2}')


@pytest.mark.parametrize("verb", SHAPES)
def test_every_schema_is_printed(verb: str, tmp_path: Path) -> None:
    done = Tool(tmp_path).run("schema", verb)
    assert done.returncode == 0
    assert json.loads(done.stdout) == schema(verb)
    assert schema(verb)["$schema"].endswith("2020-12/schema")
