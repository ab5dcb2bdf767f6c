"""The two drawings of a rig, read back from their SVG: the circuit in them is the bench's, and a person can read them."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from support.drawn import circuit, looks, svg
from support.drawn.benches import without_board
from thecal.files.resources import hardware_folder
from thecal.hardware import __main__ as command
from thecal.hardware import powerup
from thecal.hardware.draw import scheme
from thecal.hardware.draw.blocks import INSULATION
from thecal.hardware.draw.scheme import short
from thecal.hardware.draw.sheets import draw
from thecal.hardware.rig import read_rig

REAL = sorted(file for file in hardware_folder().glob("*.toml") if not file.stem.startswith("sim-"))
STEMS = [file.stem for file in REAL]
(TMC2209,) = (stem for stem in STEMS if stem.startswith("tmc2209"))
SHEETS = ("power.svg", "controls.svg")
WARNING = "Bench use only. Never connect this pump to a person or an animal."


def committed(bench: Path) -> dict[str, svg.Drawing]:
    return {name: svg.read((bench.with_suffix("") / name).read_text(encoding="utf-8")) for name in SHEETS}


def drawn(bench: Path) -> dict[str, svg.Drawing]:
    made = command.documents(bench)
    return {name: svg.read(made[name]) for name in SHEETS}


def nets_of_bench(bench: Path) -> set[frozenset[circuit.Node]]:
    """The sets of terminals that the bench joins, from its text alone. A strip has no terminals."""
    table = tomllib.loads(bench.read_text(encoding="utf-8"))
    joined = circuit.Joined()
    for wires in table["wiring"]["harness"].values():
        for start, end, _ in wires:
            joined.join(start, end)
    for ends in table["wiring"].get("board", {}).values():
        for end in ends:
            joined.join(ends[0], end)
    groups = (frozenset(tuple(str(end).split(":")) for end in group if ":" in str(end)) for group in joined.groups())
    return {group for group in groups if group}


def number_and_colour_at(sheets: dict[str, svg.Drawing], node: circuit.Node) -> set[tuple[str, str]]:
    """The (number, colour) of each off-board wire that is seen to end at a terminal."""
    found = set()
    for sheet in sheets.values():
        ends = [end for name, ends, shape in circuit.terminals(sheet) if name == node for end in ends]
        for line in sheet.of("polyline", "wire", "overlay"):
            if any(circuit.same(end, point) for end in ends for point in (line.points[0], line.points[-1])):
                tags = [text.text for text in sheet.of("text", "wirenumber") if text.box.meets(grown(line.box))]
                found |= {(number, line.stroke) for tag in tags for number in tag.split()}
    return found


def grown(box: svg.Box) -> svg.Box:
    return svg.Box(box.left - 1, box.top - 1, box.right + 1, box.bottom + 1)


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_circuit_in_the_drawings_is_that_of_the_bench(bench: Path) -> None:
    """Lines are followed from terminal to terminal, over dots, bars and flags; nothing is taken from the generator."""
    assert circuit.nets(committed(bench)) == nets_of_bench(bench)


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_every_part_with_terminals_is_drawn_once_with_its_words(bench: Path) -> None:
    rig, sheets = read_rig(bench), committed(bench)
    for mark, part in rig.parts.items():
        if not part.library.terminals:
            continue
        names = {node[1] for sheet in sheets.values() for node, _, _ in circuit.terminals(sheet) if node[0] == mark}
        if part.library.kind not in ("pico", "terminal_block"):
            assert names == set(part.library.terminals), mark
            words = [text.text for sheet in sheets.values() for text in sheet.of("text") if text.data("part") == {"mark": mark}]
            assert words.count(mark) == 1 and short(part.library) in " ".join(words), (mark, words)


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_every_wire_off_the_board_has_its_number_and_colour_at_both_ends(bench: Path) -> None:
    rig, sheets = read_rig(bench), committed(bench)
    for wire in rig.wires:
        for end in wire.ends:
            assert (str(wire.number), INSULATION[wire.colour]) in number_and_colour_at(sheets, end.key), (wire.number, str(end))


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_pico_is_drawn_as_its_board(bench: Path) -> None:
    """Two rows of 20, pin 1 at the top left, 40 at the top right, USB above both, the rows level with each other."""
    sheet = committed(bench)["controls.svg"]
    pins: dict[int, circuit.Point] = {}
    for shape in sheet.of("circle", "pin"):
        if (shape.data("terminal") or {}).get("part") == "PICO":
            (label,) = [text.text for text in sheet.of("text") if text.data("terminal") == shape.data("terminal") and text.kind != "probe"]
            pins[int(re.search(r"^(\d+)  |  (\d+)$", label).group().strip())] = shape.points[0]
    assert sorted(pins) == list(range(1, 41))
    left, right = [pins[number] for number in range(1, 21)], [pins[number] for number in range(40, 20, -1)]
    assert len({x for x, _ in left}) == len({x for x, _ in right}) == 1 and left[0][0] < right[0][0]
    assert [y for _, y in left] == [y for _, y in right] == sorted(y for _, y in left)
    (usb,) = sheet.of("rect", "usb")
    assert usb.box.bottom < left[0][1] and left[0][0] < usb.box.left < usb.box.right < right[0][0]


@pytest.mark.parametrize("name", SHEETS)
@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_a_drawing_is_a_readable_page_of_a4(bench: Path, name: str) -> None:
    """In a README of 1000 pixels each capital is 9 pixels high or more."""
    sheet = committed(bench)[name]
    assert sheet.mm == (210, 297) and abs(sheet.height / sheet.width - 297 / 210) < 0.001
    assert looks.faults(sheet) == []


@pytest.mark.parametrize("name", SHEETS)
@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_a_drawing_says_what_the_pump_is_not_for(bench: Path, name: str) -> None:
    assert WARNING in [text.text for text in committed(bench)[name].of("text")]


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_each_probe_point_is_in_the_drawings_at_its_terminal(bench: Path) -> None:
    sheets = committed(bench)
    seen = {}
    for sheet in sheets.values():
        for text in sheet.of("text", "probe"):
            (node,) = {node for node, ends, _ in circuit.terminals(sheet) if any(text.box.near(end) for end in ends)}
            seen[node] = int(text.text)
    assert seen == powerup.probes(read_rig(bench))


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_one_pin_changed_in_the_bench_is_seen_in_the_drawings(bench: Path, tmp_path: Path) -> None:
    before, rig = committed(bench), read_rig(bench)
    for name, gpio in rig.pins.items():
        if name.startswith("coil_") or name in rig.unwired:
            continue  # the coils can only move together, the Pico's LED not at all
        other = {"clock_sda": 16, "clock_scl": 17, "motor_supply": 27}.get(name, 22)
        other = other if other not in rig.pins.values() else other - 8
        changed = tmp_path / bench.name
        text = without_board(bench.read_text(encoding="utf-8"))
        changed.write_text(text.replace(f"\n{name} = {gpio}\n", f"\n{name} = {other}\n"), encoding="utf-8")
        after = drawn(changed)
        assert pin_words(after)[name] == f"GP{other}" and pin_words(before)[name] == f"GP{gpio}"
        assert circuit.nets(after) == nets_of_bench(changed) and looks.faults(after["controls.svg"]) == []


def pin_words(sheets: dict[str, svg.Drawing]) -> dict[str, str]:
    found = (re.search(r"(GP\d+) ([a-z]\w+)", text.text) for text in sheets["controls.svg"].of("text"))
    return {match[2]: match[1] for match in found if match}


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_pins_of_the_firmware_are_those_in_the_drawing(bench: Path) -> None:
    rig = read_rig(bench)
    assert pin_words(committed(bench)) == {name: f"GP{gpio}" for name, gpio in rig.pins.items() if gpio != 25}


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_one_line_or_name_changed_in_a_drawing_is_seen(bench: Path) -> None:
    """Each line taken away, and each pin of the Pico renamed, one at a time: the circuit differs."""
    sheets, expected = committed(bench), nets_of_bench(bench)
    for name, sheet in sheets.items():
        for index, shape in enumerate(sheet.shapes):
            renamed = re.sub(r"(GP\d+) (?!strobe)[a-z]\w+", r"\1 spare", shape.text)
            if shape.kind != "wire" and renamed == shape.text:
                continue
            replaced = [] if shape.kind == "wire" else [dataclasses.replace(shape, text=renamed)]
            other = dataclasses.replace(sheet, shapes=[*sheet.shapes[:index], *replaced, *sheet.shapes[index + 1 :]])
            assert circuit.nets({**sheets, name: other}) != expected, shape


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_one_wire_of_another_colour_in_a_drawing_is_seen(bench: Path) -> None:
    rig = read_rig(bench)
    for wire in rig.wires:
        sheets = {}
        for name in SHEETS:
            text = (bench.with_suffix("") / name).read_text(encoding="utf-8")
            old = rf'stroke="{INSULATION[wire.colour]}"([^>]*><title>wire {wire.number}, )'
            sheets[name] = svg.read(re.sub(old, r'stroke="#123456"\1', text))
        assert all((str(wire.number), INSULATION[wire.colour]) not in number_and_colour_at(sheets, end.key) for end in wire.ends)


# A builder's own bench: what is deleted from a shipped one, and what is changed in it.
NO_CLOCK = [r"^(CLOCK|CELL|SDA|SCL) = .*\n", r'^"CLOCK:.*\n', r', "CLOCK:VIN"', r'"CLOCK:GND", ', r"^clock_s.*\n"]
NO_BOLUS = [r"^(J4|BOLUS|R7|C6|bolus_button) = .*\n", r"^bolus = \[\n.*\n.*\n\]\n", r'^"bolus .*\n', r' "J4:1",', r' "C6:2",']
# A strip of levers between the stop button and its terminal; the bolus button's ground is at it too.
STRIP = [
    (r"^\[wiring.harness\]$", 'GS = { part = "wago-221-415", rail = true }\n[wiring.harness]'),
    (r'\["J3:1", "STOP:1", "black"\],', '["J3:1", "GS", "black"],\n    ["GS", "STOP:1", "black"],'),
    (r'\["J4:1", "BOLUS:1", "black"\],', '["GS", "BOLUS:1", "black"],'),
]
OWN = {
    "a strip of levers": (TMC2209, STRIP),
    "without a clock": (TMC2209, [*((text, "") for text in NO_CLOCK), ("clock_chip = true", "clock_chip = false")]),
    "without a bolus button": (TMC2209, [(text, "") for text in NO_BOLUS]),
    "pins at the other side": (
        TMC2209,
        [("^step = 2$", "step = 17"), ("^dir = 3$", "dir = 18"), ("^enable = 4$", "enable = 19")],
    ),
    "stop at the other side": ("drv8833-coils", [("^stop_button = 10$", "stop_button = 22"), ("^buzzer = 16$", "buzzer = 14")]),
}


@pytest.mark.parametrize(("stem", "changes"), OWN.values(), ids=OWN)
def test_a_bench_of_somebody_else_is_drawn_as_well(stem: str, changes: list[tuple[str, str]], tmp_path: Path) -> None:
    text = without_board((hardware_folder() / f"{stem}.toml").read_text(encoding="utf-8"))
    for old, new in changes:
        assert re.search(old, text, re.MULTILINE), old
        text = re.sub(old, new, text, flags=re.MULTILINE)
    bench = tmp_path / "own.toml"
    bench.write_text(text, encoding="utf-8")
    sheets = drawn(bench)
    assert circuit.nets(sheets) == nets_of_bench(bench)
    assert {name: looks.faults(sheet) for name, sheet in sheets.items()} == {name: [] for name in SHEETS}


# Section D of the review, all sensors at once: mark -> (kind, words, {terminal: net}). 3V3 and GND are nets of the bench.
SENSORS = {
    "ROTOR": ("sensor_module", "AS5600 module", {"VDD": "3V3", "GND": "GND", "DIR": "GND", "SDA": "sensor SDA", "SCL": "sensor SCL"}),
    "PRESSURE": ("sensor_module", "MPRLS, 0x18", {"VIN": "3V3", "GND": "GND", "SDA": "sensor SDA", "SCL": "sensor SCL"}),
    "SCALE": ("sensor_module", "HX711 module", {"VCC": "3V3", "GND": "GND", "DT": "scale data", "SCK": "scale clock"}),
    "AIR": ("sensor_module", "light through the tube", {"LED": "light", "LED_GND": "GND", "C": "tube sensor", "E": "GND"}),
    "R20": ("resistor", "220 Ohm", {"1": "light pin", "2": "light"}),
    "R21": ("resistor", "4.7 kOhm", {"1": "3V3", "2": "tube sensor"}),
    "R22": ("resistor", "2.2 kOhm", {"1": "3V3", "2": "sensor SDA"}),
    "R23": ("resistor", "2.2 kOhm", {"1": "3V3", "2": "sensor SCL"}),
}
SENSOR_PINS = {
    "sensor_sda": (18, "sensor SDA"),
    "sensor_scl": (19, "sensor SCL"),
    "tube_light": (22, "light pin"),
    "tube_sensor": (27, "tube sensor"),
    "scale_data": (14, "scale data"),
    "scale_clock": (15, "scale clock"),
    "enable_sense": (5, "enable"),
}


def test_a_bench_with_every_reserved_sensor_is_drawn_as_well() -> None:
    known = scheme.of(read_rig(hardware_folder() / f"{TMC2209}.toml"))
    nets = {name: set(nodes) for name, nodes in known.nets.items()}
    items, pins = dict(known.items), dict(known.pins)
    for mark, (kind, words, terminals) in SENSORS.items():
        items[mark] = scheme.Item(mark, kind, (words,), dict.fromkeys(terminals, "passive"))
        for terminal, net in terminals.items():
            nets.setdefault(net, set()).add((mark, terminal))
    for name, (gpio, net) in SENSOR_PINS.items():
        pins[name] = gpio
        nets.setdefault(net, set()).add(("PICO", name))
    full = dataclasses.replace(known, items=items, pins=pins, nets={name: frozenset(nodes) for name, nodes in nets.items()})
    sheets = {name: svg.read(text) for name, text in draw(full, "full.toml").items()}
    assert circuit.nets(sheets) == set(full.nets.values())
    assert {name: (sheet.mm, looks.faults(sheet)) for name, sheet in sheets.items()} == {
        name: ((210, 297), []) for name in (*SHEETS, "sensors.svg")
    }
