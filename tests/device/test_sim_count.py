"""`thecal sim --count 10`: ten pumps in one process, found by name, each commanded on its own; one dies and nine run on."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.host.cli import Tool
from thecal.sim.control import Control

pytestmark = [pytest.mark.needs("free_time"), pytest.mark.skipif(sys.platform == "win32", reason="signals")]
COUNT = 10
NAMES = [f"sim-{seed}" for seed in range(1, COUNT + 1)]
PRESCRIPTION = 'title = "t"\ndrug = "d"\n[basal]\nrate = "1 mL/h"\n'


def begin(tool: Tool, count: int, *words: str) -> tuple[subprocess.Popen[str], list[dict]]:
    process = tool.start("sim", "--json", "--count", str(count), "--image", str(tool.folder / "flashes"), *words)
    assert process.stdout is not None
    return process, [json.loads(process.stdout.readline()) for _ in range(count)]


def end(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C; return what was printed since."""
    process.send_signal(signal.SIGINT)
    return "".join(process.communicate(timeout=60))


def states(tool: Tool) -> dict[str, str]:
    return {one["name"]: one["status"]["state"] for one in json.loads(tool.run("status", "--all", "--json").stdout)}


def kill(facts: dict) -> None:
    """End the firmware of one pump."""
    host, _, port = facts["control"].rpartition(":")
    with Control(host, int(port), facts["control_secret"]) as control:
        control.hang_up()


def test_ten_pumps_in_one_process(tmp_path: Path) -> None:
    tool = Tool(tmp_path)
    (tmp_path / "rx.toml").write_text(PRESCRIPTION)
    process, pumps = begin(tool, COUNT, "--speed", "10")
    try:
        assert [(pump["name"], pump["seed"], pump["speed"]) for pump in pumps] == [(name, at, 10.0) for at, name in enumerate(NAMES, 1)]
        own = ("port", "socket", "control", "control_secret", "unique_id", "image")
        assert len({pump[key] for pump in pumps for key in own}) == len(own) * COUNT
        found = json.loads(tool.run("find", "--json").stdout)
        assert {one["hello"]["name"]: one["hello"]["unique_id"] for one in found} == {pump["name"]: pump["unique_id"] for pump in pumps}
        assert json.loads(tool.run("--port", "sim-3", "status", "--json").stdout)["state"] == "stopped"

        assert tool.run("program", "rx.toml", "--yes", "--port", "sim-3").returncode == 0
        assert tool.run("--port", "sim-3", "start", "--zone", "UTC").returncode == 0
        assert states(tool) == {name: "running" if name == "sim-3" else "stopped" for name in NAMES}
        assert "another pump is called" in tool.run("name", "sim-3", "--port", "sim-4").stderr
        assert "another simulated pump uses" in tool.run("sim", "--image", pumps[4]["image"]).stderr

        kill(pumps[6])
        deadline_s = time.monotonic() + 60
        while Path(tmp_path / "runtime" / "simulators" / f"{process.pid}-7.json").exists():
            assert time.monotonic() < deadline_s
            time.sleep(0.1)
        assert tool.run("status", "sim-7").returncode == 3
        assert tool.run("stop", "sim-3").returncode == 0
        assert states(tool) == {name: "stopped" for name in NAMES if name != "sim-7"}
    finally:
        said = end(process)
    assert process.returncode == 1
    assert "sim-7: the simulated pump has died" in said and "the other 9 run on. Start it again alone, with --seed 7" in said
    assert "1 of 10 simulated pumps died" in said and "Traceback" not in said
    assert not list((tmp_path / "runtime" / "simulators").iterdir())


def test_each_pump_keeps_its_name_and_program_until_the_next_run_and_ctrl_c_ends_all(tmp_path: Path) -> None:
    tool = Tool(tmp_path)
    (tmp_path / "rx.toml").write_text(PRESCRIPTION)
    process, pumps = begin(tool, 2, "--name", "lab", "--seed", "4")
    try:
        assert [pump["name"] for pump in pumps] == ["lab-4", "lab-5"]
        assert tool.run("name", "flow-4", "--port", "lab-4").returncode == 0
        assert tool.run("program", "rx.toml", "--yes", "--port", "lab-5").returncode == 0
    finally:
        assert (end(process), process.returncode) == ("", 0)
    assert sorted(path.name for path in (tmp_path / "flashes").iterdir()) == ["sim-clock-4.flash", "sim-clock-5.flash"]
    for pump, name, program in zip(pumps, ("flow-4", "lab-5"), ("none", "t"), strict=True):
        alone, (facts,) = begin(tool, 1, "--image", pump["image"], "--seed", str(pump["seed"]))
        try:
            assert facts["name"] == name
            assert f"\nprogram      {program}" in tool.run("status", name).stdout
        finally:
            end(alone)


def test_people_see_a_table_of_names_and_ports(tmp_path: Path) -> None:
    tool = Tool(tmp_path)
    process = tool.start("sim", "--count", "2", "--image", str(tmp_path / "flashes"), "--host", "0.0.0.0")
    assert process.stdout is not None
    lines = [process.stdout.readline().split() for _ in range(3)]
    said = end(process)
    assert lines[0] == ["name", "port", "socket"] and [line[0] for line in lines[1:]] == ["sim-1", "sim-2"]
    assert "2 simulated pumps (" in said and "Ctrl-C ends them" in said
    assert "the network port is open on 0.0.0.0: whoever reaches it can command the pump" in said
