"""The record of a weighed rotor: written line by line, read again, and its positions on a straight line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from thecal.errors import BadInput, Failed
from thecal.quantities.amounts import Rate
from thecal.weighing.rotor.plan import WeighedRun
from thecal.weighing.rotor.positions import weighing_of
from thecal.weighing.rotor.record import LEARNING, Conditions, Mass, Position, Recorder, WeighedTurns, read_record

CONDITIONS = Conditions(LEARNING, "0123", "unit", "T1", "L1", 1, 3_200, 31_600, 3_200, 0.998, 100, "mt-sics", 1_796_000_000)
RUN = WeighedRun(Rate(1_600_000, 3600), 6_400, 142.2)


def written(folder: Path, whole: bool = True) -> Path:
    path = folder / "rotor.txt"
    with Recorder(path, CONDITIONS) as recorder:
        recorder.begin(RUN)
        recorder.mass(1_000, 31_415_900)
        recorder.motor(1_000, 1_300, 17)
        recorder.mass(1_500, 31_416_300)
        if whole:
            recorder.end()
            recorder.settle(3, 64)
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    record = read_record(written(tmp_path))
    assert record.conditions == CONDITIONS
    assert record.runs == [WeighedTurns(1_600_000, 6_400, [(1_000, 31_415_900), (1_500, 31_416_300)], [(1_000, 1_300, 17)], True)]
    assert record.settled == (3, 64)


def test_a_record_is_never_overwritten_and_one_without_readings_is_removed(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(BadInput, match="exists already") as refused:
        Recorder(path, CONDITIONS)
    assert "never overwritten" in refused.value.do
    with Recorder(tmp_path / "empty.txt", CONDITIONS):
        pass
    assert not (tmp_path / "empty.txt").exists()
    with pytest.raises(Failed, match="can't be written"):
        Recorder(tmp_path / "missing" / "rotor.txt", CONDITIONS)


def test_runs_that_were_cut_short_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cut short"):
        read_record(written(tmp_path, whole=False))


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda text: "", "does not begin"), (lambda text: text.replace("rotor 1", "rotor 9"), "does not begin"),
        (lambda text: text.replace('"turns": 1', '"turns": 0'), "line 2"), (lambda text: text.replace('"tube"', '"pipe"'), "line 2"),
        (lambda text: text.replace("mass_ug,1500,", "mass_ug,"), "line 6"), (lambda text: text.replace("1300", "soon"), "line 5"),
        (lambda text: text.replace("run,1600000,6400\n", ""), "belongs to no run"), (lambda text: text + "\udcff", "is not a record"),
    ],
)  # fmt: skip
def test_a_damaged_record_is_refused_with_its_line(tmp_path: Path, change, cause: str) -> None:
    path = written(tmp_path)
    path.write_text(change(path.read_text()), encoding="utf-8", errors="surrogateescape")
    with pytest.raises(BadInput, match=cause):
        read_record(path)
    with pytest.raises(BadInput, match="can't be read"):
        read_record(tmp_path / "missing.txt")


# --- positions


def run(seconds_s: int = 300, skew: float = 0.0, grown: float = 1.0) -> WeighedTurns:
    """A run whose pump's clock is 300 ms ahead at first, and `skew` faster."""
    per_ms = 1_600_000 * 3_200 / 31_600 / 3_600_000
    made = WeighedTurns(1_600_000, 0, done=True)
    for at_ms in range(0, seconds_s * 1000, 500):
        uptime_ms = at_ms + 300 + round(skew * at_ms)
        made.readings.append(Mass(at_ms, round(at_ms * per_ms * 31_600 / 3_200 * 0.998 * grown)))
        if at_ms % 5_000 == 0:
            made.positions.append(Position(at_ms, uptime_ms, int(1_000 + per_ms * uptime_ms)))
    return made


def test_each_reading_gets_the_motor_s_position_at_its_moment() -> None:
    for skew in (0.0, 2e-4, -2e-4):
        found = weighing_of(run(skew=skew), CONDITIONS)
        kept_ms = np.arange(len(found.time_s)) * 500
        true_steps = 1_000 + 1_600_000 * 3_200 / 31_600 / 3_600_000 * (kept_ms * (1 + skew) + 300)
        assert np.max(np.abs(found.motor_steps - true_steps)) < 1.5
        assert np.max(np.abs(found.time_s - (kept_ms * (1 + skew) + 300) / 1000)) < 0.01


def test_a_motor_that_stopped_meanwhile_and_a_balance_that_stood_still_are_found() -> None:
    stopped = run()
    stopped.positions = [one._replace(motor_steps=min(one.motor_steps, 6_000)) for one in stopped.positions]
    with pytest.raises(Failed, match="constant rate"):
        weighing_of(stopped, CONDITIONS)
    for grown in (0.0, 0.4, 2.0):
        with pytest.raises(Failed, match="the balance showed"):
            weighing_of(run(grown=grown), CONDITIONS)
    with pytest.raises(Failed, match="too seldom"):
        weighing_of(run(seconds_s=20), CONDITIONS)


def test_the_conditions_give_the_head_s_geometry() -> None:
    geared = replace(CONDITIONS, turns=11, turns_steps=22_800, volume_nl=1_000_003, steps=99_991)
    assert geared.turn.turn_nl == pytest.approx(22_800 / 11 * 1_000_003 / 99_991)
    assert geared.mg_per_nl == pytest.approx(0.998e-3)
