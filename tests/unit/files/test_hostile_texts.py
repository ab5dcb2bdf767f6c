"""Texts from outside: files that would take for ever, letters that move the cursor, cells that run as a formula."""

import csv
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pumpcore.faults.faults import Refusal
from pumpcore.program import packing
from pumpcore.wire import record_types, records
from support.host.fake_pump import FakePump
from support.programs import constant
from support.some import some_of
from thecal.errors import BadInput
from thecal.files import bench, toml_bounds
from thecal.history.rows import as_csv, row
from thecal.prescription import file as prescription_file
from thecal.prescription import library
from thecal.terminal import console, sheets

HEAD = 'title = "t"\ndrug = "d"\n[basal]\n'
SIZE = 100_000
LONGEST_CPU_S = 2.0  # the slowest takes 0.2 s on a calm machine; 50,000 dotted keys took 25 s
FILES = {
    "a key of 50,000 parts": "a" + ".a" * (SIZE // 2) + " = 1",
    "a header of 50,000 parts": "[a" + ".a" * (SIZE // 2) + "]",
    "quoted parts": '"a"' + '."a"' * (SIZE // 4) + " = 1",
    "parts with blanks": "a" + " . a" * (SIZE // 4) + " = 1",
    "parts below each other": "\n".join(f"a.b{number}.c.d.e.f.g = 1" for number in range(SIZE // 20)),
    "brackets": "a = " + "[" * SIZE,
    "closed brackets": "a = " + "[" * 9 + "]" * 9,
    "inline tables": "a = " + "{a = " * (SIZE // 5),
    "tables": "".join(f"[t{number}]\n" for number in range(SIZE // 10)),
    "rows": HEAD + '[[basal.entry]]\nat = "06:00"\nrate = "1 mL/h"\n' * (SIZE // 47),
    "a number of 100,000 digits": HEAD + "rate = " + "9" * SIZE,
    "a quantity of 100,000 digits": HEAD + 'rate = "' + "9" * SIZE + ' mL/h"',
    "an exponent of a million": HEAD + 'rate = "1e1000000 mL/h"',
    "a float beyond all": HEAD + "rate = 1e999999999",
    "equals signs": "=" * SIZE,
    "quotes": '"' * SIZE,
    "apostrophes": "'" * SIZE,
    "quotes and strokes": '"\\' * (SIZE // 2),
    "both quotes": "\"'" * (SIZE // 2),
    "three quotes, escaped": 'a = """' + '\\"""' * (SIZE // 4),
    "three apostrophes": "a = '''" + "''" * (SIZE // 2),
    "dashes": "a-" * (SIZE // 2) + " = 1",
    "blanks": " " * SIZE + "x",
    "a unit of 100,000 letters": HEAD + 'rate = "1 ' + "m" * SIZE + '"',
    "a zero byte": 'title = "a\0b"',
}
UNSEEN = {"ESC": "\\u001b[2J", "BEL": "\\u0007", "a line end": "\\n", "bidi": "\u202e",
           "zero width": "\u200b", "C1": "\\u009b31m", "LS": "\u2028"}  # fmt: skip


@pytest.mark.rule("R10")
@pytest.mark.parametrize("name", some_of(FILES, 3))
@pytest.mark.parametrize("load", [prescription_file.load, library.load, bench.read_bench], ids=["prescription", "library", "bench"])
def test_no_file_of_a_person_takes_long_or_ends_in_a_traceback(load, name: str, tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(FILES[name], encoding="utf-8", newline="")
    begun_s = time.process_time()
    with pytest.raises(BadInput) as refused:
        load(file)
    assert time.process_time() - begun_s < LONGEST_CPU_S
    assert refused.value.cause.isprintable() and len(refused.value.cause) < 400 and refused.value.do


@pytest.mark.rule("R10")
def test_the_keys_that_people_write_are_within_the_bounds() -> None:
    root = Path(__file__).resolve().parents[3]  # relative to this file: the tree of a mutation has no hardware/
    files = [*root.glob("hardware/*.toml"), *root.glob("host/**/*.toml")]
    assert len(files) > 5
    for file in files:
        assert toml_bounds.excess(file.read_text(encoding="utf-8")) == ("", "")
    assert toml_bounds.excess('a = "x.x.x.x.x.x.x.x.x.x" # b.b.b.b.b.b.b.b.b.b\n') == ("", "")
    assert toml_bounds.excess("a.b.c.d.e.f.g.h = 1")[0] == ""
    assert "line 2" in toml_bounds.excess("\na.b.c.d.e.f.g.h.i = 1")[0]


@pytest.mark.parametrize("letters", UNSEEN.values(), ids=UNSEEN)
@pytest.mark.parametrize("key", ["title", "drug"])
def test_a_name_that_no_screen_shows_is_refused(key: str, letters: str, tmp_path: Path) -> None:
    file = tmp_path / "rx.toml"
    file.write_text((HEAD + 'rate = "1 mL/h"\n').replace(f'{key} = "', f'{key} = "a{letters}'), encoding="utf-8")
    with pytest.raises(BadInput, match=f"{key}: contains the unprintable character U[+]"):
        prescription_file.load(file)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", ".", "no/such", "fifo"])
def test_what_is_no_plain_file_is_said_at_once(path: str, tmp_path: Path) -> None:
    if path == "fifo":
        os.mkfifo(tmp_path / path)
        path = str(tmp_path / path)
    with pytest.raises(BadInput, match=r"can't be read|not a plain file|a folder"):
        prescription_file.load(Path(path))


# --- the terminal


def test_texts_leave_for_the_terminal_printable(capsys) -> None:
    console.data("a\x1b[31mb\x07c\u202ed\x9be\ttab\nsecond")
    console.talk("[red]x[/] \r\x1b]0;title\x07")
    console.emit_json({"a\u202e": "b\x9b\u2028\ud800"})
    out, err = capsys.readouterr()
    assert out.startswith("a?[31mb?c?d?e?tab\nsecond\n") and err == "[red]x[/] ??]0;title?\n"
    assert '"a\\u202e": "b\\u009b\\u2028\\ud800"' in out


def test_a_red_text_is_red_and_what_is_in_it_is_not_trusted(capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    console.data(console.alert("alarm\x1b[0m") + " \x1b[31;1mnot red")
    assert capsys.readouterr().out == "\x1b[31;1malarm?[0m\x1b[0m ?[31;1mnot red\n"


class Named(FakePump):
    """A pump of an older version, which accepted any name."""

    def __init__(self) -> None:
        super().__init__()
        made = constant(1_000_000)
        made.name = "n\x1b[2J\x07$\\frac$\n[red]\u202e \u4e2d"
        self.active = packing.pack(made)

    def do_status(self):
        return {**super().do_status(), "program_name": "n\x1b[2J\x07\nsecond\u202e", "last_error": "\x1b"}

    def do_calibration_read(self):
        raise Refusal("unknown_method")

    def do_hello(self):
        return {**super().do_hello(), "bench": "b\x1b[31m\x9b"}


@pytest.mark.parametrize(
    "words",
    [("status",), ("status", "--json"), ("read",), ("read", "--json"), ("find",), ("watch", "--count", "1"), ("limits",),
     ("start", "--dry-run"),
     ("report", "--out", "r.html", "--png", "r.png", "--save", "s.jsonl", "--csv", "-"), ("forecast", "rx.toml", "--png", "f.png")],
    ids=" ".join,
)  # fmt: skip
def test_names_from_a_pump_move_no_cursor(words: tuple, thecal_says, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rx.toml").write_text((HEAD + 'rate = "1 mL/h"\n').replace('title = "t"', 'title = "$\\\\frac$ \u4e2d [red]"'), encoding="utf-8")
    with Named() as pump:
        _, out, err = thecal_says(*words, "--port", pump.port_url)
    assert not [letter for letter in out + err if not letter.isprintable() and letter != "\n"]
    assert "Glyph" not in err and "\nsecond" not in out
    if Path("r.html").exists():
        page = Path("r.html").read_text(encoding="utf-8")
        assert "\x1b" not in page and "\u202e" not in page and "n?[2J?" in page


# --- arguments


@pytest.mark.parametrize(
    "words",
    [("refill", "--acknowledge", b"caf\xff"), ("status", "--port", b"\xff"), ("program", b"\xff.toml"),
     ("bolus", b"1 \xff", "--rate", "1 mL/h"),
     (b"\xff",), ("journal", "--csv", b"\xff.csv"), ("status", "--json", b"--\xff")],
)  # fmt: skip
def test_an_argument_that_is_no_utf_8_is_one_line(words: tuple, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "thecal", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, env={**os.environ, "PYTHONUTF8": "1"}, check=False)
    said = (done.stderr + done.stdout).decode()
    assert done.returncode == 2 and "Traceback" not in said and "not text in UTF-8" in said and "\\xff" in said


@pytest.mark.parametrize("reason", ["a\nb", "a\rb", "\x1b[2J", "a\u202eb", "", "x" * 61, "\u00e9" * 31])
def test_a_reason_that_the_pump_would_not_keep_is_refused_before_it_is_asked(reason: str, thecal_says) -> None:
    code, _, err = thecal_says("refill", "--acknowledge", reason, "--port", "socket://127.0.0.1:1")
    assert code == 2 and "--acknowledge" in err and "PROTOCOL" not in err


# --- CSV


def test_a_spreadsheet_runs_no_formula_and_takes_no_token_for_a_number() -> None:
    formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1", "'=1", "'"]
    numbers = ["0001001085143243", "00010002e1614849", "1.5", "inf", "TRUE"]
    for text in formulas + numbers:
        assert sheets.cell(text) == "'" + text
        assert sheets.text_of(sheets.cell(text)) == text
    for text in ("boot", "-", "a=1", "12ab", "", "2026-01-05 00:00:00 UTC"):
        assert sheets.cell(text) == text == sheets.text_of(text)
    assert [sheets.cell(value) for value in (-5, 0, None, True)] == [-5, 0, None, True]


def test_a_reason_and_a_token_are_texts_in_the_csv_of_the_journal() -> None:
    reason, token = b"=1+1".ljust(60, b"\0"), bytes.fromhex("00010002e1614849")
    raw = records.encode_record("refill_acknowledged", (1, 1, 0, 0), (reason,))
    raw += records.encode_record("bolus_started", (1, 2, 0, 0), (token,))
    rows = [row("events", record) for record in record_types.decode(raw)[0]]
    read = list(csv.DictReader(io.StringIO(as_csv(rows, "-1"))))
    assert read[0]["reason"] == "'=1+1" and read[0]["calibration"] == "'-1"
    assert read[1]["token"] == "'00010002e1614849" and read[1]["sequence"] == "2"


@pytest.mark.parametrize(
    "words",
    [("ack", "9" * 5000), ("report", "--out", "a" * 5000), ("program", "a" * 300, "--dry-run"), ("new", "a" * 300),
     ("program", "rx.toml", "--bench", "a" * 300), ("journal", "--csv", "a" * 300), ("report", "--from-journal", "/dev/zero"),
     ("characterise", "--from", "/dev/zero"), ("report", "--from-journal", "deep.jsonl"), ("characterise", "--from", "run.csv")],
    ids=lambda words: " ".join(words)[:30],
)  # fmt: skip
def test_a_value_that_is_much_too_long_is_one_line(words: tuple, thecal_says, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rx.toml").write_text(HEAD + 'rate = "1 mL/h"\n')
    Path("deep.jsonl").write_text('{"a": ' + "[" * 50_000)
    facts = '{"rate_nl": 1, "rate_seconds_s": 1, "calibration_volume_nl": 1, "calibration_steps": 1, "calibration_state": "",'
    Path("run.csv").write_text(f'# thecal gravimetry 1\n# {facts} "density_mg_per_ml": "1e999999999"}}\n')
    begun_s = time.process_time()
    asks = not {"characterise", "--from-journal", "new"} & set(words)
    code, _, err = thecal_says(*words, *(("--port", "x:1") if asks else ()))
    assert code in (1, 2, 3) and err.startswith("thecal: ") and time.process_time() - begun_s < LONGEST_CPU_S
