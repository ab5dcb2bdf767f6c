"""Files that are put together for the chip do what they did, whatever they call the same; their manifest says where they went."""

import ast
import sys
import types

import pytest

from pumpcore.flash import manifest
from pumpcore.units import sha256_hex
from support.pump.main_file import checked, flash_of
from thecal.deploy.compact import joined
from thecal.deploy.files import firmware_files, library_files
from thecal.deploy.scopes import unbound
from thecal.deploy.units import UNITS, join
from thecal.errors import Failed
from thecal.files.resources import firmware_folder

INNER = b"""
import math

_LIMIT = [3]
STEP = "inner"


def limit(step):
    return step + _LIMIT[0] + math.gcd(4, 6)


def open(name):
    return "opened " + name


class Gauge:
    STEP = 7

    def limit(self, by=STEP):
        return limit(by), STEP, self._value()

    def _value(self):
        return [limit for limit in range(3)]
"""
MIDDLE = b"""
from planted import inner
from planted.inner import Gauge as Meter

_LIMIT = ["middle"]
STEP = "middle"


def limit():
    from planted.late import _hidden

    return _LIMIT, [inner.limit(inner) for inner in ()], inner.limit(1), _hidden(2), open


class Better(Meter):
    def _value(self):
        inner = 5
        return inner, (lambda limit: limit + 1)(2), STEP, {STEP: limit for limit in "ab"}
"""
LATE = b"""
from planted import middle


def _hidden(count):
    return [middle.STEP, middle._LIMIT] * count
"""
OUTER = b"""
from planted import inner, middle
from planted.middle import Better, limit


def run():
    from planted.late import _hidden as late

    one, names = Better(), []
    for STEP in (inner.STEP, middle.STEP):
        names.append(STEP)
    return [one.limit(), one.limit(2), limit()[:4], inner.open("x"), names, inner._LIMIT, middle.limit()[3], late(1)]
"""
SOURCES = {"/planted/inner.py": INNER, "/planted/middle.py": MIDDLE, "/planted/late.py": LATE, "/planted/outer.py": OUTER}
ASKS = [b"from planted.outer import run\n"]


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
    made = joined(SOURCES, ASKS, units, frozenset())
    assert len(made.files) == left and set(made.files) | set(made.units) == set(SOURCES)
    assert told(made.files) == told(SOURCES)


def test_a_module_that_is_handed_about_can_not_be_a_part() -> None:
    sources = SOURCES | {"/planted/outer.py": b"from planted import inner\ndef run():\n    return getattr(inner, 'STEP')\n"}
    with pytest.raises(Failed, match="inner is a part of a unit, and no module"):
        joined(sources, ASKS, {"/planted/outer.py": "planted.outer"}, frozenset())


def test_main_asks_for_no_part() -> None:
    with pytest.raises(Failed, match=r"main\.py asks for a part of planted/outer\.py"):
        joined(SOURCES, [*ASKS, b"from planted.inner import limit\n"], {"/planted/outer.py": "planted.outer"}, frozenset())


def test_one_name_imported_from_two_places_is_refused() -> None:
    trees = {"/a.py": ast.parse("from math import floor as one"), "/b.py": ast.parse("from math import ceil as one")}
    with pytest.raises(Failed, match="means something else by that name"):
        join(trees, [], {"/a.py": "a b"})


@pytest.mark.long
def test_the_firmware_in_units_asks_for_nothing_that_is_not_there() -> None:
    """Every name that a unit reads it has, but for the builtins and the words of assemblers, which its parts read as well."""
    sources = firmware_files(firmware_folder())
    main = sources.pop("/main.py")
    made = joined(sources, [main, *library_files().values()], UNITS, frozenset())
    assert set(made.units.values()) == set(UNITS) <= set(made.files)
    before = set().union(*(unbound(ast.parse(data)) for data in sources.values()))
    for path, data in made.files.items():
        assert unbound(ast.parse(data)) <= before, path


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
