"""Files that are joined to units do what they did; a name that would mean two things is refused; the manifest says what lies there.
The simulator runs what is in the pack."""

import ast
import sys
import types

import pytest

from pumpcore.flash import manifest
from pumpcore.units import sha256_hex
from support.pump.main_file import checked, flash_of
from thecal.deploy import pack
from thecal.deploy.build import LOOSE, build, compile_all, name_of
from thecal.deploy.files import MAIN, firmware_files
from thecal.deploy.units import CHIP, SIMULATOR, join, module_of, of_target, simulated_files, units_of
from thecal.errors import Failed
from thecal.files.resources import firmware_folder

INNER = b"""
import math

_LIMIT = [3]
STEP = "inner"


def limit(step):
    return step + _LIMIT[0] + math.gcd(4, 6)


class Gauge:
    STEP = 7

    def limit(self, by=STEP):
        return limit(by), STEP, self._value()

    def _value(self):
        return [limit for limit in range(3)]
"""
MIDDLE = b"""
import math
from planted import inner
from planted.inner import Gauge as Meter, limit
from planted.inner import (
    STEP,
)

if 0:
    from planted.types import Late

_AGAIN = ["middle"]


def reach() -> "Late":
    from planted.late import _hidden

    return _AGAIN, [inner.limit(inner) for inner in ()], inner.limit(1), _hidden(2), limit(4), math.pi


class Better(Meter):
    def _value(self):
        inner = 5
        return inner, (lambda limit: limit + 1)(2), STEP, {STEP: limit for limit in "ab"}
"""
LATE = b"""
from planted import middle


def _hidden(count):
    return [middle.STEP, middle._AGAIN] * count
"""
OUTER = b"""
from planted import inner, middle as between
from planted.middle import Better, reach


def run():
    from planted.late import _hidden as late
    from planted import late as module

    one, names = Better(), []
    for STEP in (inner.STEP, between.STEP):
        names.append(STEP)
    return [one.limit(), one.limit(2), reach(), names, inner._LIMIT, between.reach()[3], late(1), module._hidden(1)]
"""
SOURCES = {"/planted/inner.py": INNER, "/planted/middle.py": MIDDLE, "/planted/late.py": LATE, "/planted/outer.py": OUTER}


class Planted:
    """Finds the modules of `sources` for as long as it is entered."""

    def __init__(self, sources: dict) -> None:
        self._sources = {path[1:-3].replace("/", "."): data for path, data in sources.items()}

    def find_spec(self, name, path, target=None):
        import importlib.machinery

        known = name in self._sources or name == "planted"
        return importlib.machinery.ModuleSpec(name, self, is_package=name == "planted") if known else None

    def create_module(self, spec):
        return types.ModuleType(spec.name)

    def exec_module(self, module):
        exec(compile(self._sources.get(module.__name__, b""), module.__name__, "exec"), module.__dict__)


def told(sources: dict) -> list:
    """What `run` of these sources says."""
    finder = Planted(sources)
    sys.meta_path.insert(0, finder)
    try:
        return __import__("planted.outer", None, None, ("run",)).run()
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.split(".")[0] == "planted"]:
            del sys.modules[name]


@pytest.mark.parametrize(
    ("units", "left"),
    [
        ({}, 4),
        ({"/planted/outer.py": "planted.outer"}, 2),
        ({"/planted/outer.py": "planted.outer planted.late"}, 1),
        ({"/planted/inner.py": "planted.inner", "/planted/outer.py": "planted.outer"}, 3),
        ({"/planted/middle.py": "planted.middle"}, 3),
        ({"/planted/late.py": "planted.inner planted.late"}, 2),
    ],
)
def test_what_the_code_does_stays(units: dict, left: int) -> None:
    made = join(SOURCES, units)
    assert len(made) == left and set(made) <= set(SOURCES)
    assert told(made) == told(SOURCES)


def test_nothing_but_imports_changes() -> None:
    for unit, own in {"/planted/outer.py": SOURCES.values(), "/planted/middle.py": (INNER, LATE, MIDDLE)}.items():
        made = join(SOURCES, {unit: module_of(unit) + " planted.late"})[unit].splitlines()
        changed = (b"STEP,", b")", b"if 0:")
        lines = [line for data in own for line in data.splitlines() if b"import" not in line and line.strip() not in changed]
        assert [line for line in lines if line not in made] == []


def test_a_syntax_error_is_named() -> None:
    with pytest.raises(Failed, match=r"planted/inner\.py does not compile: SyntaxError"):
        join({**SOURCES, "/planted/inner.py": b"def f(:\n"}, {})


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (b"def limit():\n    pass\n", "limit"),
        (b"_LIMIT = 3\n", "_LIMIT"),
        (b"from math import floor as STEP\n", "STEP"),
        (b"from planted import middle as limit\n", "limit"),
        (b"def found():\n    return open('x'), [Gauge for one in ()]\n", "Gauge"),
        (b"def found():\n    def inside():\n        return limit\n    return inside\n", "limit"),
        (b"try:\n    from math import floor\nexcept ImportError:\n    STEP = 1\n", "STEP"),
    ],
)
def test_a_name_that_would_mean_two_things_is_refused(other: bytes, name: str) -> None:
    """Two definitions, two imports, and a name that only one of the files knows: the other one meant a builtin."""
    sources = {**SOURCES, "/planted/other.py": other}
    join(sources, {})
    with pytest.raises(Failed, match=f"{name} is not the same in planted.inner and in planted.other"):
        join(sources, {"/planted/other.py": "planted.inner planted.other"})


def test_the_units_name_what_is_there() -> None:
    """Each is a file that is deployed; after joining no import asks for a file that is gone."""
    sources = firmware_files(firmware_folder())
    modules = {module_of(path) for path in sources}
    named = {root for roots in units_of(sources).values() for root in roots.split()}
    assert set(units_of(sources)) <= set(sources) and named <= modules
    for hal in (CHIP, SIMULATOR):
        made = of_target(sources, hal)
        left = {module_of(path) for path in made}
        for path, data in made.items():
            for node in [node for node in ast.walk(ast.parse(data)) if isinstance(node, ast.ImportFrom)]:
                ours = path != MAIN and str(node.module).split(".")[0] in ("app", "pumpcore", "hal")
                asked = {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)} & modules
                assert asked <= left and (not ours or str(node.module) in left), f"{path}: {node.module} {asked - left}"


@pytest.mark.long
def test_the_simulator_runs_what_the_pack_is_made_of() -> None:
    """Each file of the pack is a text that the simulator runs, through `mpy-cross`; only the hals differ."""
    sources, simulated = firmware_files(firmware_folder()), simulated_files(firmware_folder())
    chip = of_target(sources, CHIP)
    shared = {path: data for path, data in simulated.items() if path.startswith(("/app/", "/pumpcore/"))}
    assert {"/app/pump.py", "/app/startup/boot.py"} < set(shared)
    assert shared == {path: data for path, data in chip.items() if path.startswith(("/app/", "/pumpcore/"))}
    built = build(firmware_folder())
    packed, made = pack.unpack(built.files[pack.PATH]), compile_all({path: data for path, data in chip.items() if path != MAIN})
    assert packed.items() <= {name_of(path): data for path, data in made.items()}.items()
    whole = {name_of(path) for path in made if not path.endswith("/__init__.py")}  # a folder is named by the pack's head
    assert whole <= {*packed, *map(name_of, LOOSE)}
    assert simulated[MAIN] == built.files[MAIN] and not {name_of(path) for path in LOOSE} & set(packed)


def test_what_is_in_the_pack_is_what_the_manifest_says_when_the_pack_is() -> None:
    sources = {"/main.py": b"main", "/app/pump.py": b"pump", "/app/delivery/leases.py": b"book"}
    rows = manifest.build(sources, {"/main.py": b"main"}, ("/firmware.pack", b"M both"))
    assert manifest.parse(rows)[1] == {"/firmware.pack": sha256_hex(b"M both"), "/main.py": sha256_hex(b"main")}
    lying = {"/main.py": b"main", "/firmware.pack": b"M both"}
    digest = manifest.release(manifest.parse(manifest.build(sources))[0])
    assert checked(flash_of(lying, rows)) == digest
    assert checked(flash_of({**lying, "/app/pump.py": b"another"}, rows)) == digest  # nobody imports it
    for damaged in (b"M another", b"M bot", b""):
        assert checked(flash_of({**lying, "/firmware.pack": damaged}, rows)) == ""
    for end in range(len(rows)):
        assert checked(flash_of(lying, rows[:end])) == "", end
