"""Near answers for days, times of day and durations: proposed in the refusal, and each proposal is accepted."""

import re

import pytest
from pydantic_core import PydanticCustomError

from thecal.prescription import fields, near

DAYS = [
    ("Mon-Fri", '"weekdays"'), ("weekday", '"weekdays"'), ("every day", '"daily"'), ("Weekend", '"weekend"'), ("monday", '["mon"]'),
    ("Monday to Thursday", '["mon", "tue", "wed", "thu"]'), ("fri-mon", '["fri", "sat", "sun", "mon"]'), ("Mo, Di", '["mon", "tue"]'),
    (["Monday", "thurs."], '["mon", "thu"]'), (["montag", "dimanche"], '["mon", "sun"]'), ("Tues", '["tue"]'),
]  # fmt: skip
TIMES = [
    ("6 am", "06:00"), ("6am", "06:00"), ("6 a.m.", "06:00"), ("6:00 pm", "18:00"), ("12 am", "00:00"), ("12 pm", "12:00"),
    ("18h30", "18:30"), ("0600", "06:00"), ("6.30", "06:30"), ("noon", "12:00"), ("06:00:00", "06:00"), ("6 Uhr", "06:00"), ("6", "06:00"),
]  # fmt: skip
DURATIONS = [
    ("1m", "1 min"), ("90 minutes", "90 min"), ("1h30", "90 min"), ("1:30 h", "90 min"), ("2 hours", "2 h"), ("1 week", "7 day"),
    ("30 sec", "30 s"), ("3 days", "3 day"), ("1 h 30 min", "90 min"),
]  # fmt: skip
NONE = [
    (fields.day_numbers, "foo"), (fields.day_numbers, []), (fields.day_numbers, 3), (fields.day_numbers, ["mon", 1]),
    (fields.minute_of_day, "25:00"), (fields.minute_of_day, "13 pm"), (fields.minute_of_day, "dawn"), (fields.minute_of_day, 6),
    (fields.seconds_of, "2 fortnights"), (fields.seconds_of, "5"), (fields.seconds_of, 5), (fields.seconds_of, "m"),
]  # fmt: skip


def refused(check, value) -> str:
    with pytest.raises(PydanticCustomError) as caught:
        check(value)
    return str(caught.value.context["do"])


@pytest.mark.parametrize(("value", "wanted"), DAYS, ids=str)
def test_days(value, wanted: str) -> None:
    assert refused(fields.day_numbers, value).startswith(f"did you mean {wanted}? ")
    fields.day_numbers(wanted.strip('"') if wanted[0] == '"' else re.findall("[a-z]+", wanted))


@pytest.mark.parametrize(("value", "wanted"), TIMES, ids=str)
def test_times_of_day(value: str, wanted: str) -> None:
    assert refused(fields.minute_of_day, value).startswith(f'did you mean "{wanted}"? ')
    fields.minute_of_day(wanted)


@pytest.mark.parametrize(("value", "wanted"), DURATIONS, ids=str)
def test_durations(value: str, wanted: str) -> None:
    assert refused(fields.seconds_of, value).startswith(f'did you mean "{wanted}"? ')
    fields.seconds_of(wanted)


@pytest.mark.parametrize(("check", "value"), NONE, ids=lambda one: getattr(one, "__name__", str(one)))
def test_what_is_near_nothing_gets_no_proposal(check, value) -> None:
    assert "did you mean" not in refused(check, value)


def test_no_proposal_takes_long() -> None:
    for text in ("1" * 10_000, "mon" * 5_000, "a-" * 5_000, "1:" * 5_000):
        near.days(text), near.time_of_day(text), near.duration(text)
