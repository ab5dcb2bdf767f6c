"""Which entry of a weekly schedule is in force, and when the next one begins. The week starts on Monday at 00:00 local time."""

from pumpcore.units import MINUTES_PER_DAY, MINUTES_PER_WEEK, S_PER_MINUTE, S_PER_WEEK, const

if 0:  # for the type checker alone
    from pumpcore.shapes import Entries

NEVER_S = const(1 << 40)
# 1970-01-01 was a Thursday: day 3 of a week that starts on Monday.
_EPOCH_OFFSET_S = const(259_200)
DAY_NAMES = const(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))


def second_of_week(utc_s: int, offset_s: int) -> int:
    """Return the local second of the week, 0 .. 604799, of a UTC time [s since 1970] and an offset east of UTC."""
    return (utc_s + offset_s + _EPOCH_OFFSET_S) % S_PER_WEEK


class Zone:
    """Local time minus UTC: `offset_s` before `transition_utc_s`, `transition_offset_s` from that second on; 0 = no transition known."""

    def __init__(self, offset_s: int, transition_utc_s: int = 0, transition_offset_s: int = 0) -> None:
        self.offset_s = offset_s
        self.transition_utc_s = transition_utc_s
        self.transition_offset_s = transition_offset_s

    def values(self) -> tuple[int, int, int]:
        """Return (offset_s, transition_utc_s, transition_offset_s)."""
        return self.offset_s, self.transition_utc_s, self.transition_offset_s

    def passed(self, utc_s: int) -> bool:
        """Return True if the transition is over at `utc_s`."""
        return 0 < self.transition_utc_s <= utc_s

    def offset_at_s(self, utc_s: int) -> int:
        """Return the offset in force at `utc_s`."""
        return self.transition_offset_s if self.passed(utc_s) else self.offset_s


class Week:
    """Local seconds of the week as seconds pass from `utc_s` on, across the zone's transition.

    The schedule goes by local time: a local hour that is skipped never runs, one that is repeated runs twice.
    """

    def __init__(self, utc_s: int, zone: Zone) -> None:
        self.utc_s = utc_s
        self.begin_s = second_of_week(utc_s, zone.offset_at_s(utc_s))
        ahead = zone.transition_utc_s > utc_s
        self.shift_at_s = zone.transition_utc_s - utc_s if ahead else NEVER_S
        self.shift_s = zone.transition_offset_s - zone.offset_s if ahead else 0

    def local_s(self, second_s: int) -> int:
        """Return the local second of the week, `second_s` after the beginning."""
        shift_s = self.shift_s if second_s >= self.shift_at_s else 0
        return (self.begin_s + second_s + shift_s) % S_PER_WEEK

    def until_change_s(self, entries: "Entries", second_s: int) -> int:
        """Return the seconds from `second_s` until the next entry begins or the offset changes; NEVER_S if neither comes."""
        next_s = seconds_to_next(entries, self.local_s(second_s)) if len(entries) > 1 else NEVER_S
        return min(next_s, self.shift_at_s - second_s) if second_s < self.shift_at_s else next_s


def entry_at(entries: "Entries", second_s: int) -> int:
    """Return the index of the entry in force at `second_s` of the week. The last one goes on until the first of the next week.

    `entries` are (minute_of_week, rate_nl), sorted.
    """
    minute = second_s // S_PER_MINUTE
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high) // 2
        if entries[middle][0] <= minute:
            low = middle + 1
        else:
            high = middle
    return low - 1 if low else len(entries) - 1


def seconds_to_next(entries: "Entries", second_s: int) -> int:
    """Return the seconds from `second_s` of the week until the next entry begins, 1 .. 604800."""
    following = entries[(entry_at(entries, second_s) + 1) % len(entries)]
    gap_s = (following[0] * S_PER_MINUTE - second_s) % S_PER_WEEK
    return gap_s if gap_s else S_PER_WEEK


def minute_of_week(day: int, hour: int, minute: int) -> int:
    """Return the minute of the week, 0 .. 10079. `day` 0 is Monday."""
    return (day * MINUTES_PER_DAY + hour * 60 + minute) % MINUTES_PER_WEEK
