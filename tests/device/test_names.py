"""Two simulated pumps with names: a stop by name reaches one pump, and the name outlasts a power cut."""

import json
from pathlib import Path

import pytest

from support.host.cli import Tool

pytestmark = pytest.mark.needs("free_time")  # the pumps are `thecal sim`


def test_a_stop_by_name_reaches_one_pump_and_a_name_outlasts_the_power(tmp_path: Path) -> None:
    tool, pumps, facts = Tool(tmp_path), [], []
    (tmp_path / "rx.toml").write_text('title = "t"\ndrug = "d"\n[basal]\nrate = "1 mL/h"\n')

    def begin(seed: str) -> None:
        pumps.append(tool.start("sim", "--json", "--seed", seed, "--image", str(tmp_path / f"flash-{seed}")))
        assert pumps[-1].stdout is not None
        facts.append(json.loads(pumps[-1].stdout.readline()))

    try:
        for seed in ("1", "2"):
            begin(seed)
            assert tool.run("name", f"flow-{seed}", "--port", facts[-1]["socket"]).returncode == 0
            assert tool.run("program", "rx.toml", "--yes", "--port", f"flow-{seed}").returncode == 0
            assert tool.run("--port", f"flow-{seed}", "start", "--zone", "UTC").returncode == 0
        assert "another pump is called" in tool.run("name", "flow-1", "--port", "flow-2").stderr
        assert tool.run("stop", "flow-2").returncode == 0
        states = {one["name"]: one["status"]["state"] for one in json.loads(tool.run("status", "--all", "--json").stdout)}
        assert states == {"flow-1": "running", "flow-2": "stopped"}
        pumps[1].terminate()
        pumps[1].communicate(timeout=30)
        assert tool.run("status", "flow-2").returncode == 3
        begin("2")
        assert tool.run("status", "flow-2").returncode == 0
        events = [json.loads(line) for line in tool.run("journal", "--jsonl", "-", "--port", "flow-2").stdout.splitlines()]
        assert [one["name"] for one in events if one["event"] == "named"] == ["flow-2"]
    finally:
        for pump in pumps:
            pump.terminate()
            pump.communicate(timeout=30)
