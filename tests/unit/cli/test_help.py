"""The help of the command line: groups, whole summaries, examples that parse, narrow terminals, options before the verb, the manual."""

import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

import thecal.cli.app
from support.host.fake_pump import FakePump
from thecal.cli import pages, words
from thecal.cli.examples import EXAMPLES
from thecal.cli.verbs import GROUPS, VERBS

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("THECAL_PORT", raising=False)
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setattr("serial.tools.list_ports.comports", list)


@pytest.fixture(scope="module")
def command():
    import typer

    return typer.main.get_command(thecal.cli.app.build())


def test_the_help_lists_every_verb_in_its_group_with_a_whole_summary(command, thecal_says, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = " ".join(thecal_says("--help")[1].split())
    at = [out.index(f"{title}:") for title in GROUPS]
    assert at == sorted(at)
    for verb in VERBS:
        summary = pages.summary(command.commands[verb])
        assert summary.endswith(".") and f" {verb} {summary}" in out


def test_every_verb_has_examples_and_every_example_is_of_its_verb() -> None:
    assert list(EXAMPLES) == list(VERBS)
    assert [typed for verb, rows in EXAMPLES.items() for _, typed in rows if typed.split()[:2] != ["thecal", verb]] == []


@pytest.mark.parametrize("typed", [typed for rows in EXAMPLES.values() for _, typed in rows])
def test_the_parser_takes_every_example(typed: str, command) -> None:
    verb, *rest = shlex.split(typed.split(" > ")[0])[1:]
    found = command.commands[verb]
    found.make_context(verb, rest, parent=None)


QUANTITIES = {"--rate": "rate_of", "--extended": "seconds_of", "--for": "seconds_of", "--measured": "volume_of", "--filled": "volume_of"}


def test_the_quantities_of_the_examples_are_some() -> None:
    from thecal.checks import dose
    from thecal.prescription import fields

    for typed in (typed for rows in EXAMPLES.values() for _, typed in rows):
        split = shlex.split(typed)
        for option, value in pairwise(split):
            if option in QUANTITIES:
                (getattr(dose, QUANTITIES[option], None) or getattr(fields, QUANTITIES[option]))(value)


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("verb", ["", *VERBS])
def test_a_page_fits_and_no_word_is_cut(verb: str, width: int, thecal_says, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr(pages, "WIDEST", 400)
    wide = set(thecal_says(*([verb] if verb else []), "--help")[1].replace(" \\\n", " ").split())
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, _ = thecal_says(*([verb] if verb else []), "--help")
    assert code == 0
    assert [line for line in out.splitlines() if len(line) > width and len(line.split()) > 1] == []
    assert set(out.replace(" \\\n", " ").split()) == wide


@pytest.mark.parametrize("verb", VERBS)
def test_help_verb_is_the_help_of_the_verb(verb: str, thecal_says) -> None:
    assert thecal_says("help", verb) == thecal_says(verb, "--help")


def test_help_alone_and_of_a_slip(thecal_says) -> None:
    assert thecal_says("help")[:2] == thecal_says("--help")[:2]
    code, out, err = thecal_says("help", "bolsu")
    assert (code, out) == (2, "")
    assert err == 'thecal: "bolsu" is not a verb\n        did you mean bolus?\n'


def test_options_go_before_the_verb_too(thecal_says) -> None:
    with FakePump() as pump:
        for typed in (("--port", pump.port_url, "--json"), (f"--port={pump.port_url}", "--json"), ("--json", f"-p{pump.port_url}")):
            code, out, _ = thecal_says(*typed, "status")
            assert code == 0 and '"state": "stopped"' in out
        assert thecal_says("--dry-run", "-p", pump.port_url, "maintenance")[0] == 0
        assert pump.state == "stopped"


def test_an_option_that_the_verb_does_not_have_is_refused_before_it_too(thecal_says) -> None:
    code, _, err = thecal_says("--dry-run", "status")
    assert code == 2 and "No such option: --dry-run" in err and "thecal status --help" in err


def test_a_value_before_the_verb_is_not_the_verb(thecal_says) -> None:
    code, _, err = thecal_says("--port", "status")
    assert code == 2 and "Missing command" in err


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        (["--cancel"], ["--cancel", ""]),
        (["--cancel", "--json"], ["--cancel", "", "--json"]),
        (["--cancel", "0123"], ["--cancel", "0123"]),
        (["x", "--", "--cancel"], ["x", "--", "--cancel"]),
    ],
)
def test_an_option_with_an_optional_value_may_stand_alone(typed: list, parsed: list, command) -> None:
    assert words.with_values(command.commands["bolus"].params, typed) == parsed


def test_the_manual_in_the_wheel_is_the_one_that_the_tool_prints() -> None:
    done = subprocess.run([sys.executable, "-m", "thecal", "help", "--man"], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == (ROOT / "host" / "thecal.1").read_text(encoding="utf-8"), "make manual writes it anew"
    assert all(f".SS {verb}\n" in done.stdout for verb in VERBS)
    assert not re.search(r"^[.'](?!TH|SH|SS|TP|PP|B |RS|RE|nf|fi|nh|ad)", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("words_", [("status", "--port", "/dev/none/" + "x" * 20), ("program", "none.toml"), ("bolus",)])
def test_messages_fold_between_words(words_: tuple, thecal_says, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    narrow = thecal_says(*words_)[2]
    monkeypatch.delenv("COLUMNS")
    wide = thecal_says(*words_)[2]
    assert narrow.split() == wide.split()
    assert [line for line in narrow.splitlines() if len(line) > 40 and len(line.split()) > 1] == []


def test_no_page_has_the_parsers_own_notation(thecal_says) -> None:
    for verb in VERBS:
        assert re.findall(r"<\w[^>]*>|[{}]|x>=|<=x", thecal_says(verb, "--help")[1]) == [], verb
