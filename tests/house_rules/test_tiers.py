"""The closing table of a run names every tier with its counts, and loudly gives the reason if one did not run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from house_rules.tree import ROOT

PASSES = """
import pytest

def test_passes():
    pass

@pytest.mark.long
@pytest.mark.parametrize("number", range(3))
def test_that_takes_long(number):
    pass
"""
SCENARIOS = """
import pytest

@pytest.mark.needs("power_cut")
def test_that_cuts(target):
    assert target.kind == "sim"

@pytest.mark.needs("telepathy")
def test_that_no_target_can(target):
    assert False

@pytest.mark.rule("R1")
def test_on_any(target):
    pass
"""

BREAKS = """
import pytest

@pytest.fixture
def broken():
    raise OSError("planted")

def test_that_can_not_start(broken):
    pass
"""
SAMPLES = {"unit": PASSES, "device": SCENARIOS, "faults": "def test_fails():\n    assert 0\n", "mpy": BREAKS}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with our conftest and settings, one file per tier that it has."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    for folder, code in SAMPLES.items():
        (tmp_path / "tests" / folder).mkdir(parents=True)
        (tmp_path / "tests" / folder / f"test_{folder}_sample.py").write_text(code)
    (tmp_path / "tests" / "support" / "rig").mkdir(parents=True)
    for name in ("conftest.py", "support/rig/target.py", "support/rig/uf2.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests" / name)
    return tmp_path


def run(project: Path, *arguments: str) -> tuple[int, list[str]]:
    """Return (exit code, the lines from the heading of the table on)."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "THECAL_", "COV_"))}
    environment["XDG_CACHE_HOME"] = str(project / "empty")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = done.stdout.splitlines()
    heading = next((number for number, line in enumerate(lines) if " tiers (target " in line), len(lines))
    return done.returncode, lines[heading:]


@pytest.mark.parametrize("workers", [(), pytest.param(("-n", "2"), marks=pytest.mark.long)], ids=["one process", "two workers"])
def test_the_last_lines_say_what_ran_and_what_did_not(project: Path, workers: tuple[str, ...]) -> None:
    code, table = run(project, *workers)
    assert code == 1
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in table[1:-1] if line[0] != " "}
    assert rows["unit"] == "4 passed"
    assert "LONG" not in "".join(table)
    assert rows["sim/device"] == "2 passed, 1 skipped"
    assert f"{'':<11} SKIPPED 1: target sim has no telepathy" in table
    assert rows["faults"] == "1 failed"
    assert rows["mpy"] == "1 error"
    assert rows["mutations"] == "NOT RUN: tests/mutations has no tests"
    assert "NOT RUN" in rows["emu"] and "THECAL_UF2" in rows["emu"]
    assert "NOT RUN" in rows["board"] and "real board" in rows["board"]
    assert "failed" in table[-1]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_what_is_left_to_make_test_long_is_counted(project: Path, workers: tuple[str, ...]) -> None:
    code, table = run(project, *workers, "-m", "not long", "tests/unit")
    assert code == 0
    unit = next(number for number, line in enumerate(table) if line.startswith("unit"))
    assert table[unit].split()[1:] == ["1", "passed"]
    assert table[unit + 1] == f"{'':<11} 3 LONG: make test-long runs them"
    assert sum("LONG" in line for line in table) == 1
    code, table = run(project, *workers, "-m", "long or hypothesis", "tests/unit")
    assert table[unit].split()[1:] == ["3", "passed"]
    assert "LONG" not in "".join(table)


def test_another_target_gets_the_scenarios_and_says_why_it_can_not(project: Path) -> None:
    code, table = run(project, "--target", "emu", "tests/device")
    assert code == 0
    assert any("SKIPPED" in line and "no stock MicroPython UF2" in line for line in table), table
    code, table = run(project, "--target", "/dev/ttyACM7", "tests/device")
    assert any("SKIPPED" in line and "has no power_cut" in line for line in table), table


def test_an_unknown_marker_is_an_error(project: Path) -> None:
    (project / "tests" / "unit" / "test_unit_sample.py").write_text("import pytest\n\n@pytest.mark.planted\ndef test():\n    pass\n")
    assert run(project, "tests/unit")[0] != 0


def test_a_warning_is_an_error(project: Path) -> None:
    (project / "tests" / "unit" / "test_unit_sample.py").write_text("import warnings\n\ndef test():\n    warnings.warn('planted')\n")
    assert run(project, "tests/unit")[0] == 1
