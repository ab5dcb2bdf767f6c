"""What a person reads of a protocol: status, watch, the report's checks and `thecal compare`, through a power cut and a bolus."""

from pathlib import Path

import pytest

from support.host.cli import ROOT, Visit
from support.programs import MONDAY_UTC_S
from support.rig.device import Device
from thecal.history.checks import checks
from thecal.history.evidence import collect
from thecal.history.timeline import Timeline

pytestmark = pytest.mark.needs("plant", "free_time")
RX = """title = "protocol"
drug = "dye"
concentration = "500 ug/mL"
after_power_loss = "resume"
[protocol]
[[protocol.stage]]
ramp = ["0.3 mL/h", "3 mL/h"]
for = "20 min"
[[protocol.loop]]
times = 4
[[protocol.loop.stage]]
rate = "2 mL/h"
for = "5 min"
[[protocol.loop.stage]]
pause = "5 min"
[[protocol.stage]]
ramp = ["3 mL/h", "0 mL/h"]
for = "15 min"
"""


@pytest.fixture
def visit(tmp_path: Path):
    with Device() as device:
        (tmp_path / "rx.toml").write_text(RX)
        visit = Visit(device, tmp_path)
        device.client.clock_set(MONDAY_UTC_S, 0)
        visit.types("program", "rx.toml", "--yes")
        visit.types("start", "--keep-clock")
        yield visit


def test_status_and_watch_say_stage_pass_and_time_left(visit: Visit) -> None:
    visit.device.run_for(32 * 60)
    out, _ = visit.types("status")
    (row,) = [line for line in out.splitlines() if line.startswith("protocol")]
    assert "stage 2 of 4, pass 2 of 4, 2 min left" in row or "stage 2 of 4, pass 2 of 4, 3 min left" in row, row
    assert "then nothing; ends in 43 min" in row or "then nothing; ends in 42 min" in row, row
    told = visit.told("status")
    assert told["protocol"]["stage"] == 1 and told["protocol"]["pass"] == 2
    out, _ = visit.types("watch", "--count", "1")
    assert "stage 2 of 4, pass 2 of 4" in out
    visit.device.run_for(60 * 60)
    assert visit.told("status")["state"] == "stopped"
    out, _ = visit.types("status")
    assert not any(line.startswith("protocol") for line in out.splitlines())


@pytest.mark.parametrize("cut_s", [None, 700, 1530, 1780, 3900])
def test_the_journal_explains_every_difference_from_the_forecast(visit: Visit, cut_s: int | None) -> None:
    """With a bolus on top, and a cut in each kind of stage: the protocol stands still meanwhile."""
    device = visit.device
    device.run_for(300)
    visit.types("bolus", "50 uL", "--rate", "3 mL/h", "--yes")
    if cut_s is not None:
        device.run_for(cut_s - 300)
        device.power_cycle(1000)
        visit.types("ack", "all")
    device.run_for(75 * 60 + 1200)
    assert device.state() == "stopped"
    told = visit.told("compare")
    reasons = {one["why"] for one in told["differences"]}
    assert not any("untold" in reason for reason in reasons), told["differences"]
    assert any("bolus" in reason for reason in reasons)
    device.client.close()
    failed = [check.text for check in checks(Timeline(collect(device.client))) if not check.holds]
    assert failed == []
    out, _ = visit.types("report")
    assert "Traceback" not in out


def test_a_protocol_that_waits_says_so(tmp_path: Path) -> None:
    with Device() as device:
        visit = Visit(device, tmp_path)
        device.client.clock_set(MONDAY_UTC_S, 0)
        visit.types("program", str(ROOT / "host" / "examples" / "start-at-six.toml"), "--yes")
        _, err = visit.types("start", "--keep-clock")
        assert "first stage at 06:00, in 5 h 59 min" in err or "first stage at 06:00, in 6 h 00 min" in err
        device.run_for(60)
        out, _ = visit.types("status")
        (row,) = [line for line in out.splitlines() if line.startswith("protocol")]
        assert "begins in 5 h 5" in row and "; ends in 14 h 5" in row, row
        device.run_for(16 * 3600)
        assert visit.told("compare")["differences"] == []
        device.client.close()
        assert [check.text for check in checks(Timeline(collect(device.client))) if not check.holds] == []
