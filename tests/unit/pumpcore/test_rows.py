"""A table of rows in one text answers like a dictionary."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.faults import faults
from pumpcore.rows import Rows
from pumpcore.wire import messages, record_types, records

MANY = {f"row_{number}": [number, None, True, "\u00b5\n\t"] for number in range(25)}


def as_rows(table: dict, kind: type = str) -> Rows:
    return Rows("\n" + "".join(f"{key} {json.dumps(value)}\n" for key, value in table.items()), kind)


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        (record_types.TYPES, int),
        (records.FORMATS, str),
        (messages.METHODS, str),
        (faults.NUMBERS[faults.REFUSAL], str),
        (faults.NUMBERS[faults.WARNING], str),
        (faults.NUMBERS[faults.ALARM], str),
        (as_rows(MANY), str),
    ],
)
def test_a_text_answers_what_its_dictionary_answers(rows: Rows, kind: type) -> None:
    """Each row is one line, comes once, and is found by its key only."""
    table = dict(rows.items())
    assert len(table) == len(list(rows)) == rows._text.count("\n") - 1 and {type(key) for key in table} == {kind}
    assert as_rows(table, kind)._text.split() == rows._text.split() or dict(as_rows(table, kind).items()) == table
    for key, value in table.items():
        assert key in rows and rows[key] == value
    for other in ("", "\n", "\t", " ", kind(), None, [], 10_000, "no such row", *(f"{key} " for key in table)):
        assert other not in rows
        with pytest.raises(KeyError):
            rows[other]


def test_what_is_made_from_a_dictionary_is_that_dictionary() -> None:
    assert dict(as_rows(MANY).items()) == MANY


@given(st.text(max_size=80) | st.sampled_from(sorted(messages.METHODS)))
def test_no_other_key_finds_a_row(key: str) -> None:
    assert (key in messages.METHODS) == (key in set(messages.METHODS))


def test_two_rows_are_no_key() -> None:
    lines = messages.METHODS._text[1:].split("\n")
    for size in range(2, 4):
        for at in range(len(lines) - size):
            assert "\n".join(lines[at : at + size]).rsplit(" ", 1)[0] not in messages.METHODS


def test_what_is_written_is_what_its_type_says() -> None:
    """`FORMATS` repeats what a pump writes from `TYPES`: if a name has two types, the newer one; of `total` it writes both."""
    newest = {name: [number, layout] for number, (name, layout, _) in record_types.TYPES.items()}
    newest |= {"protocol_total": newest["total"], "total": [7, record_types.TYPES[7][1]]}
    assert dict(records.FORMATS.items()) == newest
