"""A change of concentration typed at a simulated pump: shown before activation, refused, forecast, bridged, followed to the end."""

import base64
import json
from fractions import Fraction
from pathlib import Path

import pytest

from support.host.lined import LinedBench
from support.rig.device import Device

pytestmark = pytest.mark.needs("plant", "free_time")


@pytest.mark.rule("R7")
def test_a_change_of_concentration_from_the_review_to_the_last_of_the_old(tmp_path: Path) -> None:
    with Device() as device:
        bench = LinedBench(device, tmp_path)
        strong, weak = bench.write("strong", ("dye", "500 ug/mL")), bench.write("weak", ("dye", "300 ug/mL"))
        bench.types("program", strong, "--yes")
        bench.types("start")
        device.run_for(60)
        assert "a bridge is" not in bench.types("status")[0]
        _, err = bench.types("bridge", "--yes", code=1)
        assert "thecal start" in err
        bench.types("stop")
        ahead = bench.told("forecast", weak)
        assert ahead["pump_agrees"] and ahead["front_near_utc_s"] < ahead["front_utc_s"] < ahead["front_passed_utc_s"]
        out, err = bench.types("program", weak, "--yes")
        assert "dye 500 ug/mL, followed by dye 300 ug/mL" in err and "thecal bridge" in err
        _, err = bench.types("start", code=1)
        assert "still holds dye 500 ug/mL" in err and "thecal bridge" in err and "thecal prime" in err
        _, err = bench.types("bridge", "--dry-run")
        assert "basal x 3/5 = 0.3 mL/h" in err and "over by" in err
        begun = device.sim.plant_steps()
        reply = bench.checked("bridge", "--yes")
        assert Fraction(reply["numerator"], reply["denominator"]) == Fraction(3, 5)
        device.run_for(600)
        out, _ = bench.types("status")
        assert "the tip delivers the old" in out
        _, err = bench.types("bolus", "20 uL", "--rate", "2 mL/h", "--yes", code=1)
        assert "a bridge is running" in err
        assert bench.told("forecast", weak)["pump_agrees"]
        (read_line,) = [line for line in bench.types("read")[0].splitlines() if line.strip().startswith("line.phase")]
        assert "old" in read_line
        pair = device.calibration()
        low, high = (nl * pair.steps // pair.volume_nl for nl in (305_100, 372_900))
        device.run_for(5000)
        status = bench.checked("status")
        assert status["therapy"]["line"]["needs"] == "" and device.sim.plant_steps() - begun > high
        journal = [json.loads(line) for line in bench.types("journal", "--jsonl", "-")[0].splitlines()]
        seen = {one["event"]: one for one in journal}
        assert abs(seen["front_near"]["ordered_steps"] - begun - low) <= 20
        assert 0 <= seen["front_passed"]["ordered_steps"] - begun - high <= 20 and seen["front_passed"]["way"] == "delivered"
        differences = bench.told("compare")["differences"]  # the forecast has the bridge; its change is only known between two totals
        assert {one["why"] for one in differences} <= {"bridge"} and len(differences) <= 2
        assert all(abs(one["forecast_steps"] - one["delivered_steps"]) < 2 for one in differences)
        bench.types("stop")
        other = bench.write("other", ("water", "300 ug/mL"))
        _, err = bench.types("program", other, "--yes")
        assert "prime the line" in err
        _, err = bench.types("bridge", "--yes", code=1)
        assert "no bridge can deliver it" in err and "thecal prime" in err
        _, err = bench.types("forecast", other)
        assert "prime the line" in err
        bench.types("prime", "--rate", "2 mL/h", "--yes")
        device.run_for(700)
        bench.types("start", "--keep-clock")  # the pump's hours were not this computer's


@pytest.mark.rule("R11")
def test_a_cut_in_the_middle_of_the_front_goes_on_with_the_lower_rate(tmp_path: Path) -> None:
    with Device() as device:
        bench = LinedBench(device, tmp_path)
        for name, concentration in (("weak", "300 ug/mL"), ("strong", "500 ug/mL")):
            bench.types("program", bench.write(name, ("dye", concentration), resume=True), "--yes")
        bench.told("bridge", "--yes")
        device.run_for(1000)
        device.power_cycle(20)
        device.run_for(120)
        status = bench.told("status")
        assert status["state"] == "running" and status["therapy"]["line"]["phase"] == "old" and status["uncertain_steps"] > 0
        while bench.told("status")["therapy"]["line"]["phase"] == "old":
            device.run_for(60)
        before = device.sim.plant_steps()
        device.run_for(120)
        assert abs(device.sim.plant_steps() - before - device.calibration().steps_for_nl(500_000 * 120 // 3600)) <= 2
        assert base64.b64decode(device.client.program_read()["program"])[:4] == b"TPR2"
