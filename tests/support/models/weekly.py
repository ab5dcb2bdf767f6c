"""The plan, written a second time: with `fractions` and `datetime`, from the words of the design, importing nothing of ours.

A rate is a Fraction in nl per second, a calibration a Fraction in steps per nl. `steps` is not rounded: a pump may have delivered its whole
part by then.
"""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo


class WeeklyPlan:
    """`rows`: {(weekday 0 = Monday, hour, minute): rate}. The last row of the week goes on into the next week."""

    def __init__(self, rows: dict, steps_per_nl: Fraction, offset_s: int) -> None:
        self._rows = sorted(rows.items())
        self._steps_per_nl = steps_per_nl
        self._offset = timedelta(seconds=offset_s)

    def _local(self, utc_s: int) -> datetime:
        return datetime.fromtimestamp(utc_s, UTC) + self._offset

    def slope(self, utc_s: int) -> Fraction:
        """Return the steps per second at `utc_s`."""
        local = self._local(utc_s)
        now = (local.weekday(), local.hour, local.minute)
        begun = [rate for moment, rate in self._rows if moment <= now]
        return (begun[-1] if begun else self._rows[-1][1]) * self._steps_per_nl

    def next_change_s(self, utc_s: int) -> int:
        """Return the seconds until the next row begins."""
        local = self._local(utc_s)
        monday = local.replace(hour=0, minute=0, second=0) - timedelta(days=local.weekday())
        moments = [
            monday + timedelta(days=day + 7 * week, hours=hour, minutes=minute) for week in (0, 1) for (day, hour, minute), _ in self._rows
        ]
        return min(int((moment - local).total_seconds()) for moment in moments if moment > local)

    def steps(self, from_utc_s: int, to_utc_s: int) -> Fraction:
        """Return the steps due between two moments."""
        total, at_s = Fraction(0), from_utc_s
        while at_s < to_utc_s:
            part_s = min(self.next_change_s(at_s), to_utc_s - at_s)
            total += self.slope(at_s) * part_s
            at_s += part_s
        return total


class ZonedPlan(WeeklyPlan):
    """The same in a zone of the time zone database, with its changes of offset. Brute force, minute by minute."""

    def __init__(self, rows: dict, steps_per_nl: Fraction, zone: str) -> None:
        super().__init__(rows, steps_per_nl, 0)
        self._zone = ZoneInfo(zone)

    def _local(self, utc_s: int) -> datetime:
        return datetime.fromtimestamp(utc_s, self._zone).replace(tzinfo=None)

    def steps(self, from_utc_s: int, to_utc_s: int) -> Fraction:
        """Every offset is a whole number of minutes, so a minute of UTC has one slope."""
        total, at_s = Fraction(0), from_utc_s
        while at_s < to_utc_s:
            part_s = min(60 - at_s % 60, to_utc_s - at_s)
            total += self.slope(at_s) * part_s
            at_s += part_s
        return total


def month_ends(from_utc_s: int, days: int) -> list:
    """Return the UTC seconds of every first of a month at 00:00 within `days` after `from_utc_s`."""
    begin = datetime.fromtimestamp(from_utc_s, UTC)
    dates = [begin.replace(hour=0, minute=0, second=0) + timedelta(days=day) for day in range(1, days)]
    return [int(date.timestamp()) for date in dates if date.day == 1]


def step_times_us(slices: list, steps_per_nl: Fraction, remainder: Fraction) -> list:
    """Return the exact times (Fractions, microseconds) of every step of a plan of [(rate in nl/s, seconds)].

    `remainder`: the part of a step already due at the beginning.
    """
    times, due, at_us = [], remainder, Fraction(0)
    for rate, seconds in slices:
        slope = rate * steps_per_nl / 1_000_000
        after = due + slope * seconds * 1_000_000
        times += [at_us + (number - due) / slope for number in range(int(due) + 1, int(after) + 1)]
        due, at_us = after, at_us + seconds * 1_000_000
    return times


def most_in_window(minute_rates: list, minutes: int) -> int:
    """Return the largest sum over `minutes` consecutive minutes of repeated `minute_rates`, by trying every begin."""
    week = len(minute_rates)
    whole, rest = divmod(minutes, week)
    present = highest = sum(minute_rates[:rest])
    for begin in range(week):
        present += minute_rates[(begin + rest) % week] - minute_rates[begin]
        highest = max(highest, present)
    return whole * sum(minute_rates) + highest
