"""Two drugs in one reservoir, typed at a simulated pump: uploaded, delivered, bridged, cut, forecast and reported."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

from support.host.lined import LinedBench
from support.rig.device import Device

pytestmark = pytest.mark.needs("plant", "free_time")
EXAMPLE = Path(__file__).parents[2] / "host" / "examples" / "two-drugs.toml"
LIBRARY = """name = "l"
version = 1
[[fluid]]
name = "dye"
[[fluid]]
name = "marker"
hard_rate = "250 ug/h"
"""


def mixed(bench: LinedBench, title: str, dye: str, marker: str, other: str = "marker") -> str:
    return bench.write(title, ("dye", dye), (other, marker), resume=True)


def test_120_ug_a_day_of_two_drugs_within_one_step(tmp_path: Path) -> None:
    with Device() as device:
        bench = LinedBench(device, tmp_path)
        _, err = bench.types("program", str(EXAMPLE), "--yes")
        assert "marker 250 ug/mL" in err and re.search(r"dye 120 ug/day, marker 60 ug/day", " ".join(err.split()))
        assert bench.checked("program", str(EXAMPLE), "--yes")["program"]["drugs"][0]["name"] == "marker"
        bench.types("start")
        begun = device.sim.plant_steps()
        device.run_for(600)
        status = bench.checked("status")
        assert [row["name"] for row in status["drugs"]] == ["dye", "marker"]
        assert "dye 120 ug/day, marker 60 ug/day" in bench.types("status")[0]
        _, err = bench.types("bolus", "5 ug", "--rate", "0.5 mL/h", "--dry-run")
        assert "holds: dye 5 ug, marker 2.5 ug" in " ".join(err.split())
        device.run_for(86_400 - 600)
        pair = device.calibration()
        planned = Fraction(240_000 * pair.steps, pair.volume_nl)  # 120 ug/day of 500 ug/mL
        delivered = device.sim.plant_steps() - begun
        assert abs(delivered - planned) < 1
        ng_per_step = Fraction(pair.volume_nl, pair.steps) / 4
        assert abs(delivered * ng_per_step - 60_000) < ng_per_step
        ahead = bench.checked("forecast", str(EXAMPLE))
        assert ahead["pump_agrees"]
        whole = next(row for row in ahead["table"] if row["duration_s"] == 86_400)
        assert [(row["name"], row["basal_ng"]) for row in whole["drugs"]] == [("dye", 120_000), ("marker", 60_000)]
        out, _ = bench.types("forecast", str(EXAMPLE))
        assert "marker" in out
        page = tmp_path / "day.html"
        bench.types("report", "-o", str(page))
        told = page.read_text()
        assert "marker 250 ug/mL" in told and "60 ug/day" in told and ">marker</th>" in told


@pytest.mark.rule("R7")
def test_a_bridge_between_two_mixtures_shows_the_other_dose_and_survives_a_cut(tmp_path: Path) -> None:
    with Device() as device:
        bench = LinedBench(device, tmp_path)
        strong, weak = mixed(bench, "strong", "500 ug/mL", "250 ug/mL"), mixed(bench, "weak", "300 ug/mL", "200 ug/mL")
        bench.types("program", strong, "--yes")
        bench.types("start")
        device.run_for(60)
        bench.types("stop")
        ahead = bench.told("forecast", weak)
        assert ahead["pump_agrees"] and ahead["front_near_utc_s"]
        _, err = bench.types("program", weak, "--yes")
        assert "dye 500 ug/mL and marker 250 ug/mL" in " ".join(err.split())
        _, err = bench.types("bridge", "--dry-run")
        text = " ".join(err.split())
        assert "basal x 3/5" in text and "marker meanwhile 1800 ug/day, then 2400 ug/day" in text
        bench.checked("bridge", "--yes", "--keep-clock")
        device.run_for(600)
        assert "doses dye 3600 ug/day, marker 1800 ug/day" in " ".join(bench.types("status")[0].split())
        device.power_cycle(20)
        device.run_for(120)
        status = bench.checked("status")
        assert (status["state"], status["therapy"]["line"]["phase"]) == ("running", "old")
        assert re.search(r"line.old drugs +marker 250 ug/mL", bench.types("read")[0])
        assert status["therapy"]["line"]["old_drugs"] == [{"name": "marker", "ng": 1, "nl": 4}]
        device.run_for(7000)
        assert bench.told("status")["therapy"]["line"]["needs"] == ""
        bench.types("stop")
        other = mixed(bench, "other", "300 ug/mL", "200 ug/mL", other="salt")
        _, err = bench.types("program", other, "--yes")
        assert "prime the line" in " ".join(err.split())
        _, err = bench.types("bridge", "--yes", "--keep-clock", code=1)
        assert "no bridge can deliver it" in " ".join(err.split())


@pytest.mark.rule("R5")
def test_a_bridge_is_refused_for_the_limit_of_the_other_drug(tmp_path: Path) -> None:
    with Device() as device:
        bench = LinedBench(device, tmp_path)
        (tmp_path / "l.toml").write_text(LIBRARY)
        rich, poor = mixed(bench, "rich", "500 ug/mL", "800 ug/mL"), mixed(bench, "poor", "500 ug/mL", "200 ug/mL")
        bench.types("program", rich, "--yes")
        bench.types("start")
        device.run_for(60)
        bench.types("stop")
        _, err = bench.types("program", poor, "--library", "l.toml", "--yes")
        assert "250 ug/h (marker)" in " ".join(err.split())
        _, err = bench.types("bridge", "--yes", "--keep-clock", code=1)
        assert "asked 2 mL/h, drug marker, limit 1.25 mL/h, limited rate" in " ".join(err.split()), err
        _, err = bench.types("temporary", "1.3 mL/h", "--for", "1 h", "--yes", code=2)
        assert "drug marker" in " ".join(err.split())


def test_a_run_goes_on_with_every_drug_in_the_line_and_its_limits(tmp_path: Path) -> None:
    with Device() as device:
        bench = LinedBench(device, tmp_path)
        (tmp_path / "l.toml").write_text(LIBRARY)
        bench.types("program", mixed(bench, "poor", "500 ug/mL", "200 ug/mL"), "--library", "l.toml", "--yes")
        _, err = bench.types("run", "1 mL/h", "--for", "1 h", "--yes")
        assert "dye 12000 ug/day, marker 4800 ug/day" in " ".join(err.split()), err
        device.run_for(600)
        assert [row["name"] for row in bench.checked("status")["drugs"]] == ["dye", "marker"]
        bench.types("stop")
        _, err = bench.types("run", "1.3 mL/h", "--yes", code=2)
        assert "drug marker" in " ".join(err.split())
        _, err = bench.types("run", "1 mL/h", "--concentration", "300 ug/mL", "--yes", code=2)
        assert "2 drugs" in " ".join(err.split())
