"""The firmware's type check reports errors on the board, between our own objects, and of a hal that app cannot use."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from house_rules import types_rules
from house_rules.tree import ROOT, Source, python_sources, tracked_paths

FIRMWARE = ROOT / "firmware"
PLANTED = {
    "a wrong type": ('def f(a_nl: int) -> int:\n    return a_nl\n\nf("x")\n', True),
    "a missing type": ("def f(a):\n    return a\n", True),
    "no such pin method": ("import machine\nmachine.Pin(3).valu()\n", True),
    "no such module on the board": ("import subprocess\n", True),
    "no such attribute of ours": ("class C:\n    pass\n\nC().steps\n", True),
    "an object of any kind": ("def f(stepper: object) -> int:\n    return stepper.steps_done()\n", True),
    "an attribute that begins as None": ("class C:\n    def __init__(self) -> None:\n        self.a = None\n\nC().a = 3\n", True),
    "no such name in a stub": ("if 0:\n    from hal.ports import Bord\n", True),
    "the board's own clock": ("import time\n\nnow_ms: int = time.ticks_diff(time.ticks_ms(), time.ticks_ms())\n", False),
    "hardware by its Protocol": (
        'if 0:\n    from hal.ports import Stepper\n\ndef f(stepper: "Stepper") -> int:\n    return stepper.steps_done()\n', False,
    ),
    "an attribute filled in later": ('class C:\n    def __init__(self) -> None:\n        self.a: "int" = None\n\nC().a = 3\n', False),
}  # fmt: skip
# path, text there, its replacement, mypy's complaint
UNFIT = (
    ("hal/rp2/guard.py", "def rearm(", "def release(", "rearm"),
    ("hal/sim/panel.py", "def bolus_pressed(", "def pressed(", "bolus_pressed"),
    ("hal/absent.py", "def allow(", "def permit(", "allow"),
    ("hal/rp2/system.py", "limit_ms: int", "timeout_ms: str", "def start(self, timeout_ms: str) -> None"),
    ("hal/sim/clock.py", "def uptime_ms(self) -> int:", "def uptime_ms(self) -> str:", "def uptime_ms(self) -> str"),
    ("hal/vfs.py", "def make_folder(", "def folder(", "make_folder"),
)
MISSPELT = 50


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all of these tests: mypy reads again only what another test has changed."""
    folder = tmp_path_factory.mktemp("types")
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    return folder


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, place: Path) -> Callable[[], list[str]]:
    """Return mypy's complaints about `place / "copy"`."""
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "house_rules"))
    from firmware_types import check

    monkeypatch.chdir(place)
    return lambda: check("copy", "cache")


def test_planted_mistakes_are_told_and_the_board_is_known(check, place: Path) -> None:
    from misspelt import plant

    plant([], FIRMWARE, place / "copy")
    for number, (code, _) in enumerate(PLANTED.values()):
        (place / "copy" / f"planted_{number}.py").write_text(code)
    complaints = check()
    told = {what: any(f"planted_{number}.py" in line for line in complaints) for number, what in enumerate(PLANTED)}
    assert told == {what: wrong for what, (_, wrong) in PLANTED.items()}, "\n".join(complaints)
    assert [line for line in complaints if "planted_" not in line] == []


def test_fifty_misspelt_attribute_uses_are_each_refused(check, place: Path, record_property) -> None:
    """Other ones in each run. The test prints the seed: `python tests/house_rules/misspelt.py SEED` plants the same again."""
    from misspelt import choose, overlooked, uses

    seed = random.SystemRandom().randrange(1 << 32)
    planted = choose(uses(FIRMWARE, "app", "hal"), MISSPELT, seed)
    told = f"seed {seed}: " + "; ".join(map(str, planted))
    record_property("planted", told)
    assert len(planted) == MISSPELT, told
    missed = overlooked(planted, FIRMWARE, place / "copy", check)
    assert not missed, f"not refused: {', '.join(map(str, missed))}\nplanted with {told}"


def test_a_hal_that_app_can_not_use_is_refused(check, place: Path) -> None:
    from misspelt import plant

    plant([], FIRMWARE, place / "copy")
    for path, old, new, _ in UNFIT:
        file = place / "copy" / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, (path, old)
        file.write_text(text.replace(old, new), encoding="utf-8")
    told = "\n".join(line for line in check() if "hal_fits.py" in line)
    assert [words for _, _, _, words in UNFIT if words not in told] == [], told


def test_the_firmware_has_a_type_for_everything() -> None:
    stubs = [path for path in tracked_paths() if path.startswith("firmware/") and path.endswith(".pyi")]
    sources = python_sources("firmware/") + [Source(path, (ROOT / path).read_text(encoding="utf-8")) for path in stubs]
    assert len(stubs) >= 3
    assert [line for source in sources for line in types_rules.shapeless(source) + types_rules.silenced(source)] == []


def test_an_attribute_of_app_and_hal_is_born_where_a_reader_looks() -> None:
    assert types_rules.born_late(python_sources("firmware/app/", "firmware/hal/")) == []


def test_no_object_of_the_firmware_reaches_into_another_one() -> None:
    assert [line for source in python_sources("firmware/") for line in types_rules.reached_into(source)] == []
    assert len(types_rules.reached_into(Source("firmware/app/planted.py", "a._b = self._c\nself.d._e()\nf._machine\ng.__init__()\n"))) == 2


@pytest.mark.parametrize(
    "code",
    [
        "from typing import Any\n",
        "def f(a: object) -> None: ...\n",
        'def f(a: "object | None") -> None: ...\n',
        "def f() -> list[object]: ...\n",
        "class C:\n    a: typing.Any\n",
        "def f(*a: object) -> None: ...\n",
        "def f(*, a: object) -> None: ...\n",
        "class C:\n    def __getattr__(self, name: str) -> int: ...\n",
    ],
)
def test_what_is_no_type_is_refused(code: str) -> None:
    assert len(types_rules.shapeless(Source("firmware/app/planted.py", code))) == 1


@pytest.mark.parametrize("mark", ["# type: ignore", "# type: ignore[arg-type]", "# type: ignore  # the stubs err", "#type:ignore[x] #"])
def test_a_silenced_checker_says_what_and_why(mark: str) -> None:
    assert len(types_rules.silenced(Source("firmware/app/planted.py", '# mypy: disable-error-code="arg-type"\n'))) == 1
    assert len(types_rules.silenced(Source("firmware/app/planted.py", f"a = 1  {mark}\n"))) == 1
    assert types_rules.silenced(Source("firmware/app/planted.py", "a = 1  # type: ignore[arg-type]  # the stubs are wrong\n")) == []


@pytest.mark.parametrize(
    ("code", "late"),
    [
        ("class C:\n    def f(self) -> None:\n        self.a = 1\n", 1),
        ("class C:\n    def __init__(self) -> None:\n        self.a = 1\n\n    def f(self) -> None:\n        self.a, self.b = 1, 2\n", 1),
        ("class C:\n    a: int\n\n    def f(self) -> None:\n        self.a += 1\n", 0),
        ("class C:\n    a = b = 0\n\n    def f(self) -> None:\n        self.b = 1\n", 0),
        ("class B:\n    a: int\n\n\nclass C(B):\n    def f(self) -> None:\n        self.a = 1\n", 0),
    ],
)
def test_an_attribute_that_is_born_late_is_told(code: str, late: int) -> None:
    assert len(types_rules.born_late([Source("firmware/app/planted.py", code)])) == late
