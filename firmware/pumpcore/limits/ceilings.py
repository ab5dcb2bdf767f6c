"""Ceilings (the bench's, tightened by the program) and the rolling windows that limit every lease. limits.py checks a program.

A rolling window counts in buckets of 60 powered-on seconds, and a partial bucket counts whole. A rolling hour is therefore judged by 61
buckets and 24 hours by 1,441: no hour and no day, wherever it begins, can hold more than its ceiling.
"""

from pumpcore.faults.faults import Refusal
from pumpcore.motion.dose import Calibration
from pumpcore.motion.profile import highest_rate_hz
from pumpcore.program.plan import Program
from pumpcore.units import U64_MAX, const

if 0:  # for the type checker alone
    from pumpcore.shapes import BenchLimits

HOUR_BUCKETS = const(61)
DAY_BUCKETS = const(1441)
_LOW_BYTES = const(3)


class Ceilings:
    """The limits in force: the smaller of program and bench. `rate_nl` and `motor_nl` per the program's seconds.

    `hour_nl`, `day_nl` are volumes of the rolling windows, `hour_steps` and `day_steps` the same in steps (rounded down).
    """

    def __init__(self, bench: "BenchLimits", calibration: Calibration, program: Program) -> None:
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


class Windows:
    """Steps leased in the last hour and day, in buckets of 60 powered-on seconds; `minute` is the number of the current bucket."""

    def __init__(self, minute: int = 0) -> None:
        self.clear(minute)

    def clear(self, minute: int) -> None:
        self.minute = minute
        self.low = bytearray(_LOW_BYTES * DAY_BUCKETS)  # a list would take a third more memory
        self._beyond: dict[int, int] = {}  # the bits above: even the fastest motor's minute fits below them
        self.hour_steps = 0
        self.day_steps = 0

    def _in(self, index: int) -> int:
        at, low = _LOW_BYTES * index, self.low
        return (low[at] | low[at + 1] << 8 | low[at + 2] << 16) + self._beyond.get(index, 0)

    def _keep(self, index: int, steps: int) -> None:
        at, low = _LOW_BYTES * index, self.low
        low[at], low[at + 1], low[at + 2] = steps & 0xFF, steps >> 8 & 0xFF, steps >> 16 & 0xFF
        if steps >> 24:
            self._beyond[index] = steps >> 24 << 24
        else:
            self._beyond.pop(index, None)

    def move_to(self, minute: int) -> None:
        """Advance to `minute` and drop buckets older than their window; never go back. A whole day takes a chip a tenth of a second."""
        if minute - self.minute >= DAY_BUCKETS:
            self.clear(minute)
        before, self.minute = self.minute, max(self.minute, minute)
        for number in range(before + 1, min(self.minute, before + HOUR_BUCKETS) + 1):  # later ones only drop empty buckets
            self.hour_steps -= self._in((number - HOUR_BUCKETS) % DAY_BUCKETS)
        for number in range(before + 1, self.minute + 1):
            slot = number % DAY_BUCKETS
            steps = self._in(slot)
            if steps:
                self.day_steps -= steps
                self._keep(slot, 0)

    def add(self, steps: int, minutes: int = 0) -> None:
        """Count `steps` in the current bucket, or in the one `minutes` minutes ago; ignore them if that is older than the windows."""
        if minutes < DAY_BUCKETS:
            slot = (self.minute - minutes) % DAY_BUCKETS
            self._keep(slot, self._in(slot) + steps)
            self.day_steps += steps
        if minutes < HOUR_BUCKETS:
            self.hour_steps += steps

    def steps_ago(self, minutes: int) -> int:
        """Return the steps in the bucket of `minutes` ago; 0 is the current one."""
        return self._in((self.minute - minutes) % DAY_BUCKETS)

    def full(self, ceilings: Ceilings, steps: int) -> str:
        """Return the fault that `steps` more would cause, "hour_limit" or "day_limit"; "" if they fit."""
        if self.hour_steps + steps > ceilings.hour_steps:
            return "hour_limit"
        if self.day_steps + steps > ceilings.day_steps:
            return "day_limit"
        return ""
