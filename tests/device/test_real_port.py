"""`make test-board` itself: the scenarios of a board on a serial port, at a simulated pump in real time that keeps its state."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.rig.benches import named
from thecal.sim.runner import SimulatedPump

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.needs("free_time")  # always the simulator: another target would test nothing else
@pytest.mark.long
def test_the_scenarios_of_a_board_pass_at_a_port_and_a_second_time_at_what_the_first_left() -> None:
    pump = SimulatedPump(named(), 1)
    try:
        if pump.port_url is None:
            pytest.skip("no pseudo-terminals on this system")
        for names in ("deliver or refuse or journal", "who or byte"):
            words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--target", pump.port_url]
            words += ["-k", names, "tests/device/test_any_pump.py"]
            done = subprocess.run([sys.executable, *words], cwd=REPOSITORY, capture_output=True, text=True, timeout=180, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            told = re.search(r"board +(\d+) passed", done.stdout)
            assert told and int(told[1]) >= 2, done.stdout
    finally:
        pump.close()
