"""The review of a dose shows the last bolus and the effect of whole steps: typed at a simulated pump."""

import re
from pathlib import Path

import pytest

from support.host.cli import Visit
from support.rig.device import Device

pytestmark = pytest.mark.needs("plant", "free_time", "power_cut")
RX = 'title = "doses"\ndrug = "water"\non_clock_loss = "lowest"\nafter_power_loss = "stop"\n[basal]\nrate = "0.1 mL/h"\n'


def last(err: str) -> str:
    return next(line for line in err.splitlines() if line.startswith("last bolus")).split(": ", 1)[1]


@pytest.fixture
def visit(device: Device, tmp_path: Path) -> Visit:
    """At a pump that runs the prescription."""
    (tmp_path / "rx.toml").write_text(RX)
    begun = Visit(device, tmp_path)
    begun.types("program", "rx.toml", "--yes")
    begun.types("start", "--zone", "UTC")
    return begun


@pytest.mark.rule("R7")
def test_a_dose_that_is_repeated_is_seen_whoever_ordered_the_first(device: Device, visit: Visit) -> None:
    """The first client is killed (kill -9): the pump still reports the order, even after a power cut."""
    device.run_for(5)
    _, err = visit.types("bolus", "20 uL", "--rate", "2 mL/h", "--yes")
    assert last(err) == "none since power-up"
    device.run_for(41)
    for words, said in ((("20 uL", "--rate", "2 mL/h"), "20 uL"), (("0.05 mL", "--extended", "10 min"), "0.02 mL")):
        _, err = visit.types("bolus", *words, "--dry-run")
        assert re.fullmatch(f"{said}, done, (3[5-9]|4[01]) s ago", last(err))  # from its first slice on
        assert ("will deliver" in err and "~19.991859 uL" in err) or "extended" in err
    visit.types("bolus", "0.05 mL", "--extended", "10 min", "--yes")
    device.run_for(60)
    _, err = visit.types("bolus", "20 uL", "--rate", "2 mL/h", "--dry-run")
    assert last(err).startswith("extended: 50 uL, delivering, ~") and "of it delivered" in last(err)
    device.power_cycle(10)
    device.client.ack(612)
    visit.types("start", "--set-clock")
    device.run_for(5)
    _, err = visit.types("bolus", "20 uL", "--rate", "2 mL/h", "--dry-run")
    assert last(err).startswith("50 uL, cut, ")


@pytest.mark.rule("R7")
def test_what_whole_steps_change_is_refused_with_what_may_be_typed(visit: Visit, tmp_path: Path) -> None:
    for words in (("--rate", "18 uL/h"), ("--extended", "10 min")):
        _, err = visit.types("bolus", "105 nL", *words, "--yes", code=2)
        assert '"105 nL": the pump would deliver ~100.00930 nL' in err.replace("100.009301", "100.00930")
        assert 'the nearest that can be ordered: "101 nL" and "111 nL"' in err
        _, err = visit.types("bolus", "19 nL", *words, "--yes", code=2)
        assert "~10.00093 nL" in err and 'the smallest that can be ordered: "101 nL"' in err
        assert "20.00186" not in err, "what can't be ordered is no neighbour"
        for nearest in ("101 nL", "111 nL", "0.000111 mL"):
            visit.types("bolus", nearest, *words, "--dry-run")
    (tmp_path / "rx.toml").write_text(RX + '[demand]\ndose = "0.3 uL"\nduration = "1 min"\nlockout = "1 h"\nper_day = 4\n')
    _, err = visit.types("program", "rx.toml", "--yes", code=2)
    assert 'demand.dose: "0.3 uL"' in err and '"0.291 uL" and "0.301 uL"' in err
