"""Settings in a prescription: every key becomes its number, every number has its line in the review, a wrong one gets one line."""

import itertools
import re
from datetime import date
from pathlib import Path

import pytest

import thecal
from pumpcore.program import packing as packed_program
from pumpcore.program.settings import FIELDS
from thecal.errors import BadInput
from thecal.prescription.compiler import compile_prescription
from thecal.prescription.file import check
from thecal.prescription.tables import ON_OFF, SETTINGS, VERSION
from thecal.text import program as program_text
from thecal.text.settings import SHOWN

BASE = {"title": "t", "drug": "d", "concentration": "500 ug/mL", "basal": {"rate": "1 mL/h"}}
DEMAND = {"dose": "25 ug", "duration": "5 min", "lockout": "1.5 h", "per_day": 4}
RESERVOIR = {"capacity": "20 mL", "low": "2 mL", "empty": "0.5 mL", "tolerance": "0.1 mL", "tolerance_percent": 2.5}
LINE = {"tubing": "140 uL", "catheter": "199 uL", "measured": date(2026, 1, 31)}
LIBRARY = {
    "name": "bench fluids", "version": 3, "overrides": ["day", "rate"], "hard_rate": "2 mL/h", "soft_rate": "0.5 mL/h",
    "hard_bolus": "0.5 mL", "soft_bolus": "0.4 mL", "hard_day": "40 mL", "soft_day": "20 mL",
    "hard_concentration": ["100 ug/mL", "1 mg/mL"], "soft_concentration": ["200 ug/mL", "0.8 mg/mL"],
}  # fmt: skip
ALL = {
    "demand": DEMAND, "reservoir": RESERVOIR, "line": LINE, "library": LIBRARY, "bolus": {"max_dose": "0.2 mL", "max_per_day": "1 mL"},
}  # fmt: skip


def compiled(**changes):
    return compile_prescription(check({**BASE, **changes}, "rx.toml"), "rx.toml")


def test_every_key_becomes_its_number() -> None:
    settings = compiled(**ALL).program.settings
    assert {name: getattr(settings, name) for name in FIELDS} == {
        "demand_on": 1, "demand_per_day": 4, "demand_s": 300, "lockout_s": 5400, "demand_nl": 50_000, "bolus_max_nl": 200_000,
        "bolus_day_nl": 1_000_000, "line_day": (date(2026, 1, 31) - date(1970, 1, 1)).days, "tubing_nl": 140_000, "catheter_nl": 199_000,
        "tolerance_permille": 25, "tolerance_nl": 100_000, "capacity_nl": 20_000_000, "low_nl": 2_000_000, "empty_nl": 500_000,
        "library_version": 3, "overrides": 0b1010, "hard_rate_nl": 2_000_000 * 1, "soft_rate_nl": 500_000, "hard_bolus_nl": 500_000,
        "soft_bolus_nl": 400_000, "hard_day_nl": 40_000_000, "soft_day_nl": 20_000_000, "hard_low_ng": 100_000, "soft_low_ng": 200_000,
        "soft_high_ng": 800_000, "hard_high_ng": 1_000_000,
    }  # fmt: skip
    assert settings.library == "bench fluids" and settings.overridden() == ["rate", "day"]


def test_every_field_of_the_pump_is_kept_for_one_key() -> None:
    """A field filled by no key, or by two, could not be written or read."""
    fields = [field for one in SETTINGS for field in one.held.fields]
    assert sorted(fields) == sorted(set(FIELDS) - {"overrides"})


def test_the_template_names_every_key() -> None:
    """Except the limits of a library, which are in its file."""
    text = (Path(thecal.__file__).parent / "data" / "new.toml").read_text(encoding="utf-8")
    for table, keys in itertools.groupby(SETTINGS, lambda one: one.table):
        part = text.split(f"# [{table}]\n")[1].split("\n# [")[0]
        missing = [one.name for one in keys if table != "library" and f"# {one.name} = " not in part]
        assert not missing, table


def test_every_kind_of_number_has_its_words_in_the_review() -> None:
    """Flags and versions are in the first line of their table."""
    assert {one.held.kind for one in SETTINGS} - set(SHOWN) == {ON_OFF, VERSION}


def test_without_settings_the_program_is_what_it_always_was() -> None:
    assert compiled().packed[:4] == b"TPR1" and compiled(**ALL).packed[:4] == b"TPR2"


def test_a_minimum_rate_is_a_mode_of_its_own() -> None:
    done = compiled(basal={"minimum": "10 uL/day"})
    assert done.program.mode == packed_program.MINIMUM and packed_program.unpack(done.packed).mode == packed_program.MINIMUM
    assert compiled(basal={"minimum": "0 uL/day"}).program.entries == [(0, 0)]


def test_the_review_has_a_line_for_every_setting_and_what_was_typed() -> None:
    done = compiled(**ALL)
    rows = {row[0]: row for row in program_text.rows(None, packed_program.unpack(done.packed), done.typed, steps=True)}
    text = " ".join(row[2] for row in rows.values())
    for name in FIELDS:
        value = getattr(done.program.settings, name)
        if name.endswith("_nl") or name in ("demand_s", "lockout_s"):
            assert f"= {value} {name.rsplit('_', 1)[1]}" in text, name
    rows = {row[0]: row for row in program_text.rows(None, packed_program.unpack(done.packed), done.typed)}
    assert " nl" not in " ".join(row[2] for row in rows.values())
    assert rows["line.measured"][2] == "2026-01-31" and rows["reservoir.tolerance_percent"][2] == "2.5 %"
    assert rows["library.overrides"][2] == "rate, day" and rows["library"][2] == "bench fluids, version 3"
    assert rows["library.soft_concentration"][2] == "200 ug/mL to 800 ug/mL" and rows["demand.per_day"][2] == "4"
    assert rows["demand.dose"][3] == "25 ug" and rows["library.hard_concentration"][3] == "100 ug/mL to 1 mg/mL"
    plain = {row[0]: row for row in program_text.rows(done.program, compiled().program, {})}
    assert plain["demand"][1:3] == ("on", "none") and plain["demand.dose"][2] == "-" and plain["basal"][2] == "constant"


@pytest.mark.rule("R7")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"demand": {**DEMAND, "dose": None}}, "demand.dose"),
        ({"demand": {"dose": "1 uL"}}, "demand.duration is missing"),
        ({"demand": {**DEMAND, "lockout": "1 hour 5"}}, "not a duration"),
        ({"demand": {**DEMAND, "lockout": 60}}, "has no unit"),
        ({"demand": {**DEMAND, "lockout": "0.0001 h"}}, "not a whole number of seconds"),
        ({"demand": {**DEMAND, "lockout": "4 min"}}, "lockout"),
        ({"demand": {**DEMAND, "per_day": 0}}, "demand_per_day"),
        ({"demand": {**DEMAND, "per_day": 70_000}}, "out of range"),
        ({"demand": {**DEMAND, "per_day": True}}, "has the wrong type"),
        ({"demand": {**DEMAND, "dose": "0.3 nL"}}, "not a whole number of nl"),
        ({"demand": {**DEMAND, "dosis": "1 uL"}}, "demand.dosis is not a key"),
        ({"bolus": {"max_dose": "0 mL"}}, "is zero"),
        ({"bolus": {"max_dose": "40 uL"}, "demand": DEMAND}, "demand_nl"),
        ({"reservoir": {**RESERVOIR, "low": "0.4 mL"}}, "low_nl"),
        ({"reservoir": {**RESERVOIR, "tolerance_percent": 2.55}}, "not a percentage"),
        ({"reservoir": {**RESERVOIR, "tolerance_percent": 101}}, "not a percentage"),
        ({"reservoir": {**RESERVOIR, "tolerance_percent": float("nan")}}, "not a percentage"),
        ({"line": {**LINE, "measured": "2026-01-31"}}, "not a date"),
        ({"line": {**LINE, "measured": date(1960, 1, 1)}}, "not a date"),
        ({"library": {**LIBRARY, "version": 0}}, "version"),
        ({"library": {**LIBRARY, "overrides": ["speed"]}}, "overrides"),
        ({"library": {**LIBRARY, "hard_concentration": ["1 mg/mL"]}}, "hard_concentration"),
        ({"library": {**LIBRARY, "soft_rate": "3 mL/h"}}, "soft_rate_nl"),
        ({"library": {**LIBRARY, "hard_rate": "0 mL/h"}}, "would allow nothing"),
        ({"basal": {"minimum": "1 uL/h", "rate": "1 mL/h"}}, "either a rate, a minimum"),
    ],
)
def test_wrong_settings_get_one_line(changes: dict, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        compiled(**changes)
    assert words in caught.value.cause and caught.value.cause.startswith("rx.toml: ") and caught.value.do
    assert "\n" not in caught.value.cause


def test_the_template_with_everything_switched_on_compiles() -> None:
    text = (Path(thecal.__file__).parent / "data" / "new.toml").read_text(encoding="utf-8")
    head, options = text.split("# Everything below is optional")
    switched = re.sub(r"^# (?=[a-z_]+ = |\[)", "", options.split("\n", 1)[1], flags=re.MULTILINE)
    without = re.sub(r"\[basal\]\nminimum = .*\n", "", switched)
    import tomllib

    done = compile_prescription(check(tomllib.loads(head + without), "new.toml"), "new.toml")
    assert done.program.settings.capacity_nl == 20_000_000 and done.program.settings.demand_on == 1
    alone = re.sub(r"\[basal\]\nrate = .*\n", "", head) + switched
    assert compile_prescription(check(tomllib.loads(alone), "new.toml"), "new.toml").program.mode == packed_program.MINIMUM
