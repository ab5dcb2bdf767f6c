"""The parts library: every figure has a state and a source, every part can be ordered; a mistake is refused by file and key."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from thecal.errors import BadInput
from thecal.files.resources import hardware_folder
from thecal.hardware import bill, library
from thecal.hardware.figures import COMPUTED, DEFINED, MEASURED, READ, STATES, UNREAD, Figure, figure
from thecal.hardware.library import LibraryPart
from thecal.hardware.rig import part_figure, read_rig

FOLDER = hardware_folder() / "library"
PARTS, SOURCES = library.load(), library.sources()
BENCHES = sorted(file for file in hardware_folder().glob("*.toml") if not file.stem.startswith("sim-"))
# How the name of a figure ends, and the names of those that need no unit.
UNIT = re.compile(r"(^|[._])(mv|ma|ua|mohm|ohm|nf|pf|uh|hz|mw|us|um|um2|mdeg|mnm|permille)(_per_(a|m))?$|nl_per_turn$")
PLAIN = {"address", "places", "arms", "bearings"}
by_part = pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
by_bench = pytest.mark.parametrize("bench", BENCHES, ids=[file.stem for file in BENCHES])


def texts(part: LibraryPart) -> str:
    return " ".join([part.what, part.maker, part.number, part.substitute, *(one.name for one in part.suppliers)])


# --- the shipped library --------------------------------------------------------------------------------------------------------


@by_part
def test_every_figure_has_a_state_and_says_where_it_comes_from(part: LibraryPart) -> None:
    for key, one in part.figures():
        assert one.state in STATES and one.state != MEASURED, key
        assert (one.source != "") == (one.state != DEFINED), key
        assert (one.source in SOURCES) == (one.state == READ), key
        if one.state == UNREAD:
            assert not one.known or (one.low is not None and one.high is not None and one.low < one.high), key
        assert UNIT.search(key) or key.rpartition(".")[2] in PLAIN, f"{key}: no unit"


@by_part
def test_every_terminal_has_a_type_and_a_voltage_range(part: LibraryPart) -> None:
    """A range of its own, but for ground and what is not connected."""
    for terminal in part.terminals.values():
        assert terminal.problem() == ""
        if terminal.type not in ("ground", "no_connect"):
            assert terminal.max_mv is not None or terminal.out_mv is not None, terminal.name


@by_part
def test_every_part_can_be_ordered_or_is_made_here(part: LibraryPart) -> None:
    if not part.bought:
        assert part.made_from.startswith("hardware/") and part.price is None and part.suppliers == ()
        assert (hardware_folder().parent / part.made_from).is_file(), part.made_from
        return
    assert part.maker and part.number and part.substitute and part.price is not None
    assert len({supplier.name for supplier in part.suppliers}) >= 2
    assert all(supplier.number or supplier.note for supplier in part.suppliers)
    assert part.price.cents_usd > 0 and part.price.unread != bool(part.price.source)


def test_nobody_has_to_order_any() -> None:
    assert [part.id for part in PARTS.values() if re.search(r"\bany\b", texts(part), re.IGNORECASE)] == []


def test_every_source_is_used_and_can_be_found_again() -> None:
    used = {one.source for part in PARTS.values() for _, one in part.figures() if one.state == READ}
    used |= {part.order_seen for part in PARTS.values()} | {part.price.source for part in PARTS.values() if part.price}
    assert SOURCES.keys() == used - {""}
    assert [name for name, one in SOURCES.items() if not (one.url or one.document or one.seen == "review")] == []


def test_the_firmwares_drivers_each_have_a_module_that_names_its_enable_and_its_straps() -> None:
    drivers = {part.driver: part for part in PARTS.values() if part.kind == "driver" and part.number != "2130"}
    assert drivers.keys() == {"tmc2209", "drv8825", "a4988", "drv8833", "l298n"}
    for name in ("tmc2209", "drv8825", "a4988"):
        assert drivers[name].straps and drivers[name].disabled == "high"
        assert len({frozenset(levels.items()) for levels in drivers[name].straps.values()}) == len(drivers[name].straps)
    assert drivers["tmc2209"].straps[16] == {"MS1": "high", "MS2": "high"}
    assert drivers["a4988"].ties == {"RESET": "SLEEP"} and drivers["drv8825"].ties == {"RESET": "high", "SLEEP": "high"}
    assert drivers["drv8833"].disabled == drivers["l298n"].disabled == "low"


def test_a_module_whose_enable_pull_nobody_read_waits_for_a_measurement() -> None:
    found = part_figure(PARTS["drv8833-pololu-2130"], "SLEEP.pull_ohm")
    assert (found.known, found.state) == (False, UNREAD) and "ohmmeter" in found.source


# --- the shipped benches --------------------------------------------------------------------------------------------------------


@by_bench
def test_the_list_of_parts_prints_its_sum_its_date_and_what_the_pump_is_not_for(bench: Path) -> None:
    """Recomputed from the rows of the sheet itself."""
    lines = (bench.with_suffix("") / "parts.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].strip('"').startswith("Bench use only. Never connect this pump to a person or an animal.")
    *rows, last = csv.DictReader(lines[1:])
    bought = [row for row in rows if row["price USD"] and not row["place"].startswith("optional")]
    cents = sum(int(row["count"]) * int(row["price USD"].replace(".", "")) for row in bought)
    assert (last["mark"], int(last["price USD"].replace(".", ""))) == (bill.SUM, cents)
    assert last["price date"] == min(row["price date"] for row in bought) and cents > 10_000
    unread = sum(row["price is"] == "unread" for row in bought)
    assert last["price is"] == f"{unread} of {len(bought)} prices are from memory"
    assert all(row["supplier 1"] and row["number 1"] and row["supplier 2"] and row["number 2"] for row in bought)
    assert {row["order number is"] for row in rows} <= {"read", "unread", "made"}


@by_bench
def test_what_is_soldered_screwed_and_needed_for_it_is_on_the_list(bench: Path) -> None:
    kinds = Counter(part.library.kind for part in read_rig(bench).parts.values())
    assert {"board", "socket", "wire", "cable", "terminal_block", "connector", "fuse", "tvs", "label", "tool"} <= kinds.keys()


def test_the_rig_with_a_head_has_head_tube_and_liquid_and_a_balance_for_each_task() -> None:
    parts = read_rig(hardware_folder() / "tmc2209-peristaltic01.toml").parts.values()
    kinds = Counter(part.library.kind for part in parts)
    assert kinds["head"] == 1 and {"fluid", "printed", "mechanical", "cell"} <= kinds.keys()
    balances = {part.library.id: part for part in parts if part.library.id.startswith("balance-")}
    assert {name: one.optional for name, one in balances.items()} == {"balance-10mg": False, "balance-1mg": True, "balance-100ug": True}
    assert all(digit in balances[name].library.what for name, digit in zip(balances, ("0.01 g", "1 mg", "0.1 mg"), strict=True))


def test_the_pair_of_the_bench_is_that_of_its_head_and_one_step_is_below_a_tenth_of_a_microlitre() -> None:
    rig = read_rig(hardware_folder() / "tmc2209-peristaltic01.toml")
    pair, motor = rig.bench["calibration"], rig.bench["motor"]
    turn = rig.figure("HEAD", "volume_nl_per_turn")
    steps = 360_000 // rig.figure("MOTOR", "step_angle_mdeg").value * motor["microsteps"]
    assert steps == pair["steps"] and pair["state"] == "UNCALIBRATED"
    assert turn.low is not None and turn.high is not None and turn.low <= pair["volume_nl"] <= turn.high
    assert pair["volume_nl"] / pair["steps"] < 100
    bore_mm, radius_mm = (rig.figure("HEAD", name).value / 1000 for name in ("tube_bore_um", "track_radius_um"))
    assert abs(3.1416 / 4 * bore_mm**2 * 2 * 3.1416 * radius_mm * 1000 - pair["volume_nl"]) < 1000


# --- figures --------------------------------------------------------------------------------------------------------------------


def test_a_figure_is_read_computed_unread_or_defined() -> None:
    assert figure(4_700) == Figure(4_700, 4_700, DEFINED)
    assert figure({"read": [1, 2], "source": "sheet"}) == Figure(1, 2, READ, "sheet")
    assert figure({"computed": 3, "how": "1 + 2"}) == Figure(3, 3, COMPUTED, "1 + 2")
    assert figure({"unread": [3, 4], "why": "from memory"}) == Figure(3, 4, UNREAD, "from memory")
    waits = figure({"unread": "measure", "how": "ohmmeter"})
    assert (waits.known, str(waits)) == (False, "not measured yet")
    with pytest.raises(ValueError, match="3 to 4 is not one value"):
        _ = figure({"unread": [3, 4], "why": "from memory"}).value
    with pytest.raises(ValueError, match="not measured yet"):
        _ = waits.value


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("4.7 kOhm", "is not a figure"),
        (True, "is not a figure"),
        (4.7, "is not a figure"),
        ({}, "exactly one of read, computed, unread"),
        ({"read": 1, "computed": 1, "how": "x"}, "exactly one of read, computed, unread"),
        ({"read": 1}, "exactly one other key, a text: source"),
        ({"read": 1, "source": " "}, "exactly one other key, a text: source"),
        ({"read": 1, "source": "x", "page": 3}, "exactly one other key"),
        ({"computed": 1, "why": "x"}, "exactly one other key, a text: how"),
        ({"unread": 5, "why": "x"}, "an unread figure is a range"),
        ({"unread": [5, 5], "why": "x"}, "an unread figure is a range"),
        ({"unread": "measure", "why": "x"}, "a figure to measure says how"),
        ({"unread": "guess", "why": "x"}, "neither a whole number nor a range"),
        ({"read": [2, 1], "source": "x"}, "neither a whole number nor a range"),
        ({"read": [1, 2, 3], "source": "x"}, "neither a whole number nor a range"),
        ({"read": 1.5, "source": "x"}, "neither a whole number nor a range"),
    ],
)
def test_a_figure_without_state_or_source_is_refused(raw: object, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        figure(raw)


# --- mistakes in a library ------------------------------------------------------------------------------------------------------

SHEET = '[sheet]\ntitle = "t"\nmaker = "m"\nurl = "https://example.org"\ndate = 2026-11-30\nseen = "here"\n'
GOOD = """\
[r-1k]
kind = "resistor"
what = "resistor"
maker = "Yageo"
number = "R1K"
order_seen = "sheet"
suppliers = [{ name = "Mouser", number = "1" }, { name = "DigiKey", note = "search R1K" }]
price = { cents_usd = 10, date = 2026-11-30, unread = true }
substitute = "another"
values = { ohm = 1_000, hot_ohm = { read = 1_001, source = "sheet" } }
[r-1k.terminals]
"1 2" = { type = "passive", max_mv = 1_000 }
"""
PUMP_DRIVER = """
[driver]
kind = "driver"
driver = "a4988"
enable = "EN"
disabled = "high"
what = "driver"
maker = "Pololu"
number = "1182"
suppliers = [{ name = "Mouser", number = "1" }, { name = "DigiKey", number = "2" }]
price = { cents_usd = 10, date = 2026-11-30, source = "sheet" }
substitute = "none"
straps = { 1 = { MS1 = "low" } }
[driver.terminals]
EN = { type = "input", max_mv = 3_300, high_mv = 2_310, low_mv = 990, pull = "up", pull_ohm = 100 }
MS1 = { type = "strap", max_mv = 3_300, high_mv = 2_310, low_mv = 990 }
A1 = { type = "motor", coil = "A", max_mv = 12_000 }
"""
MISTAKES = {
    "terminal without type": ('{ type = "passive", max_mv = 1_000 }', "{ max_mv = 1_000 }", "r-1k.terminals.1.type"),
    "terminal without range": (', max_mv = 1_000 }', " }", "r-1k.terminals.1: type passive needs max_mv"),
    "unknown type": ('"passive"', '"pasive"', "r-1k.terminals.1.type"),
    "terminal twice": ('"1 2" =', '"1 2 1" =', "r-1k.terminals.1: is there twice"),
    "terminal that is no table": ('{ type = "passive", max_mv = 1_000 }', "5", "r-1k.terminals.1: is there twice, or is not a table"),
    "figure without state": ("ohm = 1_000", 'ohm = "1 kOhm"', "r-1k.values.ohm: '1 kOhm' is not a figure"),
    "unread without range": ("ohm = 1_000", 'ohm = { unread = 1_000, why = "x" }', "an unread figure is a range"),
    "source that is not there": ('read = 1_001, source = "sheet"', 'read = 1_001, source = "web"', "values.hot_ohm: web is not a source"),
    "order in no source": ('order_seen = "sheet"', 'order_seen = "web"', "order_seen: web is not a source"),
    "one supplier": (', { name = "DigiKey", note = "search R1K" }', "", "suppliers: a part to buy has two"),
    "one supplier twice": ('name = "DigiKey"', 'name = "Mouser"', "suppliers: a part to buy has two"),
    "supplier without number": ('note = "search R1K"', 'note = ""', "suppliers: DigiKey has neither number nor note"),
    "no order number": ('number = "R1K"\n', "", "number: a part to buy has a maker and an order number"),
    "no price": ("price = { cents_usd = 10, date = 2026-11-30, unread = true }\n", "", "price: a part to buy has one"),
    "price of nowhere": (", unread = true }", " }", "price: has a source, or says unread"),
    "price in no source": (", unread = true }", ', source = "web" }', "price: web is not a source"),
    "no substitute": ('substitute = "another"\n', "", "substitute: name one"),
    "unknown kind": ('kind = "resistor"', 'kind = "thing"', "r-1k.kind"),
    "unknown key": ('kind = "resistor"', 'kind = "resistor"\ncolour = "red"', "r-1k.colour"),
    "not TOML": ('kind = "resistor"', "kind = resistor", "Invalid value"),
    "not a table": ("[r-1k]", "odd = 1\n[r-1k]", "odd: is not a table"),
    "made of nothing": ('kind = "resistor"', 'kind = "printed"', "made_from: say which file"),
    "driver that is none": ('kind = "resistor"', 'kind = "resistor"\ndriver = "a4988"', "driver: a driver, and nothing else"),
}  # fmt: skip
DRIVER_MISTAKES = {
    "driver without enable": ('enable = "EN"', 'enable = "ENBL"', "enable: a driver names the terminal"),
    "driver without level": ('disabled = "high"\n', "", "enable: a driver names the terminal"),
    "strap that is no terminal": ("MS1 = \"low\"", "MS9 = \"low\"", "straps: MS9 is not a terminal"),
    "pull without value": (', pull_ohm = 100', "", "driver.terminals.EN: pull and pull_ohm go together"),
    "motor without coil": (', coil = "A"', "", "driver.terminals.A1: type motor needs coil"),
    "input without level": (", low_mv = 990, pull", ", pull", "type input needs low_mv"),
}  # fmt: skip


def written(folder: Path, parts: str) -> Path:
    (folder / "sources.toml").write_text(SHEET)
    (folder / "parts.toml").write_text(parts)
    return folder


def test_the_small_library_is_good(tmp_path: Path) -> None:
    parts = library.read_folder(written(tmp_path, GOOD + PUMP_DRIVER))
    assert parts.keys() == {"r-1k", "driver"} and list(parts["r-1k"].terminals) == ["1", "2"]


@pytest.mark.parametrize(
    ("good", "old", "new", "words"),
    [
        *((GOOD, *mistake) for mistake in MISTAKES.values()),
        *((GOOD + PUMP_DRIVER, *mistake) for mistake in DRIVER_MISTAKES.values()),
    ],
    ids=[*MISTAKES, *DRIVER_MISTAKES],
)
def test_a_mistake_in_a_library_is_refused_by_file_and_key(good: str, old: str, new: str, words: str, tmp_path: Path) -> None:
    assert good.count(old) == 1
    with pytest.raises(BadInput) as caught:
        library.read_folder(written(tmp_path, good.replace(old, new)))
    assert words in caught.value.cause and caught.value.cause.startswith(str(tmp_path / "parts.toml"))


def test_one_id_in_two_files_is_refused(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    (tmp_path / "second.toml").write_text(GOOD)
    with pytest.raises(BadInput, match="r-1k: this id is in another file too"):
        library.read_folder(tmp_path)


def test_a_library_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="can't be read"):
        library.read_folder(tmp_path)


def test_every_file_of_the_shipped_library_is_in_the_table_of_its_page() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [file.name for file in sorted(FOLDER.glob("*.toml")) if f"`{file.name}`" not in page] == []
