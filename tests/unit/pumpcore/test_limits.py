"""Ceilings: the formula of staging against a search by hand, and staging against the running windows."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pumpcore.bench.bench import Bench
from pumpcore.faults.faults import Refusal
from pumpcore.limits import limits
from pumpcore.limits.limits import DAY_BUCKETS, HOUR_BUCKETS, Ceilings, Windows, check_program, highest_window_nl
from pumpcore.motion.dose import Accumulator
from pumpcore.program import packing
from pumpcore.program.plan import Program
from pumpcore.units import MINUTES_PER_WEEK
from support.models.weekly import most_in_window
from support.pump.bench_tables import with_ceilings as bench


def scheduled(entries: list, seconds_s: int = 3600) -> Program:
    made = Program("n", "f", seconds_s, entries)
    made.mode = packing.SCHEDULE
    return made


def refusal(made: Program, rig: Bench) -> Refusal | None:
    try:
        check_program(made, rig, rig.calibration)
    except Refusal as refused:
        return refused
    return None


WEEKS = st.lists(st.integers(0, MINUTES_PER_WEEK - 1), min_size=1, max_size=30, unique=True).flatmap(
    lambda minutes: st.lists(st.integers(0, 9_000_000), min_size=len(minutes), max_size=len(minutes)).map(
        lambda rates: list(zip(sorted(minutes), rates))
    )
)


def minute_rates(entries: list) -> list:
    """Return the rate in force in each minute of the week."""
    week, now = [], entries[-1][1]
    begins = dict(entries)
    for minute in range(MINUTES_PER_WEEK):
        now = begins.get(minute, now)
        week.append(now)
    return week


@pytest.mark.rule("R5")
@given(WEEKS, st.sampled_from((1, HOUR_BUCKETS, DAY_BUCKETS, MINUTES_PER_WEEK, MINUTES_PER_WEEK + 5)))
def test_the_fullest_window_is_the_one_found_by_trying_all(entries: list, minutes: int) -> None:
    assert highest_window_nl(scheduled(entries), minutes) == most_in_window(minute_rates(entries), minutes)


@pytest.mark.rule("R5")
@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 500)), max_size=300))
def test_windows_are_the_sums_of_their_buckets(leases: list) -> None:
    windows, minute, booked = Windows(), 0, {}
    for gap, steps in leases:
        minute += gap
        windows.move_to(minute)
        windows.add(steps)
        booked[minute] = booked.get(minute, 0) + steps
        assert windows.hour_steps == sum([n for at, n in booked.items() if at > minute - HOUR_BUCKETS])
        assert windows.day_steps == sum([n for at, n in booked.items() if at > minute - DAY_BUCKETS])


@pytest.mark.rule("R5")
@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 1 << 26)), max_size=300), st.integers(0, 2000), st.randoms())
def test_windows_filled_afterwards_are_those_that_were_filled_in_time(leases: list, later: int, random: object) -> None:
    """In any order; from both states they continue alike."""
    windows, minute, booked = Windows(), 0, []
    for gap, steps in leases:
        minute += gap
        windows.move_to(minute)
        windows.add(steps)
        booked.append((minute, steps))
    windows.move_to(minute + later)
    random.shuffle(booked)
    afterwards = Windows(minute + later)
    for at, steps in booked:
        afterwards.add(steps, minute + later - at)
    for further in (0, 1, HOUR_BUCKETS - 1, 300, DAY_BUCKETS):
        for each in (windows, afterwards):
            each.move_to(minute + later + further)
        assert (afterwards.hour_steps, afterwards.day_steps) == (windows.hour_steps, windows.day_steps)


def test_windows_never_go_back_and_forget_after_a_day() -> None:
    windows = Windows(100)
    windows.add(7)
    windows.move_to(50)
    assert windows.minute == 100 and windows.hour_steps == 7
    windows.move_to(100 + HOUR_BUCKETS)
    assert (windows.hour_steps, windows.day_steps) == (0, 7)
    windows.move_to(100 + DAY_BUCKETS)
    assert windows.day_steps == 0
    windows.add(5)
    windows.move_to(100_000)
    assert (windows.hour_steps, windows.day_steps, windows.minute) == (0, 0, 100_000)


def runs_without_pause(made: Program, rig: Bench, second_s: int, minutes: int) -> bool:
    """Make leases minute by minute with the pump's own windows, from local second `second_s` of the week on."""
    ceilings, windows = Ceilings(rig, rig.calibration, made), Windows()
    source, week = Accumulator(made.rate_seconds_s, rig.calibration), minute_rates(made.entries)
    source.remainder = source.modulus - 1
    for minute in range(minutes):
        first, rest = divmod(second_s + minute * 60, 60)
        steps = source.advance(week[first % MINUTES_PER_WEEK], 60 - rest)
        steps += source.advance(week[(first + 1) % MINUTES_PER_WEEK], rest) if rest else 0
        windows.move_to(minute)
        if windows.full(ceilings, steps):
            return False
        windows.add(steps)
    return True


@pytest.mark.rule("R5")
@given(WEEKS, st.integers(0, 604_799))
def test_what_passes_staging_never_pauses(entries: list, second_s: int) -> None:
    made = scheduled(entries)
    rig = bench(hour_nl=6_000_000)
    assume(refusal(made, rig) is None)
    assert runs_without_pause(made, rig, second_s, 1_500)


def highest_accepted(rig: Bench, low_nl: int, high_nl: int) -> int:
    while low_nl + 1 < high_nl:
        middle_nl = (low_nl + high_nl) // 2
        low_nl, high_nl = (middle_nl, high_nl) if refusal(scheduled([(0, middle_nl)]), rig) is None else (low_nl, middle_nl)
    return low_nl


@pytest.mark.rule("R5")
@pytest.mark.parametrize(("window", "rig"), [("hour", bench(hour_nl=654_321)), ("day", bench(day_nl=7_654_321))])
def test_the_highest_rate_that_is_staged_runs_and_a_higher_one_is_refused(window: str, rig: Bench) -> None:
    highest_nl = highest_accepted(rig, 1, 10_000_000)
    assert runs_without_pause(scheduled([(0, highest_nl)]), rig, 12_345, 3 * 1_440)
    assert refusal(scheduled([(0, highest_nl + 1)]), rig).fault.name == window + "_above_ceiling"
    # the staged rate needs less than a step and a bucket below the ceiling in the window: no margin is wasted
    minutes, limit_nl = (HOUR_BUCKETS, 654_321) if window == "hour" else (DAY_BUCKETS, 7_654_321)
    assert limit_nl - 25 < highest_nl * minutes // 60 <= limit_nl


@pytest.mark.rule("R5")
def test_the_highest_rate_is_the_ceiling_itself() -> None:
    rig = bench(rate_nl=900_000)
    assert refusal(scheduled([(0, 900_000)]), rig) is None
    refused = refusal(scheduled([(0, 900_001)]), rig)
    assert (refused.fault.name, refused.detail["nearest_nl"], refused.detail["asked_nl"]) == ("rate_above_ceiling", 900_000, 900_001)


@pytest.mark.rule("R7")
def test_a_rate_that_the_motor_can_t_make_is_refused_with_the_nearest() -> None:
    rig = bench(rate_nl=1 << 40, hour_nl=1 << 45, day_nl=1 << 46)
    refused = refusal(scheduled([(0, 1 << 39)], 3600), rig)
    assert refused.fault.name == "rate_above_motor"
    nearest_nl = refused.detail["nearest_nl"]
    assert refusal(scheduled([(0, nearest_nl)]), rig) is None
    assert refusal(scheduled([(0, nearest_nl + 1)]), rig).fault.name == "rate_above_motor"


@pytest.mark.rule("R5")
@pytest.mark.parametrize(("field", "limit_nl"), [("max_rate_nl", 10_000_000), ("hour_nl", 5_000_000), ("day_nl", 40_000_000)])
def test_a_program_tightens_and_never_widens(field: str, limit_nl: int) -> None:
    made = scheduled([(0, 100_000)])
    setattr(made, field, limit_nl)
    assert refusal(made, bench()) is None
    setattr(made, field, limit_nl + 1)
    assert (refusal(made, bench()).fault.name, refusal(made, bench()).detail["nearest_nl"]) == ("limit_wider", limit_nl)
    setattr(made, field, 90_000)
    assert refusal(made, bench()) is not None


@given(st.integers(1, 2**32 - 1), st.integers(1, 2**31))
def test_the_bench_s_rate_is_converted_downwards(seconds_s: int, bench_seconds_s: int) -> None:
    rig = bench()
    rig.rate_seconds_s = bench_seconds_s
    ceilings = Ceilings(rig, rig.calibration, Program("n", "f", seconds_s, [(0, 1)]))
    assert ceilings.rate_nl * bench_seconds_s <= rig.rate_nl * seconds_s < (ceilings.rate_nl + 1) * bench_seconds_s


def test_full_names_the_window() -> None:
    ceilings = Ceilings(bench(), bench().calibration, scheduled([(0, 1)]))
    windows = Windows()
    windows.add(ceilings.hour_steps)
    assert (windows.full(ceilings, 0), windows.full(ceilings, 1)) == ("", "hour_limit")
    for _ in range(7):
        windows.move_to(windows.minute + HOUR_BUCKETS)
        windows.add(min(ceilings.hour_steps, ceilings.day_steps - windows.day_steps))
    windows.add(ceilings.day_steps - windows.day_steps)
    windows.move_to(windows.minute + HOUR_BUCKETS)
    assert (windows.full(ceilings, 0), windows.full(ceilings, 1)) == ("", "day_limit")
    assert limits.HOUR_BUCKETS * 60 >= 3600 + 60 and limits.DAY_BUCKETS * 60 >= 86_400 + 60
