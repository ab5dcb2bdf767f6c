"""The journal as columns: equal length, one type each, what a data frame takes."""

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thecal.api import tables

ROWS = [
    {"ring": "events", "sequence": 1, "boot": 1, "uptime_ms": 5, "utc_s": 0, "utc": "", "event": "boot", "cause": "power"},
    {"ring": "events", "sequence": 2, "boot": 1, "uptime_ms": 9, "utc_s": 7, "utc": "x", "event": "dose", "cause": 3, "volume_nl": 12},
]


def test_the_columns_have_one_length_and_the_order_of_every_record_first() -> None:
    found = tables.columns_of(ROWS)
    assert list(found)[:7] == list(tables.FIRST)
    assert {len(column) for column in found.values()} == {2}
    assert found["volume_nl"] == [None, 12] and found["cause"] == ["power", "3"]


def test_no_record_makes_empty_columns() -> None:
    assert tables.columns_of([]) == {name: [] for name in tables.FIRST}


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.one_of(st.integers(), st.text(max_size=4)))))
def test_a_column_has_one_type(rows) -> None:
    for column in tables.columns_of(rows).values():
        assert len({type(value) for value in column if value is not None}) < 2 and len(column) == len(rows)


def test_a_data_frame_takes_the_columns() -> None:
    frame = pandas.DataFrame(tables.columns_of(ROWS))
    assert len(frame) == 2 and frame["sequence"].sum() == 3 and frame["volume_nl"].sum() == 12


@pytest.mark.parametrize("every_s", [0, -1])
def test_samples_need_a_positive_interval(every_s: int) -> None:
    with pytest.raises(tables.BadInput):
        tables.samples(None, every_s)
