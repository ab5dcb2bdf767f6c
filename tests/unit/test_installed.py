"""thecal installed from its wheel, with what the wheel asks for and nothing else: the main job works, and only pictures need more."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.host.installed import Installed, build

LEFT_OUT = ("matplotlib", "numpy", "pillow", "fonttools", "contourpy", "kiwisolver")
LIMIT_S = 60


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(build(tmp_path_factory.mktemp("wheel")), tmp_path_factory.mktemp("installed"))


@pytest.fixture
def pump(installed: Installed) -> Iterator[subprocess.Popen[str]]:
    """A simulated pump of the installed tool."""
    process = installed.start("sim", "--fresh")
    try:
        for line in process.stdout:
            if "Ctrl-C" in line:
                break
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=LIMIT_S)
    assert "Traceback" not in output


def test_the_wheel_brings_no_library_that_only_pictures_need(installed: Installed) -> None:
    assert {"pyserial", "wasmtime", "typer"} <= set(installed.brought)
    assert sorted(set(installed.brought) & set(LEFT_OUT)) == []


def test_the_main_job_works_from_the_wheel(installed: Installed, pump: subprocess.Popen[str]) -> None:
    """From an empty folder: a prescription, checked, on a simulated pump, delivered, and read back."""
    installed.run("new", "rx.toml")
    installed.run("program", "rx.toml", "--dry-run", "--bench", "sim-clock")
    installed.run("program", "rx.toml", "--yes")
    installed.run("start", "--zone", "UTC")
    installed.run("bolus", "20 uL", "--rate", "2 mL/h", "--yes")
    assert json.loads(installed.run("status", "--json").stdout)["state"] == "running"
    installed.run("stop")
    installed.run("run", "0.5 mL/h", "--drug", "water", "--yes")
    installed.run("stop")
    installed.run("journal", "--csv", "day.csv")
    installed.run("compare")
    done = installed.run("report")
    assert f"{installed.bin / 'python'} -m pip install matplotlib" in done.stderr
    page = (installed.home / "report.html").read_text(encoding="utf-8")
    assert "Picture left out" in page and "<svg" not in page
    assert f"{installed.bin / 'python'} -m pip install matplotlib" in page
    assert "Boluses" in page, "its tables do not need a picture"


@pytest.mark.parametrize(
    "words",
    [
        ("forecast", "rx.toml", "--offline", "--png", "out.png"),
        ("compare", "--from-journal", "none.json", "--png", "out.png"),
        ("report", "--from-journal", "none.json", "--png", "out.png", "--out", "out.html"),
        ("characterise", "--from", "none.csv"),
        ("characterise", "--balance", "socket://127.0.0.1:1", "--png", "out.png"),
    ],
)
def test_a_picture_is_refused_at_once_with_the_command_to_type(installed: Installed, words: tuple[str, ...]) -> None:
    """Before a file is read or a port opened: nobody weighs for four hours and hears it then."""
    done = installed.run(*words, code=1)
    assert "needs matplotlib" in done.stderr or "needs numpy" in done.stderr
    assert f"{installed.bin / 'python'} -m pip install matplotlib" in " ".join(done.stderr.split())
    assert not list(Path(installed.home).glob("out.*"))
