"""Near answers: what somebody meant who wrote a day, a time of day or a duration in another way. They are only proposed, never taken."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

from pumpcore.program.schedule import DAY_NAMES

GROUPS = {
    "daily": ("every day", "everyday", "all", "all days", "week", "any", "mon-sun"),
    "weekdays": ("weekday", "workdays", "working days", "business days", "mon-fri", "mo-fr"),
    "weekend": ("weekends", "sat-sun", "sa-so", "sa-su"),
}
# the first letters of other languages' days that are no days of ours: German, French, Spanish
OTHERS = {
    "mo": 0, "di": 1, "mi": 2, "do": 3, "fr": 4,
    "sa": 5, "so": 6, "lu": 0, "ma": 1, "me": 2, "je": 3, "ve": 4, "mie": 2, "dim": 6, "dom": 6,
}
UNITS = {
    "s": ("sec", "secs", "second", "seconds"),
    "min": ("m", "mins", "minute", "minutes"),
    "h": ("hrs", "hours"),
    "day": ("days",),
}
BY_UNIT = {alias: unit for unit, aliases in UNITS.items() for alias in (unit, *aliases)}


def days(value: Any) -> str:
    """Return 'did you mean "weekdays"? ' for other words for days; "" if nothing is near."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names or not all(isinstance(name, str) for name in names):
        return ""
    if isinstance(value, str):
        plain = " ".join(value.lower().replace("\u2013", "-").replace(" - ", "-").split())
        spoken = {alias: group for group, aliases in GROUPS.items() for alias in (group, *aliases)}
        close = get_close_matches(plain, list(spoken), 1, 0.85)
        if close:
            return f'did you mean "{spoken[close[0]]}"? '
        names = day_range(plain) or [part for part in re.split(r"[^a-z]+", plain) if part and part != "and"]
    found = [day(name) for name in names]
    if not found or None in found:
        return ""
    listed = ", ".join(f'"{name}"' for name in dict.fromkeys(str(name) for name in found))
    return f"did you mean [{listed}]? "


def day(text: str) -> str | None:
    """Return the day that a word means, in English or by its first letters in a few other languages."""
    plain = text.strip().lower().rstrip(".")
    for name in DAY_NAMES:
        if plain.startswith(name) or (len(plain) == 2 and name.startswith(plain)):
            return str(name)
    number = next((OTHERS[plain[:size]] for size in (3, 2) if plain[:size] in OTHERS), None)
    if number is not None and plain.isalpha():
        return str(DAY_NAMES[number])
    close = get_close_matches(plain[:3], list(DAY_NAMES), 1, 0.6) if plain.isalpha() else []
    return close[0] if close else None


def day_range(text: str) -> list[str] | None:
    """Return the days of "mon-thu" or "monday to thursday"."""
    found = re.fullmatch(r"([a-z]+)\.?(?:-| to )([a-z]+)\.?", text)
    ends = [day(end) for end in found.groups()] if found else [None]
    if None in ends:
        return None
    first, last = (DAY_NAMES.index(end) for end in ends)
    return [str(DAY_NAMES[number % 7]) for number in range(first, last + 1 + (7 if last < first else 0))]


def time_of_day(value: Any) -> str:
    """Return 'did you mean "06:00"? ' for "6 am", "6:00", "18h30" or "0600"; "" if nothing is near."""
    if not isinstance(value, str):
        return ""
    plain = value.strip().lower()
    if plain in ("noon", "midday", "midnight"):
        return f'did you mean "{"00" if plain == "midnight" else "12"}:00"? '
    found = re.fullmatch(r"([0-9]{1,2})(?:[:.h ]?([0-5][0-9]))?(?::00)?\s*(?:h|uhr|o'clock)?\s*([ap])?\.?(?:m\.?)?", plain)
    if found is None:
        return ""
    hour, minute = int(found.group(1)), int(found.group(2) or 0)
    if found.group(3):
        if not 1 <= hour <= 12:
            return ""
        hour = hour % 12 + (12 if found.group(3) == "p" else 0)
    return f'did you mean "{hour:02d}:{minute:02d}"? ' if hour < 24 else ""


def duration(value: Any) -> str:
    """Return 'did you mean "1 min"? ' for "1m", "90 minutes", "1h30" or "1:30 h"; "" if nothing is near."""
    if not isinstance(value, str):
        return ""
    plain = value.strip().lower()
    mixed = re.fullmatch(r"([0-9]+)\s*(?:h|hrs?|hours?)\s*([0-5]?[0-9])\s*(?:m|mins?|minutes?)?|([0-9]+):([0-5][0-9])\s*h?", plain)
    if mixed:
        hours, minutes = int(mixed.group(1) or mixed.group(3)), int(mixed.group(2) or mixed.group(4))
        return f'did you mean "{hours * 60 + minutes} min"? '
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)\.?", plain)
    if found is None:
        return ""
    number, word = found.groups()
    if word in ("w", "wk", "week", "weeks") and number.isdigit():
        return f'did you mean "{int(number) * 7} day"? '
    return f'did you mean "{number} {BY_UNIT[word]}"? ' if word in BY_UNIT else ""
