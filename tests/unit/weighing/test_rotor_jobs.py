"""`thecal calibrate --rotor` on a simulated pump in virtual time: what it refuses before and after it moves, and that nothing is stored."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from support.rig.learning import LearningRig, learning_rig
from thecal.cli.schema.verbs import SHAPES
from thecal.errors import BadInput, Failed, Interrupted, Refused
from thecal.quantities.amounts import Rate
from thecal.weighing.balance import BalanceError
from thecal.weighing.clocks import Clock, clock_for
from thecal.weighing.rotor import jobs
from thecal.weighing.rotor.plan import WeighedRun
from thecal.weighing.rotor.record import LEARNING, Conditions, Recorder

pytestmark = pytest.mark.needs("free_time")
MOVED_MS = 60_000


@pytest.fixture(autouse=True)
def own_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[LearningRig]:
    with learning_rig(tmp_path, "dip20", 1) as made:
        yield made


def meddle(monkeypatch: pytest.MonkeyPatch, rig: LearningRig, act: Callable[[], None], after_ms: int = MOVED_MS) -> None:
    """Let something happen so long after the weighing has begun."""

    def meddling(port_url: str) -> Clock:
        clock = clock_for(port_url)
        wait, begin_ms, done = clock.wait_until_ms, rig.sim.now_ms(), list[bool]()

        def wait_until_ms(moment_ms: int) -> None:
            wait(moment_ms)
            if not done and moment_ms - begin_ms > after_ms:
                done.append(True)
                act()

        monkeypatch.setattr(clock, "wait_until_ms", wait_until_ms)
        return clock

    monkeypatch.setattr(jobs, "clock_for", meddling)


def document(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return the `--json` output, which has the shape of the verb."""
    text = capsys.readouterr().out
    TypeAdapter(SHAPES["calibrate"]).validate_json(text, strict=True)
    return json.loads(text)


def nothing_stored(rig: LearningRig) -> bool:
    return rig.client.rotor_read()["rotor"] is None


def test_without_a_calibration_it_names_the_command_and_the_pump_stays(rig: LearningRig) -> None:
    with pytest.raises(Failed, match="not calibrated") as failed:
        jobs.learn_rotor(rig.client, rig.how())
    assert "thecal calibrate --balance PORT" in failed.value.do
    assert rig.sim.plant_steps() == 0


def test_a_dry_run_tells_the_plan_and_what_will_come_of_it(rig: LearningRig, capsys: pytest.CaptureFixture[str]) -> None:
    rig.calibrate()
    jobs.learn_rotor(rig.client, rig.how(dry_run=True))
    told = capsys.readouterr().err
    for words in ("at 0.8 mL/h", "at 1.6 mL/h", "digit 0.1 mg", "will be sure to", "the pump does not move"):
        assert words in told
    assert rig.sim.plant_steps() == 0 and nothing_stored(rig)


def test_a_coarse_balance_is_told_before_anything_moves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for digit_ug in (100, 1_000, 10_000):
        with learning_rig(tmp_path, "dip20", 1, resolution_ug=digit_ug) as rig:
            rig.calibrate()
            jobs.learn_rotor(rig.client, rig.how(dry_run=True))
            told = capsys.readouterr().err
            assert f"digit {digit_ug / 1000:g} mg" in told
            found.append(float(told.split("will be sure to")[1].split("uL")[0]))
    assert found[0] <= found[1] < found[2]


def test_what_the_pump_would_refuse_is_refused_before_it_moves(rig: LearningRig) -> None:
    rig.calibrate()
    with pytest.raises(BadInput, match="neither --balance nor --from"):
        jobs.learn_rotor(rig.client, rig.how(balance=None))
    with pytest.raises(Failed, match="no table of its rotor"):
        jobs.verify_rotor(rig.client, rig.how())
    rig.run(2_000, 1_000_000)
    with pytest.raises(Refused, match="the pump is calibrating"):
        jobs.learn_rotor(rig.client, rig.how())
    rig.client.stop()
    assert nothing_stored(rig)


def test_the_record_of_another_pump_is_refused(rig: LearningRig, tmp_path: Path) -> None:
    path = tmp_path / "other.txt"
    conditions = Conditions(LEARNING, "0123", "sim-clock", "T1", "L1", 1, 3_200, 31_600, 3_200, 0.998, 100, "mt-sics", 1_796_000_000)
    with Recorder(path, conditions) as recorder:
        recorder.begin(WeighedRun(Rate(1_600_000, 3600), 6_400, 142.2))
        recorder.mass(0, 0)
        recorder.end()
        recorder.settle(1, 64)
    rig.calibrate()
    with pytest.raises(BadInput, match="another pump"):
        jobs.learn_rotor(rig.client, rig.how(balance=None, source=path))


def test_a_balance_that_never_rests_ends_it(rig: LearningRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.calibrate()
    rig.sim.balance_fault("unstable")
    monkeypatch.setattr(jobs, "STABLE_S", 1.0)
    with pytest.raises(BalanceError):
        jobs.learn_rotor(rig.client, rig.how())
    assert rig.sim.plant_steps() == 0


def test_ctrl_c_stops_the_pump_and_keeps_the_record(rig: LearningRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.calibrate()

    def interrupt() -> None:
        raise Interrupted(2)

    meddle(monkeypatch, rig, interrupt)
    how = rig.how()
    with pytest.raises(Interrupted) as ended:
        jobs.learn_rotor(rig.client, how)
    assert "the pump was stopped" in ended.value.cause
    steps = rig.sim.plant_steps()
    rig.sim.advance_by(5_000)
    assert rig.sim.plant_steps() == steps > 500
    assert not rig.sim.enable_level()
    assert how.record is not None and how.record.read_text().count("mass_ug,") > 100
    with pytest.raises(BadInput, match="cut short"):
        jobs.learn_rotor(rig.client, rig.how(balance=None, source=how.record))
    assert nothing_stored(rig)


def test_a_stop_button_meanwhile_ends_it(rig: LearningRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.calibrate()
    meddle(monkeypatch, rig, rig.sim.press_stop)
    with pytest.raises(Failed, match="run was"):
        jobs.learn_rotor(rig.client, rig.how())
    assert nothing_stored(rig)


def test_a_balance_that_fails_meanwhile_stops_the_pump(rig: LearningRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.calibrate()
    meddle(monkeypatch, rig, lambda: rig.sim.balance_fault("overload"))
    with pytest.raises(BalanceError):
        jobs.learn_rotor(rig.client, rig.how())
    assert rig.client.status()["state"] == "stopped"
    assert not rig.sim.enable_level()
    assert nothing_stored(rig)


def test_a_head_that_is_even_gets_no_table(tmp_path: Path) -> None:
    with learning_rig(tmp_path, "even", 1, resolution_ug=1_000) as rig:
        rig.calibrate()
        with pytest.raises(Failed, match="would not beat dosing by angle"):
            jobs.learn_rotor(rig.client, rig.how())
        assert nothing_stored(rig)


def test_learned_shown_verified_slipped_changed_and_forgotten(
    rig: LearningRig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig.calibrate()
    how = rig.how(png=tmp_path / "head.png", as_json=True)
    jobs.learn_rotor(rig.client, how)
    told = document(capsys)
    assert told["rotor"]["law"] == "volume" and told["rotor"]["zero_steps"] == 0
    assert len(told["learned"]["bins_nl"]) == len(told["learned"]["bins_uncertainty_nl"]) == 192
    assert sum(told["learned"]["bins_nl"]) == pytest.approx(rig.turn_nl, rel=1e-4)
    assert min(told["learned"]["bins_nl"]) < 0
    assert (tmp_path / "head.png").read_bytes().startswith(b"\x89PNG")
    # the two runs took one enable
    assert rig.client.status()["position_uncertain_steps"] == 64

    jobs.show(rig.client, rig.how())
    assert "by volume" in capsys.readouterr().out
    # the same weights again: the same table, and its zero still holds
    jobs.learn_rotor(rig.client, rig.how(balance=None, source=how.record, as_json=True))
    again = document(capsys)
    assert again["learned"]["bins_nl"] == told["learned"]["bins_nl"] and again["rotor"]["zero_steps"] == 0

    begin_ms = rig.sim.now_ms()
    rig.sim.turn_rotor(5.0)
    jobs.verify_rotor(rig.client, rig.how(as_json=True))
    assert rig.sim.now_ms() - begin_ms < 4 * 60_000
    found = document(capsys)["verified"]
    assert found["gain"] == pytest.approx(1, abs=0.05) and found["zero_set"]
    assert found["phase_degrees"] == pytest.approx(5, abs=0.8)
    zero_steps = rig.client.rotor_read()["status"]["zero_steps"]
    assert zero_steps == pytest.approx(3_200 - 5 / 360 * 3_200, abs=8)

    rig.sim.alter_head("ripple=125%")
    with pytest.raises(Failed, match="not as it was learned"):
        jobs.verify_rotor(rig.client, rig.how())

    jobs.forget(rig.client, rig.how(dry_run=True))
    assert not nothing_stored(rig)
    jobs.forget(rig.client, rig.how())
    assert nothing_stored(rig)
    # the motor was switched on since these weights: the shape holds, its angle is not known
    capsys.readouterr()
    jobs.learn_rotor(rig.client, rig.how(balance=None, source=how.record))
    assert rig.client.rotor_read()["status"]["law_cause"] == "phase_power"
    assert "--verify" in capsys.readouterr().err
