"""`make` explains what it can do and what is missing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

from house_rules.making import make
from house_rules.tree import ROOT

TARGETS = ("demo", "test", "test-long", "test-page", "pictures", "cad", "test-cad", "check", "flash", "test-emu", "test-board", "bench",
           "hazards", "torture", "setup", "clean", "help")  # fmt: skip


def pretend_pythons(folder: Path, script: str) -> str:
    """Return a PATH entry in which every Python is `script`."""
    for name in ("python3.14", "python3.13", "python3.12", "python3.11", "python3", "python"):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}"


def test_help_is_the_default_and_lists_every_target() -> None:
    text = make().stdout
    assert text == make("help").stdout
    assert [name for name in TARGETS if not re.search(rf"^  make {name} +\S", text, re.MULTILINE)] == []


def test_the_emulated_chip_without_a_uf2_fails_instead_of_skipping(tmp_path: Path) -> None:
    done = make("test-emu", f"THECAL_UF2={tmp_path}/none.uf2")
    assert done.returncode != 0
    assert "needs a stock MicroPython UF2" in done.stderr


def test_the_page_without_a_browser_fails_instead_of_skipping() -> None:
    plan = make("-n", "test-page", "VENV=/nonexistent/venv").stdout
    assert "THECAL_PAGE=must" in plan and "-m support.page.browser" in plan
    done = subprocess.run([sys.executable, "-m", "support.page.browser"], cwd=ROOT, env={"PYTHONPATH": "tests", "PATH": "/nonexistent"},
                          capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 1
    assert "make test-page" in done.stderr or "apt-get install chromium" in done.stderr


def test_torture_goes_on_on_the_emulated_chip() -> None:
    """The marked tests exist. They are only looked for, because they take hours."""
    assert "--target emu -m torture tests/pico" in make("-n", "torture").stdout
    marked = [path.name for path in (ROOT / "tests" / "pico").glob("test_*.py") if "mark.torture" in path.read_text()]
    assert sorted(marked) == ["test_by_volume.py", "test_flood.py", "test_pump_cuts.py", "test_stepper.py", "test_three_days.py"]


def test_test_and_test_long_together_leave_no_test_out() -> None:
    """What `make test` deselects, or runs with fewer examples, `make test-long` selects."""
    lines = [make("-n", target, "VENV=/nonexistent/venv").stdout.splitlines()[-1] for target in ("test", "test-long")]
    assert [line.partition(" -m pytest ")[2].partition(" -m ")[2] for line in lines] == ["'not long'", "'long or hypothesis'"]
    assert [line.split()[0] for line in lines] == ["THECAL_HYPOTHESIS=brief", "/nonexistent/venv/bin/python"]
    assert hypothesis.settings.get_profile("brief").max_examples < hypothesis.settings.get_profile("quick").max_examples


def test_test_board_without_a_port_asks_for_one() -> None:
    assert "PORT=/dev/ttyACM0" in make("test-board").stderr


def test_pythons_that_do_not_run_are_told_with_the_cure(tmp_path: Path) -> None:
    done = make(f"{tmp_path}/venv/bin/python", f"VENV={tmp_path}/venv", path=pretend_pythons(tmp_path, "exit 127"))
    assert done.returncode != 0
    assert "No Python 3.11 or newer was found." in done.stderr
    assert "apt install python3" in done.stderr


def test_a_named_python_that_is_too_old_is_told_by_its_name(tmp_path: Path) -> None:
    pretend_pythons(tmp_path, "exit 1")
    done = make(f"{tmp_path}/venv/bin/python", f"VENV={tmp_path}/venv", f"PYTHON={tmp_path}/python3")
    assert done.returncode != 0
    assert f"PYTHON={tmp_path}/python3 does not run or is older than 3.11." in done.stderr


def test_a_missing_venv_module_is_told_with_the_cure(tmp_path: Path) -> None:
    path = pretend_pythons(tmp_path, 'case "$*" in *ensurepip*) exit 1;; esac')
    done = make(f"{tmp_path}/venv/bin/python", f"VENV={tmp_path}/venv", path=path)
    assert done.returncode != 0
    assert "sudo apt install python3-venv" in done.stderr


def test_demo_needs_only_what_runs() -> None:
    plan = make("-n", "demo", "VENV=/nonexistent/venv").stdout
    assert "-m thecal.tools.demo" in plan
    assert "[test]" not in plan
    assert "[test]" in make("-n", "test", "VENV=/nonexistent/venv").stdout


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ((), ""),
        (("PORT=/dev/ttyACM0",), "--port '/dev/ttyACM0'"),
        (("ID=E661A4D1",), "--id 'E661A4D1'"),
        (("PORT=a b", "BENCH=hardware/x.toml", "DRY_RUN=1"), "--port 'a b' --bench 'hardware/x.toml' --dry-run"),
        (("DRY_RUN=0", "YES=1", "BOOT_DRIVE=/media/RPI-RP2"), "--boot-drive '/media/RPI-RP2' --yes"),
    ],
)
def test_flash_hands_its_words_on(words: tuple[str, ...], options: str) -> None:
    clean = ("PORT=", "ID=", "BENCH=", "DRY_RUN=", "YES=", "BOOT_DRIVE=")
    last = make("-n", "flash", "VENV=/nonexistent/venv", *clean, *words).stdout.splitlines()[-1]
    assert " ".join(last.split()) == f"/nonexistent/venv/bin/python -m thecal flash {options}".strip()


@pytest.mark.parametrize(
    ("words", "options"),
    [((), ""), (("JSON=1", "QUICK=1"), "--json --quick"), (("JSON=0", "ONLY=edges speed"), "--only edges speed")],
)
def test_bench_hands_its_words_on(words: tuple[str, ...], options: str) -> None:
    last = make("-n", "bench", "VENV=/nonexistent/venv", "JSON=", "QUICK=", "ONLY=", *words).stdout.splitlines()[-1]
    assert " ".join(last.split()) == f"PYTHONPATH=tests /nonexistent/venv/bin/python -m bench {options}".strip()
