"""The command line against a fake pump: exit codes, data on stdout, all else on stderr, and never a traceback."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pumpcore.wire import record_types
from support.host.empty_place import RX, without_boards
from support.host.fake_pump import FakePump
from thecal.cli.verbs import VERBS


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """An empty folder, no port in the environment, and an own simulator registry."""
    without_boards(tmp_path, monkeypatch)


@pytest.fixture
def pump():
    with FakePump() as fake:
        yield fake


@pytest.fixture
def run(thecal_says):
    def call(*words, port=None):
        return thecal_says(*words, *(["--port", port.port_url] if port else []))

    return call


def test_help_names_every_verb_and_the_exit_codes(run):
    code, out, _ = run("--help")
    assert code == 0
    assert all(f" {verb} " in out for verb in VERBS)
    assert "Exit codes" in out


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help(run, verb):
    assert run(verb, "--help")[:2] == run(verb, "-h")[:2]
    assert run(verb, "-h")[0] == 0


@pytest.mark.parametrize("words", [("nonsense",), ("status", "--nonsense"), ("program",), ("bolus",), ("journal", "--ring", "x")])
def test_wrong_usage_is_2(run, pump, words):
    assert run(*words)[0] == 2


def test_new_writes_a_file_that_program_accepts_and_never_overwrites(run):
    assert run("new", "mine.toml")[0] == 0
    assert run("program", "mine.toml", "--dry-run")[0] == 0
    code, _, err = run("new", "mine.toml")
    assert code == 2
    assert "exists already" in err


def test_a_wrong_prescription_is_2_and_sends_nothing(run, pump):
    Path("rx.toml").write_text(RX.replace("1 mL/h", "1,5 mL/h"))
    code, out, err = run("program", "rx.toml", "--yes", port=pump)
    assert (code, out) == (2, "")
    assert 'rx.toml: basal.rate: "1,5 mL/h" has a comma' in err
    assert pump.executed == []


def test_no_pump_is_3_with_what_to_do(run):
    for verb in ("status", "stop", "start", "find", "watch", "alarms"):
        code, _, err = run(verb)
        assert code == 3
        assert "thecal sim" in err


def test_errors_are_json_when_asked(run):
    code, out, _ = run("status", "--json")
    assert code == 3
    assert json.loads(out)["exit_code"] == 3


def test_program_shows_both_sides_activates_and_compares(run, pump):
    code, out, err = run("program", "rx.toml", "--yes", port=pump)
    assert code == 0
    assert "current" in err
    assert "1 mL/h" in err and " nl" not in err
    assert pump.digest()[:12] in out


@pytest.mark.parametrize(("answer", "code"), [("", 1), ("\n", 1), ("n\n", 1), ("yes!\n", 1), ("y\n", 0), ("Yes\n", 0)])
def test_program_asks_and_only_a_yes_changes_anything(run, pump, monkeypatch, answer, code):
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    assert run("program", "rx.toml", port=pump)[0] == code
    assert bool(pump.active) == (code == 0)


def test_program_refused_while_running_is_1(run, pump):
    pump.state = "running"
    code, _, err = run("program", "rx.toml", "--yes", port=pump)
    assert code == 1
    assert "stop it first" in err


def test_a_pump_that_stages_something_else_is_not_activated(run, pump, monkeypatch):
    monkeypatch.setattr(pump, "do_program_stage", lambda program: {"digest": "0" * 64, "program": program})
    assert run("program", "rx.toml", "--yes", port=pump)[0] == 1
    assert "program.activate" not in pump.executed


def test_start_sets_the_clock_then_starts_and_stop_stops(run, pump):
    run("program", "rx.toml", "--yes", port=pump)
    assert run("start", port=pump)[0] == 0
    assert pump.utc_s > 1_600_000_000
    assert pump.state == "running"
    assert run("stop", port=pump)[0] == 0
    assert pump.state == "stopped"


def test_status_in_alarm_is_5(run, pump):
    pump.state, pump.alarms = "alarm", [601]
    code, out, _ = run("status", port=pump)
    assert code == 5
    assert "guard_mismatch" in out
    code, out, _ = run("alarms", port=pump)
    assert code == 5 and "then acknowledge: thecal ack 601" in out
    assert run("start", port=pump)[0] == 5
    assert run("ack", "guard_mismatch", port=pump)[0] == 0
    assert pump.alarms == []


def test_watch_of_a_pump_in_alarm_is_5_when_it_ends_also_by_ctrl_c(run, pump, monkeypatch):
    pump.state, pump.alarms = "alarm", [601]
    assert run("watch", "--count", "1", port=pump)[0] == 5
    assert run("watch", "--count", "1", "--json", port=pump)[0] == 5

    def ctrl_c(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", ctrl_c)
    assert run("watch", port=pump)[0] == 5
    pump.state, pump.alarms = "stopped", []
    code, _, err = run("watch", port=pump)
    assert (code, err.strip()) == (0, ""), "Ctrl-C is how a watch ends"


def test_a_warning_is_not_called_an_alarm(run, pump):
    pump.alarms = [601, 612, 999]
    out = run("status", port=pump)[1]
    said = [line.split()[:2] for line in out.splitlines() if line.startswith(("alarm ", "warning "))]
    assert said == [["alarm", "601"], ["warning", "612"], ["alarm", "999"]]
    out = run("watch", "--count", "1", port=pump)[1]
    assert "alarms 601,999  warnings 612" in out


def test_what_the_ceilings_count_is_not_called_delivered(run, pump):
    (line,) = [line for line in run("status", port=pump)[1].splitlines() if "24 h" in line]
    assert line.startswith("ceilings")


def test_steps_leases_and_the_guard_are_shown_only_when_asked(run, pump):
    run("program", "rx.toml", "--yes", port=pump)
    words = ("steps", "guard", "lease", " nl")
    for verb in (("status",), ("stop",), ("program", "rx.toml", "--yes")):
        code, out, err = run(*verb, port=pump)
        assert code == 0 and not [word for word in words if word in out + err], verb
    out = run("status", "--steps", port=pump)[1]
    assert "the guard's counter is at" in out and "leased" in out
    assert "1 mL/h = 1000000 nl" in run("program", "rx.toml", "--dry-run", "--steps")[1]


def test_a_lost_link_is_4_and_says_unknown(run, pump, monkeypatch):
    monkeypatch.setattr("thecal.pump.exchange.PATIENCE_S", 0.5)
    run("program", "rx.toml", "--yes", port=pump)
    pump.trouble = {"start": ["mute"] * 9, "status": ["", *["mute"] * 9]}
    code, _, err = run("start", port=pump)
    assert code == 4
    assert "may or may not" in err


def test_bolus_shows_both_units_and_orders_by_token(run, pump):
    run("program", "rx.toml", "--yes", port=pump)
    code, out, err = run("bolus", "0.5 mL", "--rate", "6 mL/h", "--yes", port=pump)
    assert code == 0
    assert "0.5 mL" in err and "6 mL/h" in err
    token = out.split("token ")[1].split(")")[0]
    assert run("bolus", "--status", token, port=pump)[0] == 0
    assert run("bolus", "--cancel", token, port=pump)[0] == 0
    assert pump.boluses == {token: "cancelled"}


@pytest.mark.parametrize(
    ("volume", "rate"), [("0,5 mL", "6 mL/h"), ("0.5 mL", "6"), ("1 mg", "6 mL/h"), ("0 mL", "6 mL/h"), ("0.5 nL", "6 mL/h")]
)
def test_a_wrong_bolus_is_2_and_asks_for_no_token(run, pump, volume, rate):
    run("program", "rx.toml", "--yes", port=pump)
    assert run("bolus", volume, "--rate", rate, "--yes", port=pump)[0] == 2
    assert "bolus.token" not in pump.executed


def test_journal_in_every_format_with_units_in_the_names(run, pump):
    code, out, _ = run("journal", "--csv", "-", port=pump)
    assert (code, len(out.splitlines())) == (0, 301)
    assert "uptime_ms" in out.splitlines()[0]
    lines = run("journal", "--jsonl", "-", "--from", "298", port=pump)[1].splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [298, 299, 300]
    assert len(json.loads(run("journal", "--json", port=pump)[1])) == 300
    assert "maintenance" in run("journal", port=pump)[1]
    assert run("journal", "--csv", "j.csv", port=pump)[0] == 0
    assert len(Path("j.csv").read_text().splitlines()) == 301
    assert run("journal", "--csv", "no/such/folder.csv", port=pump)[0] == 1


@pytest.mark.parametrize("option", ["--csv", "--jsonl", "--raw"])
def test_a_journal_is_written_over_a_file_only_when_asked(run, pump, option):
    kept = Path("kept")
    kept.write_text("mine")
    code, _, err = run("journal", option, "kept", port=pump)
    assert code == 2 and "--force" in err and kept.read_text() == "mine" and pump.executed == []
    assert run("journal", option, "kept", "--force", port=pump)[0] == 0 and kept.read_bytes() != b"mine"


@pytest.mark.parametrize("also", [(), ("--csv", "j.csv")])
def test_raw_records_come_with_the_one_download_that_the_rows_come_with(run, pump, also):
    assert run("journal", "--jsonl", "j.jsonl", port=pump)[0] == 0
    asked, pump.executed[:] = pump.executed.count("journal.read"), []
    assert run("journal", "--raw", "j.raw", *also, port=pump)[0] == 0
    assert pump.executed.count("journal.read") == asked > 0
    decoded, rest = record_types.decode(Path("j.raw").read_bytes())
    assert not rest
    assert [one.sequence for one in decoded] == [json.loads(line)["sequence"] for line in Path("j.jsonl").read_text().splitlines()]


def test_watch_takes_as_many_looks_as_asked_and_survives_a_lost_link(run, pump):
    pump.trouble["status"] = ["", "lose_request"]
    code, out, _ = run("watch", "--count", "2", "--interval", "0.1", "--json", port=pump)
    assert code == 0
    assert [json.loads(line)["state"] for line in out.splitlines()] == ["stopped"] * 2


def test_dry_run_changes_nothing(run, pump):
    for words in (("start", "--dry-run"), ("maintenance", "--dry-run"), ("program", "rx.toml", "--dry-run")):
        assert run(*words, port=pump)[0] == 0
    assert set(pump.executed) <= {"hello", "status"}


def test_maintenance_needs_a_yes(run, pump, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert run("maintenance", port=pump)[0] == 1
    assert run("maintenance", "--yes", port=pump)[0] == 0
    assert pump.state == "maintenance"


def test_flash_without_a_board_is_3_and_with_a_wrong_bench_2(run):
    assert run("flash")[0] == 3
    assert run("flash", "--bench", "sim-clock")[0] == 2
    assert run("flash", "--bench", "no such bench")[0] == 2


def test_the_port_of_the_environment_is_used(run, pump, monkeypatch):
    monkeypatch.setenv("THECAL_PORT", pump.port_url)
    assert run("status")[0] == 0


def simulator_entry(pump):
    address = pump.port_url.removeprefix("socket://")
    return {"socket": pump.port_url, "port": None, "control": address}


def test_the_only_simulator_is_found_and_two_are_refused_by_name(run, pump, monkeypatch):
    from thecal.pump.transport import registry

    registry.add(simulator_entry(pump))
    code, out, _ = run("find", "--json")
    assert code == 0
    assert json.loads(out)[0]["hello"]["bench"] == "fake"
    assert run("status")[0] == 0
    with FakePump() as second:
        monkeypatch.setattr(os, "getpid", lambda: 1)
        registry.add(simulator_entry(second))
        code, _, err = run("status")
        assert code == 2
        assert "--port" in err


def test_dead_simulators_are_forgotten(run, pump):
    from thecal.pump.transport import registry

    registry.add({"socket": "socket://127.0.0.1:9", "control": "127.0.0.1:9"})
    assert run("status")[0] == 3
    assert registry.entries() == []


def test_a_verb_that_converts_nothing_runs_without_pydantic(pump):
    typed = ["thecal", "status", "-p", pump.port_url]
    code = f"import sys; sys.argv = {typed}; import thecal.cli.app as c; c.main(); print('pydantic' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip().endswith("False")


def test_the_command_starts_without_the_heavy_libraries():
    heavy = ("pint", "pydantic", "matplotlib", "jinja2", "wasmtime", "serial")
    code = f"import sys, thecal.cli.app; thecal.cli.app.build(); print([name for name in {heavy} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"
