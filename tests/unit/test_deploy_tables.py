"""A large dictionary of pumpcore becomes a text for the chip, and answers what the dictionary answers."""

import ast
import json
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore import faults
from pumpcore.rows import Rows
from pumpcore.wire import messages, record_types, records
from thecal.deploy.files import firmware_files
from thecal.deploy.lean import without_types
from thecal.deploy.tables import pack_tables
from thecal.resources import firmware_folder

PACKED = {
    "/pumpcore/wire/record_types.py": ("TYPES",),
    "/pumpcore/wire/records.py": ("FORMATS",),
    "/pumpcore/wire/messages.py": ("METHODS",),
    "/pumpcore/faults.py": ("NUMBERS",),
}
ROWS = b"def __getattr__(name: str) -> object: ...\n"
MANY = {"row_%d" % number: (number, None, True, "\u00b5\n\t") for number in range(25)}


def packed(text: str) -> types.ModuleType:
    """The planted module `pumpcore.planted` after its dictionaries became texts."""
    trees = {"/pumpcore/planted.py": ast.parse(text), "/pumpcore/rows.py": ast.parse(ROWS), "/pumpcore/__init__.py": ast.parse("")}
    pack_tables(trees)
    module = types.ModuleType("planted")
    exec(compile(ast.fix_missing_locations(trees["/pumpcore/planted.py"]), "planted", "exec"), module.__dict__)
    return module


def listed(value: object) -> object:
    return json.loads(json.dumps(value))


@pytest.fixture(scope="module", name="trees")
def _trees() -> dict:
    trees = {path: without_types(ast.parse(data)) for path, data in firmware_files(firmware_folder()).items()}
    pack_tables(trees)
    return trees


def test_the_tables_of_the_firmware_are_texts(trees: dict) -> None:
    for path, names in PACKED.items():
        made = {
            node.targets[0].id: node.value for node in trees[path].body if isinstance(node, ast.Assign) and hasattr(node.targets[0], "id")
        }
        for name in names:
            calls = [node for node in ast.walk(made[name]) if isinstance(node, ast.Call)]
            assert {call.func.id for call in calls} == {"Rows"}, (path, name)


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        (record_types.TYPES, int),
        (records.FORMATS, str),
        (messages.METHODS, str),
        (faults.NUMBERS[faults.REFUSAL], str),
        (MANY, str),
    ],
)
def test_a_text_answers_what_its_dictionary_answers(table: dict, kind: type) -> None:
    rows = packed(f"TABLE = {table!r}").TABLE
    assert type(rows) is Rows and list(rows) == list(table) and dict(rows.items()) == listed_rows(table)
    for key, value in table.items():
        assert key in rows and rows[key] == listed(value)
    for other in ("", "\n", "\t", kind(), None, [], 10_000, "no such row", *(f"{key}\t" for key in table)):
        assert other not in rows
        with pytest.raises(KeyError):
            rows[other]


def listed_rows(table: dict) -> dict:
    return {key: listed(value) for key, value in table.items()}


@given(st.text(max_size=80) | st.sampled_from(sorted(messages.METHODS)))
def test_no_other_key_finds_a_row(key: str) -> None:
    rows = packed(f"TABLE = {messages.METHODS!r}").TABLE
    assert (key in rows) == (key in messages.METHODS)


def test_two_rows_are_no_key() -> None:
    rows = packed(f"TABLE = {messages.METHODS!r}").TABLE
    text = rows._text
    for size in range(2, 4):
        lines = text[1:].split("\n")
        for at in range(len(lines) - size):
            assert "\n".join(lines[at : at + size]).rsplit("\t", 1)[0] not in rows


def test_small_ones_and_those_with_more_than_texts_and_numbers_stay() -> None:
    module = packed("""
SMALL = {1: 2}
BYTES = {n: b'' for n in range(30)}
MIXED = {**{n: 1 for n in range(20)}, 'a': 1}
TUPLES = {(n, 1): 1 for n in range(30)}
""")
    assert all(type(getattr(module, name)) is dict for name in ("SMALL", "BYTES", "MIXED", "TUPLES"))


def test_what_only_a_dictionary_needed_goes_with_it() -> None:
    module = packed("""
_HALF = 7
_KEPT = 3


def _twice(n: int) -> int:
    return n * _HALF


TABLE = {n: _twice(n) for n in range(30)}
ASKED = _KEPT
""")
    assert module.TABLE[5] == 35 and module.ASKED == 3
    assert not hasattr(module, "_twice") and not hasattr(module, "_HALF")
