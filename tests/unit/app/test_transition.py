"""The change of the offset while the pump runs, waits or is off: wall time against the time zone database."""

from datetime import UTC, datetime
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpcore.program.plan import SCHEDULE, Program
from pumpcore.program.schedule import minute_of_week
from support.models.weekly import ZonedPlan
from support.programs import day
from support.pump.flash import images_at_each_operation
from support.pump.running import BENCH, Watched, ready
from support.some import some_of

pytestmark = pytest.mark.rule("R11")
STEPS_PER_NL = Fraction(BENCH["calibration"]["steps"], BENCH["calibration"]["volume_nl"])


def utc(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())


# zone, moment of the change, offsets before and after: both change days, half an hour, west of Greenwich, over new year and leap day
CHANGES = {
    "spring": ("Europe/Berlin", utc(2026, 3, 29, 1), 3600, 7200),
    "autumn": ("Europe/Berlin", utc(2026, 10, 25, 1), 7200, 3600),
    "spring in the west": ("America/New_York", utc(2026, 3, 8, 7), -18_000, -14_400),
    "autumn in the west": ("America/New_York", utc(2026, 11, 1, 6), -14_400, -18_000),
    "half an hour": ("Australia/Lord_Howe", utc(2026, 4, 4, 15), 39_600, 37_800),
}
ROWS = {(d, h, m): 1000 * (1 + (7 * d + 5 * h + m) % 97) for d in range(7) for h, m in ((0, 0), (1, 30), (2, 0), (2, 30), (3, 0), (9, 15))}
MOMENTS = st.tuples(st.integers(0, 6), st.integers(0, 23), st.integers(0, 59))


def weekly(rows: dict) -> Program:
    made = Program("week", "water", 3600, [(minute_of_week(*moment), rate_nl) for moment, rate_nl in sorted(rows.items())])
    made.mode = SCHEDULE
    return made


def begun(rows: dict, change: tuple, before_s: int, leave: str = "stop") -> Watched:
    """Return a pump that started `before_s` ahead of the change and knows of it."""
    _, at_s, before, behind = change
    made = weekly(rows)
    made.after_power_loss = leave
    pump = ready(utc_s=at_s - before_s)
    pump.call("clock.set", utc_s=at_s - before_s, offset_s=before, transition_utc_s=at_s, transition_offset_s=behind)
    pump.upload(made)
    pump.call("start")
    return pump


def check_plan(pump: Watched, rows: dict, change: tuple, from_utc_s: int) -> None:
    span = pump.pump.delivery.span
    plan = ZonedPlan({at: Fraction(rate_nl, 3600) for at, rate_nl in rows.items()}, STEPS_PER_NL, change[0])
    assert span.ordered_steps == floor(plan.steps(from_utc_s, from_utc_s + span.planned_s))


@pytest.mark.parametrize("name", some_of(CHANGES, 3))
def test_a_day_with_a_change_is_the_calendar_s(name: str) -> None:
    change = CHANGES[name]
    pump = begun(ROWS, change, 40_000)
    pump.advance(90_000)
    check_plan(pump, ROWS, change, change[1] - 40_000)
    told = pump.records("offset_changed")
    assert told == [{"transition_utc_s": change[1], "old_offset_s": change[2], "new_offset_s": change[3]}]
    status = pump.call("status")
    assert (status["offset_s"], status["transition_utc_s"]) == (change[3], 0)


@settings(max_examples=12)
@given(st.dictionaries(MOMENTS, st.integers(0, 900_000), min_size=1, max_size=12), st.sampled_from(sorted(CHANGES)), st.integers(1, 20_000))
def test_any_week_over_any_change(rows: dict, name: str, before_s: int) -> None:
    pump = begun(rows, CHANGES[name], before_s)
    pump.advance(before_s + 9_000)
    check_plan(pump, rows, CHANGES[name], CHANGES[name][1] - before_s)


def test_the_lease_ends_at_the_change() -> None:
    pump = begun({(6, 2, 30): 100_000, (6, 1, 0): 200_000, (0, 0, 0): 5_000}, CHANGES["spring"], 1_000)
    pump.advance(1_010)
    changed = [record for record in pump.journal() if record.name == "entry"][-1]
    assert changed.fields["rate_nl"] == 100_000  # in the skipped hour, the last entry before it is in force
    assert abs(changed.utc_s - CHANGES["spring"][1]) <= 1
    assert pump.call("status")["next_change_s"] > 20 * 3600


def test_a_repeated_hour_runs_its_entries_again() -> None:
    pump = begun({(6, 2, 15): 300_000, (6, 2, 45): 100_000, (6, 0, 0): 200_000}, CHANGES["autumn"], 4_000)
    pump.advance(4_000 + 3_600)
    rates = [record["rate_nl"] for record in pump.records("entry")]
    assert rates == [200_000, 300_000, 100_000, 200_000, 300_000, 100_000]


@pytest.mark.parametrize("name", ["spring", "autumn"])
@pytest.mark.parametrize("off_s", [30, 5_000, 20 * 86_400])
def test_a_pump_that_is_off_at_the_change_goes_on_by_the_new_offset(name: str, off_s: int) -> None:
    """Nothing is caught up, and what is reported as missed is what the calendar held."""
    change = CHANGES[name]
    pump = begun(ROWS, change, 700, "resume")
    pump.advance(690.5)
    again = Watched(pump.image(), pump.board.clock.utc_s() + off_s)
    again.advance(200)
    status = again.call("status")
    assert (status["state"], status["offset_s"]) == ("running", change[3])
    boot = again.records("boot")[-1]
    missed = again.records("missed")[-1]
    plan = ZonedPlan({at: Fraction(rate_nl, 3600) for at, rate_nl in ROWS.items()}, STEPS_PER_NL, change[0])
    held = plan.steps(change[1] - 700, missed["to_utc_s"])
    accounted = boot["confirmed_steps"] + boot["uncertain_steps"] + missed["missed_steps"]
    assert abs(held - accounted) < 3
    local = datetime.fromtimestamp(again.board.clock.utc_s() + change[3], UTC)
    now = (local.weekday(), local.hour, local.minute)
    assert status["entry_rate_nl"] == ([rate for at, rate in sorted(ROWS.items()) if at <= now] or [ROWS[6, 9, 15]])[-1]


def test_what_was_settled_is_kept_and_a_cut_before_it_tells_it_again() -> None:
    change = CHANGES["autumn"]
    pump = begun(ROWS, change, 60)
    pump.advance(59)
    image = pump.image()
    pump.advance(30)
    kept = Watched(pump.image(), change[1] + 100)
    kept.advance(5)
    assert kept.call("status")["offset_s"] == 3600
    assert len(kept.records("offset_changed")) == 1
    again = Watched(image, change[1] + 100)
    again.advance(5)
    assert again.call("status")["offset_s"] == 3600 and len(again.records("offset_changed")) == 1


def test_new_year_and_leap_day_are_days_like_others() -> None:
    for begin_s, days in ((utc(2027, 12, 31, 12), 1), (utc(2028, 2, 28, 12), 2)):
        change = ("Europe/Berlin", utc(2028, 3, 26, 1), 3600, 7200)
        pump = ready(utc_s=begin_s)
        pump.call("clock.set", utc_s=begin_s, offset_s=3600, transition_utc_s=change[1], transition_offset_s=7200)
        pump.upload(weekly(ROWS))
        pump.call("start")
        pump.advance(days * 86_400)
        check_plan(pump, ROWS, change, begin_s)


def test_a_transition_is_ahead_and_while_running_not_too_near() -> None:
    pump = begun(ROWS, CHANGES["spring"], 4_000)
    now_s = pump.board.clock.utc_s()

    def zone(offset_s: int, transition_utc_s: int, transition_offset_s: int) -> dict:
        params = {"offset_s": offset_s, "transition_utc_s": transition_utc_s, "transition_offset_s": transition_offset_s}
        return {"utc_s": pump.board.clock.utc_s(), **params}

    assert pump.fault("clock.set", **zone(3600, now_s + 119, 7200)) == "clock_transition"
    refused = pump.ask("clock.set", **zone(3600, now_s + 119, 7200))["error"]["data"]
    assert (refused["rule"], refused["asked_utc_s"], refused["nearest_utc_s"]) == ("R11", now_s + 119, now_s + 121)
    assert pump.call("clock.set", **zone(3600, now_s + 300, 7200))["transition_utc_s"] == now_s + 300
    pump.advance(200)
    assert pump.fault("clock.set", **zone(3600, now_s + 9_000, 7200)) == "clock_transition"  # the old one is near
    assert pump.fault("clock.set", **zone(7200, now_s + 9_000, 7200)) == "clock_step"
    pump.advance(200)
    assert pump.call("status")["offset_s"] == 7200
    assert pump.call("clock.set", **zone(7200, now_s + 9_000, 3600))["transition_utc_s"] == now_s + 9_000
    pump.call("stop")
    assert pump.fault("clock.set", **zone(7200, now_s, 3600)) == "clock_transition"


def test_a_later_transition_moves_nothing_but_itself() -> None:
    change = CHANGES["autumn"]
    pump = begun(ROWS, change, 9_000)
    pump.advance(1_000)
    pump.call("clock.set", utc_s=pump.board.clock.utc_s(), offset_s=7200, transition_utc_s=change[1] + 3_600, transition_offset_s=3600)
    assert pump.call("status")["next_change_s"] is not None
    pump.advance(9_000)
    assert pump.call("status")["offset_s"] == 7200
    pump.call("clock.set", utc_s=pump.board.clock.utc_s(), offset_s=7200)  # an older host knows none
    pump.advance(9_000)
    assert (pump.call("status")["offset_s"], pump.records("offset_changed")) == (7200, [])


def test_an_offset_stored_by_an_older_firmware_is_read() -> None:
    pump = ready(day((0, 0, 100_000)))
    pump.pump.book.wall.store.save("offset", (7200).to_bytes(4, "little"))
    again = ready(image=pump.image())
    assert again.call("status")["offset_s"] == 7200 and again.call("status")["transition_utc_s"] == 0


def test_a_cut_at_any_flash_operation_around_the_change_leaves_a_zone_that_is_right() -> None:
    """While the next transition is set and while the old one passes: the stored zone gives the right offset."""
    change = CHANGES["autumn"]
    pump = begun(ROWS, change, 60, "resume")
    pump.advance(50)
    image = pump.image()
    pump.board.chip.record(lambda: pump.board.clock.utc_s())
    pump.advance(30)
    pump.call("clock.set", utc_s=pump.board.clock.utc_s(), offset_s=3600, transition_utc_s=change[1] + 20_000, transition_offset_s=7200)
    pump.advance(1)
    log, checked = pump.board.chip.log, 0
    for _number, _torn, cut_image, cut_utc_s in images_at_each_operation(image, log):
        again = Watched(cut_image, max(cut_utc_s, pump.board.clock.utc_s()) + 5)
        again.advance(3)
        status = again.call("status")
        assert (status["offset_s"], again.pump.book.wall.damaged) == (3600, False)
        assert status["transition_utc_s"] in (0, change[1] + 20_000)
        checked += 1
    assert checked > 20
