"""The verbs of the clinician's loop typed at a simulated pump, in the order of a visit."""

from pathlib import Path

import pytest

from support.host.cli import Visit
from support.host.prescriptions import LINE_AND_RESERVOIR
from support.rig.device import Device

pytestmark = pytest.mark.needs("plant", "free_time")
RX = f"""title = "visit"
drug = "dye"
concentration = "500 ug/mL"
[basal]
rate = "0.1 mL/h"
[demand]
dose = "50 uL"
duration = "10 min"
lockout = "1 h"
per_day = 4
{LINE_AND_RESERVOIR}"""


def test_a_visit(tmp_path: Path) -> None:
    with Device() as device:
        (tmp_path / "rx.toml").write_text(RX)
        visit = Visit(device, tmp_path)
        assert visit.told("forecast", "rx.toml")["pump_agrees"]
        visit.types("program", "rx.toml", "--yes")
        _, err = visit.types("start", code=1)
        assert "refill" in err
        out, _ = visit.types("refill", "--measured", "0 mL", "--filled", "20 mL", "--yes")
        assert "20 mL in the reservoir" in out
        visit.types("prime", "--rate", "2 mL/h", "--yes")
        device.run_for(700)
        _, err = visit.types("prime", "--rate", "2 mL/h", "--yes", code=1)
        assert "again" in err
        out, err = visit.types("start", "--zone", "Europe/Berlin", "--set-clock")
        assert "local time changes by" in err
        device.run_for(60)
        token = visit.told("bolus", "--demand", "--yes")["token"]
        device.run_for(900)
        assert visit.told("bolus", "--status", token)["state"] == "done"
        _, err = visit.types("bolus", "--demand", "--yes", code=1)
        assert "lockout" in err
        visit.types("temporary", "50 %", "--for", "30 min", "--yes")
        device.run_for(1000)
        assert visit.told("status")["temporary"]["denominator"] == 2
        out, _ = visit.types("read")
        assert "reservoir.left" in out and "demand.lockout" in out
        visit.types("stop")
        out, err = visit.types("refill", "--measured", "12 mL", "--filled", "5 mL", "--yes")
        assert "out of tolerance" in err and "would explain it" in err
        visit.types("start", "--keep-clock", code=1)
        visit.types("refill", "--acknowledge", "spilled half")
        visit.types("start", "--keep-clock")
        differences = visit.told("compare")["differences"]
        reasons = ", ".join(one["why"] for one in differences)
        assert all(reason in reasons for reason in ("bolus", "temporary rate")) and "untold" not in reasons
