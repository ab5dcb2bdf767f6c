"""`thecal calibrate` as a user types it: a simulated pump with its head off, and a simulated balance on its own port."""

import contextlib
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pumpcore.orders.bolus import CALIBRATION
from support.host.cli import Tool
from support.programs import constant
from support.rig.benches import named
from thecal.pump.client import Client
from thecal.quantities.amounts import Rate
from thecal.sim.control import Control
from thecal.sim.runner import SimulatedPump
from thecal.sim.world.balance import BalanceOptions
from thecal.sim.world.individual import Individual

RUNS = ("--turns", "10", "--rate", "4 mL/h", "--density", "0.9982 g/mL")
HOW = ("--tube", "T1", "--lot", "L1", *RUNS)
EXPECTED_G = 10 * 3_200 * 1_000_003 / 99_991 * 0.9982e-6


class Rig:
    """A pump a hundred times as fast as real time, its tool, and its balance's port."""

    def __init__(self, sim: SimulatedPump, folder: Path) -> None:
        self.sim = sim
        self.port = sim.port_url or sim.socket_url
        self.balance = str(sim.balance.ports.path or sim.balance.ports.url)
        self.tool = Tool(folder)

    def calibrate(self, *words: str, typed: str | None = None, code: int = 0) -> tuple[str, str]:
        done = self.tool.run("calibrate", *words, "--port", self.port, typed=typed)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout, done.stderr

    def status(self) -> dict:
        with Client(self.port) as client:
            return client.status()


@contextlib.contextmanager
def running(folder: Path, seed: int = 1, **options: object) -> Iterator[Rig]:
    with SimulatedPump(named(hour_nl=50_000_000), seed, speed=100, balance=BalanceOptions(**options)) as sim:
        sim.wait_until_idle()
        yield Rig(sim, folder)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("tool")) as made:
        yield made


def test_the_head_s_own_error_is_found_with_a_balance(rig: Rig) -> None:
    out, err = rig.calibrate(*HOW, "--balance", rig.balance, "--yes", "--json")
    told = json.loads(out)
    found = told["weighed"]["volume_nl"] / told["weighed"]["steps"] / (1_000_003 / 99_991) - 1
    assert abs(found * 1e6 - Individual(1).head_ppm) < 1_000
    assert told["calibration"]["state"] == "CALIBRATED" and len(told["weighed"]["runs"]) == 3
    assert "UNCALIBRATED: nominal" in err and "mt-sics" in err and "scatter: CV" in err
    assert rig.status()["calibration"]["id"] == told["calibration"]["id"]


def test_verify_finds_it_right_and_changes_nothing(rig: Rig) -> None:
    before = rig.status()
    out, _ = rig.calibrate("--verify", *RUNS, "--runs", "2", "--balance", rig.balance, "--yes", "--json")
    assert abs(json.loads(out)["delivers_more_by_ppm"]) < 1_500
    after = rig.status()
    assert after["calibration"]["id"] == before["calibration"]["id"]
    assert after["delivered_steps"] - before["delivered_steps"] == 2 * 32_000


def test_history_and_forget(rig: Rig) -> None:
    masses = [word for mass in ("0.3200 g", "0.3210 g") for word in ("--mass", mass)]
    rig.calibrate(*HOW, *masses, "--yes")
    out, err = rig.calibrate("--history")
    assert len(out.splitlines()) >= 2 and "CALIBRATED" in err
    assert "UNCALIBRATED" in rig.calibrate("--forget", "--yes")[0]
    assert rig.status()["calibration"]["state"] == "UNCALIBRATED"


def test_a_guided_session_asks_for_all_that_is_missing(rig: Rig) -> None:
    typed = "T 7\nL7\ny\n10,1 g\n10.1000 g\n10.4200 g\n\n0.3201 g\ny\n"
    out, err = rig.calibrate(*RUNS, "--runs", "2", typed=typed)
    assert "T 7" in err and "has a comma" in err and "CALIBRATED" in out
    assert '--no-run --mass "0.32 g" --mass "0.3201 g"' in err
    rig.calibrate("--forget", "--yes")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--mass", "0.32"), 2, "no unit"),
        (("--mass", "320 g"), 2, "calibration gives ~0.3195 g"),
        (("--mass", "0,32 g"), 2, "comma"),
        (("--mass", "0.32 g", "--runs", "2"), 2, "1 times --mass"),
        (("--mass", "0.32 g", "--balance", "none"), 2, "--mass and --balance"),
        (("--mass", "0.25 g", "--mass", "0.32 g", "--dry-run"), 1, "differ too much"),
        (("--mass", "0.2 g", "--rate", "11 mL/h", "--yes"), 1, "rate is above"),
        (("--turns", "1", "--rate", "9 mL/h", "--mass", "0.032 g", "--yes"), 1, "at least 20 s"),
        (("--verify", "--history"), 2, "can't be combined"),
        (("--balance", "/dev/none", "--yes"), None, "/dev/none"),
    ],
)
def test_wrong_input_moves_nothing_and_changes_nothing(rig: Rig, words: tuple, code: int | None, said: str) -> None:
    before = rig.status()
    done = rig.tool.run("calibrate", *HOW, *words, "--port", rig.port)
    assert said in done.stderr, done.stderr
    assert done.returncode == code if code is not None else done.returncode in (1, 2, 3)
    after = rig.status()
    assert (after["delivered_steps"], after["calibration"]["id"]) == (before["delivered_steps"], before["calibration"]["id"])


def test_a_dry_run_checks_all_of_it(rig: Rig) -> None:
    before = rig.status()["delivered_steps"]
    out, err = rig.calibrate(*HOW, "--mass", f"{EXPECTED_G:.4f} g", "--mass", "0.3200 g", "--dry-run", "--json")
    assert json.loads(out)["calibration"]["tube"] == "T1" and "the pump does not move" in err
    assert rig.status()["delivered_steps"] == before and rig.status()["calibration"]["state"] == "UNCALIBRATED"


def test_weights_of_runs_made_before_are_stored_without_moving(rig: Rig) -> None:
    before = rig.status()["delivered_steps"]
    out, _ = rig.calibrate(*HOW, "--mass", "0.3200 g", "--mass", "0.2900 g", "--no-run", "--accept-scatter", "--yes")
    assert "CALIBRATED" in out and rig.status()["delivered_steps"] == before
    rig.calibrate("--forget", "--yes")
    assert "--no-run needs --mass" in rig.calibrate(*HOW, "--no-run", code=2)[1]


def test_nobody_at_the_prompt_stores_nothing(rig: Rig) -> None:
    _, err = rig.calibrate(*HOW, "--runs", "1", typed="y\n", code=1)
    assert "no answer on stdin" in err and rig.status()["calibration"]["state"] == "UNCALIBRATED"


def test_a_running_pump_is_refused_before_anything(rig: Rig) -> None:
    from pumpcore.program import packing

    with Client(rig.port) as client:
        client.program_activate(client.program_stage(packing.pack(constant(100_000)))["digest"])
        client.start()
    try:
        _, err = rig.calibrate(*HOW, "--mass", "0.32 g", "--yes", code=1)
        assert "stop it first" in err
    finally:
        with Client(rig.port) as client:
            client.stop()


def test_every_screen_says_uncalibrated(rig: Rig) -> None:
    (rig.tool.folder / "rx.toml").write_text('title = "t"\ndrug = "d"\n[basal]\nrate = "1 mL/h"\n')
    shown = {
        "find": ("find",), "status": ("status",), "watch": ("watch", "--count", "1"), "program": ("program", "rx.toml", "--yes"),
        "start": ("start",), "bolus": ("bolus", "0.1 mL", "--rate", "2 mL/h", "--dry-run"), "journal": ("journal",),
        "journal --csv": ("journal", "--csv", "-"), "calibrate --history": ("calibrate", "--history"),
    }  # fmt: skip
    for name, words in shown.items():
        done = rig.tool.run(*words, "--port", rig.port)
        assert done.returncode == 0, done.stderr
        assert "UNCALIBRATED" in done.stdout + done.stderr, name
    rig.tool.run("stop", "--port", rig.port)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("pace", [("--virtual",), ("--speed", "100")])
def test_calibrate_ends_at_every_pace_of_the_simulator(tmp_path: Path, pace: tuple[str, ...]) -> None:
    """In virtual time it once waited for a pump whose time nobody moved."""
    tool = Tool(tmp_path)
    simulator = tool.start("sim", *pace, "--balance", "--json", "--image", "pump.flash")
    try:
        facts = json.loads(simulator.stdout.readline())
        once = ("--turns", "2", "--rate", "4 mL/h", "--density", "0.9982 g/mL", "--runs", "2", "--prime", "30 uL")
        weights = ("--balance", facts["balance"] or facts["balance_socket"])
        done = tool.run("calibrate", *HOW[:4], *once, *weights, "--yes", "--port", facts["socket"])
        assert done.returncode == 0, done.stderr
        with Client(facts["socket"]) as client:
            assert client.status()["calibration"]["state"] == "CALIBRATED"
    finally:
        simulator.send_signal(signal.SIGINT)
        _, said = simulator.communicate(timeout=20)
    assert simulator.returncode == 0, said


def test_in_virtual_time_a_balance_that_is_not_at_rest_is_waited_for(tmp_path: Path) -> None:
    """Nobody moved the time in which it settles: after a stopped run, calibrate waited for a minute and failed."""
    tool = Tool(tmp_path)
    simulator = tool.start("sim", "--virtual", "--balance", "--json", "--image", "pump.flash")
    try:
        facts = json.loads(simulator.stdout.readline())
        host, _, port = facts["control"].rpartition(":")
        with Client(facts["socket"]) as client, Control(host, int(port), facts["control_secret"]) as control:
            control.advance_by(5_000)
            client.run_start(client.bolus_token(), CALIBRATION, 6_400, Rate(4_000_000, 3_600))
            control.advance_by(10_000)
            client.stop()
        once = ("--turns", "1", "--rate", "4 mL/h", "--density", "0.9982 g/mL", "--runs", "1", "--accept-scatter")
        weights = ("--balance", facts["balance"] or facts["balance_socket"])
        done = tool.run("calibrate", *HOW[:4], *once, *weights, "--yes", "--port", facts["socket"])
        assert "run 1: " in done.stderr, done.stderr
    finally:
        simulator.send_signal(signal.SIGINT)
        simulator.communicate(timeout=20)
