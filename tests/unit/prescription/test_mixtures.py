"""Several drugs in a prescription: written, refused by name, compiled, and shown with the dose of each."""

from fractions import Fraction
from pathlib import Path

import pytest

from pumpcore.program.packing import unpack
from pumpcore.program.settings import LIMITS
from thecal.checks import program as program_checks
from thecal.checks.rigs import rig_of
from thecal.errors import BadInput
from thecal.prescription import library
from thecal.prescription.compiler import Compiled, compile_prescription
from thecal.prescription.file import Prescription, check, load
from thecal.quantities.exact import drugs_of
from thecal.text import program as program_text

EXAMPLE = Path(__file__).parents[3] / "host" / "examples" / "two-drugs.toml"
DYE, MARKER = {"name": "dye", "concentration": "500 ug/mL"}, {"name": "marker", "concentration": "250 ug/mL"}
BASE = {"title": "t", "drug": [DYE, MARKER], "basal": {"rate": "120 ug/day"}}
LIBRARY = """name = "l"
version = 1
[[fluid]]
name = "dye"
hard_rate = "4 mL/h"
soft_rate = "3 mL/h"
hard_bolus = "500 ug"
[[fluid]]
name = "marker"
hard_rate = "1 mg/h"
soft_bolus = "0.2 mL"
soft_day = "1 mL"
hard_concentration = ["10 ug/mL", "1 mg/mL"]
soft_concentration = ["100 ug/mL", "300 ug/mL"]
"""


def written(**changes: object) -> Prescription:
    return check({**BASE, **changes}, "rx.toml")


def compiled(**changes: object) -> Compiled:
    return compile_prescription(written(**changes), "rx.toml")


def limited(folder: Path, overrides: tuple[str, ...] = (), **changes: object) -> tuple[Prescription, Compiled]:
    (folder / "l.toml").write_text(LIBRARY)
    found = library.with_overrides(library.applied(written(**changes), folder / "l.toml", "rx.toml"), list(overrides))
    return found, compile_prescription(found, "rx.toml")


def complaint(**changes: object) -> str:
    with pytest.raises(BadInput) as caught:
        compiled(**changes)
    return f"{caught.value.cause} {caught.value.do}"


def test_the_first_drug_leads_and_the_others_follow() -> None:
    program = compiled().program
    assert program.content() == (("dye", 1, 2), ("marker", 1, 4))
    nl_per_s = Fraction(program.entries[0][1], program.rate_seconds_s)
    assert [dose * nl_per_s * 86_400 for _, dose in drugs_of(program)] == [120_000, 60_000]
    assert unpack(compiled().packed).describe() == program.describe()


def test_one_drug_is_as_short_as_before_and_the_same_program_in_either_form() -> None:
    plain = compiled(drug="dye", concentration="500 ug/mL")
    table = compiled(drug=[DYE])
    assert plain.packed == table.packed and plain.packed[:4] == b"TPR1"
    assert compiled(drug=[{"name": "water"}], basal={"rate": "1 mL/h"}).program.concentration == (0, 0)


@pytest.mark.rule("R7")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"concentration": "1 mg/mL"}, "with [[drug]] each drug has its own"),
        ({"drug": DYE}, "[[drug]]"),
        ({"drug": [DYE, {"name": "marker"}]}, "drug[2].concentration is missing"),
        ({"drug": [{"name": "dye"}, MARKER]}, "drug[1].concentration is missing"),
        ({"drug": [DYE, {**MARKER, "name": "dye"}]}, '"dye" appears twice'),
        ({"drug": [DYE, {**MARKER, "concentration": "0 ug/mL"}]}, "drug[2].concentration"),
        ({"drug": [DYE, {**MARKER, "concentration": "5 ug"}]}, "drug[2].concentration"),
        ({"drug": [DYE, {**MARKER, "strength": "5 ug"}]}, "drug[2].strength is not a key"),
        ({"drug": [DYE, {**MARKER, "concentraton": "5 ug/mL"}]}, "concentration?"),
        ({"drug": [DYE, {"concentration": "5 ug/mL"}]}, "drug[2].name is missing"),
        ({"drug": [DYE, {**MARKER, "name": ""}]}, "drug[2].name is empty"),
        ({"drug": [DYE, {**MARKER, "name": "x" * 65}]}, "drug[2].name: is longer than 64 bytes"),
        ({"drug": [DYE, {**MARKER, "name": "Dye "}]}, "appears twice"),
        ({"drug": [DYE, {**MARKER, "concentration": "0.1234567890123456789 ng/mL"}]}, "too many digits"),
        ({"drug": [DYE, *[{**MARKER, "name": name} for name in "abcd"]]}, "5 drugs, the pump holds 4"),
        ({"drug": []}, "drug"),
        ({"drug": ["dye", "marker"]}, "drug"),
        ({"drug": [DYE, "marker"]}, "drug"),
        ({"others": [MARKER]}, "others is not a key"),
    ],
)
def test_a_mixture_that_can_not_be_is_refused_by_name(changes: dict, said: str) -> None:
    assert said in complaint(**changes)


def test_the_limits_of_every_drug_hold_and_the_lowest_counts(tmp_path: Path) -> None:
    settings = limited(tmp_path)[1].program.settings
    seconds_s = limited(tmp_path)[1].program.rate_seconds_s
    assert settings.hard_rate_nl == settings.soft_rate_nl - 0 or settings.soft_rate_nl == 3_000_000 * seconds_s // 3600
    assert Fraction(settings.hard_rate_nl, seconds_s) * 3600 == 4_000_000  # 1 mg/h of the marker is 4 mL/h
    assert (settings.hard_bolus_nl, settings.soft_bolus_nl, settings.soft_day_nl) == (1_000_000, 200_000, 1_000_000)
    assert settings.drugs[0] == ("dye", ())
    own = dict(zip(LIMITS, settings.drugs[1][1], strict=True))
    assert own["soft_low_ng"] == 100_000 and own["hard_bolus_nl"] == 0 and own["soft_bolus_nl"] == 200_000
    assert settings.whose("soft_bolus_nl") == {"drug": "marker"} and settings.whose("hard_bolus_nl") == {"drug": "dye"}


def test_a_soft_limit_above_the_hard_one_of_another_drug_is_that_one(tmp_path: Path) -> None:
    strong = {**MARKER, "concentration": "1 mg/mL"}
    program = limited(tmp_path, ("concentration",), drug=[DYE, strong])[1].program
    assert program.settings.hard_rate_nl == program.settings.soft_rate_nl == 1_000_000 * program.rate_seconds_s // 3600
    assert program.settings.whose("hard_rate_nl") == {"drug": "marker"}


@pytest.mark.rule("R7")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"basal": {"rate": "4.1 mL/h"}}, ("marker", "a hard limit")),
        ({"basal": {"rate": "3.1 mL/h"}}, ("drug dye", "a soft limit")),
        ({"bolus": {"max_dose": "0.3 mL"}}, ("drug marker", "--override bolus")),
        ({"basal": {"rate": "2.05 mg/h"}}, ("asked 1.025 mg/h, drug marker, limit 1 mg/h", 'the nearest possible is "2 mg/h"')),
        ({"drug": [DYE, {**MARKER, "concentration": "2 mg/mL"}]}, ("asked 2000 ug/mL, drug marker, limit 1000 ug/mL", "")),
        ({"drug": [DYE, {**MARKER, "concentration": "2 mg/mL"}]}, ('drug[2].concentration: "2 mg/mL"', "drug marker")),
        ({"drug": [DYE, {**MARKER, "concentration": "50 ug/mL"}]}, ('drug[2].concentration: "50 ug/mL"', "--override concentration")),
        ({"drug": [DYE, {**MARKER, "name": "markr"}]}, ('drug[2].name: "markr"', "marker?")),
        ({"drug": [{**DYE, "name": "water"}, MARKER]}, ('drug[1].name: "water"', "not in the drug library")),
    ],
)
def test_a_refusal_names_the_drug(tmp_path: Path, changes: dict, said: tuple[str, ...]) -> None:
    with pytest.raises(BadInput) as caught:
        prescription, done = limited(tmp_path, **changes)
        program_checks.check(prescription, done, rig_of(None), "rx.toml")
    text = f"{caught.value.cause} {caught.value.do}"
    assert all(part in text for part in said), text


def test_several_drugs_need_the_file_of_their_library() -> None:
    named = written(library={"name": "elsewhere", "version": 1, "hard_rate": "1 mL/h"})
    with pytest.raises(BadInput) as caught:
        library.applied(named, None, "rx.toml")
    assert "--library FILE" in caught.value.do


def test_the_review_shows_every_drug_its_dose_and_whose_limit_it_is(tmp_path: Path) -> None:
    _, done = limited(tmp_path)
    facts = program_text.facts(unpack(done.packed))
    assert (facts["drug"], facts["concentration"], facts["drug 2"]) == ("dye", "500 ug/mL", "marker 250 ug/mL")
    assert facts["always"].startswith("dye 120 ug/day, marker 60 ug/day = ")
    assert facts["library.soft_concentration of marker"] == "100 ug/mL to 300 ug/mL"
    assert done.typed["library.soft_bolus"] == "0.2 mL (marker)" and done.typed["library.hard_bolus"] == "500 ug"
    assert done.typed["drug 2"] == "marker 250 ug/mL"


def test_limits_name_the_drug_that_binds(tmp_path: Path) -> None:
    from thecal.cli.verbs.limits import cells, table

    _, done = limited(tmp_path, drug=[DYE, {**MARKER, "concentration": "1 mg/mL"}], overrides=("concentration",))
    rows = {one["limit"]: one for one in table(done.program, rig_of(None))}
    assert (rows["rate"]["drug"], rows["bolus"]["drug"], rows["24 h"]["drug"]) == ("marker", "dye", None)
    assert cells(rows["rate"])[5] == "library, hard (marker)"
    ranges = rows["concentration of marker"]
    assert (ranges["library_soft"], ranges["library_hard"], ranges["asked"]) == ("100 to 300", "10 to 1000", "1000 ug/mL")
    assert ranges["overridden"]


def test_the_example_is_120_ug_a_day() -> None:
    prescription = load(EXAMPLE)
    done = compile_prescription(prescription, EXAMPLE.name)
    for bench in ("sim-clock", "tmc2209-peristaltic01"):
        program_checks.check(prescription, done, rig_of(bench), EXAMPLE.name)
    assert program_text.facts(done.program)["always"].startswith("dye 120 ug/day, marker 60 ug/day = ")
