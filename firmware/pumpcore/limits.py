"""What is checked of a program when it is staged, by the formula that decides at ordering and at every lease (ceilings.py).

Steps count as leased; staging adds the one step by which a window of whole steps can exceed the plan.
"""

from pumpcore.calibration import Calibration
from pumpcore.ceilings import DAY_BUCKETS, HOUR_BUCKETS, Ceilings, Windows  # noqa: F401  (for those who know them by this module)
from pumpcore.faults import Refusal
from pumpcore.plan import Program
from pumpcore.schedule import entry_at
from pumpcore.units import MINUTES_PER_WEEK, S_PER_MINUTE


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


def check_demand_steps(program: Program, calibration: Calibration) -> None:
    """When staged, by the pair that counts then; a later one is judged when the dose is ordered. Refusal `dose_rounded`."""
    if program.settings is not None and program.settings.demand_on:
        from pumpcore.order_limits import check_rounding

        check_rounding(program.settings.demand_nl, calibration)


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
