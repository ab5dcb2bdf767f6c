"""Wherever a bench's ceilings are shown, a program's highest rate is shown beside the motor's."""

import pytest

from pumpcore.bench import bench as benches
from pumpcore.program.plan import Program
from support.rig import benches as rigs
from thecal.api.holding import bench_rows, motor_text
from thecal.checks import rigs as checks_rigs
from thecal.cli.verbs.limits import table
from thecal.files.bench import payload
from thecal.files.resources import hardware_folder


def rig(name: str) -> checks_rigs.Rig:
    return checks_rigs.of_bench(benches.parse(payload(rigs.named(name))))


def test_the_rate_that_ramps_leave_is_shown_beside_the_motors() -> None:
    told = dict(bench_rows(vars(rig("tmc2209-peristaltic01"))))
    assert told["motor"].startswith("10000 steps a second; a program may use at most 4108")


@pytest.mark.parametrize(
    ("most_hz", "start_hz", "hz_per_s", "words"),
    [(2_000, 0, 0, "2000 steps a second"), (2_000, 2_000, 50, "2000 steps a second"), (25_000, 3_200, 50_000, "at most 19674")],
)
def test_without_a_ramp_there_is_one_figure(most_hz: int, start_hz: int, hz_per_s: int, words: str) -> None:
    text = motor_text({"max_rate_hz": most_hz, "start_rate_hz": start_hz, "acceleration_hz_per_s": hz_per_s})
    assert text.endswith(words) or words in text
    assert ("program" in text) == (hz_per_s > 50)


def test_limits_has_a_row_of_the_motor() -> None:
    program = Program("slow", "water", 3600, [(0, 1_000)])
    row = next(row for row in table(program, rig("tmc2209-peristaltic01")) if row["limit"] == "motor with ramps")
    assert (row["bench"], row["binds"]) == (4_108 * 3600 * 128_000 // 3_200, "bench")


def test_the_bench_file_says_it_where_the_figure_stands() -> None:
    lines = (hardware_folder() / "tmc2209-peristaltic01.toml").read_text().splitlines()
    line = next(line for line in lines if line.startswith("max_rate_hz"))
    assert "up to 4108 Hz" in line
