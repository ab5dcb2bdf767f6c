"""The client that knows only PROTOCOL.md, against the app on CPython behind a socket. tests/device runs it on the simulator."""

import json
import subprocess
import sys

import pytest

from house_rules.tree import ROOT
from support.pump.served import Served

CLIENT = ROOT / "tests" / "device" / "raw_client.py"


def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess:
    command = [sys.executable, "-I", "-S", str(CLIENT), *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def served() -> Served:
    served = Served()
    served.start()
    yield served
    served.close()


def test_a_stranger_programs_the_pump_and_decodes_its_journal(served: Served) -> None:
    done = run(served.address, "--wait", text="go on\n")
    assert done.returncode == 0, done.stderr
    first, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert first == {"started": "running"}
    assert last["not_importable"] == ["thecal", "pumpcore"] and last["faults"] == []
    names = [row["record"] for row in last["events"]]
    assert names == ["boot", "clock_set", "program_activated", "started", "entry", "stopped"]
    stopped = last["events"][-1]
    assert stopped["delivered_steps"] == last["stop"]["delivered_steps"] == served.pump.plant_steps() > 0
    assert last["events"][3]["digest"] == last["digest"] == last["status"]["program_digest"]


def test_its_tables_are_those_of_the_page() -> None:
    page = (ROOT / "firmware" / "pumpcore" / "wire" / "PROTOCOL.md").read_text(encoding="utf-8")
    text = CLIENT.read_text(encoding="utf-8")
    begin = text.index("RECORDS = {")
    scope: dict = {}
    exec(text[begin : text.index("\n}\n", begin) + 2], scope)
    for number, (name, _, fields) in scope["RECORDS"].items():
        row = next(line for line in page.splitlines() if line.startswith(f"| {number} | `{name}` |"))
        assert list(row.split("`")[3::2]) == fields.split()


def test_it_refuses_to_prove_nothing() -> None:
    """If our packages can be imported, the program must say so instead of passing."""
    folders = [str(ROOT / "host"), str(ROOT / "firmware")]
    code = f"import sys; sys.path[:0] = {folders!r}; sys.argv = ['x', 'y:1']; exec(open({str(CLIENT)!r}).read())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and "proves nothing" in done.stderr
