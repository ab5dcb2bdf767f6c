"""Lockout, count and sum against a plain list: nothing drops out too early, and memory stays bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.orders.bolus import KEPT, Doses
from support.programs import constant, with_settings

DAY_S = 86_400
ROWS = st.lists(st.tuples(st.integers(0, 3 * DAY_S), st.integers(1, 1 << 40), st.booleans()), max_size=60)


def settings(lockout_s: int = 3600, per_day: int = 3) -> object:
    return with_settings(constant(1), demand_on=1, demand_nl=1, demand_s=60, lockout_s=lockout_s, demand_per_day=per_day).settings


def filled(rows: list) -> Doses:
    doses = Doses()
    for row in rows:
        doses.add(*row)
    return doses


@pytest.mark.rule("R5")
@given(ROWS, st.integers(0, 3 * DAY_S), st.integers(0, DAY_S), st.integers(1, 10))
def test_lockout_and_count_are_those_of_a_plain_list(rows: list, now_s: int, lockout_s: int, per_day: int) -> None:
    starts = sorted([start for start, _, demand in rows if demand and now_s - start < DAY_S])
    name, wait_s = filled(rows).barred(settings(lockout_s, per_day), now_s)
    locked = bool(starts) and now_s < starts[-1] + lockout_s
    assert (name == "demand_locked") == locked
    assert (name == "demand_count") == (not locked and len(starts) >= per_day)
    assert (wait_s > 0) == bool(name)
    if name == "demand_locked":
        assert now_s + wait_s == starts[-1] + lockout_s
    if name == "demand_count":
        later = now_s + wait_s
        assert len([start for start in starts if later - start < DAY_S]) == per_day - 1


@pytest.mark.rule("R5")
@given(ROWS, st.integers(0, 3 * DAY_S), st.integers(1, 1 << 42))
def test_the_sum_counts_every_bolus_whole_for_24_hours(rows: list, now_s: int, limit_nl: int) -> None:
    doses = filled(rows)
    assert doses.sum_nl(now_s) == sum([volume for start, volume, _ in rows if now_s - start < DAY_S])
    wait_s = filled(rows).room_s(now_s, 1, limit_nl)
    assert filled(rows).sum_nl(now_s + wait_s) + 1 <= limit_nl
    assert wait_s == 0 or filled(rows).sum_nl(now_s + wait_s - 1) + 1 > limit_nl


@pytest.mark.rule("R5")
@given(st.lists(st.tuples(st.integers(0, DAY_S - 1), st.integers(1, 100)), min_size=KEPT, max_size=3 * KEPT), st.integers(0, 2 * DAY_S))
def test_many_boluses_take_bounded_memory_and_none_is_forgotten_early(rows: list, now_s: int) -> None:
    doses = filled([(start, volume, False) for start, volume in rows])
    assert len(doses.rows) <= KEPT + 1
    assert doses.sum_nl(now_s) >= sum([volume for start, volume in rows if now_s - start < DAY_S])
    assert doses.sum_nl(2 * DAY_S) == 0
