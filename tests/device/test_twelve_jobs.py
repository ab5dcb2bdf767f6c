"""Twelve ordinary bench jobs, as files of host/examples or one command, delivered within one step of an independent reference."""

from collections.abc import Callable
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import NamedTuple

import pytest

from support.host.cli import ROOT, Visit
from support.models import jobs
from support.programs import MONDAY_UTC_S
from support.rig.benches import named
from support.rig.device import Device
from thecal.tools.demo.clockwork import advance_to_uptime

pytestmark = [pytest.mark.needs("plant", "free_time"), pytest.mark.rule("R4")]
EXAMPLES = ROOT / "host" / "examples"
HOUR_S, DAY_S, WEEK_S, MS_PER_S = 3600, 86_400, 604_800, 1000


class Job(NamedTuple):
    """A file, or the words of `thecal run`; the reference; the seconds at which it is compared, and whether it has ended at the last.
    `day`: days after Monday 00:00 at which it begins.
    """

    file: str
    command: tuple[str, ...]
    reference: Callable[[int], Fraction]
    seconds: tuple[int, ...]
    ends: bool = False
    day: int = 0


# A simulated day takes about a second: `make test` has the days that differ, `make test-long` the whole time.
WHOLE = {
    "1 uL/min for 3 days": Job("", ("1 uL/min", "--for", "3 d"), jobs.a_microlitre_a_minute, (3601, DAY_S, 3 * DAY_S + 60), True),
    "weekdays only, a week": Job("weekdays-only.toml", (), jobs.weekdays, (10 * HOUR_S, 5 * DAY_S, WEEK_S + 10 * HOUR_S)),
    "10 on, 50 off for a week": Job("on-and-off.toml", (), jobs.on_and_off, (601, 3600 + 333, 50 * HOUR_S, WEEK_S + 60), True),
}
JOBS = {
    "1 uL/min for a day": Job("", ("1 uL/min", "--for", "1 d"), jobs.a_microlitre_a_minute, (3601, DAY_S - 1), False),
    "120 ug/day of two drugs": Job("two-drugs.toml", (), jobs.two_drugs, (3601, DAY_S)),
    "circadian feed": Job("circadian-feed.toml", (), jobs.circadian, (6 * HOUR_S + 1, 18 * HOUR_S, 2 * DAY_S)),
    "chemostat at 3 mL/h": Job("chemostat.toml", (), jobs.chemostat, (3601, DAY_S)),
    "weekdays only": Job("weekdays-only.toml", (), jobs.weekdays, (10 * HOUR_S, DAY_S, 2 * DAY_S, 3 * DAY_S + 10 * HOUR_S), day=4),
    "10 on, 50 off": Job("on-and-off.toml", (), jobs.on_and_off, (601, 3600 + 333, 30 * HOUR_S)),
    "5 mL over 2 h": Job("", ("--volume", "5 mL", "--for", "2 h"), jobs.five_in_two_hours, (61, 3601, 2 * HOUR_S + 30), True),
    "6 h up and down": Job("ramp-up-and-down.toml", (), jobs.up_and_down, (59, 4567, 7 * HOUR_S, 40_000, 14 * HOUR_S + 60), True),
    "2 min every 20 min": Job("pulses.toml", (), jobs.pulses, (61, 1210, 5000, DAY_S)),
    "start at 06:00": Job("start-at-six.toml", (), jobs.from_six, (6 * HOUR_S - 1, 23_456, DAY_S), True),
}


def bench_of(name: str) -> object:
    """The chemostat's 72 mL a day need a higher ceiling than that of the simulated bench."""
    return named(day_nl=80_000_000) if "chemostat" in name else named()


def begun(device: Device, folder: Path, job: Job) -> Visit:
    """Type what a person types, at 00:00 UTC of the job's day."""
    visit = Visit(device, folder)
    device.client.clock_set(MONDAY_UTC_S + job.day * DAY_S, 0)
    if job.command:
        visit.types("run", *job.command, "--drug", "water", "--yes")
    else:
        visit.types("program", str(EXAMPLES / job.file), "--yes")
        visit.types("start", "--keep-clock")
    device.sim.wait_until_idle()
    return visit


def check(device: Device, reference: Callable[[int], Fraction], origin_ms: int, second: int) -> None:
    advance_to_uptime(device.sim, device.client, origin_ms + second * MS_PER_S)
    pair = device.calibration()
    due = reference(second) * pair.steps / pair.volume_nl
    made = device.sim.plant_steps()
    assert device.client.status()["delivered_steps"] == made
    assert abs(due - made) < 1, (second, float(due), made)


@pytest.mark.parametrize("name", [*JOBS, *[pytest.param(name, marks=pytest.mark.long) for name in WHOLE]])
def test_a_job_is_delivered_within_one_step(name: str, tmp_path: Path) -> None:
    job = {**JOBS, **WHOLE}[name]
    with Device(bench_of(name)) as device:
        begun(device, tmp_path, job)
        device.run_for(2)
        first = device.records("entry")[0]
        origin_ms = first.uptime_ms
        since_monday_s = first.utc_s - MONDAY_UTC_S
        assert since_monday_s - job.day * DAY_S < 60
        late_s = since_monday_s if reference_by_clock(job) else 0
        for second in job.seconds:
            check(device, lambda at_s: job.reference(at_s + late_s) - job.reference(late_s), origin_ms, second)
        assert device.state() == ("stopped" if job.ends else "running")


def reference_by_clock(job: Job) -> bool:
    """Return True if the job's seconds count from Monday 00:00, not from the start."""
    return job.reference in (jobs.circadian, jobs.weekdays, jobs.from_six)


@pytest.mark.parametrize(("order", "volume_nl", "lasts_s"), [
    (("--demand",), 50_000, 300), (("0.4 mL", "--extended", "4 h"), 400_000, 14_400),
])  # fmt: skip
def test_doses_on_top_are_delivered_within_one_step(order: tuple[str, ...], volume_nl: int, lasts_s: int, tmp_path: Path) -> None:
    """The two jobs that begin with demand.toml: a dose by demand, an extended one."""
    with Device() as device:
        visit = begun(device, tmp_path, Job("demand.toml", (), jobs.small_basal, ()))
        device.run_for(600)
        origin_ms = device.records("entry")[0].uptime_ms
        begins_ms = visit.told("bolus", *order, "--yes")["begins_at_ms"]
        pair = device.calibration()
        for part in (Fraction(1, 3), Fraction(1)):
            second = (begins_ms - origin_ms) // MS_PER_S + floor(lasts_s * part) + (10 if part == 1 else 0)
            advance_to_uptime(device.sim, device.client, origin_ms + second * MS_PER_S)
            dose = Fraction(volume_nl) * pair.steps / pair.volume_nl * part
            basal = jobs.small_basal(second) * pair.steps / pair.volume_nl
            made = device.sim.plant_steps()
            # two sources, each with a rest below one step
            assert abs(floor(basal) + floor(dose) - made) <= 1, (float(basal), float(dose), made)


PROTOCOLS = ("on-and-off", "ramp-up-and-down", "pulses", "start-at-six")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_pump_forecasts_the_same(name: str, tmp_path: Path) -> None:
    """The pump's digest equals the laptop's; a ramp is one row, and the laptop's curve has the pump's steps at every row."""
    with Device() as device:
        visit = Visit(device, tmp_path)
        device.client.clock_set(MONDAY_UTC_S, 0)
        told = visit.told("forecast", str(EXAMPLES / f"{name}.toml"), "--days", "3", "--from", "2026-06-01 01:23")
        assert told["pump_agrees"] is True
        assert len(told["rows"]) == {"on-and-off": 144, "ramp-up-and-down": 4, "pulses": 432, "start-at-six": 4}[name]
        pair = device.calibration()
        due = jobs.FILES[name](3 * DAY_S) * pair.steps / pair.volume_nl
        assert 0 <= due - sum(row["steps"] for row in told["rows"]) < 1
