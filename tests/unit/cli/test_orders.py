"""The verbs for therapy commands: what they ask, when they fetch the token, and what they print for an unknown outcome."""

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from pumpcore.faults.faults import Refusal
from pumpcore.program import packing
from pumpcore.wire import messages
from support.host.empty_place import empty_place, typing
from support.host.therapy_pump import CEILINGS, TherapyPump
from thecal.api.dosing import running_token
from thecal.cli.schema.verbs import SHAPES
from thecal.errors import BadInput, Failed


@pytest.fixture
def pump():
    with TherapyPump() as fake:
        yield fake


@pytest.fixture
def typed(thecal_says, monkeypatch, tmp_path, pump):
    empty_place(tmp_path, monkeypatch)
    monkeypatch.setattr("thecal.pump.exchange.REPLY_TIMEOUT_S", 0.3)
    monkeypatch.setattr("thecal.pump.exchange.PATIENCE_S", 0.6)
    return typing(thecal_says, monkeypatch, pump)


ORDERS = {
    ("bolus", "--demand"): ("demand", {}),
    ("bolus", "0.4 mL", "--extended", "4 h"): ("extended", {"volume_nl": 400_000, "duration_s": 14_400}),
    ("bolus", "100 ug", "--extended", "10 min"): ("extended", {"volume_nl": 200_000, "duration_s": 600}),
    ("prime", "--rate", "2 mL/h"): ("prime", {"rate_nl": 2_000_000, "again": 0}),
    ("prime", "--rate", "2 mL/h", "--again"): ("prime", {"rate_nl": 2_000_000, "again": 1}),
    ("temporary", "50 %", "--for", "2 h"): ("temporary", {"rate_nl": 0, "numerator": 1, "denominator": 2, "duration_s": 7200}),
    ("temporary", "0.8 mL/h", "--for", "90 s"): ("temporary", {"rate_nl": 800_000, "numerator": 0, "denominator": 0, "duration_s": 90}),
    ("temporary", "0 %", "--for", "1 h"): ("temporary", {"rate_nl": 0, "numerator": 0, "denominator": 1, "duration_s": 3600}),
    ("refill", "--measured", "3.95 mL", "--filled", "16 mL"): ("refill", {"measured_nl": 3_950_000, "filled_nl": 16_000_000}),
}


@pytest.mark.parametrize("words", ORDERS, ids=" ".join)
def test_an_order_is_reviewed_confirmed_and_placed_once(typed, pump, words: tuple) -> None:
    code, out, err = typed(*words, "--dry-run", "--json")
    assert code == 0 and pump.asked == [] and "bolus.token" not in pump.executed and "nothing sent" in err
    held(words[0], out)
    assert json.loads(out)["dry_run"] is True and json.loads(out)["params"] == ORDERS[words][1]
    code, _, err = typed(*words)  # there is nobody to confirm
    assert code == 1 and "no answer on stdin" in err and pump.asked == [] and "bolus.token" not in pump.executed
    code, out, err = typed(*words, "--yes", "--json")
    assert code == 0 and pump.asked == [ORDERS[words]] and len(json.loads(out)["token"]) == 16
    assert "clock" in err
    order = [method for method in pump.executed if method.startswith(("bolus", "temp", "reservoir"))]
    assert order[0] == "bolus.token" and len(order) == 2


def held(verb: str, text: str) -> None:
    TypeAdapter(SHAPES[verb]).validate_json(text, strict=True)


OTHERS = [("bolus", "--cancel", "00000000000000aa"), ("temporary", "--cancel", "00000000000000aa"), ("refill", "--acknowledge", "spilled"),
          ("start",), ("maintenance",), ("ack", "watchdog")]  # fmt: skip


@pytest.mark.parametrize("words", OTHERS, ids=" ".join)
def test_a_dry_run_changes_nothing_whatever_it_is_of(typed, pump, words: tuple) -> None:
    code, out, err = typed(*words, "--dry-run", "--json")
    assert code == 0 and "nothing sent" in err
    held(words[0], out)
    told = json.loads(out)
    assert (told[0] if words[0] == "ack" else told)["dry_run"] is True
    assert [method for method in pump.executed if messages.changes(method)] == [] and pump.asked == []


BEYOND = {
    ("temporary", "1000000 %", "--for", "1 h"): ("a rate is above the highest", "nearest: 4 mL/h"),
    ("temporary", "50 %", "--for", "25 h"): ("lasts from 60 s to 24 h", "nearest: 1 d 0 h"),
    ("temporary", "50 %", "--for", "10 s"): ("lasts from 60 s to 24 h", "nearest: 1 min"),
    ("temporary", "5 mL/h", "--for", "1 h"): ("a rate is above the highest", "nearest: 4 mL/h"),
    ("temporary", "4 mL/h", "--for", "2 h"): ("an hour would hold more than is allowed", "nearest: 3.93"),
    ("bolus", "1000 mL", "--rate", "1 nL/h"): ("takes longer than a bolus (24 h)", "nearest: 41666667 nL/h"),
    ("bolus", "90 uL", "--rate", "900 nL/h"): ("asked 360000 s, limit 86400 s", "nearest: 3750 nL/h"),
    ("bolus", "10 uL", "--rate", "3 mL/h"): ("takes at least 20 s", "nearest: 1.8 mL/h"),
    ("bolus", "0.5 mL", "--extended", "5 min"): ("lasts from 10 min to 24 h", "nearest: 10 min"),
    ("bolus", "0.7 mL", "--extended", "10 min"): ("a rate is above the highest", "nearest: 3.9 mL/h"),
    ("bolus", "0.3 mL", "--extended", "4 h"): ("above the largest that the program allows", "nearest: 0.25 mL"),
    ("bolus", "0.3 mL", "--rate", "2 mL/h"): ("above the largest that the program allows", "nearest: 0.25 mL"),
    ("prime", "--rate", "5 mL/h"): ("a rate is above the highest", "nearest: 4 mL/h"),
}


@pytest.mark.parametrize("words", BEYOND, ids=" ".join)
def test_what_no_moment_would_allow_is_said_before_anything_is_sent(typed, pump, monkeypatch, words: tuple) -> None:
    hello = pump.do_hello
    monkeypatch.setattr(pump, "do_hello", lambda: {**hello(), "ceilings": CEILINGS})
    if "0.3 mL" in words:
        made = packing.unpack(pump.active)
        made.settings.bolus_max_nl = 250_000
        pump.active = packing.pack(made)
    for more in (("--dry-run",), ("--yes",)):
        code, out, err = typed(*words, *more)
        assert code == 2 and not out and all(text in err for text in (*BEYOND[words], "rule R", "asked", "limit")), err
    assert pump.asked == [] and "bolus.token" not in pump.executed


def test_priming_is_bound_by_the_bench_and_not_by_the_program(typed, pump, monkeypatch) -> None:
    hello, made = pump.do_hello, packing.unpack(pump.active)
    monkeypatch.setattr(pump, "do_hello", lambda: {**hello(), "ceilings": CEILINGS})
    made.max_rate_nl = 1_000_000
    pump.active = packing.pack(made)
    assert typed("prime", "--rate", "2 mL/h", "--dry-run")[0] == 0
    assert typed("bolus", "0.1 mL", "--rate", "2 mL/h", "--dry-run")[0] == 2


@pytest.mark.parametrize("words", [("bolus", "--demand"), ("prime", "--rate", "2 mL/h")], ids=" ".join)
def test_a_lost_answer_is_settled_by_the_token(typed, pump, words: tuple) -> None:
    method = "bolus.demand" if "--demand" in words else "bolus.prime"
    pump.trouble[method] = ["mute"] * 9
    code, out, _ = typed(*words, "--yes", "--json")
    assert code == 0 and json.loads(out)["settled"] and len(pump.asked) == 1


def test_what_nobody_can_tell_is_said_with_the_token(typed, pump) -> None:
    pump.trouble["bolus.demand"] = ["silent"] * 9
    code, _, err = typed("bolus", "--demand", "--yes")
    assert code == 4 and "thecal bolus --status 0000000000000001" in err and pump.asked == []


def test_a_firmware_without_the_command_is_told(typed, pump) -> None:
    pump.known = []
    for words in ORDERS:
        code, _, err = typed(*words, "--yes")
        assert code == 1 and "flash the pump" in err, words
    assert pump.asked == []


def test_a_refill_out_of_tolerance_says_what_to_do(typed, pump) -> None:
    code, out, err = typed("refill", "--measured", "4.5 mL", "--filled", "15 mL", "--yes")
    assert code == 0 and "19.5 mL" in out
    assert "950002 nl in 99991 steps" in err or "950003 nl in 99991 steps" in err  # 9.5 of 10 mL were delivered
    assert 'thecal refill --acknowledge "reason"' in err
    assert typed("refill", "--acknowledge", "spilled some")[0] == 0
    assert pump.asked[-1] == ("acknowledge", {"reason": "spilled some"})


def test_a_refill_says_before_it_is_reported_that_it_is_out_of_tolerance(typed, pump) -> None:
    code, _, err = typed("refill", "--measured", "4.5 mL", "--filled", "15 mL", "--dry-run")
    assert code == 0 and "out of tolerance: the next start will be blocked" in err and "3.9 mL to 4.1 mL" in err and pump.asked == []
    code, _, err = typed("refill", "--measured", "4.1 mL", "--filled", "15 mL", "--dry-run")
    assert code == 0 and "out of tolerance" not in err


def test_a_refill_that_no_calibration_explains_proposes_none(typed, pump) -> None:
    code, out, _ = typed("refill", "--measured", "12 mL", "--filled", "0 mL", "--yes", "--json")
    assert code == 0 and "proposed_volume_nl" not in json.loads(out)
    assert "no calibration near this one" in typed("refill", "--measured", "12 mL", "--filled", "0 mL", "--yes")[2]


def test_more_than_the_reservoir_holds_is_not_reported(typed, pump) -> None:
    code, _, err = typed("refill", "--measured", "4 mL", "--filled", "17 mL", "--yes")
    assert code == 2 and "holds 20 mL" in err and "at most 16 mL" in err and pump.asked == []


def test_a_refused_start_says_that_the_clock_was_set(typed, pump, monkeypatch) -> None:
    def refuse():
        raise Refusal("alarm_active")

    monkeypatch.setattr(pump, "do_start", refuse)
    code, _, err = typed("start", "--zone", "UTC")
    assert code in (1, 5) and "clock set to" in err


def test_a_temporary_rate_is_cancelled_by_its_token(typed) -> None:
    code, out, _ = typed("temporary", "--cancel", "00000000000000aa")
    assert code == 0 and "cancelled" in out


@pytest.mark.parametrize(
    "words",
    [
        ("bolus",),
        ("bolus", "1 mL"),
        ("bolus", "--demand", "1 mL"),
        ("bolus", "1 mL", "--rate", "1 mL/h", "--extended", "1 h"),
        ("bolus", "1 mL", "--extended", "soon"),
        ("temporary", "50 %"),
        ("temporary", "50,5 %", "--for", "1 h"),
        ("temporary", "0.00001 %", "--for", "1 h"),
        ("temporary", "1 mL", "--for", "1 h"),
        ("temporary", "--cancel", "xyz"),
        ("prime", "--rate", "2"),
        ("refill", "--measured", "1 mL"),
        ("refill", "--measured", "1 mL", "--filled", "100 ug"),
        ("refill", "--acknowledge", ""),
        ("refill", "--acknowledge", "x" * 61),
        ("refill", "--measured", "1 mL", "--filled", "1 mL", "--acknowledge", "why"),
    ],
    ids=" ".join,
)
def test_what_is_wrong_is_one_line_and_reaches_no_pump(typed, pump, words: tuple) -> None:
    code, out, err = typed(*words)
    assert code == 2 and not out and err.count("\n") <= 3
    assert pump.executed == [] and Path.cwd().exists()


def test_a_bolus_that_has_ended_does_not_run() -> None:
    live, ended = {"token": "a" * 16, "state": "delivering"}, {"token": "b" * 16, "state": "cut"}
    with pytest.raises(Failed, match="no bolus runs"):
        running_token({"bolus": ended, "extended": ended}, "--cancel")
    assert running_token({"bolus": ended, "extended": live}, "--cancel") == live["token"]
    assert running_token({"bolus": ended, "extended": None}, "--status") == ended["token"]
    with pytest.raises(BadInput, match="two boluses run"):
        running_token({"bolus": live, "extended": live}, "--cancel")
