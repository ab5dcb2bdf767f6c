"""The clock chip's registers against Python's calendar."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.pump.rp2_modules import load

ds3231 = load("clock")
FIRST_S = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
LAST_S = int(datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
TIMES = st.integers(FIRST_S, LAST_S)


def bcd(value: int) -> int:
    return value // 10 << 4 | value % 10


@given(TIMES)
def test_registers_are_those_of_the_data_sheet(utc_s: int) -> None:
    then = datetime.fromtimestamp(utc_s, UTC)
    values = (then.second, then.minute, then.hour, then.isoweekday(), then.day, then.month, then.year - 2000)
    assert ds3231.fields(utc_s) == bytes(map(bcd, values))


@given(TIMES)
def test_what_was_set_is_read_back(utc_s: int) -> None:
    assert ds3231.seconds(ds3231.fields(utc_s)) == utc_s


@pytest.mark.parametrize("utc_s", [FIRST_S, LAST_S, 951_782_399, 951_782_400, 951_868_800, 1_709_164_800, 1_709_251_199])
def test_the_edges_of_years_and_leap_days(utc_s: int) -> None:
    assert ds3231.seconds(ds3231.fields(utc_s)) == utc_s


@given(TIMES)
def test_the_century_bit_is_no_month(utc_s: int) -> None:
    fields = bytearray(ds3231.fields(utc_s))
    fields[5] |= 0x80
    assert ds3231.seconds(fields) == utc_s


@pytest.mark.parametrize(("register", "value"), [(0, 0x60), (1, 0x60), (2, 0x24), (4, 0x00), (4, 0x32), (5, 0x00), (5, 0x13), (0, 0x7A)])
def test_registers_that_hold_no_time_are_unknown(register: int, value: int) -> None:
    fields = bytearray(ds3231.fields(FIRST_S))
    fields[register] = value
    assert ds3231.seconds(fields) == 0
