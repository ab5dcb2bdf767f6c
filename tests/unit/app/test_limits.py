"""Ceilings on the running pump: the plant's steps in any hour, at a limit, after a reset, whatever the clock says."""

import itertools
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpcore.motion.dose import Calibration
from pumpcore.program.packing import pack
from pumpcore.program.plan import SCHEDULE, Program
from support.programs import MONDAY_UTC_S, constant, day, resuming
from support.pump.running import BENCH, Watched, blank_image, power_cut, ready, running

PAIR = Calibration(1_000_003, 99_991)
HOUR_NL, DAY_NL = 600_000, 20_000_000
HOUR_STEPS, DAY_STEPS = PAIR.steps_for_nl(HOUR_NL), PAIR.steps_for_nl(DAY_NL)


@cache
def small(hour_nl: int = HOUR_NL, day_nl: int = DAY_NL, rate_nl: int = 40_000_000) -> bytes:
    """Return a bench with low ceilings: 600 uL in an hour."""
    return blank_image(BENCH | {"ceilings": {"rate_nl": rate_nl, "rate_seconds_s": 3600, "hour_nl": hour_nl, "day_nl": day_nl}})


class Plotted(Watched):
    """Keep (uptime in ms, plant's steps) after every turn."""

    def __init__(self, image: bytes, utc_s: int = 0) -> None:
        self.curve = [(0, 0)]
        super().__init__(image, utc_s)

    def look(self) -> None:
        super().look()
        if self.pump.selftest.done:
            self.curve.append((self.board.clock.uptime_ms(), self.plant_steps()))


def most_in(curve: list, window_ms: int) -> int:
    """Return the most steps of the plant between two looks at most `window_ms` apart: a lower bound of the truth."""
    most, low = 0, 0
    for at_ms, steps in curve:
        while curve[low][0] < at_ms - window_ms:
            low += 1
        most = max(most, steps - curve[low][1])
    return most


def plotted(program: Program, image: bytes, utc_s: int = MONDAY_UTC_S) -> Plotted:
    pump = Plotted(image, utc_s)
    pump.advance(0.05)
    pump.upload(program)
    pump.call("start")
    return pump


def soon_at_the_hours_limit() -> Plotted:
    """Return a pump whose basal and bolus of now reach the hour's ceiling within 50 minutes."""
    pump = plotted(constant(500_000), small())
    pump.advance(600)
    pump.order(120_000, 4_000_000)
    return pump


def at_the_hours_limit() -> Plotted:
    pump = soon_at_the_hours_limit()
    pump.advance(2_950)
    assert pump.state() == "limited"
    return pump


@cache
def highest_constant(image: bytes) -> int:
    """Return the highest rate per hour that can be staged: 61 minutes of it are one step below the hour's ceiling."""
    pump = ready(image=image)
    low_nl, high_nl = 1, 40_000_000
    while low_nl + 1 < high_nl:
        middle_nl = (low_nl + high_nl) // 2
        try:
            pump.upload(constant(middle_nl))
            low_nl = middle_nl
        except AssertionError:
            high_nl = middle_nl
    return low_nl


@pytest.mark.rule("R5")
@pytest.mark.parametrize("phase_s", [0, 0.5, 17.3, 59.999])
def test_a_rate_at_the_ceiling_passes_staging_and_runs(phase_s: float) -> None:
    image = small()
    rate_nl = highest_constant(image)
    pump = ready(image=image)
    pump.advance(phase_s)
    pump.upload(constant(rate_nl))
    pump.call("start")
    for _ in range(60):
        pump.advance(151.137)  # looks at odd times
        assert pump.state() == "running" and pump.records("paused") == []
    assert "hour_above_ceiling" in str(pump.judge(pack(constant(rate_nl + 1))))


@pytest.mark.rule("R5")
@given(
    st.lists(st.tuples(st.integers(0, 1439), st.integers(0, 580_000)), min_size=1, max_size=12, unique_by=lambda row: row[0]),
    st.lists(
        st.tuples(st.integers(0, 4_000), st.integers(30_000, 400_000), st.integers(400_000, 8_000_000), st.sampled_from("bcs")), max_size=7
    ),
)
def test_no_hour_of_the_plant_holds_more_than_the_ceiling(minutes: list, events: list) -> None:
    """Random schedules, boluses, cancellations, stops and starts may be refused, paused or delivered, but never exceed it."""
    made = Program("x", "water", 3600, sorted(minutes))
    made.mode = SCHEDULE
    pump = plotted(made, small())
    for after_s, volume_nl, rate_nl, kind in events:
        pump.advance(after_s + 0.377)
        token = pump.token()
        done = "result" in pump.ask("bolus.start", token=token, volume_nl=volume_nl, rate_nl=rate_nl)
        if done and kind == "c":
            pump.advance(volume_nl % 60)
            pump.ask("bolus.cancel", token=token)
        if kind == "s":
            pump.advance(volume_nl % 100)
            pump.call("stop")
            pump.call("start")
    pump.advance(2_000)
    assert most_in(pump.curve, 3_600_000) <= HOUR_STEPS
    assert most_in(pump.curve, 86_400_000) <= DAY_STEPS


@pytest.mark.rule("R5")
def test_at_the_hour_s_ceiling_the_basal_pauses_and_goes_on_by_itself() -> None:
    pump = at_the_hours_limit()
    assert pump.alarms() == ["hour_limit"]
    (paused,) = pump.records("paused")
    assert paused["fault"] == 610 and paused["ordered_steps"] == pump.delivered_steps() == pump.plant_steps()
    pump.advance(300)
    assert pump.state() == "running" and pump.alarms() == []
    (unpaused,) = pump.records("unpaused")
    assert unpaused["ordered_steps"] == paused["ordered_steps"] and unpaused["missed_steps"] > 0
    assert most_in(pump.curve, 3_600_000) <= HOUR_STEPS


@pytest.mark.rule("R5")
def test_what_is_missed_at_a_limit_is_told_and_never_caught_up() -> None:
    pump = soon_at_the_hours_limit()
    pump.advance(9_000)
    stopped = pump.call("stop")["delivered_steps"]
    missed = sum([row["missed_steps"] for row in pump.records("unpaused", "missed")])
    due = 9_600 * 500_000 * PAIR.steps / (3600 * PAIR.volume_nl) + PAIR.steps_for_nl(120_000)
    assert missed > 0 and abs(due - stopped - missed) <= 7 * 14


@pytest.mark.rule("R5")
def test_a_stop_at_a_limit_tells_what_was_missed_and_a_new_start_begins_without_it() -> None:
    pump = at_the_hours_limit()
    pump.call("stop")
    missed = sum([row["missed_steps"] for row in pump.records("missed")])
    assert pump.state() == "stopped"
    assert missed > 0 and pump.pump.book.missed_steps == 0


def test_a_pump_at_its_limit_can_be_stopped_and_takes_no_bolus() -> None:
    pump = at_the_hours_limit()
    assert pump.fault("bolus.start", token=pump.token(), volume_nl=30_000, rate_nl=900_000) == "not_running"
    assert pump.call("stop")["state"] == "stopped"
    pump.call("start")
    pump.advance(5)
    assert pump.state() == "limited"  # stopping and starting does not empty the window
    assert most_in(pump.curve, 3_600_000) <= HOUR_STEPS


@pytest.mark.rule("R5")
def test_the_day_s_ceiling_takes_over_from_the_hour_s() -> None:
    pump = plotted(constant(500_000), small())
    pump.pump.delivery.leases.windows.add(HOUR_STEPS - 200)
    pump.advance(300)
    assert pump.alarms() == ["hour_limit"]
    pump.pump.delivery.leases.windows.add(DAY_STEPS * 2, minutes=90)
    pump.advance(3_900)
    assert pump.state() == "limited" and pump.alarms() == ["day_limit"]


@pytest.mark.rule("R5")
@pytest.mark.parametrize("at_s", [200, 400, 1_000, 1_790])
def test_a_reset_does_not_empty_the_windows(at_s: int) -> None:
    """A bolus of half the hour's ceiling: whenever the power fails, the next boot still counts it."""
    pump = plotted(resuming(constant(100_000)), small())
    pump.order(400_000, 10_000_000)
    pump.advance(at_s)
    again = power_cut(pump, 5)
    again.advance(70)
    booked = again.pump.delivery.leases.windows.hour_steps
    assert booked >= pump.plant_steps()
    assert again.call("status")["hour_nl"] >= PAIR.nl_for_steps(pump.plant_steps())
    refused = again.ask("bolus.start", token=again.token(), volume_nl=400_000, rate_nl=10_000_000)
    assert refused["error"]["data"]["fault"] in ("hour_above_ceiling", "not_running")


@pytest.mark.rule("R5")
@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(1, 1_500), st.integers(0, 90_000)), min_size=2, max_size=6))
def test_no_hour_over_resets_holds_more_than_the_ceiling(cuts: list) -> None:
    """Time off counts as none: any powered-on hour over any number of cuts stays below."""
    pump, curve, base_ms, base_steps = plotted(resuming(constant(560_000)), small()), [], 0, 0
    for run_s, off_s in cuts:
        pump.ask("bolus.start", token=pump.token(), volume_nl=150_000, rate_nl=9_000_000)
        pump.advance(run_s)
        curve += [(base_ms + at_ms, base_steps + steps) for at_ms, steps in pump.curve]
        base_ms, base_steps = curve[-1]
        pump = Plotted(pump.image(), pump.board.clock.utc_s() + off_s)
        pump.advance(0.05)
        if pump.state() == "stopped":
            pump.call("start")
    assert most_in(curve, 3_600_000) <= HOUR_STEPS
    assert most_in(curve, 86_400_000) <= DAY_STEPS


@pytest.mark.rule("R5")
def test_two_boluses_within_an_hour_are_one_hour_s_wherever_the_minutes_begin() -> None:
    """One in the second half of a minute, the other 60 minutes later in the first half: less than 3,600 s in all."""
    pump = plotted(constant(7), small(rate_nl=100_000_000))
    pump.advance(31.95)
    token = pump.order(560_000, 99_000_000)
    pump.advance(27)
    assert pump.bolus(token)["state"] == "done"
    pump.advance(3_541)
    for _ in range(11):  # from the beginning of the 60th minute to its end
        assert (
            pump.fault("bolus.start", token=pump.token(), volume_nl=560_000, rate_nl=99_000_000)
            == "hour_above_ceiling"
        )
        pump.advance(5)
    pump.advance(10)
    pump.order(560_000, 99_000_000)
    pump.advance(60)
    assert most_in(pump.curve, 3_600_000) <= HOUR_STEPS


@pytest.mark.rule("R5")
def test_setting_the_clock_ages_nothing() -> None:
    pump = plotted(constant(100_000), small())
    pump.order(400_000, 10_000_000)
    pump.advance(200)
    pump.call("stop")
    before = pump.pump.delivery.leases.windows.hour_steps
    pump.call("clock.set", utc_s=MONDAY_UTC_S + 40 * 86_400, offset_s=0)
    pump.call("start")
    pump.advance(30)
    assert pump.pump.delivery.leases.windows.hour_steps >= before
    assert pump.fault("bolus.start", token=pump.token(), volume_nl=400_000, rate_nl=10_000_000) == "hour_above_ceiling"


@pytest.mark.rule("R5")
def test_a_bolus_at_the_ceiling_of_the_rate_passes_and_one_above_does_not() -> None:
    pump = running(day((0, 0, 100_000), (0, 1, 300_000)), image=small())
    pump.advance(30)
    token = pump.token()
    # the basal rises while the bolus runs: the highest counts
    refused = pump.ask("bolus.start", token=token, volume_nl=500_000, rate_nl=39_800_000)["error"]["data"]
    assert refused["fault"] == "rate_above_ceiling" and refused["nearest_nl"] == 39_700_000
    assert pump.ask("bolus.start", token=token, volume_nl=500_000, rate_nl=39_700_000)["result"]
    pump.advance(60)
    assert pump.bolus(token)["state"] == "done"


def test_most_in_finds_the_fullest_window() -> None:
    curve = [(0, 0), (10, 5), (20, 5), (30, 20), (40, 21)]
    by_hand = [later - earlier for (a, earlier), (b, later) in itertools.combinations(curve, 2) if b - a <= 20]
    assert most_in(curve, 20) == max(by_hand) == 16


@pytest.mark.rule("R4")
def test_after_a_pause_steps_fall_on_their_times_again() -> None:
    """No step comes before the plan, not even the first after a pause."""
    pump = soon_at_the_hours_limit()
    queued = []
    queue = pump.board.stepper.queue
    pump.board.stepper.queue = lambda steps, duration_us: (
        queued.append((pump.board.clock.now_us, steps, duration_us)),
        queue(steps, duration_us),
    )
    pump.advance(3_400)
    accumulator_us = 36e8 * 1_000_003 / (500_000 * 99_991)  # between two steps
    resting = [number for number, (_, steps, duration_us) in enumerate(queued) if (steps, duration_us) == (0, 1_000)]
    assert resting
    for number in resting:
        _begun_us, steps, first_us = queued[number + 1]
        ahead_us = 2_000_000  # at worst the lease is being written until then
        assert steps == 1 and first_us <= ahead_us + accumulator_us + 1


@pytest.mark.rule("R4")
@pytest.mark.parametrize("write_us", [49_000, 836_000])
def test_a_slow_lease_write_behind_a_pause_makes_no_step_early_and_none_in_a_burst(write_us: int) -> None:
    """At the flash's worst times, the lease is durable only after its first steps were due."""
    pump = soon_at_the_hours_limit()
    files, clock, queued = pump.pump.delivery.leases.files, pump.board.clock, []
    write, queue = files.write, pump.board.stepper.queue

    def slow_write(record: object) -> None:
        write(record)
        clock.now_us += write_us

    files.write = slow_write
    pump.board.stepper.queue = lambda steps, duration_us: (queued.append((steps, duration_us)), queue(steps, duration_us))
    pump.advance(3_400)
    resting = [number for number, item in enumerate(queued) if item == (0, 1_000)]
    assert resting and pump.state() == "running"
    accumulator_us = 36e8 * 1_000_003 / (500_000 * 99_991)
    for number in resting:
        _, (rest, run_us) = queued[number + 1 : number + 3]
        assert abs(run_us / rest - accumulator_us) < 1
