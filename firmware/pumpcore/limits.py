"""What is checked of a program before it is activated, by the formula that decides at ordering and at every lease (ceilings.py).

Steps count as leased; staging adds the one step by which a window of whole steps can exceed the plan.
"""

from pumpcore.calibration import Calibration
from pumpcore.ceilings import DAY_BUCKETS, HOUR_BUCKETS, Ceilings, Windows  # noqa: F401  (for those who know them by this module)
from pumpcore.faults import Refusal
from pumpcore.plan import Program
from pumpcore.units import MINUTES_PER_DAY, MINUTES_PER_WEEK, S_PER_MINUTE

if 0:  # for the type checker alone
    from pumpcore.shapes import BenchLimits, Entries


def check_program(program: Program, bench: "BenchLimits", calibration: Calibration) -> Ceilings:
    """Check a program against bench and pair. Returns its ceilings; Refusals of the 3xx family. Quick once its `peaks` are known."""
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


def _check_tightens(program: Program, bench: "BenchLimits") -> None:
    """A program may tighten the bench's ceilings, never widen them (R5)."""
    highest_nl = bench.rate_nl * program.rate_seconds_s // bench.rate_seconds_s
    for name, asked_nl, limit_nl in (
        ("max_rate_nl", program.max_rate_nl, highest_nl),
        ("hour_nl", program.hour_nl, bench.hour_nl),
        ("day_nl", program.day_nl, bench.day_nl),
    ):
        if asked_nl > limit_nl:
            raise Refusal("limit_wider", rule="R5", parameter=name, asked_nl=asked_nl, limit_nl=limit_nl, nearest_nl=limit_nl)


def windows_of(program: Program) -> tuple[int, ...]:
    """The windows, in minutes, of which `check_program` asks for the fullest."""
    return (HOUR_BUCKETS, DAY_BUCKETS, MINUTES_PER_DAY) if program.settings is not None else (HOUR_BUCKETS, DAY_BUCKETS)


def highest_window_nl(program: Program, minutes: int) -> int:
    """Largest sum of rate_nl over any `minutes` of the week (nl per the program's seconds, times minutes). It is found once and kept
    in `program.peaks`, so a program's entries must not change after its first check."""
    if minutes not in program.peaks:
        state = begin_peak(program.entries, minutes)
        go_on(program.entries, state, 2 * len(program.entries))
        keep_peak(program, state)
    return program.peaks[minutes]


def keep_peak(program: Program, state: list[int]) -> None:
    """Keeps what a search that has come to its end has found."""
    program.peaks[state[_MINUTES]] = state[_HIGHEST]


# A search between two calls is a list of whole numbers: minutes, moves left, the entries that the window's begin and end pass next, the
# minutes until they do, the sum now, the highest sum.
_MINUTES = 0
_LEFT = 1
_HIGHEST = 7


def begin_peak(entries: "Entries", minutes: int) -> list[int]:
    """A search for the largest sum over `minutes`: the window that begins with the first entry."""
    weeks, rest = divmod(minutes, MINUTES_PER_WEEK)
    count, total, at, left = len(entries), 0, 0, rest
    if weeks:
        total = weeks * sum([entries[index][1] * _lasts(entries, index) for index in range(count)])
    while left >= _lasts(entries, at):
        lasts = _lasts(entries, at)
        total += entries[at][1] * lasts
        left -= lasts
        at += 1
    total += entries[at][1] * left
    return [minutes, 2 * count, 1 % count, (at + 1) % count, _lasts(entries, 0), _lasts(entries, at) - left, total, total]


def go_on(entries: "Entries", state: list[int], most: int) -> int:
    """Moves the window on to where it begins or ends with an entry, at most `most` times; returns the moves that are left.

    The sum is a piecewise linear function of where the window begins, so only such a window can be the largest.
    """
    minutes, left, begin, end, begin_in, end_in, total, highest = state
    count = len(entries)
    for _ in range(min(most, left)):
        move = begin_in if begin_in < end_in else end_in
        total += (entries[end - 1][1] - entries[begin - 1][1]) * move
        if total > highest:
            highest = total
        begin_in -= move
        end_in -= move
        if not begin_in:
            begin_in = _lasts(entries, begin)
            begin = (begin + 1) % count
        if not end_in:
            end_in = _lasts(entries, end)
            end = (end + 1) % count
    left -= min(most, left)
    state[:] = minutes, left, begin, end, begin_in, end_in, total, highest
    return left


def moves_left(state: list[int]) -> int:
    """How often a search still has to move on."""
    return state[_LEFT]


def _lasts(entries: "Entries", index: int) -> int:
    """Minutes from an entry to the next one; a whole week when there is no other."""
    return (entries[(index + 1) % len(entries)][0] - entries[index][0]) % MINUTES_PER_WEEK or MINUTES_PER_WEEK
