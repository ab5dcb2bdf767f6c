"""Names and numbers are made smaller for the chip; what the code does stays, and what somebody may look up keeps its name."""

import ast
import re
import sys
import types

import pytest

from app.wire.handlers.table import HANDLERS, file_of
from pumpcore.wire import messages
from thecal.deploy.compact import compact
from thecal.deploy.files import firmware_files, library_files
from thecal.deploy.groups import groups
from thecal.deploy.lean import lean
from thecal.deploy.rom_names import ROM_NAMES, ROM_PRIVATE
from thecal.deploy.units import CHIP, of_target
from thecal.errors import Failed
from thecal.files.resources import firmware_folder

MAIN = "/main.py"
UNITS = b'''
"""Doc."""
MS_PER_S = 1000
_KILO = 1 << 10
BIG = 1 << 40
PAIR, _OTHER = 3, 4
NAMES = ("_secret",)
ASKED = 7


def kilo(count: int) -> int:
    """Doc."""
    return count * _KILO + _OTHER
'''
BASE = b'''
class Base:
    """Doc."""

    def __init__(self, given: int) -> None:
        self._value_ms = given
        self._secret = 5

    def _shown(self) -> int:
        return self._value_ms

    def told(self, extra: int = 1) -> tuple:
        return self._shown(), extra
'''
DERIVED = b'''
from planted import units
from planted.base import Base
from planted.units import BIG, MS_PER_S, PAIR, kilo

_LIMIT = MS_PER_S * 2


class Derived(Base):
    def __init__(self, given: int, *, named: int = 2) -> None:
        super().__init__(given * MS_PER_S)
        self._own, self._named = kilo(given), named

    def _shown(self) -> int:
        return self._value_ms + self._own + _LIMIT + PAIR

    def all(self) -> list:
        found = [getattr(self, name) for name in units.NAMES]
        for MS in (1, 2):
            found.append(MS * units.MS_PER_S + (lambda given, unused=0: given + self._named)(MS) + BIG)
        try:
            raise ValueError("x")
        except ValueError as given:
            found.append(str(given))
        return found


def _made(given: int) -> Derived:
    return Derived(given, named=given)


def run() -> list:
    one = _made(3)
    units = 9
    return [one.told(), one.told(extra=4), one.all(), units]
'''
ASKS = b"from planted.derived import run\n"
SOURCES = {"/planted/units.py": UNITS, "/planted/base.py": BASE, "/planted/derived.py": DERIVED}


def loaded(sources: dict) -> types.ModuleType:
    """The module `derived` of these sources, as a program of its own."""
    before = {name: sys.modules.pop(name) for name in [name for name in sys.modules if name.split(".")[0] == "planted"]}
    try:
        sys.modules["planted"] = package = types.ModuleType("planted")
        package.__path__ = []
        for path in ("/planted/units.py", "/planted/base.py", "/planted/derived.py"):
            name = path[1:-3].replace("/", ".")
            module = sys.modules[name] = types.ModuleType(name)
            setattr(package, name.split(".")[1], module)
            exec(compile(sources[path], path, "exec"), module.__dict__)
        return sys.modules["planted.derived"]
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "planted"]:
            del sys.modules[name]
        sys.modules.update(before)


@pytest.fixture(scope="module", name="firmware")
def _firmware() -> tuple:
    sources = of_target(firmware_files(firmware_folder()), CHIP, numbers=True)
    others = [sources.pop(MAIN), *library_files().values()]
    return sources, others, *compact(sources, others)


def identifiers(data: bytes) -> set:
    found = set()
    for node in ast.walk(ast.parse(data)):
        found |= {getattr(node, kind) for kind in ("id", "attr", "arg", "name") if isinstance(getattr(node, kind, None), str)}
    return found


def test_what_the_code_does_stays() -> None:
    small, _ = compact(SOURCES, [ASKS])
    assert loaded(small).run() == loaded(SOURCES).run()
    assert sum(map(len, small.values())) < sum(map(len, SOURCES.values()))


def test_private_names_and_numbers_go_and_what_is_looked_up_stays() -> None:
    small, names = compact(SOURCES, [b"from planted.units import ASKED\n", ASKS])
    left = set().union(*map(identifiers, small.values()))
    assert not left & {"_value_ms", "_shown", "_own", "_KILO", "_OTHER", "_LIMIT", "_made", "PAIR", "BIG", "kilo", "MS_PER_S"}
    assert left >= {"_secret", "ASKED", "extra", "named", "Derived"}
    assert names["/planted/base.py"] == names["/planted/derived.py"] and "_secret" not in names["/planted/base.py"]
    assert b"Doc." not in b"".join(small.values())


LONG = ", ".join([f'"key_{number}": given + {number}' for number in range(12)])
LEAN = f"""
from planted.base import Base, Unused
from planted.units import BIG


def long(given: Base) -> dict:
    inner: dict = {{{LONG}}}
    return inner


def twice(given: int) -> int:
    return 2 * given


@micropython.viper
def fast(words: ptr32) -> int:
    return words
"""


def test_annotations_and_what_only_they_needed_go() -> None:
    tree = ast.parse(LEAN)
    lean({"/planted.py": tree}, [ast.parse("import planted\nplanted.long, planted.fast, planted.twice")], set())
    text = ast.unparse(ast.fix_missing_locations(tree))
    assert "import" not in text and "def twice(given):" in text and "def fast(words: ptr32) -> int:" in text


KLASSES = b"""
class One:
    def __init__(self):
        self._a = self._b = 1
        self._seen = 0

    def _c(self):
        return self._a, self._b, self._seen


class Two:
    def __init__(self, one):
        self._d = one
        self._e = 2

    def told(self):
        return self._d._c(), self._e, one_of()._seen


class Three(One):
    def _f(self):
        return self._a


def one_of():
    return One()


def run():
    return Two(Three()).told(), Three()._f()
"""


def test_classes_that_are_not_related_share_names_and_no_object_has_one_twice() -> None:
    small, names = compact({"/planted.py": KLASSES}, [b"from planted import run\n"])
    places: dict = {}
    exec(compile(small["/planted.py"], "small", "exec"), places)
    assert places["run"]() == (((1, 1, 0), 2, 0), 1)
    given = names["/planted.py"]
    assert len({given[name] for name in ("_a", "_b", "_c", "_f", "_seen")}) == 5  # of a class and what is derived from it
    assert {given["_d"], given["_e"]} & {given["_a"], given["_b"]} and given["_d"] != given["_e"]
    assert list(given.values()).count(given["_c"]) == list(given.values()).count(given["_seen"]) == 1  # asked of others too


def test_what_only_a_type_checker_reads_is_no_text_that_keeps_a_name() -> None:
    typed = b'''if 0:
    from app.types import Held


class Facts:
    held: "Held"


class Holder:
    def hold_on(self, held: "_private_one") -> "Held":
        self._private_one: "Held | None" = held
        return self._private_one


holder = Holder()
'''
    files, names = compact({"/planted.py": typed}, [b"import planted\nplanted.holder.hold_on(planted.Facts)"])
    text = files["/planted.py"].decode()
    assert "Held" not in text and "if 0" not in text and "_private_one" not in text, text
    assert "_private_one" in names["/planted.py"]
    compile(text, "planted.py", "exec")


def test_what_nobody_asks_for_goes_and_a_name_that_goes_through_a_file_stays() -> None:
    trees = {
        "/app/one.py": ast.parse("from app.two import THREE, FOUR\nUNUSED = 5\nMADE = print()\ndef gone(): return kept\ndef kept(): pass"),
        "/app/two.py": ast.parse("THREE, FOUR = 3, 4\nclass Two:\n def __init__(self): pass\n def told(self): pass\n def got(self): pass"),
        "/app/main.py": ast.parse("from app import one\nfrom app.two import Two\ndef main(): return Two().told, one.THREE"),
    }
    lean(trees, [], set())
    left = {path: ast.unparse(tree) for path, tree in trees.items()}
    assert left["/app/one.py"] == "from app.two import THREE\nMADE = print()"
    assert "told" in left["/app/two.py"] and "got" not in left["/app/two.py"] and "__init__" in left["/app/two.py"]
    assert "def main" in left["/app/main.py"]


def test_a_long_answer_keeps_its_keys_and_their_order() -> None:
    tree = ast.parse(LEAN[: LEAN.index("@micropython")])
    lean({"/planted.py": tree}, [], {"long"})
    places: dict = {}
    exec(compile(ast.fix_missing_locations(tree), "lean", "exec"), places)
    assert list(places["long"](5).items()) == [(f"key_{number}", 5 + number) for number in range(12)]
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]


def test_a_class_and_what_is_derived_from_it_share_their_private_names() -> None:
    trees = {path: ast.parse(data) for path, data in SOURCES.items()}
    assert ["/planted/base.py", "/planted/derived.py"] in [[path for path in group if "units" not in path] for group in groups(trees)]
    texts = {"/a.py": "x._one = 1", "/b.py": "y._one = 2", "/c.py": "print(z._two)", "/d.py": "_two = 1"}
    assert groups({path: ast.parse(text) for path, text in texts.items()}) == [["/a.py"], ["/b.py"], ["/c.py", "/d.py"]]


@pytest.mark.parametrize("word", ["eval", "exec", "locals", "globals", "vars"])
def test_names_that_are_made_at_run_time_are_refused(word: str) -> None:
    with pytest.raises(Failed, match=f"planted.py calls {word}"):
        compact({"/planted.py": f"print({word}('1'))\n".encode()})


@pytest.mark.long
def test_the_same_sources_give_the_same(firmware: tuple) -> None:
    sources, others, small, names = firmware
    assert compact(dict(reversed(sources.items())), others) == (small, names)


def test_no_private_name_of_the_firmware_costs_memory(firmware: tuple) -> None:
    """But for MicroPython's own and those that are also a text."""
    _, _, small, _ = firmware
    left = {name for data in small.values() for name in identifiers(data) if re.match(r"_[A-Za-z]", name)}
    assert left - set(ROM_PRIVATE) <= {"_steps"}


def test_a_public_name_is_the_same_in_all_files_and_no_private_one(firmware: tuple) -> None:
    _, _, _, names = firmware
    public = {name: given for name, given in names["/app/pump.py"].items() if not name.startswith("_")}
    assert {"Delivery", "due_ms", "JournalError"} & set(public) == {"Delivery", "due_ms"}
    for given in names.values():
        private = {name: new for name, new in given.items() if name.startswith("_")}
        assert {name: new for name, new in given.items() if name not in private} == public
        assert not set(private.values()) & set(public.values())


def test_what_somebody_may_ask_a_pump_for_keeps_its_name(firmware: tuple) -> None:
    """Handlers by their file's name, and exceptions that `status` tells."""
    sources, _, small, _ = firmware
    for path, data in sources.items():
        before = [node for node in ast.walk(ast.parse(data)) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        after = [node for node in ast.walk(ast.parse(small[path])) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        kept = [node.name for node in before if isinstance(node, ast.ClassDef) and node.bases]
        kept += [node.name for node in before if node.name == path.split("/")[-1][:-3]]
        assert set(kept) <= {node.name for node in after}, path


def test_the_function_of_each_method_is_there_by_its_name(firmware: tuple) -> None:
    """A handler is looked up by the name of its method, in the file that the table names."""
    _, _, small, _ = firmware
    for method in sorted(set(messages.METHODS) - set(HANDLERS)):
        tree = ast.parse(small[f"/app/wire/handlers/{file_of(method)}.py"])
        assert method.replace(".", "_") in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, method


def test_no_name_is_given_that_means_something(firmware: tuple) -> None:
    sources, _, _, names = firmware
    used = set().union(*map(identifiers, sources.values()))
    for path, given in names.items():
        public = [new for name, new in given.items() if not name.startswith("_")]
        assert len(set(public)) == len(public) and set(given.values()) <= set(ROM_NAMES) - used, path
        assert not set(given) & set(ROM_NAMES), path
