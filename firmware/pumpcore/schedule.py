"""Which entry of a weekly schedule runs now, and when the next one begins. The week starts on Monday at 00:00 local time."""

from pumpcore.units import MINUTES_PER_DAY, MINUTES_PER_WEEK, S_PER_MINUTE, S_PER_WEEK

# 1970-01-01 was a Thursday: day 3 of a week that starts on Monday.
_EPOCH_OFFSET_S = 3 * MINUTES_PER_DAY * S_PER_MINUTE
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def second_of_week(utc_s: int, offset_s: int) -> int:
    """Local second of the week, 0 .. 604799, of a UTC time in seconds since 1970 and an offset east of UTC."""
    return (utc_s + offset_s + _EPOCH_OFFSET_S) % S_PER_WEEK


def entry_at(entries: list, second_s: int) -> int:
    """Index of the entry in force at `second_s` of the week. `entries` are (minute_of_week, rate_nl), sorted; the last one
    of the week goes on until the first of the next."""
    minute = second_s // S_PER_MINUTE
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high) // 2
        if entries[middle][0] <= minute:
            low = middle + 1
        else:
            high = middle
    return low - 1 if low else len(entries) - 1


def seconds_to_next(entries: list, second_s: int) -> int:
    """Seconds from `second_s` of the week until the next entry begins, 1 .. 604800."""
    following = entries[(entry_at(entries, second_s) + 1) % len(entries)]
    gap_s = (following[0] * S_PER_MINUTE - second_s) % S_PER_WEEK
    return gap_s if gap_s else S_PER_WEEK


def minute_of_week(day: int, hour: int, minute: int) -> int:
    """Minute of the week, 0 .. 10079; `day` 0 is Monday."""
    return (day * MINUTES_PER_DAY + hour * 60 + minute) % MINUTES_PER_WEEK
