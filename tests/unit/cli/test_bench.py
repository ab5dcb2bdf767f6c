"""`thecal bench show | set | check`, and the buttons of a simulated pump."""

import importlib
import io
import json
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from pumpcore.faults.faults import Refusal
from support.host.therapy_pump import CEILINGS, TherapyPump
from thecal.cli import held_button
from thecal.cli.schema.therapy import BenchCheck
from thecal.files.resources import hardware_folder
from thecal.pump.layers import Bench

verb = importlib.import_module("thecal.cli.verbs.bench")  # the package has the function under this name
NOW = Bench("fake", 4_000_000, 3600, 4_000_000, 40_000_000)

RELEASE_S = 57  # an answer with this says that the button was held long enough


class BenchPump(TherapyPump):
    """A pump with ceilings that answers `bench.set` from a list: refusals by name, or how many seconds it waits."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[str | int] = [0]
        self.known += ["bench.set"]

    def do_hello(self):
        return {**super().do_hello(), "ceilings": CEILINGS}

    def do_bench_set(self, **params):
        self.asked.append(("bench", params))
        answer = self.answers.pop(0)
        if isinstance(answer, str):
            raise Refusal(answer, cause="day_above_ceiling", asked_nl=5, limit_nl=4)
        return {"done": not answer, "wait_s": answer, "hold_s": 0 if answer == RELEASE_S else 2}


@pytest.fixture
def pump(monkeypatch, tmp_path):
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setattr(held_button, "ASK_EVERY_S", 0)
    with BenchPump() as fake:
        yield fake


@pytest.fixture
def run(thecal_says, pump):
    return lambda *words: thecal_says("bench", *words, "--port", pump.port_url)


def test_show_says_each_ceiling_and_what_is_used_of_it(run):
    code, out, _ = run("show")
    assert code == 0 and "highest rate      4 mL/h" in out and "most in 24 hours  40 mL, 0 mL of it used now" in out
    assert json.loads(run("show", "--json")[1]) == {"bench": "fake", "ceilings": CEILINGS}


def test_a_raise_says_what_to_do_and_asks_until_it_was_done(run, pump):
    pump.answers = [60, 59, RELEASE_S, RELEASE_S, 0]
    code, out, err = run("set", "--max-per-day", "50 mL", "--yes")
    assert code == 0 and "RAISED" in err and err.count("hold it for 2 s, and release it when this says so") == 1 and "are set" in out
    assert err.count("release the stop button now, within 57 s") == 1
    assert pump.asked == [("bench", {"rate_nl": 4_000_000, "rate_seconds_s": 3600, "hour_nl": 4_000_000, "day_nl": 50_000_000})] * 5


def test_a_program_that_does_not_fit_is_named_and_nothing_is_changed(run, pump):
    pump.answers = ["bench_unfit"]
    code, _, err = run("set", "--max-per-day", "0.5 mL", "--yes")
    assert code == 1 and '"t" would no longer fit' in err and "lowered" in err
    assert "24 hours would hold more than is allowed" in err and "day_above_ceiling" not in err


def test_a_pump_that_runs_is_named_before_anything_is_asked(run, pump):
    pump.state = "running"
    code, _, err = run("set", "--max-rate", "12 mL/h", "--yes")
    assert code == 1 and "the pump is running" in err and "thecal stop" in err and "RAISED" not in err and pump.asked == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set",), "needs at least one ceiling"),
        (("sett",), '"sett" is neither show, set nor check'),
        (("show", "--max-rate", "1 mL/h"), "`bench show` takes none"),
        (("set", "--max-rate", "1 mL"), "--max-rate: "),
        (("set", "--max-per-hour", "0 mL"), "--max-per-hour: "),
        (("set", "--max-per-day", "0.0000001 mL"), "not a whole number of nl"),
    ],
)
def test_wrong_words_are_2_and_send_nothing(run, pump, words, said):
    code, _, err = run(*words)
    assert code == 2 and said in err and pump.asked == []


def test_a_dry_run_and_a_no_send_nothing(run, pump, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert run("set", "--max-rate", "5 mL/h", "--dry-run")[0] == 0
    assert run("set", "--max-rate", "5 mL/h")[0] == 1
    assert pump.asked == []


def test_an_old_firmware_is_named(run, pump):
    pump.known.remove("bench.set")
    code, _, err = run("set", "--max-rate", "1 mL/h", "--yes")
    assert code == 1 and "does not know bench.set" in err


@pytest.mark.parametrize(
    ("text", "pair"),
    [("1 mL/h", (1_000_000, 3600)), ("1 mL/day", (1_000_000, 86_400)), ("1 uL/min", (60_000, 3600)), ("1.0001 nL/h", (10_001, 36_000_000))],
)
def test_a_rate_is_exact(text, pair):
    new = verb.changed(NOW, {"rate": verb.read("rate", text)})
    assert Fraction(new["rate_nl"], new["rate_seconds_s"]) == Fraction(*pair) and new["day_nl"] == 40_000_000


def test_a_button_needs_one_simulated_pump(thecal_says, pump, tmp_path: Path):
    assert thecal_says("sim", "--press", "left")[0] == 2
    code, _, err = thecal_says("sim", "--press", "hold")
    assert code == 1 and "no simulated pump runs" in err
    code, _, err = thecal_says("sim", "--port", "flow-1")
    assert code == 2 and "--press" in err
    assert thecal_says("sim", "--press", "stop", "--motor-supply", "12")[0] == 2
    for volts in ("60.1", "-0.1", "nan"):
        code, _, err = thecal_says("sim", "--motor-supply", volts)
        assert code == 2 and "is not from 0 to 60" in err
    code, _, err = thecal_says("sim", "--motor-supply", "9.5")
    assert code == 1 and "no simulated pump runs" in err


def test_a_button_of_one_of_two_is_pressed_by_its_name(thecal_says, pump, monkeypatch):
    from thecal.pump.transport import names, registry

    two = [{"port": f"/dev/pts/{at}", "unique_id": f"0{at}", "control": "host:1", "control_secret": str(at)} for at in (3, 4)]
    monkeypatch.setattr(registry, "entries", lambda: two)
    pressed = []

    class Control:
        def __init__(self, host, port, secret):
            pressed.append(secret)

        def __enter__(self):
            return self

        def __exit__(self, *details):
            pass

        def press_stop(self, hold_s):
            pass

        def set_motor_supply(self, supply_mv):
            pressed.append(supply_mv)

    monkeypatch.setattr("thecal.sim.control.Control", Control)
    code, _, err = thecal_says("sim", "--press", "stop")
    assert code == 1 and "2 simulated pumps run" in err and "--port" in err
    monkeypatch.setattr(names, "called", lambda name: [names.Named(name, "04", "/dev/pts/4")])
    assert thecal_says("sim", "--press", "stop", "--port", "flow-1")[0] == 0 and pressed == ["4"]
    code, out, _ = thecal_says("sim", "--motor-supply", "9.5", "--port", "flow-1", "--json")
    assert code == 0 and pressed == ["4", "4", 9_500] and '"motor_supply_mv": 9500' in out
    code, _, err = thecal_says("sim", "--press", "stop", "--port", "/dev/ttyACM9")
    assert code == 1 and "/dev/ttyACM9 is not a simulated pump that runs" in err


@pytest.fixture
def wrong_bench(tmp_path: Path) -> Path:
    """Return the file of the shipped bench without its enable resistor."""
    text = (hardware_folder() / "tmc2209-peristaltic01.toml").read_text(encoding="utf-8")
    lines = [line.replace('"R1:1", ', "").replace('"R1:2", ', "") for line in text.splitlines() if not line.startswith("R1 = ")]
    board = "\n".join(lines).partition("[board")[0]
    (tmp_path / "mine.toml").write_text(board, encoding="utf-8")
    return tmp_path / "mine.toml"


def test_a_good_bench_has_no_finding_and_says_how_far_its_figures_are_known(thecal_says):
    code, out, err = thecal_says("bench", "check", "tmc2209-peristaltic01")
    assert (code, out.strip()) == (0, "tmc2209-peristaltic01: no finding")
    assert " read, " in err and " unread, " in err and "no builder has measured one yet" in err


def test_a_simulated_bench_has_nothing_to_check(thecal_says):
    code, out, err = thecal_says("bench", "check", "sim-clock")
    assert (code, err) == (0, "") and "no wires to check" in out


def test_a_wrong_bench_is_2_with_rule_net_part_and_cure(thecal_says, wrong_bench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    code, out, _ = thecal_says("bench", "check", str(wrong_bench))
    assert code == 2 and "E3" in out and "DRIVER" in out
    assert "put 4.7 to 10 kOhm between DRIVER:EN and 3V3M" in " ".join(out.split())


def test_the_findings_as_json_have_their_shape(thecal_says, wrong_bench):
    code, out, _ = thecal_says("bench", "check", str(wrong_bench), "--json")
    TypeAdapter(BenchCheck).validate_json(out, strict=True)
    told = json.loads(out)
    assert code == 2 and {one["rule"] for one in told["findings"]} >= {"E3"} and told["figures"]["unread"] > 0
    assert json.loads(thecal_says("bench", "check", "drv8833-coils", "--json")[1])["findings"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check",), "`bench check` needs a bench file"),
        (("show", "sim-clock"), "`bench show` and `bench set` take none"),
        (("check", "sim-clock", "--yes"), "no other option"),
        (("check", "sim-clock", "--max-rate", "1 mL/h"), "no other option"),
        (("check", "nothing-like-it"), "neither a bench name nor a file"),
    ],
)
def test_wrong_words_for_a_check_are_2(thecal_says, words, said):
    code, _, err = thecal_says("bench", *words)
    assert code == 2 and said in err


@pytest.mark.parametrize("option", [(), ("--dry-run",), ("--yes",)])
def test_flash_takes_no_bench_with_a_finding(thecal_says, wrong_bench, option):
    code, _, err = thecal_says("flash", "--bench", str(wrong_bench), *option)
    assert code == 2 and "no resistor holds DRIVER:EN high" in err and "nothing is written" in err
