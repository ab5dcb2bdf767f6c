"""Every example in the documents runs as documented; examples that need hardware or hours are listed with the reason."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from house_rules import readme
from house_rules.tree import ROOT
from house_rules.walking import forked, launch, wait_until_found
from thecal.cli.verbs import VERBS

PAGES = [page for page in sorted(ROOT.rglob("*.md")) if ".venv" not in page.parts and "demo" not in page.parts]
CHARACTERISE = 'thecal characterise --balance /dev/pts/5 --rate "1.6 mL/h" --duration 4h --record run.csv --html run.html'
CALIBRATE = 'thecal calibrate --tube T1 --lot L1 --prime "0.5 mL" --turns 20 --rate "2 mL/h" --temperature "22 C"'
SIM = "thecal sim --virtual --balance --pulsation 30 &"
HERE = {SIM: "this file", CHARACTERISE: "this file", CALIBRATE: "this file"}
# Not run as they stand, and why.
ELSEWHERE = {
    "sudo cp hardware/60-thecal.rules /etc/udev/rules.d/": "needs root; unit/pump/test_udev_rules.py reads the rules",
    "sudo udevadm control --reload": "needs root",
    ". .venv/bin/activate": "changes the shell that types it",
    "pytest tests/unit": "these tests; continuous integration runs them",
    "pytest -m rule": "these tests; continuous integration runs them",
    "pytest tests/device --target sim": "these tests; continuous integration runs them",
    "make torture": "hours",
    "thecal calibrate --rotor --balance /dev/ttyUSB0 --png head.png": "half an hour of weighing; unit/weighing/test_rotor_jobs.py does it",
    "pytest tests/mutations -n 2": "these tests; continuous integration runs them",
    "pytest tests/mutations -k R5": "these tests; continuous integration runs them",
}
PUMP = "/dev/ttyACM0"
LIMIT_S = 600
# A rate a thousand times too high, in the prescription whose complaint host/README.md shows.
SLIP_RX = 'title = "t"\ndrug = "water"\n[basal]\nrate = "10000 mL/h"\n'


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def fenced(text: str, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def shell_lines(text: str) -> list[str]:
    return [line for block in fenced(text, "sh") for line in block.splitlines() if line.strip()]


def typed(command: str, home: dict[str, str], folder: Path, answers: str = "") -> subprocess.CompletedProcess[str]:
    return forked(command, home, folder, answers, LIMIT_S)


def test_every_command_of_every_page_is_run_or_says_why_not() -> None:
    """test_readme.py runs README.md's own lines."""
    open_ones = [f"{file.name}: {line}" for file in PAGES for line in shell_lines(file.read_text(encoding="utf-8"))
                 if file != ROOT / "README.md" and line not in {**HERE, **ELSEWHERE}]  # fmt: skip
    assert open_ones == []
    named = {line for file in PAGES for line in shell_lines(file.read_text(encoding="utf-8"))}
    assert set(HERE) | set(ELSEWHERE) <= named, "listed, and in no page any more"


def test_every_verb_and_target_in_the_running_text_of_every_page_exists() -> None:
    makefile = page("Makefile")
    known = {f"thecal {verb}" for verb in VERBS} | {f"make {name}" for name in re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)}
    assert [(file.name, one) for file in PAGES for one in sorted(readme.inline_verbs(file.read_text(encoding="utf-8")) - known)] == []


@pytest.mark.long
def test_a_long_weighed_run_goes_as_documented(home: dict[str, str], tmp_path: Path, background: list[subprocess.Popen[str]]) -> None:
    """The balance's port is the one that the simulator prints."""
    background.append(launch(SIM, home, tmp_path))
    wait_until_found(background[-1], home, tmp_path)
    output = background[-1].stdout
    assert output is not None
    ports = iter(output.readline, "")
    balance = next(line.split()[-1] for line in ports if line.startswith("balance "))
    done = typed(CHARACTERISE.replace("/dev/pts/5", balance), home, tmp_path, "y\n")
    assert done.returncode == 0, done.stderr
    assert "window" in done.stdout and (tmp_path / "run.html").stat().st_size > 10_000


@pytest.mark.long
def test_a_calibration_goes_as_documented(home: dict[str, str], tmp_path: Path, background: list[subprocess.Popen[str]]) -> None:
    """20 turns of 31.6 uL are 0.63 g; typed like a balance that is not tared between the runs."""
    background.append(launch("thecal sim --speed 100 &", home, tmp_path))
    wait_until_found(background[-1], home, tmp_path)
    weights = "".join(f"{before} g\n{after} g\n" for before, after in ((0, 0.632), (0.632, 1.264), (1.264, 1.896)))
    done = typed(CALIBRATE, home, tmp_path, "y\n" + weights + "y\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CALIBRATED" in typed("thecal status", home, tmp_path).stdout


def test_the_python_of_the_library_s_page_runs(home: dict[str, str], tmp_path: Path, background: list[subprocess.Popen[str]]) -> None:
    background.append(launch("thecal sim &", home, tmp_path))
    wait_until_found(background[-1], home, tmp_path)
    port = re.search(r"socket://\S+", typed("thecal find", home, tmp_path).stdout)
    named = port or re.search(r"/dev/\S+", typed("thecal find", home, tmp_path).stdout)
    assert named is not None
    blocks = fenced(page("host/README.md"), "python")
    assert len(blocks) == 2 and all(PUMP in block for block in blocks)
    for block in blocks:
        code = [sys.executable, "-W", "error", "-c", block.replace(PUMP, named.group())]
        done = subprocess.run(code, cwd=tmp_path, env=home, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        assert done.returncode == 0 and done.stdout, done.stderr


def test_the_prescription_of_the_page_is_one(home: dict[str, str], tmp_path: Path) -> None:
    (text,) = fenced(page("host/README.md"), "toml")
    (tmp_path / "rx.toml").write_text(text, encoding="utf-8")
    for bench in ("", " --bench sim-clock"):
        done = typed(f"thecal program rx.toml --dry-run{bench}", home, tmp_path)
        assert done.returncode == 0, done.stderr


def test_the_complaint_that_the_page_shows_is_the_one_that_comes(home: dict[str, str], tmp_path: Path) -> None:
    (shown,) = [block.commands for block in readme.blocks(page("host/README.md")) if block.commands[0].startswith("thecal: ")]
    (tmp_path / "rx.toml").write_text(SLIP_RX, encoding="utf-8")
    done = typed("thecal program rx.toml --dry-run --bench sim-clock", {**home, "COLUMNS": "999"}, tmp_path)
    assert (done.returncode, done.stderr.splitlines()) == (2, list(shown))


MESSAGES = ("bolus", "temporary", "prime", "start", "clock")  # the verbs whose messages say what to type


def examples() -> list[str]:
    """Return the command lines with quantities in messages and help texts."""
    texts = [page(f"host/thecal/cli/verbs/{name}.py").replace('\\"', '"') for name in MESSAGES] + [page("host/thecal/checks/dose.py")]
    found = re.findall(r"thecal (?:bolus|temporary|prime)(?: --?[a-z]+| \"[^\"{}]+\")*", "\n".join(texts))
    return sorted({one for one in found if '"' in one})


@pytest.mark.parametrize("example", examples())
def test_what_a_message_says_to_type_works(
    example: str, home: dict[str, str], tmp_path: Path, background: list[subprocess.Popen[str]]
) -> None:
    """On a pump that runs, or is stopped for what must run alone, with the template's program and its line."""
    (tmp_path / "rx.toml").write_text(ALTERNATIVES["[line]"].replace("4 mL/h", "10 mL/h"), encoding="utf-8")
    background.append(launch("thecal sim &", home, tmp_path))
    wait_until_found(background[-1], home, tmp_path)
    assert typed("thecal program rx.toml --yes", home, tmp_path).returncode == 0
    if " prime " not in example:
        assert typed("thecal start --zone UTC", home, tmp_path).returncode == 0
    done = typed(f"{example} --yes", home, tmp_path)
    assert done.returncode == 0, done.stderr


# --- the template of `thecal new` ---------------------------------------------------------------------------------------------

TEMPLATE = page("host/thecal/data/new.toml")


def uncommented(text: str, head: str) -> str:
    """Return the template with one commented table in use: its head and the lines of keys below it."""
    lines, found, inside = [], False, False
    for line in text.splitlines():
        begins = line == f"# {head}"
        inside = begins or (inside and (line == "#" or bool(re.match(r"# ([a-z_]+ = |\[\[(basal|protocol))", line))))
        found |= begins
        lines.append(line[2:] if inside else line)
    assert found, head
    return "\n".join(lines) + "\n"


def without_constant(text: str) -> str:
    constant = '[basal]\nrate = "0.5 mL/h"\n'
    assert constant in text
    return text.replace(constant, "")


TABLES = ("[demand]", "[bolus]", "[line]", "[reservoir]", "[library]")
ALTERNATIVES = {
    "as written": TEMPLATE,
    "concentration": TEMPLATE.replace("# concentration", "concentration", 1),
    "several drugs": uncommented(TEMPLATE.replace('drug = "water" ', '# drug = "water" '), "[[drug]]"),
    "schedule": uncommented(without_constant(TEMPLATE), "[[basal.entry]]"),
    "minimum": uncommented(without_constant(TEMPLATE), "[basal]"),
    "protocol": uncommented(without_constant(TEMPLATE), "[protocol]"),
    **{table: uncommented(TEMPLATE, table) for table in TABLES},
    "lowest": TEMPLATE.replace('on_clock_loss = "stop"', 'on_clock_loss = "lowest"'),
    "resume": TEMPLATE.replace('after_power_loss = "stop"', 'after_power_loss = "resume"'),
}
ALTERNATIVES["all tables"] = TEMPLATE
for one in TABLES:
    ALTERNATIVES["all tables"] = uncommented(ALTERNATIVES["all tables"], one)
ALTERNATIVES["protocol at 06:00"] = ALTERNATIVES["protocol"].replace('start = "now"', 'start = "at 06:00"')
ALTERNATIVES["protocol that holds"] = ALTERNATIVES["protocol"].replace('then = "stop"', 'then = "hold"')
for days in ('"weekdays"', '"weekend"', '["mon", "thu"]'):
    ALTERNATIVES[days] = ALTERNATIVES["schedule"].replace('"daily"', days, 1)


def test_every_commented_line_of_the_template_is_in_one_of_its_alternatives() -> None:
    keys = set(re.findall(r"^# ([a-z_]+ = |\[+[a-z.]+\]+)", TEMPLATE, re.MULTILINE))
    used = {key for text in ALTERNATIVES.values() for key in re.findall(r"^([a-z_]+ = |\[+[a-z.]+\]+)", text, re.MULTILINE)}
    assert keys - used == set()


@pytest.mark.parametrize("bench", [None, "sim-clock", "sim-noclock", "tmc2209-peristaltic01", "drv8833-coils"])
@pytest.mark.parametrize("name", ALTERNATIVES)
def test_each_alternative_of_the_template_is_accepted(name: str, bench: str | None, tmp_path: Path) -> None:
    """Without a bench as with each of them: a minimum rate was once refused by a step of 1 nl, which no bench has."""
    from thecal.checks import program as program_checks
    from thecal.checks.rigs import rig_of
    from thecal.prescription.compiler import compile_prescription
    from thecal.prescription.reading import read_prescription

    file = tmp_path / "rx.toml"
    file.write_text(ALTERNATIVES[name], encoding="utf-8")
    prescription = read_prescription(file, None)
    program_checks.check(prescription, compile_prescription(prescription, "rx.toml"), rig_of(bench), "rx.toml")
