"""`import thecal` loads nothing; every public name is there; a type checker knows them all."""

import subprocess
import sys
from pathlib import Path

import pytest

import thecal
from thecal.files.resources import PACKAGE

ROOT = PACKAGE.parents[1]
HEAVY = ("pydantic", "pint", "serial", "wasmtime", "thecal.api", "thecal.pump", "asyncio", "typer")
SCRIPT = """
import thecal
with thecal.open() as pump:
    review: thecal.Review = pump.prepare_run("1 mL/h", duration="2 h")
    order: thecal.Order = pump.run("1 mL/h", confirm=lambda one: one.question != "")
    outcome: thecal.Outcome = pump.wait(order)
    number: float | None = outcome.delivered_ml
    names: dict[str, list[object]] = pump.journal()
async def both() -> None:
    async with thecal.aio.simulated(speed=60) as pump:
        status: thecal.Status = await pump.status()
"""
WRONG = 'import thecal\nthecal.open().run(1.0)\nthecal.open().run("1 mL/h", confirm="yes")\nthecal.open().nothing()\n'


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


def test_an_import_loads_nothing_heavy() -> None:
    assert python(f"import sys, thecal; print([name for name in {HEAVY} if name in sys.modules])").strip() == "[]"


def test_an_error_is_caught_without_loading_the_rest() -> None:
    said = python("import sys, thecal; thecal.ThecalError; print('thecal.api' in sys.modules, 'pydantic' in sys.modules)")
    assert said.strip() == "False False"


@pytest.mark.parametrize("name", sorted(thecal.__all__))
def test_a_public_name_is_there(name: str) -> None:
    assert getattr(thecal, name) is not None
    assert name in dir(thecal)


def test_another_name_is_none() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = thecal.nothing


@pytest.mark.long
def test_the_types_reach_a_user(tmp_path: Path) -> None:
    assert (PACKAGE / "py.typed").is_file()
    (tmp_path / "right.py").write_text(SCRIPT)
    (tmp_path / "wrong.py").write_text(WRONG)
    words = [sys.executable, "-m", "mypy", "--strict", "--follow-imports", "silent", "--cache-dir", str(tmp_path / "cache")]
    environment = {"MYPYPATH": f"{ROOT / 'host'}:{ROOT / 'firmware'}", "PATH": "", "HOME": str(tmp_path)}
    files = ["right.py", "wrong.py"]
    done = subprocess.run([*words, *files], cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=300, check=False)
    found = [line.split(":")[:2] for line in done.stdout.splitlines() if " error: " in line]
    assert found == [["wrong.py", number] for number in ("2", "3", "4")], done.stdout
