"""The wall time on the pump: the schedule against the calendar, and an unknown time."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpcore.program.plan import SCHEDULE, Program
from pumpcore.program.schedule import minute_of_week
from support.models.weekly import WeeklyPlan
from support.programs import MONDAY_UTC_S, constant, day
from support.pump.running import Watched, ready, running

STEPS_PER_NL = Fraction(99_991, 1_000_003)


def weekly(rows: dict) -> Program:
    """Return {(weekday, hour, minute): nl per hour} as a program."""
    made = Program("week", "water", 3600, [(minute_of_week(*moment), rate_nl) for moment, rate_nl in sorted(rows.items())])
    made.mode = SCHEDULE
    return made


def lowest(made: Program) -> Program:
    made.on_clock_loss = "lowest"
    return made


MOMENTS = st.tuples(st.integers(0, 6), st.integers(0, 23), st.integers(0, 59))


@pytest.mark.rule("R4")
@pytest.mark.rule("R11")
@settings(max_examples=15)
@given(
    st.dictionaries(MOMENTS, st.integers(0, 900_000), min_size=1, max_size=20),
    st.integers(0, 604_799),
    st.sampled_from([0, 3600, -12_600, 50_400]),
    st.integers(1, 100_000),
)
def test_the_plant_follows_the_calendar(rows: dict, begin_s: int, offset_s: int, length_s: int) -> None:
    utc_s = MONDAY_UTC_S + begin_s
    pump = ready(utc_s=utc_s)
    pump.call("clock.set", utc_s=utc_s, offset_s=offset_s)
    pump.upload(weekly(rows))
    pump.call("start")
    pump.advance(length_s)
    span = pump.pump.delivery.span
    plan = WeeklyPlan({at: Fraction(rate_nl, 3600) for at, rate_nl in rows.items()}, STEPS_PER_NL, offset_s)
    assert span.ordered_steps == floor(plan.steps(utc_s, utc_s + span.planned_s))
    passed_s = (pump.board.clock.uptime_ms() - span.origin_ms) // 1000
    due = plan.steps(utc_s, utc_s + passed_s)
    highest = max(rows.values()) * STEPS_PER_NL / 3600
    assert due - 1 < pump.plant_steps() <= due + highest


def test_midnight_and_the_week_s_end_are_passed_at_their_time() -> None:
    sunday = MONDAY_UTC_S - 3600
    pump = running(weekly({(0, 0, 0): 360_000, (6, 23, 30): 180_000, (2, 12, 0): 0}), utc_s=sunday)
    pump.advance(3_700)
    entries = [(record.fields["rate_nl"], record.utc_s) for record in pump.journal() if record.name == "entry"]
    assert [rate_nl for rate_nl, _ in entries] == [0, 180_000, 360_000]
    assert abs(entries[1][1] - (MONDAY_UTC_S - 1800)) <= 1 and abs(entries[2][1] - MONDAY_UTC_S) <= 1
    expected = (1800 * 180_000 + 100 * 360_000) * STEPS_PER_NL / 3600
    assert abs(pump.plant_steps() - expected) <= 20


def test_the_offset_decides_which_entry_it_is() -> None:
    made = day((0, 0, 100_000), (1, 0, 200_000))
    pump = ready(made)
    pump.call("clock.set", utc_s=MONDAY_UTC_S, offset_s=3600)
    pump.call("start")
    pump.advance(1)
    assert pump.call("status")["entry_rate_nl"] == 200_000


@pytest.mark.rule("R11")
def test_a_schedule_without_a_clock_is_refused_or_runs_its_lowest_rate() -> None:
    made = day((0, 0, 300_000), (8, 0, 100_000), (20, 0, 200_000))
    pump = ready(made, utc_s=0)
    assert pump.fault("start") == "clock_unknown"
    pump = ready(lowest(made), utc_s=0)
    pump.call("start")
    pump.advance(100_000)
    status = pump.call("status")
    assert (status["state"], status["entry_rate_nl"], status["next_change_s"], status["utc_s"]) == ("running", 100_000, None, 0)
    assert abs(pump.plant_steps() - 100_000 * 100_000 * STEPS_PER_NL / 3600) <= 2


@pytest.mark.rule("R11")
def test_a_constant_program_needs_no_clock() -> None:
    pump = ready(constant(360_000), utc_s=0)
    pump.call("start")
    pump.advance(100)
    assert abs(pump.plant_steps() - 1000) <= 1


@pytest.mark.rule("R11")
def test_a_clock_that_becomes_known_while_running_is_followed_from_the_next_lease() -> None:
    pump = ready(lowest(day((0, 0, 900_000), (8, 0, 100_000))), utc_s=0)
    pump.call("start")
    pump.advance(300)
    assert pump.call("status")["entry_rate_nl"] == 100_000
    pump.call("clock.set", utc_s=MONDAY_UTC_S + 3600, offset_s=0)
    pump.advance(70)
    assert pump.call("status")["entry_rate_nl"] == 900_000
    assert abs(pump.call("status")["next_change_s"] - (7 * 3600 - 70)) <= 1


@pytest.mark.rule("R11")
@pytest.mark.parametrize("by_s", [-2, 2])
def test_a_small_correction_moves_the_next_change(by_s: int) -> None:
    pump = running(day((0, 0, 100_000), (1, 0, 200_000)))
    pump.advance(100)
    before_s = pump.call("status")["next_change_s"]
    pump.call("clock.set", utc_s=pump.board.clock.utc_s() + by_s, offset_s=0)
    assert pump.call("status")["next_change_s"] == before_s - by_s
    pump.advance(before_s + 10)
    change = [record for record in pump.journal() if record.name == "entry"][-1]
    assert change.fields["rate_nl"] == 200_000 and abs(change.utc_s - (MONDAY_UTC_S + 3600)) <= 1


@pytest.mark.rule("R11")
def test_an_offset_that_was_lost_is_an_alarm_until_the_clock_is_set() -> None:
    pump = ready(day((0, 0, 100_000)))
    pump.call("clock.set", utc_s=MONDAY_UTC_S, offset_s=7200)
    for name in pump.board.flash.names("/store"):
        if name.startswith("offset"):
            pump.board.flash.write("/store/" + name, b"rotten")
    again = Watched(pump.image(), MONDAY_UTC_S)
    again.advance(0.05)
    assert again.fault("start") == "alarm_active" and again.alarms() == ["offset_damaged"]
    again.call("clock.set", utc_s=MONDAY_UTC_S, offset_s=0)
    assert again.alarms() == []
    again.call("start")


def test_entries_at_zero_stand_still_and_go_on() -> None:
    pump = running(day((0, 0, 360_000), (0, 1, 0), (0, 3, 360_000)))
    pump.advance(59.9)
    before = pump.plant_steps()
    pump.advance(10)
    still = pump.plant_steps()
    pump.advance(100)
    assert pump.plant_steps() == still <= before + 2
    pump.advance(100)
    assert pump.plant_steps() > still + 400 and pump.state() == "running"
