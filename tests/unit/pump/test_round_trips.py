"""How often a verb asks the pump, counted on the line: each fact once. On a slow line every question is a wait."""

import pytest

from pumpcore.wire import messages as frame
from support.host.empty_place import empty_place, typing
from support.host.therapy_pump import CEILINGS, TherapyPump
from thecal.pump.transport.link import Link

TOKEN = "00000000000000aa"
LAST = {"token": TOKEN, "state": "done", "rate_nl": 1, "rate_seconds_s": 3600, "ordered_steps": 10, "delivered_steps": 10,
        "volume_nl": 50_000, "purpose": "manual", "begins_at_ms": 0}  # fmt: skip
LINE = {**dict.fromkeys(("low_nl", "high_nl", "least_nl", "most_nl", "old_until_steps", "new_from_steps"), 0),
        "line_nl": 339_000, "old_ng": 250, "old_nl": 1000, "new_ng": 500, "new_nl": 1000,
        **dict.fromkeys(("old_fluid", "new_fluid", "phase"), ""), "needs": "bridge"}  # fmt: skip


class BusyPump(TherapyPump):
    """A pump with ceilings, a last bolus and, if wanted, a line that needs a bridge."""

    line = None

    def do_hello(self):
        return {**super().do_hello(), "ceilings": CEILINGS, "capabilities": [*self.known, "bolus.start", "bridge.start"]}

    def do_status(self):
        told = super().do_status()
        return {**told, "bolus": LAST, "therapy": {**told["therapy"], "line": self.line}}

    def do_calibration_read(self):
        pair = {"volume_nl": 1_000_003, "steps": 99_991, "state": "UNCALIBRATED"}
        return {"nominal": pair, "turns": 1, "turns_steps": 1, "calibration": None, "history": [], "status": pair}

    def do_bridge_start(self, token):
        steps = {"position_steps": 0, "old_until_steps": 0, "new_from_steps": 10}
        return {"token": token, "line_nl": 339_000, "numerator": 2, "denominator": 1, **steps}


@pytest.fixture
def pump():
    with BusyPump() as fake:
        yield fake


@pytest.fixture
def sent(monkeypatch):
    """Return the methods of the frames sent, in order."""
    methods, write = [], Link.write

    def counted(link, raw):
        methods.extend(frame.decode(line)["method"] for line in raw.splitlines() if line)
        write(link, raw)

    monkeypatch.setattr(Link, "write", counted)
    return methods


@pytest.fixture
def typed(thecal_says, monkeypatch, tmp_path, pump):
    empty_place(tmp_path, monkeypatch)
    return typing(thecal_says, monkeypatch, pump)


FACTS = ["hello", "status", "program.read"]
ORDER = [*FACTS, "bolus.token"]
ASKED = {
    ("bolus", "60 uL", "--rate", "1 mL/h", "--yes"): [*ORDER, "bolus.start"],
    ("bolus", "0.1 mL", "--extended", "4 h", "--yes"): [*ORDER, "bolus.extended"],
    ("bolus", "--demand", "--yes"): [*ORDER, "bolus.demand"],
    ("bolus", "60 uL", "--rate", "1 mL/h", "--dry-run"): FACTS,
    ("bolus", "--cancel", TOKEN): ["hello", "status", "bolus.cancel"],
    ("temporary", "50 %", "--for", "2 h", "--yes"): [*ORDER, "temporary.start"],
    ("temporary", "--cancel", TOKEN): ["hello", "temporary.cancel"],
    ("prime", "--rate", "2 mL/h", "--yes"): [*ORDER, "bolus.prime"],
    ("refill", "--measured", "4 mL", "--filled", "16 mL", "--yes"): [*ORDER, "reservoir.refill"],
    ("refill", "--acknowledge", "spilled"): ["hello", "reservoir.acknowledge"],
    ("start", "--zone", "UTC"): ["hello", "status", "clock.set", "start", "status"],
    ("start", "--zone", "UTC", "--dry-run"): ["hello", "status"],
    ("bridge", "--zone", "UTC", "--yes"): [*FACTS, "clock.set", "bolus.token", "bridge.start"],
    ("limits",): FACTS,
    ("read",): [*FACTS, "calibration.read", "alarms"],
    ("clock", "--set", "--zone", "UTC"): ["hello", "status", "clock.set", "status"],
}


@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_each_fact_is_asked_for_once(typed, pump, sent, words: tuple) -> None:
    pump.line = LINE if words[0] == "bridge" else None
    code, _, err = typed(*words)
    assert code == 0, err
    assert sent == ASKED[words]


def test_a_program_is_uploaded_with_each_fact_asked_for_once(typed, sent, tmp_path) -> None:
    """`program.check` is sent as often as needed; the second `program.read` proves what is active."""
    path = tmp_path / "rx.toml"
    path.write_text('title = "t"\ndrug = "water"\non_clock_loss = "stop"\nafter_power_loss = "stop"\n[basal]\nrate = "0.5 mL/h"\n'
                    '[limits]\nmax_rate = "2 mL/h"\nmax_per_hour = "2 mL"\nmax_per_day = "20 mL"\n')  # fmt: skip
    code, _, err = typed("program", path, "--yes")
    assert code == 0, err
    checks = ["program.check"] * sent.count("program.check")
    assert sent == [*FACTS[:2], "program.stage", *checks, FACTS[2], "program.activate", "program.read"]


def test_a_last_dose_of_before_the_power_cut_costs_one_question_more(typed, sent, monkeypatch) -> None:
    monkeypatch.setattr(BusyPump, "do_status", TherapyPump.do_status)
    code, _, err = typed("bolus", "60 uL", "--rate", "1 mL/h", "--yes")
    assert code == 0, err
    assert sent == [*FACTS, "journal.read", "bolus.token", "bolus.start"]
