"""Prescription files: a right one compiles exactly; a wrong one gets one line with file, key and what to do."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import thecal
from pumpcore.program import packing as packed_program
from thecal.errors import BadInput
from thecal.prescription.compiler import compile_prescription
from thecal.prescription.file import check, load

DATA = Path(thecal.__file__).parent / "data"
BASE = {"title": "t", "drug": "d", "basal": {"rate": "1 mL/h"}}


def compiled(**changes):
    return compile_prescription(check({**BASE, **changes}, "rx.toml"), "rx.toml")


def entry(at, rate="1 mL/h", **more):
    return {"at": at, "rate": rate, **more}


def entries(*rows):
    return {"entry": list(rows)}


BAD = [
    ({"title": None}, "title = "),
    ({"title": ""}, "title is empty"),
    ({"title": 3}, "title = "),
    ({"title": "x" * 65}, "longer than 64"),
    ({"drug": ""}, "drug is empty"),
    ({"limit": {}}, "limit is not a key"),
    ({"limits": {"max_per_week": "1 mL"}}, "limits.max_per_week is not a key"),
    ({"limits": {"max_rate": "1 mL"}}, "limits.max_rate"),
    ({"limits": {"max_per_hour": "1 mL/h"}}, "limits.max_per_hour"),
    ({"limits": {"max_per_hour": "0 mL"}}, "would allow nothing"),
    ({"limits": {"max_rate": "0 mL/h"}}, "would allow nothing"),
    ({"limits": {"max_per_day": "0.5 nL"}}, "whole number of nl"),
    ({"limits": {"max_per_day": "9999999999999999 mL"}}, "more than the program format holds"),
    ({"limits": {"max_rate": "9999999999999999 mL/h"}}, "more than the program format holds"),
    ({"basal": {}}, "either a rate"),
    ({"basal": 3}, "basal = "),
    ({"basal": {"rate": "1 mL/h", "entry": [entry("06:00")]}}, "either a rate"),
    ({"basal": {"rate": "1,5 mL/h"}}, 'basal.rate: "1,5 mL/h" has a comma'),
    ({"basal": {"rate": "1 MG/h"}}, "not allowed"),
    ({"basal": {"rate": "1.5"}}, "no unit"),
    ({"basal": {"rate": 1.5}}, "no unit"),
    ({"basal": {"rate": float("nan")}}, "no unit"),
    ({"basal": {"rate": "1 mL"}}, "is a volume"),
    ({"basal": {"rate": "1 mg/mL"}}, "is a concentration"),
    ({"basal": {"rate": "1 mg/h"}}, "there is no concentration"),
    ({"basal": {"rate": "-1 mL/h"}}, "negative"),
    ({"basal": entries()}, "basal.entry is empty"),
    ({"basal": entries(entry("6:00"))}, "basal.entry[1].at"),
    ({"basal": entries(entry("24:00"))}, "basal.entry[1].at"),
    ({"basal": entries(entry("06:60"))}, "basal.entry[1].at"),
    ({"basal": entries(entry(6))}, "basal.entry[1].at"),
    ({"basal": entries(entry("06:00"), entry("07:00", "1 furlong"))}, "basal.entry[2].rate"),
    ({"basal": entries(entry("06:00"), entry("06:00"))}, "two entries begin on mon 06:00"),
    ({"basal": entries(entry("06:00", days=["mon", "mon"]))}, "names a day twice"),
    ({"basal": entries(entry("06:00", days=["monday"]))}, "names no days"),
    ({"basal": entries(entry("06:00", days=[["mon"]]))}, "names no days"),
    ({"basal": entries(entry("06:00", days=[]))}, "names no days"),
    ({"basal": entries({"rate": "1 mL/h"})}, "basal.entry[1].at is missing"),
    ({"concentration": "0 mg/mL"}, "is zero"),
    ({"concentration": "1 mL"}, "concentration"),
    ({"concentration": "1 mL/h"}, "concentration"),
    ({"on_clock_loss": "guess"}, "on_clock_loss = "),
    ({"after_power_loss": True}, "after_power_loss = "),
]


@pytest.mark.parametrize(("changes", "words"), BAD)
def test_wrong_prescriptions_get_one_line(changes, words):
    with pytest.raises(BadInput) as caught:
        compiled(**changes)
    assert words in caught.value.cause
    assert caught.value.cause.startswith("rx.toml: ")
    assert caught.value.do
    assert "\n" not in caught.value.cause


def test_constant_rate_per_hour():
    program = compiled(basal={"rate": "0.5 mL/h"}).program
    assert (program.rate_seconds_s, program.entries, program.mode) == (3600, [(0, 500_000)], packed_program.CONSTANT)


def test_mass_goes_through_the_concentration_exactly():
    program = compiled(concentration="3 mg/mL", basal={"rate": "100.7 ug/day"}).program
    assert Fraction(program.entries[0][1], program.rate_seconds_s) == Fraction("100.7") * 1000 / 3 / 86_400
    assert program.concentration == (3, 1)


def test_days_become_sorted_minutes_of_the_week():
    rows = entries(entry("22:00", "2 mL/h", days="weekend"), entry("06:00", days=["sun", "mon"]))
    program = compiled(basal=rows).program
    assert [minute for minute, _ in program.entries] == [360, 5 * 1440 + 1320, 6 * 1440 + 360, 6 * 1440 + 1320]


def test_a_rate_that_cannot_be_exact_names_neighbours_that_can():
    rows = entries(entry("06:00", "0.333333333331 mL/day"), entry("07:00", "0.3333333333337 uL/day"))
    with pytest.raises(BadInput, match="nearest: ") as caught:
        compiled(basal=rows)
    for nearest in caught.value.cause.split("nearest: ")[1].split(" and "):
        assert compiled(basal=entries(entry("06:00", nearest), entry("07:00"))).program


@pytest.mark.parametrize("name", ["new.toml", "example-day.toml"])
def test_shipped_files_compile_and_survive_packing(name):
    done = compile_prescription(load(DATA / name), name)
    assert packed_program.unpack(done.packed).describe() == done.program.describe()


KEYS = st.sampled_from(
    ["title", "drug", "concentration", "basal", "rate", "entry", "days", "at", "limits", "max_rate", "max_per_hour", "on_clock_loss", "x"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["1 mL/h", "06:00", "daily"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200)
@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_any_tables_are_compiled_or_refused(tables):
    try:
        compile_prescription(check({**BASE, **tables}, "rx.toml"), "rx.toml")
    except BadInput as error:
        assert error.cause.startswith("rx.toml: ")
        assert "\n" not in error.cause


@settings(max_examples=100)
@given(st.binary(max_size=120), st.integers(0, 1200), st.integers(0, 40))
def test_a_damaged_file_never_gives_a_traceback(tmp_path_factory, noise, at, cut):
    raw = (DATA / "example-day.toml").read_bytes()
    path = tmp_path_factory.mktemp("fuzz") / "rx.toml"
    path.write_bytes(raw[:at] + noise + raw[at + cut :])
    try:
        compile_prescription(load(path), str(path))
    except BadInput as error:
        assert error.do is not None


RATES = st.tuples(st.integers(0, 10**7), st.integers(0, 4), st.sampled_from(["uL/h", "mL/day", "nL/min", "uL/min"]))


@given(st.lists(RATES, min_size=1, max_size=6))
def test_compiled_rates_equal_the_typed_fractions(rates):
    factor = {"uL/h": Fraction(1000, 3600), "mL/day": Fraction(10**6, 86_400), "nL/min": Fraction(1, 60), "uL/min": Fraction(1000, 60)}
    rows = [
        entry(f"{hour:02d}:00", f"{digits / 10**places:.{places}f} {unit}", days=["mon"])
        for hour, (digits, places, unit) in enumerate(rates)
    ]
    program = compiled(basal=entries(*rows)).program
    wanted = [Fraction(digits, 10**places) * factor[unit] for digits, places, unit in rates]
    assert [Fraction(rate_nl, program.rate_seconds_s) for _, rate_nl in program.entries] == wanted
