"""`thecal sim` started again: the bench's clock chip has a battery, so the pump knows the time and therapy resumes."""

import time
from pathlib import Path

import pytest

from pumpcore.program import packing as programs
from support.programs import MONDAY_UTC_S, constant, resuming
from support.rig.benches import named
from thecal.files.resources import firmware_folder, hardware_folder
from thecal.pump.client import Client
from thecal.sim import clock_file
from thecal.sim import served as served_pump

pytestmark = [pytest.mark.needs("free_time"), pytest.mark.needs("plant"), pytest.mark.needs("flash_operations")]
AWAY_S = 3_600
SPEED = 50.0


class Runs:
    """`thecal sim` on one flash file, run after run. `host_s`: this computer's clock."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.image = folder / "pump.flash"
        self.host_s = 1_900_000_000
        monkeypatch.setattr(served_pump.time, "time", lambda: self.host_s)

    def start(self, name: str = "sim-clock", **options: object) -> tuple[served_pump.Served, Client]:
        options = options or {"speed": SPEED}
        served = served_pump.Served(hardware_folder() / f"{name}.toml", 1, self.image, firmware=firmware_folder(), **options)
        return served, Client(served.pump.port_url or served.pump.socket_url, 10.0, 20.0)

    def begin(self, **options: object) -> None:
        """Make a first run: therapy starts, the simulator ends."""
        served, client = self.start(**options)
        if options.get("virtual"):
            served.pump.advance(2_000)
        packed = programs.pack(resuming(constant(1_000_000)))
        client.program_activate(client.program_stage(packed)["digest"])
        client.clock_set(MONDAY_UTC_S, 0)
        client.start()
        if options.get("virtual"):
            served.pump.advance(10_000)
        assert client.status()["state"] == "running"
        client.close()
        served.close()


@pytest.fixture
def runs(tmp_path, monkeypatch):
    return Runs(tmp_path, monkeypatch)


def comes_to(client: Client, state: str) -> bool:
    give_up_s = time.monotonic() + 60
    while client.status()["state"] != state and time.monotonic() < give_up_s:
        time.sleep(0.1)
    return bool(client.status()["state"] == state)


@pytest.mark.rule("R11")
def test_the_clock_chip_goes_on_while_no_simulator_runs_and_therapy_resumes(runs):
    runs.begin(speed=SPEED)
    runs.host_s += AWAY_S
    served, client = runs.start()
    try:
        passed_s = client.status()["utc_s"] - MONDAY_UTC_S
        assert AWAY_S <= passed_s < AWAY_S + 60 * SPEED
        assert comes_to(client, "running")
    finally:
        client.close()
        served.close()


def test_a_computer_whose_clock_was_set_back_does_not_set_the_chip_back(runs):
    runs.begin(speed=SPEED)
    runs.host_s -= AWAY_S
    served, client = runs.start()
    try:
        assert client.status()["utc_s"] >= MONDAY_UTC_S
    finally:
        client.close()
        served.close()


def test_in_virtual_time_the_chip_waits_for_the_next_run(runs):
    runs.begin(virtual=True)
    shown = clock_file.load(runs.image, None)
    runs.host_s += AWAY_S
    served, client = runs.start(virtual=True)
    try:
        served.pump.advance(2_000)
        assert shown + 1 <= client.status()["utc_s"] <= shown + 3
    finally:
        client.close()
        served.close()


DAMAGED = ["", "{", "[]", '{"utc_s": 0, "host_utc_s": 1}', '{"utc_s": 1.5, "host_utc_s": 1}', '{"utc_s": 4294967296, "host_utc_s": 1}']


@pytest.mark.parametrize("kept", DAMAGED)
def test_a_damaged_battery_file_is_reported_and_the_time_is_unknown(runs, capsys, kept):
    runs.begin(speed=SPEED)
    clock_file.path_of(runs.image).write_text(kept)
    served, client = runs.start()
    try:
        assert client.status()["utc_s"] == 0
        assert "the simulated clock chip lost the time" in capsys.readouterr().err
    finally:
        client.close()
        served.close()


def test_a_bench_without_a_clock_chip_still_forgets_the_time(runs):
    served, client = runs.start("sim-noclock")
    client.clock_set(MONDAY_UTC_S, 0)
    client.close()
    served.close()
    assert not clock_file.path_of(runs.image).exists()
    assert not named("sim-noclock").get("clock_chip")


def test_a_chip_of_a_flash_that_is_gone_is_not_used(runs):
    runs.begin(speed=SPEED)
    runs.image.unlink()
    served, client = runs.start()
    try:
        assert client.status()["utc_s"] == 0
    finally:
        client.close()
        served.close()
