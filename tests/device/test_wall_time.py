"""Both change days, with and without a clock chip: the pump changes its local time by itself, running or without power."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from support.models.weekly import ZonedPlan
from support.programs import every_day, resuming
from support.rig.benches import CLOCK, NO_CLOCK
from support.rig.device import Device
from support.some import some_of
from thecal.pump.clock import Reading
from thecal.sim.world.individual import Individual

S_PER_DAY = 86_400
pytestmark = [pytest.mark.needs("plant", "free_time"), pytest.mark.rule("R11")]
PLAN = ((0, 400_000), (90, 800_000), (120, 100_000), (150, 900_000), (180, 200_000), (555, 300_000))  # minute of the day, nl per h
ROWS = {(d, m // 60, m % 60): Fraction(rate_nl, 3600) for d in range(7) for m, rate_nl in PLAN}


def utc(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())


# zone, begin, change, offsets
CHANGES = {
    "spring": ("Europe/Berlin", utc(2026, 3, 28, 18), utc(2026, 3, 29, 1), 3600, 7200),
    "autumn": ("Europe/Berlin", utc(2026, 10, 24, 18), utc(2026, 10, 25, 1), 7200, 3600),
    "new year": ("Europe/Berlin", utc(2026, 12, 31, 18), utc(2027, 3, 28, 1), 3600, 7200),
    "leap day": ("Europe/Berlin", utc(2028, 2, 28, 18), utc(2028, 3, 26, 1), 3600, 7200),
}


def begun(device: Device, name: str, leave: str = "stop") -> tuple:
    zone, begin_s, at_s, before_s, behind_s = CHANGES[name]
    device.upload(resuming(every_day(*PLAN), leave))
    device.client.clock_set(begin_s, before_s, at_s, behind_s)
    device.client.start()
    device.run_for(2)
    pair = device.calibration()
    return ZonedPlan(ROWS, Fraction(pair.steps, pair.volume_nl), zone), device.records("entry")[0]


@pytest.mark.parametrize("bench_name", [CLOCK, NO_CLOCK])
@pytest.mark.parametrize("name", some_of(CHANGES, 3))
def test_a_day_is_the_calendar_s_at_every_entry(bench_name: str, name: str) -> None:
    with Device(bench_name) as device:
        plan, first = begun(device, name)
        device.run_for(18 * 3600)
        entries = device.records("entry")
        for record in entries[1:]:
            passed_s = (record.uptime_ms - first.uptime_ms) // 1000
            due = plan.steps(first.utc_s, first.utc_s + passed_s)
            assert 0 <= due - record.fields["ordered_steps"] < 1
            assert record.fields["rate_nl"] * Fraction(1, 3600) * plan._steps_per_nl == plan.slope(first.utc_s + passed_s)
        assert len(entries) >= 5
        status = device.client.status()
        change = CHANGES[name]
        passed = change[1] + 18 * 3600 > change[2]
        assert status["offset_s"] == change[4 if passed else 3]
        told = [record.fields["new_offset_s"] for record in device.records("offset_changed")]
        assert told == ([change[4]] if passed else [])


@pytest.mark.parametrize("name", ["spring", "autumn"])
@pytest.mark.long
def test_without_power_at_the_change(name: str) -> None:
    """With a clock chip therapy goes on with the new offset; without one the time is unknown, so it does not."""
    with Device(CLOCK) as device:
        begun(device, name, "resume")
        device.run_for(6 * 3600)
        device.power_cycle(3 * 3600)
        assert device.reaches("running", 120)
        device.run_for(60)
        status = device.client.status()
        assert status["offset_s"] == CHANGES[name][4]
        minute = (status["utc_s"] + status["offset_s"]) % 86_400 // 60
        assert status["entry_rate_nl"] == [rate_nl for begin, rate_nl in PLAN if begin <= minute][-1]
    with Device(NO_CLOCK) as device:
        begun(device, name, "resume")
        device.run_for(6 * 3600)
        device.power_cycle(3 * 3600)
        device.run_for(60)
        assert (device.state(), device.client.status()["utc_s"]) == ("stopped", 0)
        assert "clock_lost" in device.alarms()


def test_the_time_is_told_to_the_millisecond_without_a_chip() -> None:
    with Device(NO_CLOCK) as device:
        device.client.clock_set(1_800_000_000, 0)
        device.run_for(1.25)
        status = device.client.status()
        assert status["utc_s"] == 1_800_000_001 and abs(status["utc_fraction_ms"] - 250) < 20
        assert status["clock_set_utc_s"] == 1_800_000_000
    with Device(CLOCK) as device:
        device.client.clock_set(1_800_000_000, 0)
        device.power_cycle(10)
        status = device.client.status()
        assert (status["utc_fraction_ms"], status["clock_set_utc_s"]) == (None, 1_800_000_000)


@pytest.mark.parametrize("seed", [1, 4])
def test_the_drift_that_is_told_is_the_crystal_s(seed: int) -> None:
    """A day of true time; without a chip to the millisecond, which is a fraction of a ppm."""
    with Device(NO_CLOCK, seed=seed) as device:
        device.client.clock_set(1_800_000_000, 0)
        set_ms = device.sim.now_ms()
        device.run_for(S_PER_DAY)
        true_s = 1_800_000_000 + (device.sim.now_ms() - set_ms) / 1000
        reading = Reading(device.client.status(), true_s, true_s)
    assert reading.drift_ppm is not None and abs(reading.drift_ppm - Individual(seed).crystal_ppb / 1000) < 1
    assert abs(reading.drift_ppm) > 1 and "drift" in reading.text()
