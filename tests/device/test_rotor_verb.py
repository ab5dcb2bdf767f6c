"""`thecal calibrate --rotor` as a user types it, in processes of its own: learn, verify, show, forget; and what is typed wrong."""

import json
from pathlib import Path

import pytest

from support.host.cli import Tool

pytestmark = [pytest.mark.needs("free_time"), pytest.mark.needs("plant"), pytest.mark.needs("flash_operations")]
HEAD = ("--head", "sinus", "--seed", "26")
GRAMS = "0.631 g"  # 20 turns of the simulated head


def rotor(tool: Tool, *words: str, code: int = 0) -> tuple[str, str]:
    done = tool.run("calibrate", "--rotor", *words)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout, done.stderr


def test_what_is_typed_wrong_and_what_is_missing(tmp_path: Path) -> None:
    tool = Tool(tmp_path)
    with tool.weighed_pump(*HEAD) as balance:
        for words, code, text in (
            ((), 2, "neither --balance nor --from"),
            (("--balance", balance, "--from", "x.txt"), 2, "or both"),
            (("--balance", balance, "--mass", GRAMS), 2, "leave --mass"),
            (("--from", "missing.txt"), 2, "can't be read"),
            (("--balance", balance), 1, "the pump is not calibrated"),
            (("--verify", "--balance", balance), 1, "no table of its rotor"),
        ):
            assert text in rotor(tool, *words, code=code)[1], words
        done = tool.run("calibrate", "--png", "head.png")
        assert done.returncode == 2 and "need --rotor" in done.stderr
        assert "the pump has no table of its rotor" in rotor(tool, "--history")[0]


@pytest.mark.long
def test_learned_verified_shown_and_forgotten(tmp_path: Path) -> None:
    tool = Tool(tmp_path)
    with tool.weighed_pump(*HEAD) as balance:
        weights = ("--tube", "T1", "--lot", "L1", "--turns", "20", "--mass", GRAMS, "--no-run", "--yes")
        assert tool.run("calibrate", *weights).returncode == 0
        out, err = rotor(tool, "--balance", balance, "--png", "head.png", "--record", "rotor.txt", "--yes", "--json")
        assert json.loads(out)["rotor"]["law"] == "volume"
        assert "2 min at 100 uL/h, by angle" in err and (tmp_path / "head.png").exists() and (tmp_path / "rotor.txt").exists()
        out, _ = rotor(tool, "--verify", "--balance", balance, "--yes")
        assert out.startswith("gain") and "phase" in out
        assert "the pump doses by volume" in rotor(tool, "--history")[0]
        out, _ = rotor(tool, "--from", "rotor.txt", "--dry-run", "--json")
        assert len(json.loads(out)["learned"]["bins_nl"]) == 192
        assert "by angle" in rotor(tool, "--forget", "--yes")[0]
