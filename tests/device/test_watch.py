"""`thecal watch` of today and of the last hour against the motor, across a cut, a stop, midnight and a set clock."""

from __future__ import annotations

import pytest

from support.programs import MONDAY_UTC_S, constant, resuming
from support.rig.benches import NO_CLOCK
from support.rig.device import Device
from thecal.reports.live.past import Past

pytestmark = [pytest.mark.needs("plant", "power_cut", "free_time")]
RATE_NL = 1_500_000
NEAR_STEPS = 45  # steps of a second at this rate: between midnight and the record next to it


def look(device: Device, past: Past) -> tuple[int, int] | None:
    status = device.client.status()
    past.look(device.client, status)
    return past.today(status)


def test_today_begins_at_local_midnight_also_behind_a_power_cut(device: Device) -> None:
    before_s = 7200
    device.begin(resuming(constant(RATE_NL)), utc_s=MONDAY_UTC_S - 3600 - before_s, offset_s=3600)
    watching = Past()
    first = look(device, watching)
    assert first is not None
    device.run_for(before_s - 1000)
    device.power_cycle(60)
    assert device.reaches("running", 130)
    yesterday = look(device, watching)
    assert yesterday is not None
    least, most = yesterday
    assert least <= device.sim.plant_steps() <= most
    while device.client.status()["utc_s"] < MONDAY_UTC_S - 3600:
        device.run_for(1)
    at_midnight = device.sim.plant_steps()
    device.run_for(5000)
    device.client.stop()
    device.run_for(100)
    for past in (watching, Past()):
        today = look(device, past)
        assert today is not None
        assert today[0] == today[1], "what is uncertain was yesterday"
        assert abs(today[1] - (device.sim.plant_steps() - at_midnight)) <= NEAR_STEPS


def test_without_a_clock_today_is_unknown_and_the_last_hour_is_not() -> None:
    with Device(NO_CLOCK) as device:
        device.upload(constant(RATE_NL))
        device.client.start()
        device.run_for(4000)
        past = Past()
        assert look(device, past) is None
        assert past.why == "the pump's clock is not set"
        pair = device.calibration()
        per_h = RATE_NL * pair.steps / pair.volume_nl
        assert all(value is not None and abs(value - per_h) < per_h * 0.01 for value in past.hour(8))


def test_a_reset_is_noticed_and_the_hour_before_it_is_kept(device: Device) -> None:
    device.begin(resuming(constant(RATE_NL)))
    past = Past()
    look(device, past)
    device.run_for(1800)
    device.power_cycle(900)
    assert device.reaches("running", 130)
    device.run_for(600)
    look(device, past)
    hour = past.hour(12)
    assert hour[3] is not None and hour[3] > 0
    assert 0 in [value and round(value) for value in hour], "while the power was off"
