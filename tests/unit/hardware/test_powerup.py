"""The voltages that the pages promise for the first power-up are those of the nets: solved again, Pico and driver in or out."""

import pytest

from support.models import dc
from thecal.files.resources import hardware_folder
from thecal.hardware.powerup import DISCHARGED_MV, Reading, State, readings
from thecal.hardware.rig import read_rig

BENCHES = sorted(file for file in hardware_folder().glob("*.toml") if not file.stem.startswith("sim-"))
CASES = [
    pytest.param(file, reading, id=f"{file.stem}-{number}") for file in BENCHES for number, reading in enumerate(readings(read_rig(file)))
]


def case_of(state: State, off_high: bool) -> dc.Case:
    enabled = None if not state.enabled else 0.0 if off_high else 3.3
    return dc.Case(pico=state.pico, driver=state.driver, supply=state.supply, usb=state.usb, enabled=enabled)


@pytest.mark.parametrize("file, reading", CASES)
def test_the_nets_give_what_the_pages_say(file: object, reading: Reading) -> None:
    bench = dc.Bench(file, hardware_folder() / "library")  # type: ignore[arg-type]
    off_high = any(bench.parts[mark]["disabled"] == "high" for mark in bench.of_kind("driver"))
    low_mv, high_mv = dc.range_mv(bench, case_of(reading.state, off_high), ":".join(reading.probe))
    assert reading.low_mv <= low_mv + 5 and high_mv - 5 <= reading.high_mv, (reading, low_mv, high_mv)
    # A range that is far wider than the rig's own would let a fault pass.
    assert reading.high_mv - reading.low_mv <= high_mv - low_mv + max(DISCHARGED_MV, reading.high_mv // 3), (reading, low_mv, high_mv)
