"""A pump weighed on a balance, each on its own serial port: the analysis finds what the simulated tube really does."""

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.host.cli import Tool
from support.programs import constant
from support.rig.device import Device
from support.rig.tables import give_table
from support.some import some_of
from thecal.errors import Failed
from thecal.sim.control import Control, ControlServer
from thecal.sim.world.balance import BalanceOptions
from thecal.weighing.balance import BalanceError, open_balance
from thecal.weighing.characterise.analysis import Analysis, analyse
from thecal.weighing.characterise.pump import AsItRuns, ConstantRate, PumpSide, require_stopped
from thecal.weighing.characterise.recorder import Plan, Recorder
from thecal.weighing.characterise.run import Facts, RunWriter, read_run
from thecal.weighing.clocks import SimulatorClock

pytestmark = [pytest.mark.needs("free_time"), pytest.mark.needs("plant"), pytest.mark.needs("flash_operations")]
RATE_NL, RATE = 1_600_000, "1.6 mL/h"
PLAN = Plan(20 * 60_000, 500, 60_000)


class Bench:
    """A device with a balance under it, and the tools to record."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.device = Device(balance=BalanceOptions(**options))
        self.control = ControlServer(self.device.sim)
        host, _, port = self.control.address.rpartition(":")
        self.clock = SimulatorClock(Control(host, int(port), self.control.secret), None)
        self.balance = open_balance(self.device.sim.balance.ports.path or self.device.sim.balance.ports.url, self.protocol)

    @property
    def protocol(self) -> str:
        return self.device.sim.balance.pan.options.protocol

    def close(self) -> None:
        self.balance.close()
        self.clock.close()
        self.control.close()
        self.device.__exit__(None, None, None)

    def record(self, plan: Plan = PLAN, pump: PumpSide | None = None, at: dict[int, str] | None = None) -> Analysis:
        """Record, and analyse the file. `at`: faults of the balance by second of the recording."""
        side = pump or ConstantRate(self.device.client, RATE)
        pair = self.device.calibration()
        counted = {"calibration_volume_nl": pair.volume_nl, "calibration_steps": pair.steps, "calibration_state": pair.state}
        facts = Facts(**vars(side.rate), **counted, balance=self.balance.identity, protocol=self.protocol)
        faults = dict(at or {})

        def told(done_ms: int, total_ms: int) -> None:
            for second_s in [second_s for second_s in faults if second_s * 1000 <= done_ms]:
                self.device.sim.balance_fault(faults.pop(second_s))

        path = self.folder / "run.csv"
        with RunWriter(path, facts) as writer:
            Recorder(self.balance, side, self.clock, told).record(plan, facts, writer)
        return analyse(read_run(path))


@contextlib.contextmanager
def bench_in(folder: Path, **options: Any) -> Iterator[Bench]:
    made = Bench(folder, **options)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("protocol", some_of(["mt-sics", "sbi", "plain"], 3))
def test_the_tube_the_swing_and_the_evaporation_are_found(tmp_path: Path, protocol: str) -> None:
    plan = PLAN if protocol != "plain" else Plan(6 * 60_000, 500, 30_000)
    with bench_in(tmp_path, protocol=protocol, pulsation_percent=40.0, evaporation_ug_per_h=3_000.0) as bench:
        found = bench.record(plan)
        head_percent = bench.device.sim.individual.head_ppm / 10_000
        assert bench.device.state() == "stopped"
    assert found.motor is not None
    assert abs(float(found.motor.steps_percent)) < 0.1
    assert float(found.motor.calibration_percent) == pytest.approx(head_percent, abs=0.5)
    assert float(found.whole_percent) == pytest.approx(head_percent, abs=1.0)
    assert [window.minutes for window in found.periods[0].windows] == ([2, 5, 11, 19] if protocol != "plain" else [2, 5])
    assert found.pulsation is not None
    assert found.pulsation.at_roller_percent == pytest.approx(40.0, rel=0.1)
    if protocol != "plain":
        assert found.pulsation.found_hz == pytest.approx(found.pulsation.roller_hz, rel=0.01)
        assert float(found.evaporation_ug_per_h) == pytest.approx(3_000.0, abs=1_500.0)


@pytest.mark.parametrize(
    ("fault", "kind"),
    some_of(
        [
            ("tare", "tared"),
            ("unit", "unit_change"),
            ("overload", "overload"),
            ("underload", "underload"),
            ("half_line", "half_line"),
            ("silent", "no_answer"),
            ("frozen", "frozen"),
        ],
        3,
    ),
)
def test_a_balance_that_lies_in_mid_run_is_refused_and_the_pump_stopped(tmp_path: Path, fault: str, kind: str) -> None:
    with bench_in(tmp_path) as bench:
        bench.device.upload(constant(600_000))
        before = bench.device.client.program_read()["digest"]
        with pytest.raises(BalanceError) as caught:
            bench.record(Plan(8 * 60_000, 1000, 20_000), at={300: fault})
        assert caught.value.kind == kind
        assert bench.device.state() == "stopped"
        assert bench.device.client.program_read()["digest"] == before, "the program is untouched"
    lines = (tmp_path / "run.csv").read_text().splitlines()
    assert len(lines) > 250, "what was recorded is kept"


@pytest.mark.parametrize("second_s", [0, 200])
def test_a_balance_that_is_never_stable_at_rest_is_refused(tmp_path: Path, second_s: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thecal.weighing.characterise.recorder.STABLE_TIMEOUT_S", 1.0)
    with bench_in(tmp_path) as bench:
        if second_s == 0:
            bench.device.sim.balance_fault("unstable")
        with pytest.raises(BalanceError) as caught:
            bench.record(Plan(4 * 60_000, 1000), at={second_s: "unstable"})
        assert caught.value.kind == "unstable"
        assert bench.device.state() == "stopped"
        assert (bench.device.sim.plant_steps() == 0) == (second_s == 0), "nothing moves before the balance is stable"


def test_a_pump_that_runs_is_weighed_and_left_running(tmp_path: Path) -> None:
    with bench_in(tmp_path) as bench:
        bench.device.begin(constant(RATE_NL))
        bench.device.run_for(20)
        found = bench.record(Plan(5 * 60_000, 1000, 0, rests=False), AsItRuns(bench.device.client))
        assert bench.device.state() == "running"
        assert (found.facts.rate_nl, found.facts.rate_seconds_s) == (RATE_NL, 3600)
        with pytest.raises(Failed, match="the pump is running"):
            require_stopped(bench.device.client)


def test_a_rate_that_changes_ends_the_run(tmp_path: Path) -> None:
    with bench_in(tmp_path) as bench:
        bench.device.begin(constant(RATE_NL))
        bench.device.run_for(5)
        side = AsItRuns(bench.device.client)
        order = threading.Event()

        def look() -> dict[str, Any]:
            if not order.is_set():
                bench.device.order(100_000, 1_600_000)
                order.set()
            return PumpSide.look(side)

        side.look = look  # type: ignore[method-assign]
        with pytest.raises(Failed, match="no longer delivers"):
            bench.record(Plan(5 * 60_000, 1000, 0, rests=False), side)
        assert bench.device.state() == "running"


def test_a_pump_that_stands_needs_a_rate(tmp_path: Path) -> None:
    with bench_in(tmp_path) as bench, pytest.raises(Failed, match="stopped"):
        AsItRuns(bench.device.client)


def test_as_a_person_does_it(tmp_path: Path) -> None:
    """Two processes and two serial ports: `thecal sim --balance`, then `thecal characterise`."""
    tool = Tool(tmp_path)
    words = ["sim", "--virtual", "--fresh", "--image", "pump.flash", "--balance", "--pulsation", "30", "--json"]
    pump = tool.start(*words)
    try:
        assert pump.stdout is not None
        facts = json.loads(pump.stdout.readline())
        port = facts["balance"] or facts["balance_socket"]
        done = tool.run(
            "characterise", "--balance", port, "--rate", RATE, "--duration", "6 min", "--interval", "1 s",
            "--record", "run.csv", "--png", "run.png", "--html", "run.html", "--yes",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "2 min" in done.stdout
        assert "UNCALIBRATED" in done.stdout
        assert (tmp_path / "run.png").stat().st_size > 10_000
        again = json.loads(tool.run("characterise", "--from", "run.csv", "--json").stdout)
        assert again["pulsation"]["at_roller_percent"] == pytest.approx(30, rel=0.15)
        assert tool.run("characterise", "--balance", port, "--record", "other.csv", "--yes").returncode == 1, "the pump stands"
        assert not (tmp_path / "other.csv").exists()
    finally:
        pump.terminate()
        pump.communicate(timeout=10)


def test_a_change_of_the_law_in_the_middle_is_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The record keeps the law of its begin."""
    with bench_in(tmp_path) as bench:
        device = bench.device
        give_table(device, expires_nl=200_000)  # in the middle of the 533 uL of the run
        side = ConstantRate(device.client, RATE)
        pair = device.calibration()
        counted = {"calibration_volume_nl": pair.volume_nl, "calibration_steps": pair.steps, "calibration_state": pair.state}
        facts = Facts(**vars(side.rate), **counted, balance=bench.balance.identity, protocol=bench.protocol, law="volume")
        path = tmp_path / "run.csv"
        with RunWriter(path, facts) as writer:
            Recorder(bench.balance, side, bench.clock, lambda *_: None).record(PLAN, facts, writer)
    assert read_run(path).facts.law == "volume"
    assert "careful: the pump now doses by angle: the calibration has expired" in capsys.readouterr().err
