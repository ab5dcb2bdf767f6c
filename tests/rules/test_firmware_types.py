"""The type check of the firmware sees what is wrong on the board; planted mistakes are told, handed-over hardware is not."""

from pathlib import Path

import pytest

from rules.tree import ROOT

PLANTED = {
    "a wrong type": ('def f(a_nl: int) -> int:\n    return a_nl\n\nf("x")\n', True),
    "a missing type": ("def f(a):\n    return a\n", True),
    "no such pin method": ("import machine\nmachine.Pin(3).valu()\n", True),
    "no such module on the board": ("import subprocess\n", True),
    "no such attribute of ours": ("class C:\n    pass\n\nC().steps\n", True),
    "the board's own clock": ("import time\n\nnow_ms: int = time.ticks_diff(time.ticks_ms(), time.ticks_ms())\n", False),
    "hardware handed over": ("def f(stepper: object) -> int:\n    return stepper.steps_done()\n", False),
    "an attribute filled in later": ("class C:\n    def __init__(self) -> None:\n        self.a = None\n\nC().a = 3\n", False),
}


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "rules"))
    from firmware_types import check

    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    return check


def test_planted_mistakes_are_told_and_the_board_is_known(check, tmp_path: Path) -> None:
    (tmp_path / "planted").mkdir()
    for number, (code, _) in enumerate(PLANTED.values()):
        (tmp_path / "planted" / f"planted_{number}.py").write_text(code)
    complaints, left_out = check("planted", str(tmp_path / "cache"))
    told = {what: any(f"planted_{number}.py" in line for line in complaints) for number, what in enumerate(PLANTED)}
    assert told == {what: wrong for what, (_, wrong) in PLANTED.items()}, "\n".join(complaints)
    assert left_out == 2
