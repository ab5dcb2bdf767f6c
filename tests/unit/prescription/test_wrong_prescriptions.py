"""Every wrong prescription of `wrong_prescriptions.txt` gets exactly its line (file, key, value, what to do), and nothing is sent."""

import re
from pathlib import Path

import pytest

from pumpcore.bench.bench import Bench
from pumpcore.faults import fault_texts
from pumpcore.program import packing as programs
from support.pump.running import UnitPump, blank_image
from thecal.checks import program as program_checks
from thecal.checks import rigs
from thecal.errors import BadInput
from thecal.files.bench import for_pump, read_bench
from thecal.files.resources import hardware_folder
from thecal.prescription.compiler import compile_prescription
from thecal.prescription.file import load
from thecal.pump.exchange import refused
from thecal.pump.refusals import with_rates

HEAD = 'title = "t"\ndrug = "d"\n'
TABLE = (Path(__file__).with_name("wrong_prescriptions.txt")).read_text(encoding="utf-8")
CASE = re.compile(r"^== (.+)\n((?:.*\n)*?)=> (.+)\n-> (.+)$", re.MULTILINE)
CASES = {name: (text, cause, do) for name, text, cause, do in CASE.findall(TABLE)}
DO_FILE = "`thecal new FILE` writes a prescription to start from"
DO_NAME = "name a prescription file; " + DO_FILE
DO_UNITS = (
    "write a number with a point and a unit: uL, mL, ng, ug, mg, with /min, /h or /day; concentrations as ug/mL or mg/mL;"
    ' in quotes, like "1.5 mL/h"'
)
RATE = '[basal]\nrate = "1 mL/h"\n'
BENCH = hardware_folder() / "sim-clock.toml"
RIG = rigs.of_bench(Bench(for_pump(read_bench(BENCH))))
FILES = {
    "empty": (b"", "is empty", DO_FILE),
    "blank": (b"\n  \n", "is empty", DO_FILE),
    "only a byte order mark": (b"\xef\xbb\xbf", "is empty", DO_FILE),
    "latin-1": (b'title = "t"\ndrug = "caf\xe9"\n', "line 2: is not UTF-8 text (byte 24)", "save it as plain UTF-8 text"),
    "utf-16": ('\ufefftitle = "t"'.encode("utf-16-le"), "is UTF-16 text (byte 1)", 'save it as UTF-8 (in Notepad: "Save as", "Encoding")'),
    "png": (b"\x89PNG\r\n\x1a\n\0\0", "is a PNG picture, not a prescription", DO_FILE),
    "jpeg": (b"\xff\xd8\xff\xe0\0", "is a JPEG picture, not a prescription", DO_FILE),
    "pdf": (b"%PDF-1.7\n", "is a PDF, not a prescription", DO_FILE),
    "spreadsheet": (b"PK\x03\x04\x14\0", "is a spreadsheet, a document or an archive, not a prescription", DO_FILE),
    "old spreadsheet": (b"\xd0\xcf\x11\xe0\xa1\xb1", "is an old spreadsheet or document, not a prescription", DO_FILE),
    "gzip": (b"\x1f\x8b\x08\0", "is a compressed file, not a prescription", DO_FILE),
    "uf2": (b"UF2\nWQ]\x9e", "is a UF2 firmware image, not a prescription", DO_FILE),
    "zero bytes": (b'title = "t"\0\0', "is not a text file: it contains zero bytes", DO_NAME),
    "json": (b'{"title": "t"}', "is JSON, not TOML", DO_FILE),
    "nested": (b"x = " + b"[" * 5000, "line 1: nested more than 8 deep", "remove brackets; compare with the example"),
    "too large": (b"#" * 300_000, "is larger than 256 KiB", DO_NAME),
    "integer of thousands of digits": (
        HEAD.encode() + b"[basal]\nrate = " + b"9" * 5000,
        "is not TOML: a number has thousands of digits",
        'write a value with its unit in quotes: "1.5 mL/h"',
    ),
    "hexadecimal of thousands of digits": (
        HEAD.encode() + b"[basal]\nrate = 0x" + b"f" * 5000,
        "basal.rate: a number of thousands of digits has no unit",
        DO_UNITS,
    ),
    "too many entries": (
        HEAD.encode() + b"".join(b'[[basal.entry]]\nat = "%02d:%02d"\nrate = "1 mL/h"\n' % (n // 4, n % 4 * 15) for n in range(96)),
        "basal.entry: 672 changes of rate a week",
        "write at most 336",
    ),
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def complaint(raw: bytes) -> BadInput:
    file = Path("rx.toml")
    file.write_bytes(raw)
    with pytest.raises(BadInput) as caught:
        prescription = load(file)
        compiled = compile_prescription(prescription, str(file))
        program_checks.check(prescription, compiled, RIG, str(file))
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.cause + caught.value.do
    return caught.value


def text_of(name: str) -> bytes:
    text = CASES[name][0]
    return (text if re.match(r"titel|Title|title|drug = \"d\"\n\[", text) else HEAD + text).encode()


def test_the_table_is_long_and_its_names_are_unique() -> None:
    assert len(CASES) == TABLE.count("\n== ") >= 90


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_prescription_gets_exactly_its_line(name: str) -> None:
    said = complaint(text_of(name))
    cause, dot, _ = said.cause.partition("is not TOML:")
    assert (cause + dot, said.do) == CASES[name][1:]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_something_else_gets_exactly_its_line(name: str) -> None:
    raw, cause, do = FILES[name]
    said = complaint(raw)
    assert (said.cause, said.do) == ("rx.toml: " + cause, do)


def test_a_folder_a_missing_and_a_locked_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("folder.toml").mkdir()
    Path("locked.toml").write_text(HEAD + RATE)
    for name, cause, do in (
        ("folder.toml", "is a folder", DO_NAME),
        ("none.toml", "can't be read: No such file or directory", DO_NAME),
        ("locked.toml", "can't be read: this user may not open it", "change its permissions, or copy it"),
    ):
        if name == "locked.toml":  # root may open everything, so the refusal is simulated

            def refuse(*_: object) -> None:
                raise PermissionError(13, "Permission denied")

            monkeypatch.setattr("builtins.open", refuse)
        with pytest.raises(BadInput) as caught:
            load(Path(name))
        assert (caught.value.cause, caught.value.do) == (f"{name}: {cause}", do)


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbf%s", b"%s"], ids=["byte order mark", "none"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_files_of_windows_editors_simply_work(raw: bytes, newline: str) -> None:
    Path("rx.toml").write_bytes(raw % (HEAD + RATE).replace("\n", newline).encode())
    assert load(Path("rx.toml")).title == "t"


NEAREST = re.compile(r'nearest possible is "(.+?)"', re.IGNORECASE)


@pytest.mark.parametrize("name", [name for name in CASES if NEAREST.search(CASES[name][2])])
def test_the_nearest_possible_value_is_possible(name: str) -> None:
    """The offered value is accepted instead of the refused one, and a little more is not."""
    typed = re.search(r': "([^"]+)": ', CASES[name][1]).group(1)
    better = NEAREST.search(CASES[name][2]).group(1)
    Path("rx.toml").write_bytes(text_of(name).replace(f'"{typed}"'.encode(), f'"{better}"'.encode()))
    prescription = load(Path("rx.toml"))
    program_checks.check(prescription, compile_prescription(prescription, "rx.toml"), RIG, "rx.toml")


# --- sent anyway: the pump's own words --------------------------------------------------------------------------------------


REFUSED_BY_THE_PUMP = [name for name, (_, cause, _) in CASES.items() if ", limit " in cause]


@pytest.mark.rule("R7")
@pytest.mark.parametrize("name", REFUSED_BY_THE_PUMP)
def test_what_the_host_refuses_the_pump_refuses_in_the_same_words(name: str) -> None:
    """Without the host's check: the packed program goes to the pump in a hand-made frame."""
    Path("rx.toml").write_bytes(text_of(name))
    packed = compile_prescription(load(Path("rx.toml")), "rx.toml").packed
    pump = UnitPump(blank_image(for_pump(read_bench(BENCH))))
    error = pump.judge(packed)["error"]
    told = re.sub(", nearest [^,)]+", "", with_rates(refused(error), programs.unpack(packed).rate_seconds_s).cause)
    if "by mass" in name:  # the host speaks the unit that was typed
        told = told.replace("asked 10000 mL/h, limit 10 mL/h", "asked 5 mg/h, limit 0.005 mg/h")
    assert CASES[name][1].endswith('": ' + told), "the host names the nearest as it is typed"
    assert (error["message"], error["data"]["do"]) == fault_texts.told(error["data"]["fault"])
