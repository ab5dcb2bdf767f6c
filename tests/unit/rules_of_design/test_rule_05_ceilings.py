"""R5: ceilings belong to the bench; a program may tighten them; no rolling hour or day holds more, whatever the clock says."""

import pytest

from pumpcore.limits.limits import Windows
from pumpcore.motion.dose import Calibration
from support.programs import MONDAY_UTC_S, constant, day
from support.pump.running import BENCH, UnitPump, again, bench_with
from support.replies import fault_of, number

pytestmark = pytest.mark.rule("R5")
HOUR_NL = 10_000_000
TIGHT = bench_with(hour_nl=HOUR_NL)
PAIR = Calibration(BENCH["calibration"]["volume_nl"], BENCH["calibration"]["steps"])


def at_the_ceiling(quiet_s: int = 0) -> UnitPump:
    """Return a pump that waits at the hour's ceiling after basal and an early bolus, powered `quiet_s` before its start."""
    pump = UnitPump.ready(constant(8_000_000), bench=TIGHT)
    pump.advance(1 + quiet_s)
    pump.call("start")
    pump.advance(30)
    pump.order(4_000_000, 24_000_000)
    pump.advance(55 * 60)
    assert pump.call("status")["state"] == "limited"
    return pump


def test_no_rolling_hour_holds_more_than_its_ceiling() -> None:
    pump = UnitPump.running(constant(8_000_000), bench=TIGHT)
    pump.advance(30)
    pump.order(4_000_000, 24_000_000)
    seen = []
    pump.each_turn(2.5 * 3600, lambda: seen.append((pump.board.clock.now_us, pump.plant_steps())))
    begin, highest = 0, 0
    for now_us, made in seen:
        while now_us - seen[begin][0] > 3600 * 1_000_000:
            begin += 1
        highest = max(highest, made - seen[begin][1])
    assert 0.9 * PAIR.steps_for_nl(HOUR_NL) < highest <= PAIR.steps_for_nl(HOUR_NL)


def test_at_the_ceiling_the_basal_pauses_with_an_alarm_and_goes_on_by_itself() -> None:
    pump = at_the_ceiling()
    assert number("hour_limit") in pump.call("alarms")["alarms"][0].values()
    made = pump.plant_steps()
    pump.advance(60)
    assert pump.plant_steps() == made
    pump.advance(15 * 60)
    assert pump.plant_steps() > made


@pytest.mark.parametrize(("name", "fault"), [("hour_nl", "hour_above_ceiling"), ("day_nl", "day_above_ceiling")])
def test_staging_refuses_what_would_pass_a_window(name: str, fault: str) -> None:
    pump = UnitPump.ready(constant(1_000))
    wide, tight = constant(300_000_000), constant(300_000_000)
    setattr(tight, name, 250_000_000)
    assert "result" in pump.judge(wide)
    assert fault_of(pump.judge(tight)) == fault


@pytest.mark.parametrize("name", ["max_rate_nl", "hour_nl", "day_nl"])
def test_a_program_can_not_widen_a_ceiling(name: str) -> None:
    pump, wider = UnitPump.ready(constant(1_000)), constant(1_000)
    ceilings = BENCH["ceilings"]
    setattr(wider, name, {"max_rate_nl": ceilings["rate_nl"]}.get(name) or ceilings[name])
    assert "result" in pump.judge(wider)
    setattr(wider, name, getattr(wider, name) + 1)
    assert fault_of(pump.judge(wider)) == "limit_wider"


def test_a_partial_minute_counts_whole_until_it_is_certainly_an_hour_old() -> None:
    windows = Windows()
    windows.add(500)  # at second 59 of minute 0
    windows.move_to(60)  # second 3600: 3541 s later
    assert windows.hour_steps == 500
    windows.move_to(61)
    assert windows.hour_steps == 0
    windows.move_to(1440)
    assert windows.day_steps == 500
    windows.move_to(1441)
    assert windows.day_steps == 0


def test_setting_the_clock_does_not_age_the_windows() -> None:
    pump = at_the_ceiling()
    pump.call("stop")
    pump.call("clock.set", utc_s=MONDAY_UTC_S + 2 * 86_400, offset_s=0)
    made = pump.plant_steps()
    pump.call("start")
    pump.advance(5)
    assert pump.call("status")["state"] == "limited"
    assert pump.plant_steps() == made


@pytest.mark.parametrize("quiet_s", [0, 310], ids=["steps-before-the-first-total", "steps-after-the-first-total"])
def test_a_reset_and_a_night_without_power_do_not_age_the_windows(quiet_s: int) -> None:
    pump = again(at_the_ceiling(quiet_s), off_s=86_400)
    pump.call("start")
    pump.advance(5)
    assert pump.call("status")["state"] == "limited"
    assert pump.plant_steps() == 0


def test_a_bolus_that_would_pass_the_hour_is_refused_when_ordered() -> None:
    pump = UnitPump.running(constant(8_000_000), bench=TIGHT)
    pump.advance(30)
    pump.order(4_000_000, 24_000_000)
    pump.advance(20 * 60)
    token = pump.token()
    reply = pump.ask("bolus.start", token=token, volume_nl=4_000_000, rate_nl=24_000_000)
    assert fault_of(reply) == "hour_above_ceiling"
    detail = reply["error"]["data"]
    assert detail["nearest_nl"] < 4_000_000 < detail["asked_nl"]


def test_an_hour_across_entries_and_midnight_is_judged_too() -> None:
    pump = UnitPump.ready(constant(1_000), bench=TIGHT)
    assert "result" in pump.judge(day((0, 0, 9_000_000)))
    assert fault_of(pump.judge(day((0, 0, 12_000_000), (0, 30, 1_000), (23, 30, 12_000_000)))) == "hour_above_ceiling"


@pytest.mark.parametrize(("name", "fault"), [("hour_nl", "hour_above_ceiling"), ("day_nl", "day_above_ceiling")])
def test_the_bench_binds_a_program_without_limits(name: str, fault: str) -> None:
    pump = UnitPump.ready(constant(1_000), bench=bench_with(**{name: 250_000_000}))
    assert fault_of(pump.judge(constant(300_000_000))) == fault
