"""The README is short, names only what exists, and what it tells a newcomer to type works when typed in that order."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rules import readme
from rules.tree import ROOT
from thecal.commands import VERBS

TEXT = readme.readme()
COMMANDS = readme.commands(TEXT)
WALK = [command for command in COMMANDS if command.startswith("thecal ")]
MAKE_COVERED = {"make test": "continuous integration runs it", "make demo": "test_the_demo_runs"}
# The tested system is Linux; these three lines are compared with the Makefile and the verbs instead.
WINDOWS = [command for command in COMMANDS if command.startswith(("py ", ".venv\\"))]
# A board is flashed for real in tests/pico/test_flash.py; here the line is typed where no board is.
FLASH = [command for command in COMMANDS if command.startswith("make flash ")]
# Examples that can't be done on a simulated pump in good health: there is no board, and no alarm to acknowledge.
ENDS = {
    "thecal flash --bench tmc2209-peristaltic": 3,
    "thecal ack power_lost": 1,
    "thecal characterise --balance /dev/ttyUSB0 --rate \"5 mL/h\"": 3,
    # The example's program has no line to prime and no reservoir.
    "thecal prime --rate \"2 mL/h\"": 1,
    "thecal bridge --yes": 1,
    "thecal refill --measured \"3.1 mL\" --filled \"16 mL\"": 1,
}
# Generous on purpose: they end a hang, they measure nothing.
START_LIMIT_S = 60
COMMAND_LIMIT_S = 120
DEMO_LIMIT_S = 300


def test_the_readme_has_at_most_120_lines() -> None:
    assert len(TEXT.splitlines()) <= readme.MOST_LINES


def test_every_link_of_the_readmes_leads_somewhere() -> None:
    missing = []
    for page in ("README.md", "tests/README.md", "hardware/README.md", "host/README.md", "firmware/README.md"):
        folder = (ROOT / page).parent
        links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8"))
        missing += [f"{page}: {link}" for link in links if not (folder / link).exists()]
    assert missing == []


def test_every_command_of_the_readme_is_run_by_a_test_or_by_ci() -> None:
    known = {*MAKE_COVERED, *WALK, *WINDOWS, *FLASH, ". .venv/bin/activate"}
    assert [command for command in COMMANDS if command not in known] == []


def test_every_verb_and_target_in_running_text_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = {f"thecal {verb}" for verb in VERBS} | {f"make {name}" for name in re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)}
    assert readme.inline_verbs(TEXT) - known == set()


def test_the_windows_lines_install_what_make_installs() -> None:
    assert WINDOWS[1].endswith(r"\pip install -c constraints.txt -e .")
    assert "--constraint constraints.txt --editable ." in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert WINDOWS[2].split()[1] in VERBS


@pytest.mark.parametrize("command", FLASH)
def test_flashing_a_board_that_is_not_there_says_so(command: str, home: dict[str, str]) -> None:
    typed = [*shlex.split(command), "DRY_RUN=1", "PORT=/dev/none"]
    done = subprocess.run(typed, cwd=ROOT, env=home, capture_output=True, text=True, timeout=COMMAND_LIMIT_S, check=False)
    assert done.returncode != 0
    assert "/dev/none" in done.stderr
    assert "Traceback" not in done.stderr


# --- typed as a newcomer would --------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty home: no registry of pumps, no flash image from before."""
    folders = {
        name: str(tmp_path / name.lower()) for name in ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")
    }
    for folder in folders.values():
        Path(folder).mkdir()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("THECAL_")}
    path = os.pathsep.join((str(ROOT / "host"), str(ROOT / "firmware")))
    return {**inherited, **folders, "PYTHONPATH": path, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}


def words(command: str) -> list[str]:
    return [sys.executable, "-m", *shlex.split(command.removesuffix("&"))]


def stop(process: subprocess.Popen[str]) -> str:
    """Ctrl-C, as a person ends it; returns what was printed."""
    process.send_signal(signal.SIGINT)
    try:
        output, _ = process.communicate(timeout=START_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return output


@pytest.fixture
def background(home: dict[str, str], tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        if process.poll() is None:
            stop(process)


def launch(command: str, home: dict[str, str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words(command), cwd=folder, env=home, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def wait_until_found(pump: subprocess.Popen[str], home: dict[str, str], folder: Path) -> None:
    """The simulated pump in the background takes a moment to boot."""
    deadline_s = time.monotonic() + START_LIMIT_S
    while subprocess.run(words("thecal find"), cwd=folder, env=home, capture_output=True, check=False, timeout=START_LIMIT_S).returncode:
        assert pump.poll() is None, pump.communicate()[0]
        assert time.monotonic() < deadline_s, "no simulated pump was found"
        time.sleep(0.1)


def walk(commands: list[str], home: dict[str, str], folder: Path, background: list[subprocess.Popen[str]]) -> dict[str, int]:
    """Types the commands one after the other, answering yes; the exit code of each."""
    codes = {}
    for command in commands:
        if command.split()[1] == "sim":
            background.append(launch(command, home, folder))
            wait_until_found(background[-1], home, folder)
        elif command.split()[1] == "watch":
            watching = launch(command, home, folder)
            first_line = watching.stdout.readline()
            assert watching.poll() is None, first_line + watching.communicate()[0]
            assert "Traceback" not in stop(watching)
        else:
            done = subprocess.run(
                words(command), cwd=folder, env=home, input="y\n" * 9, capture_output=True, text=True, timeout=COMMAND_LIMIT_S, check=False
            )
            assert "Traceback" not in done.stderr
            assert done.returncode == ENDS.get(command, 0), f"{command}\n{done.stdout}{done.stderr}"
            codes[command] = done.returncode
    return codes


def test_the_first_prescription_works_line_by_line(home: dict[str, str], tmp_path: Path, background: list[subprocess.Popen[str]]) -> None:
    walk(WALK, home, tmp_path, background)
    assert (tmp_path / "day.csv").stat().st_size > 0
    assert "Traceback" not in stop(background[0])


def verb_rows() -> list[list[str]]:
    """The cells of the table of verbs in host/README.md."""
    section = (ROOT / "host" / "README.md").read_text(encoding="utf-8").split("## The verbs")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line.startswith("| `")]


def test_every_verb_has_one_row_with_an_example_and_every_row_a_verb() -> None:
    rows = verb_rows()
    assert [row[0].strip("` ") for row in rows] == list(VERBS), "one row per verb in host/README.md, in the order of thecal --help"
    for name, example, what in rows:
        assert example.strip("`").split()[:2] == ["thecal", name.strip("` ")]
        assert len(what) > 10


def test_the_example_of_every_verb_works(home: dict[str, str], tmp_path: Path, background: list[subprocess.Popen[str]]) -> None:
    examples = [row[1].strip("`") for row in verb_rows()]
    examples.sort(key=lambda example: example.split()[1] not in ("new", "sim"))  # a pump must be there before it is found
    walk(examples, home, tmp_path, background)


def test_the_demo_runs(home: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "thecal.demo"], cwd=tmp_path, env=home, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    suffixes = {file.suffix for file in (tmp_path / "demo").iterdir()}
    assert {".png", ".csv", ".html"} <= suffixes
    assert_same_picture(tmp_path / "demo" / "day.png", ROOT / "host" / "example-day.png")


def assert_same_picture(drawn: Path, committed: Path) -> None:
    """The README's picture is the one that `make demo` draws: the demo is deterministic, only fonts may differ by a hair."""
    from matplotlib.image import imread

    new, old = imread(drawn), imread(committed)
    assert new.shape == old.shape
    assert abs(new - old).mean() < 0.01, "the demo's picture has changed: copy demo/day.png to host/example-day.png"
    assert committed.stat().st_size < 150_000
