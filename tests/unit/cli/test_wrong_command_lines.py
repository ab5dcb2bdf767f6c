"""A wrong command line gets exactly its line and exit code 2; a closed pipe, a full disk, Ctrl-C and poor terminals no traceback."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import thecal.cli.app
from support.host.cli import Tool, environment
from support.host.fake_pump import FakePump
from thecal.pump.transport.names import RULE

RX = 'title = "t"\ndrug = "d"\n[basal]\nrate = "1 mL/h"\n'
UNITS = "write a number with a point and a unit: uL, mL, ng, ug, mg, with /min, /h or /day; concentrations as ug/mL or mg/mL"
TOKEN_DO = "give the 16 hex digits that the order printed"
FAULT_DO = "give a number or a name from `thecal alarms`, or all"
BOLUS_DO = (
    'order with: thecal bolus "0.5 mL" --rate "6 mL/h", thecal bolus "0.5 mL" --extended "4 h" or thecal bolus --demand; '
    "or give --status TOKEN or --cancel TOKEN"
)
FOLDER_DO = "with --count, --image names the folder of the pumps' flashes"
LINES = [
    (("statsu",), "No such command 'statsu'", "did you mean 'status', 'start'? `thecal --help` lists the commands and options"),
    (("pump",), "No such command 'pump'", "`thecal --help` lists the commands and options"),
    (("--josn",), "No such option: --josn", "did you mean --json? `thecal --help` lists the commands and options"),
    (("status", "--prot", "x"), "No such option: --prot", "did you mean --port? `thecal status --help` lists the commands and options"),
    (("alarms", "more"), "Got unexpected extra argument(s) (more)", "`thecal alarms --help` lists the commands and options"),
    (("program",), "Missing argument 'FILE'", "`thecal program --help` lists the commands and options"),
    (
        ("journal", "--from", "x"),
        "--from x: should be a valid integer, unable to parse string as an integer",
        "`thecal journal --help` lists the commands and options",
    ),
    (("journal", "--from=-1"), "--from=-1: should be greater than or equal to 0", "`thecal journal --help` lists the commands and options"),
    (
        ("journal", "--from", "4294967296"),
        "--from 4294967296: should be less than or equal to 4294967295",
        "`thecal journal --help` lists the commands and options",
    ),
    (("journal", "--ring", "all"), '"all" is not a ring of the journal', "write --ring events or --ring faults"),
    (
        ("watch", "--interval", "0"),
        "--interval 0: should be greater than or equal to 0.1",
        "`thecal watch --help` lists the commands and options",
    ),
    (
        ("watch", "--interval", "nan"),
        "--interval nan: should be less than or equal to 86400",
        "`thecal watch --help` lists the commands and options",
    ),
    (
        ("watch", "--interval", "0,5"),
        "--interval 0,5: should be a valid number, unable to parse string as a number",
        "`thecal watch --help` lists the commands and options",
    ),
    (
        ("watch", "--count", "-1"),
        "--count -1: should be greater than or equal to 0",
        "`thecal watch --help` lists the commands and options",
    ),
    (("sim", "--speed", "nan"), "--speed nan is not above 0 and at most 100", "write a factor like 60: an hour in a minute"),
    (("sim", "--speed", "1000"), "--speed 1000.0 is not above 0 and at most 100", "write a factor like 60: an hour in a minute"),
    (("sim", "--bench", "simm"), "simm is neither a bench name nor a file", "known are sim-clock, sim-noclock"),
    (("sim", "--image", "."), "HERE is a folder", "name a file for the pump's flash, or leave --image out"),
    (("sim", "--count", "0"), "--count 0: should be greater than or equal to 1", "`thecal sim --help` lists the commands and options"),
    (("sim", "--count", "101"), "--count 101: should be less than or equal to 100", "`thecal sim --help` lists the commands and options"),
    (("sim", "--count", "2", "--image", "/dev/full"), "/dev/full is not a folder", FOLDER_DO),
    (("sim", "--name", "My Lab"), '"My Lab-1" can\'t be the name of a pump', f'did you mean "my-lab-1"? {RULE}'),
    (("sim", "--name", ""), '"-1" can\'t be the name of a pump', RULE),
    (("bolus",), "the command names no complete order, or more than one", BOLUS_DO),
    (("bolus", "0.5 mL"), "the command names no complete order, or more than one", BOLUS_DO),
    (("bolus", "-0 mL", "--rate", "6 mL/h"), '"-0 mL" is negative', "write a value of zero or more"),
    (("bolus", "-12.5 uL", "--rate", "6 mL/h"), '"-12.5 uL" is negative', "write a value of zero or more"),
    (
        ("bolus", "1e400 mL", "--rate", "6 mL/h"),
        '"1e400 mL" has an exponent, which is not allowed',
        "write it without exponent, in a suitable unit",
    ),
    (("sim", "--image", "/dev/full"), "/dev/full is not a plain file", "name a file for the pump's flash, or leave --image out"),
    (("bolus", "0,5 mL", "--rate", "6 mL/h"), '"0,5 mL" has a comma', 'write "0.5 mL"'),
    (("bolus", "0.5 mL", "--rate", "6"), '"6" has no unit', UNITS),
    (("bolus", "0.5 mL/h", "--rate", "6 mL/h"), '"0.5 mL/h" is a rate, not a volume or mass', 'write it like "0.5 mL"'),
    (("bolus", "0.5 mL", "--rate", "6 mL"), '"6 mL" is a volume, not a rate', 'write it like "6 mL/h"'),
    (("bolus", "--", "-1 mL"), "the command names no complete order, or more than one", BOLUS_DO),
    (("bolus", "--status", "x"), '"x" is not a token', TOKEN_DO),
    (("bolus", "--cancel", "0123456789ABCDEF"), '"0123456789ABCDEF" is not a token', TOKEN_DO),
    (("ack", "power_lots"), '"power_lots" is not a fault', f"did you mean power_lost? {FAULT_DO}"),
    (("ack", "99999"), '"99999" is not a fault', FAULT_DO),
    (
        ("flash", "--bench", "no"),
        "no is neither a bench name nor a file",
        "known are drv8833-coils, sim-clock, sim-noclock, tmc2209-peristaltic01",
    ),
    (
        ("program", "none.toml"),
        "none.toml: can't be read: No such file or directory",
        "name a prescription file; `thecal new FILE` writes a prescription to start from",
    ),
    (("new", "rx.toml"), "rx.toml exists already", "name another file, or remove this one first"),
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("THECAL_PORT", raising=False)
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setattr("serial.tools.list_ports.comports", list)
    Path("rx.toml").write_text(RX)


@pytest.fixture
def pump() -> Iterator[FakePump]:
    with FakePump() as fake:
        yield fake


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["thecal", *words])
    code = thecal.cli.app.main()
    return (code, *capsys.readouterr())


@pytest.mark.parametrize(("words", "cause", "do"), LINES, ids=[" ".join(words) for words, _, _ in LINES])
def test_a_wrong_command_line_gets_exactly_its_line(words: tuple, cause: str, do: str, monkeypatch, capsys, tmp_path: Path) -> None:
    cause = cause.replace("HERE", str(tmp_path))
    assert run(monkeypatch, capsys, *words) == (2, "", f"thecal: {cause}\n        {do}\n")
    if words[0] not in ("new", "--josn"):
        at = words.index("--") if "--" in words else len(words)
        code, out, err = run(monkeypatch, capsys, *words[:at], "--json", *words[at:])
        assert (code, err) == (2, "")
        assert json.loads(out) == {"error": "BadInput", "cause": cause, "do": do, "exit_code": 2}


def test_thecal_alone_prints_its_help(monkeypatch, capsys) -> None:
    code, out, err = run(monkeypatch, capsys)
    assert (code, err) == (2, "")
    assert out.startswith("Usage: thecal")


BOLUSES = [
    (
        "0.5 mL",
        "6000 mL/h",
        '"6000 mL/h": a rate is above',
        'that is 600 times the limit: did you mean "6000 uL/h"? The nearest possible is "10 mL/h"',
    ),
    ("5.1 mL", "9 mL/h", '"5.1 mL": an hour would hold', 'the nearest possible is "5 mL"'),
]


@pytest.mark.parametrize(("volume", "rate", "cause", "do"), BOLUSES)
def test_a_bolus_above_the_ceilings_is_refused_before_a_token_is_asked_for(volume, rate, cause, do, pump, monkeypatch, capsys) -> None:
    told = {"rate_nl": 10_000_000, "rate_seconds_s": 3600, "hour_nl": 5_000_000, "day_nl": 40_000_000}
    motor = {"max_rate_hz": 25_000, "start_rate_hz": 0, "acceleration_hz_per_s": 0}
    hello = pump.do_hello
    monkeypatch.setattr(pump, "do_hello", lambda: {**hello(), "ceilings": {**told, **motor}})
    assert run(monkeypatch, capsys, "program", "rx.toml", "--yes", "-p", pump.port_url)[0] == 0
    code, _, err = run(monkeypatch, capsys, "bolus", volume, "--rate", rate, "--yes", "-p", pump.port_url)
    assert code == 2
    assert cause in err and do in err
    assert "bolus.token" not in pump.executed


@pytest.mark.parametrize("rate", ["12 mL/h", "12000 mL/h", "6 mL/h", "2 mL/h"])
def test_a_prescription_above_the_ceilings_of_the_pump_is_not_sent(rate, pump, monkeypatch, capsys) -> None:
    told = {"rate_nl": 10_000_000, "rate_seconds_s": 3600, "hour_nl": 5_000_000, "day_nl": 40_000_000}
    motor = {"max_rate_hz": 25_000, "start_rate_hz": 0, "acceleration_hz_per_s": 0}
    hello = pump.do_hello
    monkeypatch.setattr(pump, "do_hello", lambda: {**hello(), "ceilings": {**told, **motor}})
    Path("rx.toml").write_text(RX.replace("1 mL/h", rate))
    code, out, err = run(monkeypatch, capsys, "program", "rx.toml", "--yes", "-p", pump.port_url)
    assert (code, out) == (2, "")
    assert f'rx.toml: basal.rate: "{rate}": ' in err and "nearest possible" in err
    assert set(pump.executed) == {"hello", "status"}


def test_a_bench_named_for_a_dry_run_is_checked_against(monkeypatch, capsys) -> None:
    Path("rx.toml").write_text(RX.replace("1 mL/h", "12 mL/h"))
    assert run(monkeypatch, capsys, "program", "rx.toml", "--dry-run")[0] == 0
    code, _, err = run(monkeypatch, capsys, "program", "rx.toml", "--dry-run", "--bench", "sim-clock")
    assert code == 2 and "a rate is above the highest that is allowed" in err


# --- streams ---------------------------------------------------------------------------------------------------------------


def shell(folder: Path, line: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a shell line in which $T is thecal."""
    tool = f"{sys.executable} -W error -m thecal"
    there = {**environment(folder / "runtime"), "T": tool, **more}
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=there, capture_output=True, text=True, errors="replace", timeout=60, check=False
    )
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr, done.stderr
    return done


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path, pump: FakePump) -> None:
    for words in ("journal --jsonl -", "journal", "status --json"):
        done = shell(tmp_path, f"$T {words} -p {pump.port_url} | true; echo ${{PIPESTATUS[0]}}")
        assert (done.stdout, done.stderr) == ("141\n", "")
    done = shell(tmp_path, f"$T journal --jsonl - -p {pump.port_url} | head -1")
    assert json.loads(done.stdout)["event"] == "maintenance"


def test_a_closed_stdout_or_stderr_is_no_error(tmp_path: Path, pump: FakePump) -> None:
    assert shell(tmp_path, f"$T status -p {pump.port_url} >&-").returncode == 0
    assert shell(tmp_path, "$T status -p /dev/none 2>&-").returncode == 3
    assert shell(tmp_path, "$T status -p /dev/none >&- 2>&-").returncode == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_told(tmp_path: Path, pump: FakePump) -> None:
    done = shell(tmp_path, f"$T journal --jsonl - -p {pump.port_url} > /dev/full")
    assert done.returncode == 1
    assert "the output can't be written: No space left on device" in done.stderr


def test_letters_that_a_terminal_has_not_got_are_written_as_codes(tmp_path: Path) -> None:
    (tmp_path / "rx.toml").write_text(RX.replace('"t"', '"nächtlich"'), encoding="utf-8")
    for words in ("--dry-run", "--dry-run --json"):
        done = shell(tmp_path, f"$T program rx.toml {words}", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
        assert done.returncode == 0
        assert "n\\xe4chtlich" in done.stdout or json.loads(done.stdout)["program"]["name"] == "nächtlich"


def test_a_file_name_that_is_no_utf_8_is_told(tmp_path: Path) -> None:
    done = shell(tmp_path, "$T program $'caf\\xe9.toml' --json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["exit_code"] == 2


def test_ctrl_c_says_so_and_leaves_with_130(tmp_path: Path) -> None:
    with FakePump(foreign=b"") as mute:
        running = Tool(tmp_path).start("status", "-p", mute.port_url)
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                running.wait(1.5)
            running.send_signal(signal.SIGINT)
            _, err = running.communicate(timeout=30)
        finally:
            running.kill()
    assert (running.returncode, err) == (130, "thecal: interrupted; `thecal status` shows what the pump does\n")


def test_no_color_and_dumb_terminals_get_no_escape_codes(monkeypatch) -> None:
    from thecal.terminal import console

    def alert(text):
        return console.for_terminal(console.alert(text))

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert alert("alarm") == "\x1b[31;1malarm\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert alert("alarm") == "alarm"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert alert("alarm") == "alarm"


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed_for_every_shell(shell_name: str, tmp_path: Path) -> None:
    script = subprocess.run(
        [sys.executable, "-m", "thecal"],
        env={**environment(tmp_path), "_THECAL_COMPLETE": f"source_{shell_name}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "_THECAL_COMPLETE" in script.stdout, script.stderr


def test_completion_knows_the_verbs_and_their_options(tmp_path: Path) -> None:
    for typed, wanted in (
        ("thecal st", {"start", "status", "stop"}),
        ("thecal journal --", {"--ring", "--from", "--csv", "--jsonl", "--json"}),
    ):
        there = {
            **environment(tmp_path),
            "_THECAL_COMPLETE": "complete_bash",
            "COMP_WORDS": typed,
            "COMP_CWORD": str(len(typed.split()) - 1),
        }
        done = subprocess.run([sys.executable, "-m", "thecal"], env=there, capture_output=True, text=True, check=False)
        assert wanted <= set(done.stdout.split()), done.stdout + done.stderr


def test_completion_is_installed_where_the_shell_reads_it(tmp_path: Path) -> None:
    if not os.path.exists("/bin/bash"):
        pytest.skip("no bash")
    script = "import sys; sys.argv = ['thecal', '--install-completion']; import thecal.cli.app; sys.exit(thecal.cli.app.main())"
    done = shell(tmp_path, f'{sys.executable} -c "{script}"; true', HOME=str(tmp_path))
    assert "completion" in done.stdout.lower(), done.stderr
    assert (tmp_path / ".bash_completions" / "thecal.sh").exists()
    assert "thecal.sh" in (tmp_path / ".bashrc").read_text()
