"""The weekly schedule against a search by hand through every minute."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.program import schedule
from pumpcore.units import MINUTES_PER_WEEK, S_PER_WEEK

ENTRIES = st.lists(st.integers(0, MINUTES_PER_WEEK - 1), min_size=1, max_size=40, unique=True).map(
    lambda minutes: [(minute, index) for index, minute in enumerate(sorted(minutes))]
)


def by_hand(entries: list, second_s: int) -> int:
    """Go back from the minute until an entry begins, across the week's edge if necessary."""
    begins = {minute: index for index, (minute, _) in enumerate(entries)}
    minute = second_s // 60
    while minute % MINUTES_PER_WEEK not in begins:
        minute -= 1
    return begins[minute % MINUTES_PER_WEEK]


@pytest.mark.rule("R11")
@given(ENTRIES, st.integers(0, S_PER_WEEK - 1))
def test_the_entry_in_force_is_the_one_begun_last(entries: list, second_s: int) -> None:
    assert schedule.entry_at(entries, second_s) == by_hand(entries, second_s)


@given(ENTRIES, st.integers(0, S_PER_WEEK - 1))
def test_the_next_entry_begins_when_it_is_said(entries: list, second_s: int) -> None:
    ahead_s = schedule.seconds_to_next(entries, second_s)
    assert 1 <= ahead_s <= S_PER_WEEK
    begin_s = (second_s + ahead_s) % S_PER_WEEK
    assert begin_s in [minute * 60 for minute, _ in entries]
    between = [minute for minute, _ in entries if 0 < (minute * 60 - second_s) % S_PER_WEEK < ahead_s]
    assert not between


@given(st.datetimes(datetime(2020, 1, 1), datetime(2105, 12, 31)), st.integers(-86_400, 86_400))
def test_the_second_of_the_week_is_the_calendar_s(moment: datetime, offset_s: int) -> None:
    utc = moment.replace(microsecond=0, tzinfo=UTC)
    local = utc + timedelta(seconds=offset_s)
    expected = local.weekday() * 86_400 + local.hour * 3600 + local.minute * 60 + local.second
    assert schedule.second_of_week(int(utc.timestamp()), offset_s) == expected


def test_edges_of_the_week() -> None:
    entries = [(60, 1), (MINUTES_PER_WEEK - 60, 2)]
    assert schedule.entry_at(entries, 0) == 1  # Sunday's last entry goes on into Monday
    assert schedule.entry_at(entries, 3599) == 1
    assert schedule.entry_at(entries, 3600) == 0
    assert schedule.entry_at(entries, S_PER_WEEK - 1) == 1
    assert schedule.seconds_to_next(entries, S_PER_WEEK - 1) == 3601
    assert schedule.seconds_to_next([(0, 1)], 0) == S_PER_WEEK
    assert schedule.minute_of_week(6, 23, 59) == MINUTES_PER_WEEK - 1
    assert schedule.DAY_NAMES[0] == "mon" and schedule.second_of_week(345_600, 0) == 0  # 1970-01-05 was a Monday
