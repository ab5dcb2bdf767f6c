"""The perforated board: its holes, bodies and links alone make the nets of the bench; the pictures and the page show that board."""

import copy
import itertools
import math
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.drawn import copper
from thecal.errors import BadInput
from thecal.files.resources import hardware_folder
from thecal.hardware import __main__ as command
from thecal.hardware.board import __main__ as proposer
from thecal.hardware.board import check, footprints, holes, plan
from thecal.hardware.board.documents import documents
from thecal.hardware.board.layout import Layout
from thecal.hardware.rig import Rig, read_rig

REAL = sorted(file for file in hardware_folder().glob("*.toml") if not file.stem.startswith("sim-"))
STEMS = [file.stem for file in REAL]
TMC = next(file for file in REAL if file.stem.startswith("tmc2209"))
# Copper that does not touch is at least this far apart: a bare wire beside the pads of the next row.
LEAST_GAP_MM = 0.5
# From the review: (terminal, terminal, at most so many mm apart), hole to hole.
NEAR = [
    ("C1:plus", "DRIVER:VM", 12),
    ("C1:minus", "DRIVER:GND_M", 14),
    ("R1:2", "DRIVER:EN", 10),
    ("C4:1", "PICO:motor_supply", 10),
    ("C4:2", "PICO:AGND", 10),
    ("R3:1", "PICO:motor_supply", 20),
    ("C5:1", "PICO:stop_button", 10),
    ("R6:2", "PICO:stop_button", 10),
    ("R9:1", "PICO:enable", 20),
]
NEAR_TMC = [
    ("C2:1", "REG:VIN", 10),
    ("C3:1", "REG:VOUT", 10),
    ("R10:1", "PICO:step", 15),
    ("R11:1", "PICO:dir", 15),
    ("C6:1", "PICO:bolus_button", 12),
]
ROW_PIN = {**{f"GND{pin}": pin for pin in (3, 8, 13, 18, 23, 28, 38)}, "AGND": 33, "3V3": 36, "VSYS": 39}


def rig_of(bench: Path, change: Callable[[dict[str, Any]], None] | None = None) -> Rig:
    """A rig, its `[board]` changed in memory."""
    rig = read_rig(bench)
    rig.bench["board"] = copy.deepcopy(rig.bench["board"])
    if change is not None:
        change(rig.bench["board"])
    return rig


def problems(rig: Rig) -> list[str]:
    return check.problems(plan.layout_of(rig), plan.nets_of(rig), plan.heavy_nets(rig))


def nets_of_text(bench: Path) -> set[frozenset[str]]:
    """The nets of the bench's text as sets of MARK:pin; a pin of the Pico by its number in the rows, from the datasheet."""
    table = tomllib.loads(bench.read_text(encoding="utf-8"))
    rows = [pin for pin in range(1, 30) if pin not in (3, 8, 13, 18, 23, 28)]
    gpio_pin = {**dict(enumerate(rows)), 26: 31, 27: 32, 28: 34}

    def pin(text: str) -> str:
        mark, terminal = text.split(":")
        if mark != "PICO":
            return text
        return f"PICO:{ROW_PIN[terminal] if terminal in ROW_PIN else gpio_pin[table['pins'][terminal]]}"

    return {frozenset(pin(text) for text in ends) for ends in table["wiring"]["board"].values()}


def together(sets: set[frozenset[str]]) -> set[frozenset[str]]:
    return {pins for pins in sets if len(pins) > 1}


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_a_shipped_bench_has_a_board_without_a_mistake(bench: Path) -> None:
    assert problems(read_rig(bench)) == []


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_copper_in_the_picture_makes_the_nets_of_the_bench_and_nothing_else(bench: Path) -> None:
    """Read back from the committed picture by distances in mm: no hole names, no net names, none of our geometry."""
    drawn = copper.read((bench.with_suffix("") / "board-back.svg").read_text(encoding="utf-8"))
    assert together(drawn.groups()) == together(nets_of_text(bench))
    assert drawn.narrowest() > LEAST_GAP_MM
    assert drawn.board == pytest.approx((160, 100), abs=0.1)


def test_a_wire_drawn_one_hole_aside_is_seen_in_the_picture() -> None:
    svg = (TMC.with_suffix("") / "board-back.svg").read_text(encoding="utf-8")
    seen = 0
    for track in re.findall(r'points="([^"]+)"[^>]*class="track"', svg):
        x, y = track.split(" ")[-1].split(",")
        moved = copper.read(svg.replace(track, track.replace(f"{x},{y}", f"{float(x) + 4.445:.2f},{float(y) + 4.445:.2f}")))
        seen += together(moved.groups()) != together(nets_of_text(TMC))
        if seen > 5:
            return
    raise AssertionError("no moved wire was seen")


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_page_alone_makes_the_nets_of_the_bench(bench: Path) -> None:
    """A stranger solders by the tables: parts in holes, links along holes."""
    text = (bench.with_suffix("") / "board.md").read_text(encoding="utf-8")
    place = plan.layout_of(read_rig(bench)).places
    pin_at = {hole: f"{mark}:{pin}" for mark, one in place.items() for pin, hole in one.holes.items()}
    groups: list[set[holes.Hole]] = []
    for _, kind, way in re.findall(r"^\| (\d+) \| ([^|]+) \| ([A-Z0-9 -]+) \|", text, re.MULTILINE):
        corners = [holes.parse(name) for name in way.split(" - ")]
        joined = set(holes.along(corners)) if kind == "bare" else set(corners)
        met = [group for group in groups if group & joined]
        groups = [group for group in groups if not group & joined] + [joined.union(*met)]
    made = {frozenset(pin_at[hole] for hole in group if hole in pin_at) for group in groups}
    assert together(made) == together(nets_of_text(bench))
    rows = re.findall(r"^\| ([A-Z0-9]+) \| [^|]* \| ((?:\S+ at \S+(?:, )?)+) \|$", text, re.MULTILINE)
    listed = {f"{mark}:{pin}": hole for mark, row in rows for pin, hole in re.findall(r"(\S+) at ([A-Z]+\d+)", row)}
    assert listed and all(holes.parse(hole) == place[pin.split(":")[0]].holes[pin.split(":")[1]] for pin, hole in listed.items())


def track(number: int, *corners: str) -> Callable[[dict[str, Any]], None]:
    return lambda board: board["tracks"].__setitem__(number, list(corners))


def added(*corners: str) -> Callable[[dict[str, Any]], None]:
    return lambda board: board["tracks"].append(list(corners))


def put(mark: str, hole: str, degrees: int) -> Callable[[dict[str, Any]], None]:
    return lambda board: board["parts"].__setitem__(mark, [hole, degrees])


def wire(colour: str, section: int, start: str, end: str) -> Callable[[dict[str, Any]], None]:
    return lambda board: board["wires"].append([colour, section, start, end])


def thin(board: dict[str, Any]) -> None:
    board["wires"][0][1] = 14


FAULTS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a link is missing": (lambda board: board["tracks"].pop(0), "net 12V in is open: F1:in | J1:1"),
    "an insulated wire is missing": (lambda board: board["wires"].pop(0), "net 12V is open"),
    "a link too many": (added("G59", "E59"), "short between GND (BUCK:GND), 12V in (F1:in)"),
    "bare wires cross": (added("D25", "F25"), "short between"),
    "a bare wire over an unused pin": (added("C27", "E27"), "the unused pin PICO:1"),
    "a bare wire that joins nothing": (added("AC50", "AC53"), "the links at AC50 join no two pins"),
    "a hole used twice by parts": (put("R4", "V34", 0), "hole V34 is used twice: PICO 21, R4 1"),
    "a wire's end in the hole of a leg": (wire("red", 50, "O12", "AC50"), "hole O12 is used twice: C1 plus, a wire's end"),
    "two wire ends in one hole": (wire("red", 50, "M12", "AC50"), "hole M12 is used twice"),
    "bodies overlap": (put("R4", "AB43", 0), "the bodies of R4 and BUZZER overlap"),
    "a wire's end under a body": (wire("red", 50, "AB44", "AC50"), "a wire's end at AB44 is under the body of BUZZER"),
    "a part is not placed": (lambda board: board["parts"].pop("R4"), "R4 has no place on the board"),
    "a part is outside": (put("R4", "X58", 0), "R4: pin 2 is outside of the board"),
    "a body is outside": (put("BUZZER", "AB59", 90), "BUZZER: its body stands out over the board's edge"),
    "a link is outside": (added("X59", "X61"), "a link at X61 is outside of the board"),
    "a part under a screw": (put("R4", "A1", 0), "hole A1 is under the head of a screw"),
    "a link under a screw": (added("AK57", "AK60"), "hole AK60 is under the head of a screw"),
    "a thin wire for the motor's supply": (thin, "of net 12V must have 0.5 mm2, not 0.14"),
    "a diode the wrong way round": (put("D2", "G53", 270), "short between"),
    "a transistor turned": (put("REG", "G44", 180), "short between"),
}


@pytest.mark.parametrize(("change", "words"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_seen(change: Callable[[dict[str, Any]], None], words: str) -> None:
    found = problems(rig_of(TMC, change))
    assert any(words in one for one in found), found


UNREADABLE: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a slanted track": (added("AC50", "AD51"), "AC50 to AD51 does not run along one row or one column"),
    "a track with one end": (added("AC50"), "a wire has two ends"),
    "no hole": (added("AC0", "AC5"), "AC0 is not a hole"),
    "an unknown part": (put("R99", "AC50", 0), "board.parts.R99 is not a part of the bench that has a footprint"),
    "a part without a footprint": (put("MOTOR", "AC50", 0), "board.parts.MOTOR is not a part"),
    "an odd angle": (put("R4", "AC50", 45), "45 is not one of 0, 90, 180, 270 degrees"),
    "another cross-section": (wire("red", 20, "AC50", "AC55"), "20 is not one of 50, 14"),
    "an unknown colour": (wire("gold", 50, "AC50", "AC55"), "gold is not one of black"),
    "an unknown key": (lambda board: board.__setitem__("layers", 2), "board.layers: Extra inputs are not permitted"),
}


@pytest.mark.parametrize(("change", "words"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_board_that_can_t_be_read_is_refused_with_its_place(change: Callable[[dict[str, Any]], None], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        documents(rig_of(TMC, change), TMC)
    assert words in caught.value.cause


def test_no_document_is_made_of_a_board_with_a_mistake() -> None:
    with pytest.raises(BadInput, match="short between GND"):
        documents(rig_of(TMC, added("G59", "E59")), TMC)


def test_another_pin_of_the_pico_needs_another_board(tmp_path: Path) -> None:
    changed = tmp_path / TMC.name
    changed.write_text(TMC.read_text(encoding="utf-8").replace("\nstep = 2\n", "\nstep = 22\n"), encoding="utf-8")
    with pytest.raises(BadInput, match=r"net step pin is open: PICO:29 \| R10:1"):
        command.documents(changed)


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_what_must_be_near_is_near(bench: Path) -> None:
    layout = plan.layout_of(read_rig(bench))
    for one, other, most in NEAR + (NEAR_TMC if bench == TMC else []):
        if bench != TMC:
            other = {"DRIVER:EN": "DRIVER:SLEEP", "DRIVER:GND_M": "DRIVER:GND"}.get(other, other)
        assert distance(bench, layout, one, other) <= most, (one, other)


def distance(bench: Path, layout: Layout, one: str, other: str) -> float:
    """The distance in mm of two terminals as a bench writes them."""
    nets = read_rig(bench).links
    row = {f"{end.part}:{end.terminal}": end.row for ends in nets.values() for end in ends}
    places = []
    for text in (one, other):
        mark, terminal = text.split(":")
        places.append(layout.at(layout.places[mark].holes[str(row[text]) if row[text] else terminal]))
    return math.dist(*places)


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_driver_is_within_5_cm_of_the_pico(bench: Path) -> None:
    layout = plan.layout_of(read_rig(bench))
    pico, driver = (layout.places[mark] for mark in ("PICO", "DRIVER"))
    boxes = [layout.box(place, place.footprint.outline) for place in (pico, driver)]
    across = max(boxes[0][0] - boxes[1][2], boxes[1][0] - boxes[0][2], 0)
    down = max(boxes[0][1] - boxes[1][3], boxes[1][1] - boxes[0][3], 0)
    assert math.hypot(across, down) <= 50


def test_ground_runs_beside_the_step_wire() -> None:
    """Each hole of the step line between Pico and driver has ground in the next row or column, or two further at the resistor."""
    rig = read_rig(TMC)
    layout, nets = plan.layout_of(rig), plan.nets_of(rig)
    hole_of = {(mark, pin): hole for mark, pin, hole in layout.pads()}
    groups = check.groups(layout)

    def copper_of(net: str) -> set[holes.Hole]:
        pins = {hole_of[pin] for pin in nets[net]}
        return {hole for group in groups if group & pins for hole in group} | pins

    ground = copper_of("GND")
    for column, row in copper_of("step pin") | copper_of("step"):
        assert any((column + across, row + down) in ground for across in (-1, 0, 1) for down in (-1, 1)), holes.name((column, row))


def test_the_nets_that_carry_current_are_known() -> None:
    assert set(plan.heavy_nets(read_rig(TMC))) >= {"12V in", "12V", "GND", "5V", "VSYS", "3V3M", "3V3", "A1", "A2", "B1", "B2"}
    assert not {"step", "dir", "enable", "SDA", "SCL", "stop lead", "supply sense"} & set(plan.heavy_nets(read_rig(TMC)))


def test_a_bench_without_a_board_draws_none_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = TMC.read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(text[: text.index("\n[board]\n")], encoding="utf-8")
    assert command.main([str(own)]) == 0
    assert "no [board]: no layout of a board is drawn" in capsys.readouterr().err
    assert not list((tmp_path / "own").glob("board*"))
    assert proposer.main([str(own)]) == 2


def test_the_proposer_fills_in_what_is_missing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = TMC.read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(text.replace('    ["G59", "J59", "J57"],\n', "").replace('    ["F27", "F22"],\n', ""), encoding="utf-8")
    assert own.read_text(encoding="utf-8") != text
    assert proposer.main([str(own), "--tries", "1"]) == 0
    proposed = tomllib.loads(capsys.readouterr().out)
    assert proposed["wires"] == [] and len(proposed["tracks"]) == 2
    rig = rig_of(own, lambda board: board["tracks"].extend(proposed["tracks"]))
    assert problems(rig) == []


def test_names_of_holes() -> None:
    for hole in itertools.product((1, 9, 10, 60), (1, 26, 27, 37)):
        assert holes.parse(holes.name(hole)) == hole
    assert (holes.parse("A1"), holes.parse("Z2"), holes.parse("AA3"), holes.parse("AK60")) == ((1, 1), (2, 26), (3, 27), (60, 37))
    for wrong in ("", "A", "1", "a1", "A0", "A01", "BA1", "A1 "):
        with pytest.raises(ValueError, match="is not a hole"):
            holes.parse(wrong)


def test_footprints_against_their_sources() -> None:
    """Second writing of the sources: the module's silk screen, the Pico's picture, the regulator's drawing."""
    stepstick = footprints.named("stepstick").pads
    left = [name for name, (column, _) in sorted(stepstick.items(), key=lambda item: item[1][1]) if column == 0]
    right = [name for name, (column, _) in sorted(stepstick.items(), key=lambda item: item[1][1]) if column == 5]
    assert " ".join(left) == "EN MS1 MS2 SPREAD UART PDN STEP DIR"
    assert " ".join(right) == "VM GND_M A2 A1 B1 B2 VIO GND_L"
    pico = footprints.named("pico").pads
    assert pico["1"] == (0, 0) and pico["20"] == (19, 0) and pico["21"] == (19, -7) and pico["40"] == (0, -7)
    assert [footprints.named("to92").pads[name] for name in ("GND", "VIN", "VOUT")] == [(0, 0), (1, 0), (2, 0)]
    with pytest.raises(ValueError, match=r"footprint dip-8 is not known; known are .*screw-N"):
        footprints.named("dip-8")
    for turns in range(4):
        assert footprints.turned((3, 1), 90 * turns) == ((3, 1), (-1, 3), (-3, -1), (1, -3))[turns]
