"""Field types of a prescription: quantities with a unit, times of day, days, durations. Each complaint contains its remedy."""

from __future__ import annotations

import datetime
import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from pumpcore.program.schedule import DAY_NAMES
from thecal.errors import BadInput
from thecal.prescription import near
from thecal.quantities.typed import SPLIT, Quantity, parse, parse_number, quoted, shown, words_of

RATE_KINDS = ("volume/time", "mass/time")
DOSE_KINDS = ("volume", "mass")
DAY_GROUPS = {"daily": DAY_NAMES, "weekdays": DAY_NAMES[:5], "weekend": DAY_NAMES[5:]}
SECONDS = {"s": 1, "min": 60, "h": 3600, "hr": 3600, "hour": 3600, "d": 86_400, "day": 86_400}


def quantity_of(kinds: tuple[str, ...], example: str) -> BeforeValidator:
    """Return a validator for text with a unit of one of `kinds`."""

    def check(value: Any) -> Quantity:
        try:
            quantity = value if isinstance(value, Quantity) else parse(value)
        except BadInput as error:
            raise complaint(error.cause, error.do) from error
        if quantity.kind() not in kinds:
            raise complaint(
                f"{shown(quantity.text)} is a {words_of(quantity.kind())}, not a {words_of(*kinds)}",
                f'write it like "{example}"',
            )
        return quantity

    return BeforeValidator(check)


def complaint(cause: str, do: str) -> PydanticCustomError:
    """Return the error of a field: cause, and what to do."""
    return PydanticCustomError("prescription", "{cause}", {"cause": cause, "do": do})


def minute_of_day(value: Any) -> int:
    """Convert "06:00" (or TOML's own 06:00:00) to a minute, 0 .. 1439."""
    if isinstance(value, datetime.time) and not (value.second or value.microsecond or value.tzinfo):
        return value.hour * 60 + value.minute
    if (
        isinstance(value, str)
        and len(value) == 5
        and value[2] == ":"
        and (value[:2] + value[3:]).isascii()
        and (value[:2] + value[3:]).isdigit()
    ):
        hour, minute = int(value[:2]), int(value[3:])
        if hour < 24 and minute < 60:
            return hour * 60 + minute
    do = near.time_of_day(value) + 'write hours and minutes from "00:00" to "23:59"'
    if isinstance(value, str) and re.fullmatch("[0-9]:[0-5][0-9]", value):
        do = f'write "0{value}"'
    raise complaint(f"{quoted(value)} is not a time of day", do)


def day_numbers(value: Any) -> tuple[int, ...]:
    """Convert "daily", "weekdays", "weekend" or a list of day names to numbers, Monday = 0."""
    names = DAY_GROUPS.get(value) if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not names or any(name not in DAY_NAMES for name in names):
        do = 'write "daily", "weekdays", "weekend" or a list like ["mon", "thu"]'
        raise complaint(f"{quoted(value)} names no days", near.days(value) + do)
    if len(set(names)) != len(names):
        raise complaint(f"{quoted(value)} names a day twice", "name each day once")
    return tuple(DAY_NAMES.index(name) for name in names)


def seconds_of(value: Any) -> int:
    """Convert "5 min" to whole seconds."""
    if not isinstance(value, str):
        raise complaint(f"{quoted(value)} has no unit", 'write it like "5 min", with s, min, h or day')
    match = SPLIT.fullmatch(value.strip())
    number, unit = (match.group(1), match.group(2).strip()) if match else ("", "")
    if unit not in SECONDS:
        raise complaint(f"{shown(value)} is not a duration", near.duration(value) + 'write it like "5 min", with s, min, h or day')
    try:
        seconds_s = parse_number(value, number) * SECONDS[unit]
    except BadInput as error:
        raise complaint(error.cause, near.duration(value) + error.do) from error
    if seconds_s.denominator != 1:
        below = seconds_s // 1
        raise complaint(f"{shown(value)} is not a whole number of seconds", f'write "{below} s" or "{below + 1} s"')
    return int(seconds_s)


def permille_of(value: Any) -> int:
    """Convert a percentage with at most one decimal to thousandths."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == value and 0 <= value <= 100:
        permille = Fraction(str(value)) * 10
        if permille.denominator == 1:
            return int(permille)
    raise complaint(f"{quoted(value)} is not a percentage", "write a number from 0 to 100 with at most one decimal")


def day_of(value: Any) -> int:
    """Convert a date (TOML's own: 2026-01-31) to days since 1970."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        days = (value - datetime.date(1970, 1, 1)).days
        if 0 < days < 1 << 16:
            return days
    raise complaint(f"{quoted(value)} is not a date", "write year, month and day without quotes, like 2026-01-31")


Rate = Annotated[Quantity, quantity_of(RATE_KINDS, "120 ug/day")]
Dose = Annotated[Quantity, quantity_of(DOSE_KINDS, "0.5 mL")]
Concentration = Annotated[Quantity, quantity_of(("mass/volume",), "500 ug/mL")]
Days = Annotated[tuple[int, ...], BeforeValidator(day_numbers)]
Minute = Annotated[int, BeforeValidator(minute_of_day)]
Duration = Annotated[int, BeforeValidator(seconds_of)]
Percent = Annotated[int, BeforeValidator(permille_of)]
Date = Annotated[int, BeforeValidator(day_of)]


class Table(BaseModel):
    """A table that refuses unknown keys: a misspelt limit must not pass as a missing one."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, frozen=True)
