"""The time line from the journal against the motor's true steps: a day with everything that can happen to it."""

from __future__ import annotations

import json

import pytest

from support.programs import MONDAY_UTC_S, constant, every_day, resuming
from support.rig.benches import NO_CLOCK, named
from support.rig.device import Device
from support.rig.witness import Witness
from thecal.history.checks import checks
from thecal.history.evidence import Evidence, as_lines, collect
from thecal.history.saved import load
from thecal.history.timeline import Timeline
from thecal.quantities.amounts import Rate

pytestmark = [pytest.mark.needs("plant", "power_cut", "free_time")]
DAY = ((0, 1_000_000), (60, 2_000_003), (120, 700_001), (600, 3_000_000), (900, 123_457))
# between two records the curve is a straight line, but the motor makes whole steps


def everything(device: Device, witness: Witness, bolus_at_s: int = 2000) -> None:
    """A bolus (at 3000 s across an entry), the clock set by 2 s while running, a cut, a cancelled bolus, a stopped one, DST, a start."""
    device.begin(resuming(every_day(*DAY)), utc_s=MONDAY_UTC_S - 3600, offset_s=3600)
    witness.run_for(bolus_at_s)
    device.order(600_000, 3_000_000)
    witness.run_for(5000)
    device.client.clock_set(device.client.status()["utc_s"] + 2, 3600)
    witness.run_for(2000)
    device.power_cycle(1367)
    assert device.reaches("running", 130)
    witness.run_for(7000)
    token = device.order(500_000, 4_000_000)
    witness.run_for(200)
    device.client.bolus_cancel(token)
    witness.run_for(15_000)
    device.order(800_000, 1_000_000)
    witness.run_for(1200)
    device.client.stop()
    witness.run_for(700)
    device.client.clock_set(device.client.status()["utc_s"] + 1, 7200)
    device.client.start()
    witness.run_for(20_000)


def test_a_day_with_everything_in_it_is_told_exactly(device: Device, tmp_path) -> None:
    witness = Witness(device)
    everything(device, witness)
    found = collect(device.client)
    line = Timeline(found)
    witness.check(line)
    assert [words for holds, words in checks(line) if not holds] == []
    books = line.books
    assert [run.ended for run in books.runs] == ["power", "host", "running"]
    assert [one.ended for one in books.now.boluses.values()] == ["done", "cancelled", "stopped"]
    assert (len(books.losses), set(books.stretches.closed[2].missed_steps)) == (1, {"power"})
    assert [one.offset_s for one in books.now.clock_sets] == [3600, 3600, 7200]
    offs = [one.off_by_steps() for one in books.stretches.closed]
    assert sum(off is not None for off in offs) >= 3, "whole entries are compared with the prescription"
    saved = tmp_path / "pump.jsonl"
    saved.write_text(as_lines(found), encoding="utf-8")
    again = Timeline(load([saved]))
    assert (again.planned.points, again.low.points, again.high.points) == (line.planned.points, line.low.points, line.high.points)


def test_every_window_of_the_day_adds_up(device: Device) -> None:
    """The sums of two neighbouring windows equal the sum of both, wherever they meet."""
    witness = Witness(device)
    everything(device, witness, bolus_at_s=3000)
    witness.look()
    line = Timeline(collect(device.client))
    witness.check(line)
    begin_ms, end_ms = line.window(None, None)
    whole = line.sums(begin_ms, end_ms)
    for part in range(1, 20):
        meet_ms = line.window(begin_ms, begin_ms + (end_ms - begin_ms) * part // 20)[1]
        first, second = line.sums(begin_ms, meet_ms), line.sums(meet_ms, end_ms)
        for name in ("planned_steps", "delivered_steps", "uncertain_steps", "halted_steps"):
            assert getattr(first, name) + getattr(second, name) == getattr(whole, name), (part, name)


def test_a_pause_at_a_ceiling_is_planned_and_not_delivered() -> None:
    with Device(named(hour_nl=600_000)) as device:
        witness = Witness(device)
        device.begin(constant(500_000))
        witness.run_for(600)
        device.order(120_000, 4_000_000)
        witness.run_for(9000)
        line = Timeline(collect(device.client))
        witness.check(line)
        assert line.books.pauses
        missed = sum(one.missed_steps for one in line.books.pauses)
        pause = line.books.pauses[0]
        assert pause.to_ms is not None
        assert missed == line.sums(*line.window(None, None)).missed_steps["limit"] > 0
        assert line.low.between(pause.from_ms + 1000, pause.to_ms - 1000) == 0
        assert abs(line.planned.between(pause.from_ms, pause.to_ms) - pause.missed_steps) <= 3 * 14, "within the seconds at its ends"


def test_a_stop_at_a_ceiling_tells_what_was_missed() -> None:
    with Device(named(hour_nl=600_000)) as device:
        device.begin(constant(500_000))
        device.run_for(600)
        device.order(120_000, 4_000_000)
        while device.state() != "limited":
            device.run_for(60)
        device.run_for(100)
        device.client.stop()
        device.run_for(2)
        line = Timeline(collect(device.client))
        assert [words for holds, words in checks(line) if not holds] == []
        assert line.sums(*line.window(None, None)).missed_steps["limit"] > 0


def test_a_calibration_between_two_runs_changes_the_volumes_behind_it_and_the_plan(device: Device) -> None:
    """A run for the balance, another calibration, the same prescription: each volume uses the calibration of its time."""
    witness = Witness(device)
    device.begin(every_day((0, 1_000_000), (30, 2_000_000), (120, 500_000)))
    witness.run_for(4000)
    device.client.stop()
    before = device.calibration()
    device.client.run_start(device.client.bolus_token(), "calibration", 20_000, Rate(6_000_000, 3600))
    witness.run_for(300)
    weighed = weighed_pair(before.volume_nl * 11 // 10, before.steps)
    device.client.calibration_set(weighed)
    device.client.clock_set(MONDAY_UTC_S + 86_400, 0)
    device.client.start()
    witness.run_for(4000)
    line = Timeline(collect(device.client))
    witness.check(line)
    assert [words for holds, words in checks(line) if not holds] == []
    assert [run.by for run in line.books.runs] == ["host", "calibration", "host"]
    assert [one.purpose for one in line.books.now.boluses.values()] == ["calibration"]
    offs = [one.off_by_steps() for one in line.books.stretches.closed]
    assert [off is not None and abs(off) < 1 for off in offs] == [True, False, True, False], "by the pair of then"
    first, last = line.books.runs[0], line.books.runs[-1]
    volumes = [line.volume_between(line.high, run.from_ms, run.to_ms) for run in (first, last)]
    assert all(volume is not None and abs(volume - wanted) < 2_000 for volume, wanted in zip(volumes, (1_722_222, 1_722_222), strict=True))
    whole = line.volume_between(line.high, *line.window(None, None))
    assert whole == sum(volume for volume in volumes if volume) + line.volume_nl(20_000, first.to_ms)


def weighed_pair(volume_nl: int, steps: int) -> bytes:
    """Return a calibration as it is stored."""
    from pumpcore.bench.weighed import Weighed, pack

    return pack(Weighed(volume_nl, steps, MONDAY_UTC_S, 1_000_000, 100, 0, 0, 3, "T1", "L1"))


def test_without_a_clock_the_time_is_unknown_and_the_steps_are_not() -> None:
    with Device(NO_CLOCK) as device:
        witness = Witness(device)
        device.begin(resuming(constant(1_500_000)))
        witness.run_for(900)
        device.power_cycle(300)
        assert device.reaches("running", 130)
        witness.run_for(900)
        line = Timeline(collect(device.client))
        witness.check(line)
        assert [boot.known for boot in line.axis.boots.values()] == [True, False]


def test_brown_outs_count_an_open_lease_once(device: Device) -> None:
    device.begin(resuming(constant(1_500_000)))
    device.run_for(100)
    for number in range(8):
        device.sim.cut_power()
        device.run_for(0.1)
        device.sim.restore_power()
        device.run_for(0.001 * number * 7)
    device.run_for(1)
    line = Timeline(collect(device.client))
    assert [words for holds, words in checks(line) if not holds] == []
    sums = line.sums(*line.window(None, None))
    assert sums.delivered_steps <= device.sim.plant_steps() <= sums.delivered_steps + sums.uncertain_steps


def test_a_journal_without_its_begin_and_without_the_pump_is_still_told(device: Device) -> None:
    """The oldest records are gone and the pump was not asked: steps and gap are reported, nothing is invented."""
    device.begin(constant(1_500_000))
    device.run_for(4000)
    found = collect(device.client)
    totals_only = [one for one in found.events if one["event"] == "total"]
    line = Timeline(Evidence(events=totals_only, source="a file"))
    assert line.calibration is None
    assert line.books.gaps[0].from_start
    first, last = totals_only[0], totals_only[-1]
    assert line.sums(*line.window(None, None)).delivered_steps == last["delivered_steps"] - first["delivered_steps"]
    assert json.dumps(found.status)
