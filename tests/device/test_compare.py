"""`thecal compare` and `thecal read` of a pump with a past: exact if nothing happened, and every difference explained."""

import json
from datetime import UTC, datetime

import pytest

from support.host.cli import Tool
from support.programs import every_day, resuming
from support.rig.benches import NO_CLOCK
from support.rig.device import Device, Figures
from thecal.forecast.compare import Comparison
from thecal.history.evidence import collect
from thecal.history.timeline import Timeline

pytestmark = pytest.mark.needs("plant", "free_time")
AUTUMN = int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp())
PLAN = ((0, 400_000), (90, 800_000), (130, 150_000), (150, 900_000), (185, 200_000))


def begun(device: Device, leave: str = "stop") -> None:
    device.upload(resuming(every_day(*PLAN), leave))
    device.client.clock_set(AUTUMN - 3_600, 7200, AUTUMN, 3600)
    device.client.start()


def compared(device: Device) -> Comparison:
    return Comparison(Timeline(collect(device.client)))


def test_an_undisturbed_night_over_the_change_of_local_time_has_no_difference(record_property: Figures) -> None:
    with Device() as device:
        begun(device)
        device.run_for(6 * 3600)
        found = compared(device)
    assert found.zone.values() == (7200, AUTUMN, 3600)
    assert found.differences == [] and len(found.minutes) > 355
    worst = max(abs(one.high_steps - one.forecast_steps) for one in found.minutes)
    assert worst < 2 and abs(found.totals()["rest"]) < 2
    text = f"{len(found.minutes)} minutes, at most {float(worst):.2f} steps from the forecast"
    record_property("figure", f"6 h over the change to winter time: {text}")


def test_a_schedule_that_runs_without_the_time_of_day_is_explained() -> None:
    with Device(on=NO_CLOCK) as device:
        program = resuming(every_day(*PLAN))
        program.on_clock_loss = "lowest"
        device.upload(program)
        device.client.clock_set(AUTUMN - 3_600, 7200, AUTUMN, 3600)
        device.client.start()
        device.run_for(1800)
        device.power_cycle(5)
        device.run_for(7200)
        found = compared(device)
    reasons = [one.why for one in found.differences]
    assert any("time of day unknown" in why for why in reasons) and "untold" not in reasons
    assert abs(found.totals()["rest"]) < 2


def test_bolus_stop_and_power_cut_are_found_and_explained() -> None:
    with Device() as device:
        begun(device, "resume")
        device.run_for(1800)
        device.order(100_000, 3_000_000)
        device.run_for(3000)
        device.client.stop()
        device.run_for(900)
        device.client.start()
        device.run_for(1800.4)
        device.power_cycle(600)
        device.run_for(2400)
        found = compared(device)
        plant_steps, pair = device.sim.plant_steps(), device.calibration()
    reasons = [one.why for one in found.differences]
    assert any(why == "bolus" for why in reasons), reasons
    assert any("stopped (host)" in why for why in reasons) and any("power" in why for why in reasons)
    assert "untold" not in reasons
    bolus = sum(one.bolus_steps for one in found.differences)
    assert abs(bolus - 100_000 * pair.steps // pair.volume_nl) < 2
    totals = found.totals()
    assert abs(totals["rest"]) < 2 * (len(found.differences) + 1)
    assert found.minutes[-1].low_steps - 2 <= plant_steps <= found.minutes[-1].high_steps + 2


def test_the_verbs_print_it(tmp_path) -> None:
    tool = Tool(tmp_path)
    with Device() as device:
        begun(device)
        device.run_for(1200)
        device.order(50_000, 3_000_000)
        device.run_for(600)
        device.client.close()
        text = tool.run("compare", "--port", device.port_url, "--png", "c.png")
        assert text.returncode == 0 and "bolus" in text.stdout and (tmp_path / "c.png").stat().st_size > 1000, text
        told = json.loads(tool.run("compare", "--port", device.port_url, "--json").stdout)
        assert told["minutes"] and told["differences"][0]["why"] == "bolus"
        read = tool.run("read", "--port", device.port_url)
        assert read.returncode == 0
        for word in ("unique id", "highest rate", "daily 01:30", "clock", "next change", "digest"):
            assert word in read.stdout, word
        assert json.loads(tool.run("read", "--port", device.port_url, "--json").stdout)["program"]["name"] == "every day"


def test_a_program_that_took_over_while_running_is_compared_from_there() -> None:
    with Device() as device:
        begun(device)
        device.run_for(1000)
        device.upload(every_day((0, 300_000), (120, 700_000), (150, 100_000)))
        device.run_for(3000)
        found = compared(device)
    assert found.differences == [] and 45 <= len(found.minutes) <= 52
    assert abs(found.totals()["rest"]) < 2
