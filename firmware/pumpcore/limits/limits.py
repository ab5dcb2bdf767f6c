"""Check a whole program against the ceilings of its bench and its own settings (R5, R7)."""

from pumpcore.faults.faults import Refusal
from pumpcore.limits.ceilings import DAY_BUCKETS, HOUR_BUCKETS, Ceilings, Windows  # noqa: F401  (other files import them from here)
from pumpcore.motion.dose import Calibration
from pumpcore.program.plan import MINIMUM, Program
from pumpcore.program.settings import LIMITS, OVERRIDES
from pumpcore.units import MINUTES_PER_DAY, MINUTES_PER_WEEK, NL_PER_ML, S_PER_HOUR, S_PER_MINUTE, ceil_div, const

if 0:  # for the type checker alone
    from pumpcore.shapes import BenchLimits, Drug, Entries, Json

# --- limits ------------------------------------------------------------------------------------------------------------------
# A program is checked before it is activated, by the same formula as an order and a lease (ceilings.py).
#
# Steps count as leased. Staging adds the one step by which a window of whole steps can exceed the plan.


def check_program(program: Program, bench: "BenchLimits", calibration: Calibration, whole: bool = True) -> Ceilings:
    """Check a program against bench and calibration; return its ceilings. Quick once its `peaks` are known.

    Without `whole` only its rates and limits: what a search through its windows shows is for later.

    Refusals `limit_wider`, `rate_above_ceiling`, `rate_above_motor`, `hour_above_ceiling`, `day_above_ceiling`, and those of `check`.
    """
    _check_tightens(program, bench)
    ceilings = Ceilings(bench, calibration, program)
    ceilings.check_rate(program.highest_rate_nl())
    if not whole:
        return ceilings
    windows = (("hour", HOUR_BUCKETS, ceilings.hour_steps), ("day", DAY_BUCKETS, ceilings.day_steps))
    for name, minutes, limit_steps in windows:
        flow = highest_window_nl_s(program, minutes)
        modulus = program.rate_seconds_s * calibration.volume_nl
        steps = flow * calibration.steps // modulus + 1
        if steps > limit_steps:
            settings = program.settings
            mine = settings is not None and name == "day" and ceilings.day_nl == settings.hard_day_nl
            _refuse_window(name, calibration, steps, limit_steps, settings.whose("hard_day_nl") if mine else {})
    if program.settings is not None:

        check(program, ceilings, calibration)
    return ceilings


def check_demand_steps(program: Program, calibration: Calibration) -> None:
    """Refusal `dose_rounded` if whole steps deliver too little of the demand dose. Judged when staged, by the calibration of then.

    A later calibration is judged when the dose is ordered.
    """
    if program.settings is not None and program.settings.demand_on:
        from pumpcore.limits.order_limits import check_rounding

        check_rounding(program.settings.demand_nl, calibration)


def _refuse_window(name: str, calibration: Calibration, steps: int, limit_steps: int, drug: "dict[str, Json]") -> None:
    asked_nl, limit_nl = calibration.nl_for_steps(steps), calibration.nl_for_steps(limit_steps)
    raise Refusal(name + "_above_ceiling", rule="R5", asked_nl=asked_nl, limit_nl=limit_nl, nearest_nl=limit_nl, **drug)


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
    """Return the windows [minutes] for which `check_program` needs the fullest."""
    return (HOUR_BUCKETS, DAY_BUCKETS, MINUTES_PER_DAY) if program.settings is not None else (HOUR_BUCKETS, DAY_BUCKETS)


def highest_window_nl_s(program: Program, minutes: int) -> int:
    """Return the largest sum of the rates of all seconds in any `minutes` of the program (nl per the program's seconds, times seconds).

    It is found once and kept in `program.peaks`, so a program's entries must not change after its first check.
    """
    if program.protocol is None:
        return highest_window_nl(program, minutes) * S_PER_MINUTE
    if minutes not in program.peaks:
        from pumpcore.limits import windows

        state = windows.begin_peak(program.protocol, minutes)
        while windows.go_on(program.protocol, state, windows.MOST_MOVES):
            continue
        keep_peak(program, state)
    return program.peaks[minutes]


def highest_window_nl(program: Program, minutes: int) -> int:
    """Return the largest sum of rate_nl over any `minutes` of the week (nl per the program's seconds, times minutes)."""
    if minutes not in program.peaks:
        state = begin_peak(program.entries, minutes)
        go_on(program.entries, state, 2 * len(program.entries))
        keep_peak(program, state)
    return program.peaks[minutes]


# A search is kept between two calls as a list of whole numbers: minutes, moves left, the entries that the window's begin and end pass next,
# the minutes until they do, the sum now, the highest sum.
_MINUTES = const(0)
_LEFT = const(1)
_HIGHEST = const(7)


def keep_peak(program: Program, state: list[int]) -> None:
    """Keep the result of a finished search in `program.peaks`."""
    program.peaks[state[_MINUTES]] = state[_HIGHEST]


def begin_peak(entries: "Entries", minutes: int) -> list[int]:
    """Begin the search for the largest sum over `minutes`, with the window that begins at the first entry."""
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


def go_on(entries: "Entries", state: list[int], high: int) -> int:
    """Move the window to the next place where it begins or ends with an entry, at most `high` times. Return the moves left.

    Only such a window can be the largest: the sum is a piecewise linear function of where the window begins.
    """
    minutes, left, begin, end, begin_in, end_in, total, highest = state
    count = len(entries)
    for _ in range(min(high, left)):
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
    left -= min(high, left)
    state[:] = minutes, left, begin, end, begin_in, end_in, total, highest
    return left


def moves_left(state: list[int]) -> int:
    """Return how many moves a search still has to make."""
    return state[_LEFT]


def _lasts(entries: "Entries", index: int) -> int:
    """Return the minutes from an entry to the next; a whole week if it is the only one."""
    return (entries[(index + 1) % len(entries)][0] - entries[index][0]) % MINUTES_PER_WEEK or MINUTES_PER_WEEK


# --- settings_limits ---------------------------------------------------------------------------------------------------------
# A program's settings against its schedule, its ceilings and its drug library.
#
# Every refusal names the rule, what was asked, the limit, and the nearest allowed value.

_WINDOWS_S = {"hour": HOUR_BUCKETS * S_PER_MINUTE, "day": DAY_BUCKETS * S_PER_MINUTE}


def check(program: Program, ceilings: "Ceilings", calibration: Calibration) -> None:
    """Refusals `minimum_rate`, `demand_rate`, `demand_volume`, `library_hard`, `library_soft`."""
    if program.mode == MINIMUM:
        _check_minimum(program, calibration)
    _check_library(program)
    if program.settings.demand_on:
        _check_demand_rate(program, min(ceilings.rate_nl, ceilings.motor_nl))
        _check_demand_volume(program, ceilings, calibration)


def _check_minimum(program: Program, calibration: Calibration) -> None:
    """The minimum rate must be 0, or from one step an hour to one step a minute."""
    rate_nl = program.entries[0][1]
    step_nl_s = program.rate_seconds_s * calibration.volume_nl
    least_nl = ceil_div(step_nl_s, S_PER_HOUR * calibration.steps)
    most_nl = step_nl_s // (S_PER_MINUTE * calibration.steps)
    if rate_nl and not least_nl <= rate_nl <= most_nl:
        nearest_nl = least_nl if rate_nl < least_nl else most_nl
        raise Refusal("minimum_rate", rule="R7", asked_nl=rate_nl, limit_nl=nearest_nl, nearest_nl=nearest_nl)


def _check_demand_rate(program: Program, limit_nl: int) -> None:
    """A demand bolus may come at any time, so it is judged on top of the highest basal."""
    settings, seconds_s = program.settings, program.rate_seconds_s
    basal_nl = program.highest_rate_nl()
    asked_nl = basal_nl + ceil_div(settings.demand_nl * seconds_s, settings.demand_s)
    if asked_nl > limit_nl:
        room_nl = limit_nl - basal_nl
        detail = {"nearest_nl": room_nl * settings.demand_s // seconds_s}
        if room_nl:
            detail["nearest_s"] = ceil_div(settings.demand_nl * seconds_s, room_nl)
        raise Refusal("demand_rate", rule="R7", asked_rate_nl=asked_nl, limit_rate_nl=limit_nl, **detail)


def _check_demand_volume(program: Program, ceilings: "Ceilings", calibration: Calibration) -> None:
    """The nearest dose in the refusal has room in both windows, whichever is exceeded."""
    settings, windows = program.settings, _demand_windows(program, ceilings, calibration)
    dose_steps = calibration.steps_for_nl(settings.demand_nl)
    nearest_nl = min([calibration.nl_for_steps(limit - basal) // doses for _, doses, basal, limit in windows])
    for name, doses, basal_steps, limit_steps in windows:
        asked_nl, limit_nl = calibration.nl_for_steps(basal_steps + doses * dose_steps), calibration.nl_for_steps(limit_steps)
        if basal_steps + doses * dose_steps > limit_steps:
            detail = {"asked_nl": asked_nl, "limit_nl": limit_nl, "nearest_nl": nearest_nl}
            raise Refusal("demand_volume", rule="R5", window=name, doses=doses, **detail)


def _demand_windows(program: Program, ceilings: "Ceilings", calibration: Calibration) -> list[tuple[str, int, int, int]]:
    """Return [(name, most demand boluses, most steps of basal, limit in steps)] of an hour and of 24 hours."""
    settings, found = program.settings, []
    modulus = program.rate_seconds_s * calibration.volume_nl
    for name, limit_steps in (("hour", ceilings.hour_steps), ("day", ceilings.day_steps)):
        window_s = _WINDOWS_S[name]
        doses = min(settings.demand_per_day, (window_s - 1) // settings.lockout_s + 1)
        flow = highest_window_nl_s(program, window_s // S_PER_MINUTE) * calibration.steps
        found.append((name, doses, flow // modulus + 1, limit_steps))
    return found


def asks_nl(program: Program) -> tuple[tuple[str, int], ...]:
    """Return (name, nl) of what the library limits: highest basal, largest bolus, most in 24 h with every demand bolus."""
    settings = program.settings
    demand_nl = settings.demand_nl if settings.demand_on else 0
    day_nl = highest_window_nl_s(program, MINUTES_PER_DAY) // program.rate_seconds_s
    return (
        ("rate", program.highest_rate_nl()), ("bolus", max(demand_nl, settings.bolus_max_nl)),
        ("day", day_nl + demand_nl * settings.demand_per_day),
    )


def _check_library(program: Program) -> None:
    _check_concentration(program)
    for name, asked_nl in asks_nl(program):
        _check_limit(program, "hard", name, asked_nl)
        _check_limit(program, "soft", name, asked_nl)


def _check_limit(program: Program, kind: str, name: str, asked_nl: int) -> None:
    field = "%s_%s_nl" % (kind, name)
    limit_nl = getattr(program.settings, field)
    if limit_nl and asked_nl > limit_nl and not (kind == "soft" and overridden(program, name)):
        drug = program.settings.whose(field)
        raise Refusal("library_" + kind, rule="R7", parameter=name, asked_nl=asked_nl, limit_nl=limit_nl, nearest_nl=limit_nl, **drug)


def overridden(program: Program, name: str) -> bool:
    """Return True if a person confirmed that the soft limit called `name` may be passed."""
    return bool(program.settings.overrides >> OVERRIDES.index(name) & 1)


class Passed:
    """A soft limit that a program passes: index in OVERRIDES; asked and limit in nl, of a concentration in ng per ml."""

    def __init__(self, what: int, asked: int, limit: int) -> None:
        self.what = what
        self.asked = asked
        self.limit = limit


def passed(program: Program) -> list[Passed]:
    """Return the soft limits that the program passes."""
    settings, found = program.settings, []
    for (_, mass_ng, volume_nl), limit_ng in _beyond(program, "soft"):
        found.append(Passed(0, mass_ng * NL_PER_ML // volume_nl, limit_ng))
    for name, asked_nl in asks_nl(program):
        limit_nl = getattr(settings, "soft_%s_nl" % name)
        if limit_nl and asked_nl > limit_nl:
            found.append(Passed(OVERRIDES.index(name), asked_nl, limit_nl))
    return found


def _beyond(program: Program, kind: str) -> "list[tuple[Drug, int]]":
    """Return (drug, the end of its range in ng per ml) of each drug whose concentration is outside of its "soft" or "hard" range."""
    settings, found = program.settings, []
    ranges = [(getattr(settings, kind + "_low_ng"), getattr(settings, kind + "_high_ng"))]
    low, high = LIMITS.index(kind + "_low_ng"), LIMITS.index(kind + "_high_ng")
    ranges += [(own[low], own[high]) for _, own in settings.drugs[1:]]
    for drug, (low_ng, high_ng) in zip(program.content(), ranges):
        mass_ng = drug[1] * NL_PER_ML
        limit_ng = low_ng if mass_ng < low_ng * drug[2] else high_ng if mass_ng > high_ng * drug[2] else 0
        if limit_ng:
            found.append((drug, limit_ng))
    return found


def _check_concentration(program: Program) -> None:
    for kind in ("hard", "soft"):
        for (name, mass_ng, volume_nl), limit_ng in _beyond(program, kind):
            if kind == "hard" or not overridden(program, "concentration"):
                raise Refusal(
                    "library_" + kind, rule="R7", parameter="concentration", asked_ng_per_ml=mass_ng * NL_PER_ML // volume_nl,
                    limit_ng_per_ml=limit_ng, nearest_ng_per_ml=limit_ng, **({"drug": name} if program.drugs else {}),
                )
