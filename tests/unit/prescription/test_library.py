"""The drug library: its file, its limits in a prescription, and what is refused or asked on the way."""

import json
from pathlib import Path

import pytest

from pumpcore.limits.limits import passed
from pumpcore.program import packing as packed_program
from support.host.empty_place import empty_place, typing
from support.host.fake_pump import FakePump
from thecal.errors import BadInput
from thecal.files.resources import DATA
from thecal.prescription import library
from thecal.prescription.compiler import compile_prescription
from thecal.prescription.file import check

BASE = {"title": "t", "drug": "dye in water", "concentration": "500 ug/mL", "basal": {"rate": "0.2 mL/h"}}
NAMED = {"library": {"name": "bench fluids", "version": 1}}
SHIPPED = DATA / "bench-fluids.toml"
GOOD = 'name = "l"\nversion = 1\n[[fluid]]\nname = "water"\n'


def applied(option: Path | None = None, **changes):
    return library.applied(check({**BASE, **NAMED, **changes}, "rx.toml"), option, "rx.toml")


def test_the_shipped_library_is_found_by_its_name_and_fills_every_limit() -> None:
    found = compile_prescription(applied(), "rx.toml").program.settings
    assert (found.library, found.library_version) == ("bench fluids", 1)
    assert (found.hard_rate_nl, found.soft_rate_nl, found.hard_bolus_nl) == (4_000_000, 1_000_000, 1_000_000)
    assert (found.soft_day_nl, found.hard_low_ng, found.soft_high_ng) == (10_000_000, 10_000, 1_000_000)
    assert [fluid.name for fluid in library.load(SHIPPED).fluid] == ["water", "dye in water", "saline", "glycerol in water"]


def test_a_fluid_in_volumes_gets_no_limits_of_concentration() -> None:
    table = {key: value for key, value in BASE.items() if key != "concentration"}
    filled = library.applied(check({**table, **NAMED}, "rx.toml"), None, "rx.toml")
    assert filled.library.hard_concentration is None and filled.library.hard_rate is not None


def test_without_a_library_nothing_changes() -> None:
    plain = check(BASE, "rx.toml")
    assert library.applied(plain, None, "rx.toml") is plain


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"drug": "dye in watr"}, "dye in water?"),
        ({"drug": "blood"}, "add it to the library"),
        ({"library": {"name": "bench fluids", "version": 2}}, 'version 2, the library is "bench fluids" version 1'),
        ({"library": {"name": "elsewhere", "version": 1}}, "--library FILE"),
        ({"library": {"name": "bench fluids", "version": 1, "hard_rate": "9 mL/h"}}, "differs from the library's limit, 4 mL/h"),
    ],
)
def test_what_does_not_go_with_the_library_is_refused(changes: dict, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        applied(**changes)
    assert said in f"{caught.value.cause} {caught.value.do}"


def test_the_same_limit_may_be_typed_and_spelled_otherwise() -> None:
    assert applied(library={"name": "bench fluids", "version": 1, "hard_rate": "4 ml/hour"}).library.hard_rate is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ('name = "l"', "version is missing"),
        ("name = 1", "not a text"),
        ('name = "l"\nversion = 0\n[[fluid]]\nname = "w"\n', "version"),
        ('name = "l"\nversion = 1\nfluid = []\n', "fluid"),
        (GOOD + 'hard_rte = "1 mL/h"\n', "hard_rate"),
        (GOOD + 'hard_rate = "1,5 mL/h"\n', "comma"),
        (GOOD + 'hard_rate = "1 mL"\n', "hard_rate"),
        (GOOD + 'hard_rate = "1 mL/h"\nsoft_rate = "2 mL/h"\n', "is above"),
        (GOOD + 'hard_rate = "1 mL/h"\nsoft_rate = "2 ug/h"\n', "different kinds"),
        (GOOD + 'hard_concentration = ["2 mg/mL", "1 mg/mL"]\n', "is above"),
        (GOOD + 'hard_concentration = ["1 mg/mL"]\n', "hard_concentration"),
        (GOOD + 'hard_concentration = ["1 ug/mL", "1 mg/mL"]\nsoft_concentration = ["1 ug/mL", "2 mg/mL"]\n', "is above"),
        (GOOD + '[[fluid]]\nname = "water"\n', "twice"),
        ("fluid = 5", "fluid"),
    ],
)
def test_a_wrong_library_is_one_line_with_the_file(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "lib.toml"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        library.load(path)
    assert str(path) in caught.value.cause and said in f"{caught.value.cause} {caught.value.do}"


# --- typed -------------------------------------------------------------------------------------------------------------------


def prescription(rate: str, more: str = "") -> str:
    head = f'title = "t"\ndrug = "dye in water"\nconcentration = "500 ug/mL"\n{more}[basal]\nrate = "{rate}"\n'
    return head + '[library]\nname = "bench fluids"\nversion = 1\n'


@pytest.fixture
def typed(thecal_says, monkeypatch, tmp_path):
    empty_place(tmp_path, monkeypatch)
    return typing(thecal_says, monkeypatch)


def test_a_hard_limit_refuses_before_anything_is_sent(typed) -> None:
    Path("rx.toml").write_text(prescription("0.2 mL/h", '\n[bolus]\nmax_dose = "1.2 mL"\n'))
    with FakePump() as pump:
        code, _, err = typed("program", "rx.toml", "--yes", "--port", pump.port_url)
        assert code == 2 and "bolus.max_dose" in err and "hard limit" in err and 'nearest possible is "1 mL"' in err and "R7" in err
        assert "program.stage" not in pump.executed
        assert typed("program", "rx.toml", "--override", "bolus", "--yes", "--port", pump.port_url)[0] == 2


def test_a_soft_limit_is_asked_for_by_itself_and_stays_in_the_program(typed) -> None:
    Path("rx.toml").write_text(prescription("0.2 mL/h", '\n[bolus]\nmax_dose = "0.5 mL"\n'))
    with FakePump() as pump:
        code, _, err = typed("program", "rx.toml", "--yes", "--port", pump.port_url)
        assert code == 2 and "--override bolus" in err and not pump.active  # --yes does not answer this question
        code, _, err = typed("program", "rx.toml", "--port", pump.port_url, says="n\n")
        assert code == 1 and "for bolus: 0.25 mL, asked 0.5 mL" in err and not pump.active
        code, _, err = typed("program", "rx.toml", "--port", pump.port_url, says="y\ny\n")
        assert code == 0, err
        active = packed_program.unpack(pump.active)
        assert active.settings.overridden() == ["bolus"] and passed(active)
        assert "library.overrides" in err and "bolus" in err
        code, _, err = typed("program", "rx.toml", "--override", "bolus", "--yes", "--port", pump.port_url)
        assert code == 0 and packed_program.unpack(pump.active).settings.overridden() == ["bolus"]


def test_limits_is_one_table_and_says_which_binds(typed) -> None:
    Path("rx.toml").write_text(prescription("0.2 mL/h", '\n[limits]\nmax_rate = "0.9 mL/h"\n'))
    code, out, _ = typed("limits", "rx.toml", "--bench", "sim-clock", "--json")
    rows = {row["limit"]: row for row in json.loads(out)}
    assert code == 0
    assert (rows["rate"]["program"], rows["rate"]["binds"], rows["hour"]["binds"]) == (900_000, "program", "bench")
    assert (rows["24 h"]["binds"], rows["24 h"]["asked"], rows["bolus"]["binds"]) == ("library_hard", 4_800_000, "library_hard")
    code, out, _ = typed("limits", "rx.toml", "--bench", "sim-clock")
    assert code == 0 and "binds" in out and "10 mL/h" in out


@pytest.mark.parametrize("words", [("--override", "dose"), ("--library", "nowhere.toml")])
def test_what_is_wrong_with_the_options_is_told(typed, words: tuple) -> None:
    Path("rx.toml").write_text(prescription("0.2 mL/h"))
    code, _, err = typed("program", "rx.toml", "--dry-run", *words)
    assert code == 2 and (words[1] in err)
