"""Every wrong bench file of `wrong_benches.txt` gets exactly its line, on the host and on the pump."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpcore.bench.bench import BenchError, parse
from thecal.errors import BadInput
from thecal.files.bench import payload, read_bench, read_tables
from thecal.files.resources import hardware_folder

GOOD = (hardware_folder() / "tmc2209-peristaltic01.toml").read_text(encoding="utf-8")
TABLE = (Path(__file__).with_name("wrong_benches.txt")).read_text(encoding="utf-8")
CASE = re.compile(r"^== (.+)\n-- (.+)\n((?:\+\+ .*\n)+)=> (.+)\n-> (.+)$", re.MULTILINE)
CASES = {
    name: (GOOD.replace(there, new.replace("++ ", "").rstrip("\n"), 1), cause, do) for name, there, new, cause, do in CASE.findall(TABLE)
}


def complaint(folder: Path, raw: bytes) -> BadInput:
    file = folder / "bench.toml"
    file.write_bytes(raw)
    with pytest.raises(BadInput) as caught:
        read_bench(file)
    assert caught.value.exit_code == 2
    return caught.value


def test_every_case_of_the_table_is_read_and_differs() -> None:
    assert len(CASES) == TABLE.count("\n== ") >= 20
    assert all(text != GOOD for text, _, _ in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_bench_gets_exactly_its_line(name: str, tmp_path: Path) -> None:
    text, wanted, do = CASES[name]
    said = complaint(tmp_path, text.encode())
    cause, dot, _ = said.cause.removeprefix(f"{tmp_path}/").partition("is not TOML:")
    assert (cause + dot, said.do) == (wanted, do)


@pytest.mark.rule("R10")
@pytest.mark.parametrize("name", [name for name, (_, cause, _) in CASES.items() if "is not TOML" not in cause and name != "not a number"])
def test_the_pump_says_the_same_of_it(name: str, tmp_path: Path) -> None:
    text, wanted, _ = CASES[name]
    (tmp_path / "bench.toml").write_text(text)
    with pytest.raises(BenchError) as caught:
        parse(payload(read_tables(tmp_path / "bench.toml")))
    assert f"bench.toml: {caught.value}" == wanted


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n", "is a PNG picture, not a bench file"),
        (b"PK\x03\x04", "is a spreadsheet, a document or an archive, not a bench file"),
        (b'{"name": 1}', "is JSON, not TOML"),
        (b"name = '\xff'", "line 1: is not UTF-8 text (byte 9)"),
    ],
)
def test_a_file_that_is_no_bench_is_told(tmp_path: Path, raw: bytes, words: str) -> None:
    said = complaint(tmp_path, raw)
    assert said.cause == f"{tmp_path}/bench.toml: {words}"
    assert said.do


def test_a_bench_of_a_windows_editor_simply_works(tmp_path: Path) -> None:
    (tmp_path / "bench.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert read_bench(tmp_path / "bench.toml")["name"] == "tmc2209-peristaltic01"


@settings(max_examples=150)
@given(
    noise=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")),
    at=st.integers(0, 1800),
    cut=st.integers(0, 60),
)
def test_a_damaged_bench_is_read_or_refused(noise: bytes, at: int, cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    raw = GOOD.encode()
    file = tmp_path_factory.getbasetemp() / "damaged.toml"
    file.write_bytes(raw[:at] + noise + raw[at + cut :])
    try:
        read_bench(file)
    except BadInput as error:
        assert error.do and "\n" not in error.cause


VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates() | st.times(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["name", "target", "clock_chip", "ceilings", "motor", "pins", "calibration", "parts", "wiring", "rate_nl", "driver", "step", "x"]
)


@settings(max_examples=150)
@given(changes=st.dictionaries(KEYS, VALUES | st.dictionaries(KEYS, VALUES, max_size=3), max_size=4))
def test_any_tables_are_taken_or_refused(changes: dict, tmp_path_factory: pytest.TempPathFactory) -> None:
    import tomlkit

    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_text(tomlkit.dumps({**read_tables(hardware_folder() / "sim-clock.toml"), **changes}), encoding="utf-8", errors="replace")
    try:
        read_bench(file)
    except BadInput as error:
        assert error.do and "\n" not in error.cause
