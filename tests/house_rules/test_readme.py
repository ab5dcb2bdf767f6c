"""The README is short, names only what exists, and its commands for a newcomer work when typed in that order."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from house_rules import readme
from house_rules.tree import ROOT
from house_rules.walking import COMMAND_LIMIT_S, forked, stop, walk
from thecal.cli.verbs import VERBS

TEXT = readme.readme()
COMMANDS = readme.commands(TEXT)
WALK = [command for command in COMMANDS if command.startswith("thecal ")]
# Without activating: what a newcomer types first.
FIRST = [command.removeprefix(".venv/bin/") for command in COMMANDS if command.startswith(".venv/bin/thecal")]
MAKE_COVERED = {
    "make test": "continuous integration runs it", "make test-long": "and this", "make test-page": "and this",
    "make setup": "make test needs what it makes",
}  # fmt: skip
# The tested system is Linux, so these three lines are compared with the Makefile and the verbs instead.
WINDOWS = [command for command in COMMANDS if command.startswith(("py ", ".venv\\"))]
# tests/pico/test_flash.py really flashes a board; here the line is typed without one.
FLASH = [command for command in COMMANDS if command.startswith("make flash ")]
# They install the wheel; unit/test_install_tools.py runs them as they stand.
INSTALL = [command for command in COMMANDS if "dist/" in command or command == "make wheel"]


def test_the_readme_is_short() -> None:
    assert len(TEXT.splitlines()) <= readme.MOST_LINES


def test_every_link_of_the_readmes_leads_somewhere() -> None:
    missing = []
    for page in ("README.md", "tests/README.md", "hardware/README.md", "host/README.md", "firmware/README.md"):
        folder = (ROOT / page).parent
        links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8"))
        missing += [f"{page}: {link}" for link in links if not (folder / link).exists()]
    assert missing == []


def test_every_command_of_the_readme_is_run_by_a_test_or_by_ci() -> None:
    known = {*MAKE_COVERED, *WALK, *WINDOWS, *FLASH, *INSTALL, ". .venv/bin/activate", *(f".venv/bin/{command}" for command in FIRST)}
    assert [command for command in COMMANDS if command not in known] == []


def test_every_verb_and_target_in_running_text_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = {f"thecal {verb}" for verb in VERBS} | {f"make {name}" for name in re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)}
    assert readme.inline_verbs(TEXT) - known == set()


def test_the_windows_lines_install_what_make_installs() -> None:
    assert WINDOWS[1].endswith(r'\pip install -c constraints.txt -e ".[pictures]"')
    assert "--constraint constraints.txt --editable '.[pictures]'" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert WINDOWS[2].split()[1] in VERBS


@pytest.mark.long
@pytest.mark.parametrize("command", FLASH)
def test_flashing_a_board_that_is_not_there_says_so(command: str, home: dict[str, str]) -> None:
    typed = [*shlex.split(command), "DRY_RUN=1", "PORT=/dev/none"]
    done = subprocess.run(typed, cwd=ROOT, env=home, capture_output=True, text=True, timeout=COMMAND_LIMIT_S, check=False)
    assert done.returncode != 0
    assert "/dev/none" in done.stderr
    assert "Traceback" not in done.stderr


# --- typed as a newcomer would ---------------------------------------------------------------------------------------------


def test_one_ml_per_h_runs_after_the_first_three_commands(
    home: dict[str, str], tmp_path: Path, background: list[subprocess.Popen[str]]
) -> None:
    """The first command makes what the others need; a prescription or a clock is not among it."""
    assert [command.split()[1] for command in FIRST] == ["sim", "run"] and COMMANDS[0] == "make setup"
    walk(FIRST, home, tmp_path, background)
    status = json.loads(forked("thecal status --json", home, tmp_path).stdout)
    assert status["state"] == "running" and status["program_name"] == "run 1 mL/h"
    stop(background[0])


def test_the_first_prescription_works_line_by_line(home: dict[str, str], tmp_path: Path, background: list[subprocess.Popen[str]]) -> None:
    walk(WALK, home, tmp_path, background, forked)
    assert (tmp_path / "day.csv").stat().st_size > 0
    assert "Traceback" not in stop(background[0])


def verb_rows() -> list[list[str]]:
    """Return the cells of the table of verbs in host/README.md."""
    section = (ROOT / "host" / "README.md").read_text(encoding="utf-8").split("## The verbs")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line.startswith("| `")]


def test_every_verb_has_one_row_with_an_example_and_every_row_a_verb() -> None:
    rows = verb_rows()
    assert [row[0].strip("` ") for row in rows] == list(VERBS), "one row per verb in host/README.md, in the order of thecal --help"
    for name, example, what in rows:
        assert example.strip("`").split()[:2] == ["thecal", name.strip("` ")]
        assert len(what) > 10


@pytest.mark.long
def test_the_example_of_every_verb_works(home: dict[str, str], tmp_path: Path, background: list[subprocess.Popen[str]]) -> None:
    examples = [row[1].strip("`") for row in verb_rows()]
    examples.sort(key=lambda example: example.split()[1] not in ("new", "sim"))  # a pump must run before it can be found
    walk(examples, home, tmp_path, background)


@pytest.mark.long
def test_the_demo_runs(home: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "thecal.tools.demo"], cwd=tmp_path, env=home, capture_output=True, text=True, timeout=120, check=False
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
