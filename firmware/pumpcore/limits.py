"""Ceilings: the bench's, tightened by the program. The same formula decides at staging, at ordering and at every lease.

Rolling windows run in buckets of 60 powered-on seconds and a partial bucket counts whole, so a rolling hour is
judged by 61 buckets and 24 hours by 1,441: no hour and no day, wherever it begins, can hold more than its ceiling.
Steps count as leased; staging adds the one step by which a window of whole steps can exceed the plan.
"""

from pumpcore.calibration import Calibration
from pumpcore.faults import Refusal
from pumpcore.program import Program
from pumpcore.ramp import highest_rate_hz
from pumpcore.schedule import entry_at
from pumpcore.units import MINUTES_PER_WEEK, S_PER_MINUTE, U64_MAX

HOUR_BUCKETS = 61
DAY_BUCKETS = 1441


class Ceilings:
    """What binds: the smaller of program and bench. `rate_nl` per the program's seconds, steps per hour and day windows."""

    def __init__(self, bench: object, calibration: Calibration, program: Program) -> None:
        seconds_s = program.rate_seconds_s
        bench_rate_nl = bench.rate_nl * seconds_s // bench.rate_seconds_s
        self.rate_nl = min(bench_rate_nl, program.max_rate_nl or U64_MAX)
        self.hour_nl = min(bench.hour_nl, program.hour_nl or U64_MAX)
        hard_nl = program.settings.hard_day_nl if program.settings is not None else 0
        self.day_nl = min(bench.day_nl, program.day_nl or U64_MAX, hard_nl or U64_MAX)
        self.hour_steps = calibration.steps_for_nl(self.hour_nl)
        self.day_steps = calibration.steps_for_nl(self.day_nl)
        self.motor_nl = highest_rate_hz(bench) * seconds_s * calibration.volume_nl // calibration.steps

    def check_rate(self, rate_nl: int) -> None:
        """Refusal `rate_above_ceiling` or `rate_above_motor`, with the nearest rate (nl per the program's seconds)."""
        if rate_nl > self.rate_nl:
            raise Refusal("rate_above_ceiling", rule="R5", asked_nl=rate_nl, limit_nl=self.rate_nl, nearest_nl=self.rate_nl)
        if rate_nl > self.motor_nl:
            raise Refusal("rate_above_motor", rule="R5", asked_nl=rate_nl, limit_nl=self.motor_nl, nearest_nl=self.motor_nl)


def check_program(program: Program, bench: object, calibration: Calibration) -> Ceilings:
    """Everything that is checked when a program is staged. Returns its ceilings; Refusals of the 3xx family."""
    _check_tightens(program, bench)
    ceilings = Ceilings(bench, calibration, program)
    ceilings.check_rate(program.highest_rate_nl())
    windows = (("hour", HOUR_BUCKETS, ceilings.hour_steps), ("day", DAY_BUCKETS, ceilings.day_steps))
    for name, minutes, limit_steps in windows:
        flow = highest_window_nl(program, minutes)
        modulus = program.rate_seconds_s * calibration.volume_nl
        steps = flow * S_PER_MINUTE * calibration.steps // modulus + 1
        if steps > limit_steps:
            _refuse_window(name, calibration, steps, limit_steps)
    if program.settings is not None:
        from pumpcore import settings_limits

        settings_limits.check(program, ceilings, calibration)
    return ceilings


def _refuse_window(name: str, calibration: Calibration, steps: int, limit_steps: int) -> None:
    asked_nl, limit_nl = calibration.nl_for_steps(steps), calibration.nl_for_steps(limit_steps)
    raise Refusal(name + "_above_ceiling", rule="R5", asked_nl=asked_nl, limit_nl=limit_nl, nearest_nl=limit_nl)


def _check_tightens(program: Program, bench: object) -> None:
    """A program may tighten the bench's ceilings, never widen them (R5)."""
    highest_nl = bench.rate_nl * program.rate_seconds_s // bench.rate_seconds_s
    for name, asked_nl, limit_nl in (
        ("max_rate_nl", program.max_rate_nl, highest_nl),
        ("hour_nl", program.hour_nl, bench.hour_nl),
        ("day_nl", program.day_nl, bench.day_nl),
    ):
        if asked_nl > limit_nl:
            raise Refusal("limit_wider", rule="R5", parameter=name, asked_nl=asked_nl, limit_nl=limit_nl, nearest_nl=limit_nl)


def highest_window_nl(program: Program, minutes: int) -> int:
    """Largest sum of rate_nl over any `minutes` of the week (nl per the program's seconds, times minutes).

    The sum is a piecewise linear function of where the window begins, so only windows that begin or end with an
    entry can be the largest.
    """
    cumulative = _Cumulative(program.entries)
    highest = 0
    for minute, _ in program.entries:
        highest = max(highest, cumulative.between(minute, minutes), cumulative.between(minute - minutes, minutes))
    return highest


class _Cumulative:
    """Sum of rate_nl over the minutes of the week since Monday 00:00, by binary search in prefix sums."""

    def __init__(self, entries: list) -> None:
        self._entries = entries
        wrapped_nl = entries[-1][1]
        total = wrapped_nl * entries[0][0]
        self._prefix = []
        for index, (minute, rate_nl) in enumerate(entries):
            self._prefix.append(total)
            end = entries[index + 1][0] if index + 1 < len(entries) else MINUTES_PER_WEEK
            total += rate_nl * (end - minute)
        self._week = total

    def until(self, minute: int) -> int:
        weeks, minute = divmod(minute, MINUTES_PER_WEEK)
        first_minute, _ = self._entries[0]
        if minute < first_minute:
            return weeks * self._week + self._entries[-1][1] * minute
        index = entry_at(self._entries, minute * S_PER_MINUTE)
        begin, rate_nl = self._entries[index]
        return weeks * self._week + self._prefix[index] + rate_nl * (minute - begin)

    def between(self, minute: int, minutes: int) -> int:
        return self.until(minute + minutes) - self.until(minute)


class Windows:
    """Steps leased in the last hour and day, in buckets of 60 powered-on seconds; `minute` is the current bucket's number."""

    def __init__(self, minute: int = 0) -> None:
        self._clear(minute)

    def _clear(self, minute: int) -> None:
        self.minute = minute
        self._buckets = [0] * DAY_BUCKETS
        self.hour_steps = 0
        self.day_steps = 0

    def move_to(self, minute: int) -> None:
        """Lets buckets that are older than their window fall out; never goes back."""
        if minute - self.minute > DAY_BUCKETS:
            self._clear(minute)
        while self.minute < minute:
            self.minute += 1
            slot = self.minute % DAY_BUCKETS
            self.day_steps -= self._buckets[slot]
            self._buckets[slot] = 0
            self.hour_steps -= self._buckets[(self.minute - HOUR_BUCKETS) % DAY_BUCKETS]

    def add(self, steps: int) -> None:
        """Counts `steps` in the current bucket."""
        self._buckets[self.minute % DAY_BUCKETS] += steps
        self.hour_steps += steps
        self.day_steps += steps

    def full(self, ceilings: Ceilings, steps: int) -> str:
        """Which fault `steps` more would be: "" when they fit, else "hour_limit" or "day_limit"."""
        if self.hour_steps + steps > ceilings.hour_steps:
            return "hour_limit"
        if self.day_steps + steps > ceilings.day_steps:
            return "day_limit"
        return ""
