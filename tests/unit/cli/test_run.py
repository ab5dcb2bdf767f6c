"""`thecal run`: any two of three, what it replaces and brings back, what it refuses, and `--wait`."""

import json
import signal
import threading
from fractions import Fraction

import pytest
from pydantic import TypeAdapter

from pumpcore.faults.faults import Refusal
from pumpcore.orders.bolus import CANCELLED, DELIVERING, DONE
from pumpcore.program import packing
from support.host.empty_place import empty_place, typing
from support.host.therapy_pump import TherapyPump
from thecal.api import following
from thecal.api.session import Session
from thecal.cli.schema.verbs import SHAPES
from thecal.errors import Interrupted

ML_NL = 1_000_000


@pytest.fixture
def pump():
    with TherapyPump() as fake:
        yield fake


@pytest.fixture
def typed(thecal_says, monkeypatch, tmp_path, pump):
    empty_place(tmp_path, monkeypatch)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr(following, "INTERVAL_S", 0.01)
    return typing(thecal_says, monkeypatch, pump)


def active(pump):
    return packing.unpack(pump.active)


RUNS = {
    ("1 uL/h",): (10, Fraction(1000, 3600), 1),
    ("--rate", "1 uL/h"): (10, Fraction(1000, 3600), 1),
    ("1 uL/h", "--for", "2 h"): (7200, Fraction(1000, 3600), 0),
    ("--volume", "5 uL", "--for", "2 h"): (7200, Fraction(5000, 7200), 0),
    ("--volume", "50 nL", "--rate", "2 uL/h"): (90, Fraction(2000, 3600), 0),
    ("120 ug/day",): (10, Fraction(240_000, 86_400), 1),
    ("--volume", "1 ug", "--for", "1 h"): (3600, Fraction(2000, 3600), 0),
}


@pytest.mark.parametrize("words", RUNS, ids=" ".join)
def test_any_two_of_three_become_the_active_program_and_run(typed, pump, words: tuple) -> None:
    before = pump.active
    code, out, err = typed("run", *words, "--dry-run", "--json")
    assert code == 0 and pump.active == before and pump.state == "stopped" and "nothing sent" in err, err
    held(out)
    code, _, err = typed("run", *words)
    assert code == 1 and "no answer on stdin" in err and pump.active == before and pump.state == "stopped"
    code, out, err = typed("run", *words, "--json", "--yes")
    assert code == 0 and pump.state == "running", err
    program, told = active(pump), held(out)
    lasts_s, rate, then = RUNS[words]
    (stage,) = program.protocol.stages
    assert stage[0] == lasts_s and stage[1] == stage[2] and program.protocol.then == then
    assert Fraction(stage[1], program.rate_seconds_s) == rate == Fraction(told["rate_nl"], told["rate_seconds_s"])
    assert told["volume_nl"] == (None if then else int(rate * lasts_s)) and told["outcome"] == "running"
    assert "replaces" in err and "`thecal run --restore` brings it back" in err and told["replaced"]


def held(out: str):
    document = json.loads(out)
    TypeAdapter(SHAPES["run"]).validate_python(document)
    return document


WRONG = {
    (): "nothing to run",
    ("--for", "2 h"): "not enough to run",
    ("--volume", "5 mL"): "not enough to run",
    ("1 mL/h", "--rate", "1 mL/h"): "given twice",
    ("1 mL/h", "--volume", "5 mL", "--for", "5 h"): "the third follows from two",
    ("5 mL",): 'write: thecal run --volume "5 mL" --for "2 h"',
    ("0 mL/h",): "is zero",
    ("1,5 mL/h",): "comma",
    ("1 mL/h", "--for", "9 s"): "out of range",
    ("1 mL/h", "--for", "soon"): "--for:",
    ("--volume", "5 mL", "--rate", "7 mL/h"): "whole seconds",
    ("--volume", "1 nL", "--rate", "7 mL/h"): "at least 10 s",
    ("1 mL/h", "--wait"): "nothing to wait for",
    ("1 mL/h", "--restore"): "stands alone",
    ("1 mL/h", "--concentration", "0 mg/mL"): "is zero",
    ("1 mL/h", "--drug", ""): "--drug is empty",
    ("120 ug/day", "--drug", "dye"): "the fluid has no concentration",
    ("1 mL/h", "--override", "rate"): "no drug library",
}


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_a_wrong_command_line_changes_nothing(typed, pump, words: tuple) -> None:
    before = pump.active
    code, out, err = typed("run", *words, "--yes")
    assert code == 2 and WRONG[words] in err and out == "", err
    assert len(err.splitlines()) >= 2 and pump.active == before and pump.state == "stopped"


def test_the_nearest_times_of_a_volume_at_a_rate_work(typed, pump) -> None:
    _, _, err = typed("run", "--volume", "5 uL", "--rate", "7 uL/h", "--yes")
    assert '--volume "5 uL" --for "2571 s" or "2572 s"' in err
    code, _, err = typed("run", "--volume", "5 uL", "--for", "2571 s", "--yes")
    assert code == 0, err


@pytest.mark.parametrize(("state", "code", "word"), [("running", 1, "stop it first"), ("priming", 1, "stop it first"), ("alarm", 5, "ack")])
def test_it_is_refused_while_anything_runs(typed, pump, state: str, code: int, word: str) -> None:
    before, pump.state = pump.active, state
    ended, _, err = typed("run", "1 uL/h", "--yes")
    assert ended == code and word in err and pump.active == before and "program.activate" not in pump.executed


def test_a_pump_with_a_name_is_stopped_by_it(typed, pump) -> None:
    assert "until you stop it: thecal stop\n" in typed("run", "1 uL/h", "--yes")[2]
    pump.name = "flow-1"
    assert "stop it first: thecal stop flow-1\n" in typed("run", "1 uL/h", "--yes")[2]
    pump.state = "stopped"
    assert "to stop it before: thecal stop flow-1\n" in typed("run", "1 uL/h", "--for", "2 h", "--yes")[2]


def test_a_pump_without_a_program_asks_for_the_fluid(typed, pump) -> None:
    pump.active = b""
    code, _, err = typed("run", "1 uL/h", "--yes")
    assert code == 1 and "--drug water" in err and not pump.active
    code, _, err = typed("run", "1 uL/h", says="saline\ny\n")
    assert code == 0 and active(pump).fluid == "saline" and "What is in the reservoir?" in err
    pump.do_stop()
    code, _, err = typed("run", "--restore", "--yes")
    assert code == 1 and "no program of this pump to restore" in err


def test_the_limits_of_the_replaced_program_stay_and_its_demand_does_not(typed, pump) -> None:
    old = active(pump)
    assert old.settings.demand_nl and old.settings.line_nl() and old.settings.capacity_nl
    assert typed("run", "1 uL/h", "--yes")[0] == 0
    new = active(pump)
    for name in ("tubing_nl", "catheter_nl", "line_day", "capacity_nl", "low_nl", "empty_nl", "tolerance_nl"):
        assert getattr(new.settings, name) == getattr(old.settings, name)
    assert not new.settings.demand_nl and not new.settings.demand_on
    assert (new.fluid, Fraction(*new.concentration)) == (old.fluid, Fraction(*old.concentration))


def test_the_program_before_the_runs_comes_back_and_nothing_starts(typed, pump) -> None:
    before = pump.active
    for rate in ("1 uL/h", "2 uL/h"):
        assert typed("run", rate, "--yes")[0] == 0
        code, _, err = typed("run", "--restore", "--yes")
        assert code == 1 and "stop it first" in err
        pump.do_stop()
    assert pump.active != before
    code, _, err = typed("run", "--restore", "--dry-run")
    assert code == 0 and pump.active != before and "nothing sent" in err
    code, out, err = typed("run", "--restore", "--yes")
    assert code == 0 and pump.active == before and pump.state == "stopped" and "thecal start" in err, err
    assert active(pump).name in out
    pump.executed.clear()
    code, out, err = typed("run", "--restore")
    assert code == 0 and out.startswith("unchanged, active in the pump"), "it asks nothing and sends nothing"
    assert "program.stage" not in pump.executed


def test_a_run_below_one_step_is_refused_and_the_smallest_one_runs(typed, pump) -> None:
    before = pump.active
    for words in (("--volume", "0.0001 uL", "--for", "1 h"), ("0.1 nL/h", "--for", "1 h")):
        code, _, err = typed("run", *words, "--yes")
        assert code == 2 and "less than one step" in err and pump.active == before, err
    smallest = err.split('the smallest run holds "')[1].split('"')[0]
    code, _, err = typed("run", "--volume", smallest, "--for", "1 h", "--yes")
    assert code == 0 and pump.active != before, err


def test_a_volume_that_takes_too_long_names_the_longest_time(typed, pump) -> None:
    code, _, err = typed("run", "--volume", "1 mL", "--rate", "0.0001 uL/h", "--dry-run")
    assert code == 2 and "at most 4294967295 s" in " ".join(err.split()) and "at least" not in err, err


def test_a_refused_start_says_what_is_active_now_and_what_brings_the_other_one_back(typed, pump, monkeypatch) -> None:
    before = pump.active

    def refuse():
        raise Refusal("refill_unknown", rule="R7", asked=1, limit=0, nearest=0)

    monkeypatch.setattr(pump, "do_start", refuse)
    code, out, err = typed("run", "1 uL/h", "--yes")
    assert code == 1 and out == "" and "nothing was started" in err and "`thecal run --restore` brings the other one back" in err, err
    assert pump.active != before
    assert typed("run", "--restore", "--yes")[0] == 0 and pump.active == before


def test_an_older_firmware_is_named(typed, pump, monkeypatch) -> None:
    def refuse(**params):
        raise Refusal("program_format", cause="no header")

    monkeypatch.setattr(pump, "do_program_stage", refuse)
    code, _, err = typed("run", "1 uL/h", "--yes")
    assert code == 1 and "of another version" in err and "thecal flash" in err and "thecal sim --fresh" in err


def test_wait_ends_with_what_was_delivered(typed, pump, monkeypatch) -> None:
    status, looks = pump.do_status, []

    def going_on():
        looks.append(1)
        told = status()
        if pump.state == "running" and len(looks) > 6:
            pump.state = "stopped"
        told["program_digest"] = pump.digest()
        return {**told, "state": pump.state, "delivered_steps": 0 if len(looks) < 5 else 199}

    monkeypatch.setattr(pump, "do_status", going_on)
    code, out, err = typed("run", "--volume", "2 uL", "--for", "10 s", "--yes", "--wait")
    assert code == 0 and out == "done: 2 uL in 10 s; delivered ~0.002 mL\n", (out, err)


def test_a_run_that_ends_early_says_how_much(typed, pump, monkeypatch) -> None:
    status = pump.do_status

    def stopped():
        if pump.state == "running" and pump.executed.count("status") > 4:
            pump.state = "stopped"
        return {**status(), "program_digest": pump.digest()}

    monkeypatch.setattr(pump, "do_status", stopped)
    code, out, err = typed("run", "--volume", "2 uL", "--for", "10 s", "--yes", "--wait")
    assert code == 1 and out == "" and "ended early (stopped): 0 mL of ~0.002 mL delivered" in err


@pytest.mark.parametrize(("state", "code"), [(DONE, 0), (CANCELLED, 1)])
@pytest.mark.parametrize("words", [("bolus", "--demand"), ("prime", "--rate", "2 mL/h")], ids=" ".join)
def test_a_bolus_is_followed_by_its_token(typed, pump, monkeypatch, words: tuple, state: str, code: int) -> None:
    looks = []

    def told(token):
        looks.append(token)
        made = len(looks) * 100
        return {"token": token, "state": DELIVERING if len(looks) < 4 else state, "delivered_steps": made, "ordered_steps": 400}

    monkeypatch.setattr(pump, "do_bolus_status", told)
    ended, out, err = typed(*words, "--yes", "--wait")
    assert ended == code and len(looks) == 4, err
    assert ("done" in out) if not code else "ended early (cancelled)" in err


@pytest.mark.parametrize("words", [("bolus", "--status", "0" * 16), ("bolus", "--cancel", "0" * 16), ("temporary", "--cancel", "0" * 16)])
def test_wait_needs_an_order(typed, words: tuple) -> None:
    code, _, err = typed(*words, "--wait")
    assert code == 2 and "orders nothing" in err


@pytest.fixture
def signals():
    """Handle signals as in a terminal, whatever a test before left."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_watching_only(pump, signals: None, number: int, code: int) -> None:
    going_on = following.Watched("run", lambda client: following.Look(1, 2, "", {}), lambda last: "")
    threading.Timer(0.3, lambda: signal.raise_signal(number)).start()
    session = Session(pump.port_url)
    with pytest.raises(Interrupted) as end:
        following.follow(session, going_on, following.Patience())
    session.close()
    assert end.value.exit_code == code and "thecal stop" in end.value.do and "the watching ended" in end.value.cause
    assert "stop" not in pump.executed


LIBRARY = """title = "t"
drug = "dye"
[basal]
rate = "1 uL/h"
[library]
name = "ours"
version = 3
soft_rate = "2 uL/h"
hard_rate = "5 uL/h"
"""


def test_the_limits_of_the_drug_library_hold_for_a_run(typed, pump, tmp_path) -> None:
    from thecal.prescription.compiler import compile_prescription
    from thecal.prescription.file import load

    (tmp_path / "rx.toml").write_text(LIBRARY)
    pump.active = compile_prescription(load(tmp_path / "rx.toml"), "rx.toml").packed
    before = pump.active
    code, _, err = typed("run", "6 uL/h", "--yes")
    assert code == 2 and "limit 5 uL/h" in err and pump.active == before, err
    code, _, err = typed("run", "3 uL/h", "--yes")
    assert code == 2 and "--override rate" in err and pump.active == before, err
    code, _, err = typed("run", "3 uL/h", says="y\ny\n")
    assert code == 0 and "soft limit of ours for rate" in err and active(pump).settings.library == "ours", err
    pump.do_stop()
    code, _, err = typed("run", "4 uL/h", "--override", "rate", "--yes")
    assert code == 0 and active(pump).settings.overridden() == ["rate"], err
    pump.do_stop()
    code, _, err = typed("run", "2 uL/h", "--yes")
    assert code == 0, err
