"""Searches over the schedule equal a search from change to change, and their work is bounded, however long the time is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.delivery.basal import Basal
from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.orders.bolus import Temporary
from pumpcore.program.plan import SCHEDULE, Program
from pumpcore.program.schedule import Week, Zone
from pumpcore.units import S_PER_WEEK, ceil_div
from support.counted import Counted
from support.pump.running import BENCH

PAIR = Calibration(BENCH["calibration"]["volume_nl"], BENCH["calibration"]["steps"])
FOR_EVER_S = 1 << 80
MONDAY_UTC_S = 345_600


def basal_of(entries: list, week: Week | None, temporary: Temporary | None = None) -> Basal:
    made = Program("n", "f", 3600, entries)
    made.mode = SCHEDULE
    basal = Basal(made, Accumulator(3600, PAIR), week)
    if temporary is not None:
        basal.begin_temporary(temporary)
    return basal


def walked_highest_nl(basal: Basal, from_s: int, duration_s: int) -> int:
    """Return the highest rate, found from change to change."""
    highest, at_s, temporary = 0, from_s, basal.temporary
    while at_s < from_s + duration_s:
        rate_nl = basal.program.entries[basal.entry_at(at_s)][1]
        highest = max(highest, rate_nl)
        if temporary is not None and at_s < temporary.end_s:
            highest = max(highest, ceil_div(temporary.of(rate_nl), temporary.parts()))
        at_s += min(basal.until_change_s(at_s), S_PER_WEEK)
    return highest


def walked_steps(basal: Basal, from_s: int, duration_s: int) -> int:
    at_s, end_s, steps = from_s, from_s + duration_s, 0
    while at_s < end_s:
        temporary = basal.temporary
        if temporary is not None and at_s >= temporary.end_s:
            basal.end_temporary()
        part_s = min(basal.until_change_s(at_s), S_PER_WEEK, end_s - at_s)
        steps += basal.accumulator.advance(basal.rate_nl(basal.entry_at(at_s)), part_s)
        at_s += part_s
    if basal.temporary is not None and duration_s and at_s >= basal.temporary.end_s:
        basal.end_temporary()
    return steps


ENTRIES = st.dictionaries(st.integers(0, 10_079), st.integers(0, 9_000_000), min_size=1, max_size=20).map(lambda rows: sorted(rows.items()))
WEEKS = st.builds(
    lambda begin_s, ahead_s, by_s: Week(MONDAY_UTC_S + begin_s, Zone(0, MONDAY_UTC_S + begin_s + ahead_s, by_s)),
    st.integers(0, S_PER_WEEK), st.integers(-5, 3 * S_PER_WEEK), st.integers(-86_400, 86_400),
)  # fmt: skip
TIMES = st.one_of(st.integers(0, 5), st.integers(0, 90_000), st.integers(0, 4 * S_PER_WEEK))


def temporary_of(pair: tuple, end_s: int) -> Temporary:
    made = Temporary("t", pair[0], pair[1], pair[2], end_s)
    made.end_s = end_s
    return made


TEMPORARIES = st.one_of(
    st.none(),
    st.builds(
        temporary_of, st.sampled_from(((5_000_000, 0, 0), (0, 0, 0), (0, 3, 2), (0, 1, 7), (0, 0, 5))), st.integers(0, 180_000)
    ),
)  # fmt: skip


@pytest.mark.rule("R7")
@settings(deadline=None)
@given(ENTRIES, st.one_of(st.none(), WEEKS), TEMPORARIES, TIMES, TIMES)
def test_the_highest_rate_is_that_of_a_walk_from_change_to_change(
    entries: list, week: object, made: object, from_s: int, time_s: int
) -> None:
    basal = basal_of(entries, week, made)
    assert basal.highest_nl(from_s, time_s) == walked_highest_nl(basal, from_s, time_s)


@pytest.mark.rule("R4")
@settings(deadline=None)
@given(ENTRIES, st.one_of(st.none(), WEEKS), TEMPORARIES, TIMES, TIMES, st.integers(-3, 3))
def test_what_is_skipped_is_what_a_walk_from_change_to_change_holds(
    entries: list, week: object, made: object, from_s: int, time_s: int, owed: int
) -> None:
    quick, slow = basal_of(entries, week, made), basal_of(entries, week, made)
    for basal in (quick, slow):
        basal.accumulator.remainder = owed * basal.accumulator.modulus // 2
    assert quick.skip(from_s, time_s) == walked_steps(slow, from_s, time_s)
    states = [(basal.accumulator.remainder, basal.accumulator.modulus, basal.temporary) for basal in (quick, slow)]
    assert states[0] == states[1]


@pytest.mark.rule("R10")
@pytest.mark.parametrize("count", [1, 2, 336])
@pytest.mark.parametrize("ahead_s", [-1, 100_000, 50 * S_PER_WEEK])
@pytest.mark.parametrize("duration_s", [1, 86_400, S_PER_WEEK, 360_000, FOR_EVER_S])
def test_a_walk_looks_at_each_entry_a_few_times_at_most(count: int, ahead_s: int, duration_s: int) -> None:
    """Even over an absurd time: `bolus.start` of 2^48 nl at 1 nl once walked it week by week."""
    entries = Counted([(4 * number, 1_000 + number) for number in range(count)])
    week = Week(MONDAY_UTC_S, Zone(0, max(0, MONDAY_UTC_S + ahead_s), 3_600))
    basal = basal_of(entries, week, temporary_of((0, 3, 2), 86_400))
    entries.looks, entries.most = 0, 20 * count + 200
    assert basal.highest_nl(7, duration_s) > 0
    entries.looks = 0
    basal.plan_steps(7, duration_s)
