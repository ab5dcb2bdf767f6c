"""How bad a plain pump is on the simulated heads, as a user finds out: `thecal sim --head`, then `thecal characterise`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from support.host.cli import Tool

pytestmark = [pytest.mark.needs("free_time"), pytest.mark.needs("plant"), pytest.mark.needs("flash_operations")]
# its tube is within 0.2 % of the pair: what is left is the head
EVEN_SEED = "26"
# 0.15 mg of noise is 20 % of the error of a window of 3.3 mg
QUIET = ("--balance-digit", "0.01 mg", "--balance-noise", "0.02 mg")


@pytest.mark.parametrize(
    ("head", "low_percent", "high_percent"), [("even", 0, 8), ("sinus", 75, 95), ("dip20", 45, 75), ("dip35", 95, 185)]
)
def test_a_plain_pump_is_as_bad_as_its_head(
    tmp_path: Path, record_property: Callable[[str, object], None], head: str, low_percent: float, high_percent: float
) -> None:
    tool = Tool(tmp_path)
    with tool.weighed_pump(*QUIET, "--seed", EVEN_SEED, "--head", head) as balance:
        done = tool.run(
            "characterise", "--balance", balance, "--rate", "100 uL/h", "--duration", "50 min", "--interval", "2 s", "--sample", "10 s",
            "--record", "run.csv", "--yes", "--json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    windows = {window["window_min"]: window for window in json.loads(done.stdout)["periods"][0]["trumpet"]}
    worst = max(abs(windows[2]["ep_max_percent"]), abs(windows[2]["ep_min_percent"]))
    record_property("figure", f"100 uL/h on {head}, by angle: 2 min {worst:.0f} %")
    assert low_percent <= worst <= high_percent
