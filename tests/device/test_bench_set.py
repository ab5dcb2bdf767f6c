"""Other ceilings for a pump that runs: `thecal bench`, with the stop button of the simulator."""

import threading
import time
from pathlib import Path

import pytest

from support.host.cli import Visit
from support.rig.device import Device

pytestmark = pytest.mark.needs("plant", "real_time")
RX = 'title = "Feed"\ndrug = "water"\nafter_power_loss = "stop"\n[basal]\nrate = "3 mL/h"\n'


def hold_after(device: Device, wait_s: float) -> threading.Thread:
    def hold() -> None:
        time.sleep(wait_s)
        device.sim.press_stop(hold_s=30)

    thread = threading.Thread(target=hold)
    thread.start()
    return thread


@pytest.mark.rule("R5")
def test_a_refused_rate_names_the_bench_and_the_command_that_it_names_makes_room(tmp_path: Path) -> None:
    with Device(speed=10.0) as device:
        (tmp_path / "rx.toml").write_text(RX)
        visit = Visit(device, tmp_path)
        _, err = visit.types("program", "rx.toml", "--yes", code=2)
        assert "a ceiling of the bench sim-clock, 40 mL in 24 h (thecal bench show)" in err
        command = err.split("at the pump: thecal bench set ")[1].split('"')
        assert command[0] == "--max-per-day "
        thread = hold_after(device, 1.5)
        out, err = visit.types("bench", "set", "--max-per-day", command[1], "--yes")
        thread.join()
        assert "RAISED" in err and "press its stop button within 60 s" in err and "release the stop button now" in err and "are set" in out
        assert visit.told("status")["alarms"] == []
        _, err = visit.types("program", "rx.toml", "--yes")
        out, _ = visit.types("bench", "show")
        assert f"most in 24 hours  {command[1]}" in out
        _, err = visit.types("bench", "set", "--max-per-day", "40 mL", "--yes", code=1)
        assert '"Feed" would no longer fit' in err
        visit.types("bench", "set", "--max-rate", "9 mL/h", "--yes")
        assert visit.told("bench", "show")["ceilings"]["rate_nl"] == 9_000_000
        (record,) = [one for one in visit.told("journal") if one["event"] == "bench_set"][1:]
        assert (record["old_rate_nl"], record["rate_nl"], record["by_button"]) == (10_000_000, 9_000_000, 0)


@pytest.mark.rule("R5")
def test_without_the_button_nothing_is_raised(tmp_path: Path) -> None:
    with Device(speed=60.0) as device:
        visit = Visit(device, tmp_path)
        _, err = visit.types("bench", "set", "--max-rate", "11 mL/h", "--yes", code=1)
        assert "nobody held and released the stop button" in err
        assert visit.told("bench", "show")["ceilings"]["rate_nl"] == 10_000_000
        for words in (("set",), ("show", "--max-rate", "1 mL/h"), ("set", "--max-rate", "1 mL"), ("set", "--max-per-day", "0 mL")):
            visit.types("bench", *words, code=2)
        _, err = visit.types("bench", "set", "--max-rate", "9 mL/h", "--dry-run")
        assert "lowered" in err and "nothing sent" in err
