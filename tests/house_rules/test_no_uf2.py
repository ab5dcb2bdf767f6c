"""A fresh machine has no MicroPython UF2: the run of all tests must skip the emulated chip, not break on it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# A test of the chip that needs a booted bench, and one of another folder with a fixture of the same name.
TESTS = ("tests/pico/test_stepper.py", "tests/unit/hardware/test_documents.py")


@pytest.mark.long
def test_without_a_uf2_the_chip_is_skipped_also_with_several_workers(tmp_path):
    environment = {**os.environ, "THECAL_UF2": "", "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "-k", "microseconds or committed or random", *TESTS]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-1000:]
    assert "SKIPPED" in run.stdout and "no stock MicroPython UF2" in run.stdout
