"""One bench file, four documents: firmware pins, wiring page, drawing and bill of materials must agree."""

import csv
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from pumpcore.bench.bench import parse
from thecal.errors import BadInput, Failed
from thecal.files.bench import payload, read_bench
from thecal.files.resources import hardware_folder
from thecal.hardware import __main__ as command
from thecal.hardware import pico
from thecal.hardware.rig import COLOURS, End, Rig, Wire, read_rig

REAL = sorted(file for file in hardware_folder().glob("*.toml") if not file.stem.startswith("sim-"))
STEMS = [file.stem for file in REAL]
SVG = "{http://www.w3.org/2000/svg}"
NO_BREAK_SPACE = "\xa0"
# Wire ends and rows of pins, read back from the documents: (signal, GPIO, pin in the row).
PAGE_ROW = re.compile(r"^\| `(\w+)` \| GP(\d+) \| (\d+|none) \|", re.MULTILINE)
DRAWN_PIN = re.compile(r"^GP(\d+) (\w+)$")
WAYS_OF_A_STRIP = 5


def committed(bench: Path) -> dict[str, str]:
    folder = bench.with_suffix("")
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}


def drawn_nodes(svg: str) -> dict[str, list[str]]:
    """Return every box of a rendered drawing: {name: its texts in order}."""
    groups = ElementTree.fromstring(svg).iter(f"{SVG}g")
    nodes = {group.findtext(f"{SVG}title", ""): group for group in groups if group.get("class") == "node"}
    return {name: [text for node in group.findall(f"{SVG}text") if (text := clean(node.text or ""))] for name, group in nodes.items()}


def clean(text: str) -> str:
    return text.replace(NO_BREAK_SPACE, " ").strip()


def rail_node(wire: Wire, side: int) -> str:
    return f"{wire.ends[side].part}_{wire.number}{'ab'[side]}"


def end_text(end: End) -> list[str]:
    """Return the drawing's text beside a wire; none at a rail, which has its own box."""
    return [":".join(text for text in (end.part, end.terminal, end.label) if text)] if end.terminal else []


def expected_nodes(rig: Rig) -> dict[str, list[str]]:
    """Return the boxes besides the parts: one per harness with a row per wire, and one per wire at a rail."""
    boxes: dict[str, list[str]] = {}
    for wire in rig.wires:
        row = boxes.setdefault(wire.harness, [wire.harness])
        row += [*end_text(wire.ends[0]), f"{wire.colour}:{wire.number}", *end_text(wire.ends[1])]
        boxes |= {rail_node(wire, side): [end.part] for side, end in enumerate(wire.ends) if not end.terminal}
    return boxes


def drawing_differs(rig: Rig, svg: str) -> list[str]:
    """Return the boxes in which a rendered drawing and the bench differ."""
    nodes, expected = drawn_nodes(svg), expected_nodes(rig)
    parts = {name: part for name, part in rig.parts.items() if not part.rail}
    wrong = [name for name in expected if nodes.get(name) != expected[name]]
    wrong += [name for name in nodes if name not in expected and name not in parts]
    for name, part in parts.items():
        ends = {end for wire in rig.wires for end in wire.ends if end.part == name}
        texts = {name, part.what, *(text for end in ends for text in (end.terminal, end.label) if text)}
        if set(nodes.get(name, ())) != texts:
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_committed_documents_are_those_of_the_bench(bench: Path) -> None:
    texts = committed(bench)
    assert texts.keys() == {"wiring.md", "wiring.yml", "wiring.svg", "parts.csv"}
    for name, text in command.documents(bench).items():
        assert texts[name] == text, f"{bench.stem}/{name}: run python -m thecal.hardware --draw {bench.name}"


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_rendered_drawing_shows_every_part_and_wire_of_the_bench(bench: Path) -> None:
    assert drawing_differs(read_rig(bench), committed(bench)["wiring.svg"]) == []


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_pins_of_the_firmware_are_those_on_the_page_and_in_the_drawing(bench: Path) -> None:
    """Read back from the documents themselves, not from the generator."""
    texts, pins = committed(bench), parse(payload(read_bench(bench))).pins
    assert {name: int(gpio) for name, gpio, _ in PAGE_ROW.findall(texts["wiring.md"])} == pins
    drawn = [match for text in drawn_nodes(texts["wiring.svg"])["PICO"] if (match := DRAWN_PIN.match(text))]
    unwired = {"led", "strobe"} & pins.keys()
    assert {match[2]: int(match[1]) for match in drawn} == {name: gpio for name, gpio in pins.items() if name not in unwired}


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_one_pin_changed_in_the_bench_is_seen_in_every_document(bench: Path, tmp_path: Path) -> None:
    texts, pins = committed(bench), read_rig(bench).pins
    for name, gpio in pins.items():
        if name.startswith("coil_") or name == "led":
            continue  # the coils can only move together, the Pico's LED not at all
        other = {"clock_sda": 16, "clock_scl": 17, "motor_supply": 27}.get(name, 22)
        other = other if other not in pins.values() else other - 8
        changed = tmp_path / bench.name
        changed.write_text(bench.read_text(encoding="utf-8").replace(f"\n{name} = {gpio}\n", f"\n{name} = {other}\n"), encoding="utf-8")
        made = command.documents(changed)
        assert made["wiring.md"] != texts["wiring.md"], name
        if name not in read_rig(bench).unwired:
            assert made["wiring.yml"] != texts["wiring.yml"], name
            assert drawing_differs(read_rig(changed), texts["wiring.svg"]) != [], name


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_one_pin_changed_in_the_drawing_is_seen(bench: Path) -> None:
    svg, rig = committed(bench)["wiring.svg"], read_rig(bench)
    shown = set(re.findall(r">([^<>]*GP\d+ \w+)<", svg))
    assert len(shown) >= 2 * (len(rig.pins) - len(rig.unwired))
    for text in shown:
        changed = svg.replace(f">{text}<", ">" + re.sub(r"GP\d+", "GP27", text) + "<")
        assert drawing_differs(rig, changed) != [], text


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_one_wire_of_another_colour_in_the_drawing_is_seen(bench: Path) -> None:
    svg, rig = committed(bench)["wiring.svg"], read_rig(bench)
    for wire in rig.wires:
        recoloured = re.sub(rf"{wire.colour}:{wire.number}(?=\D)", f"turquoise:{wire.number}", svg)
        assert recoloured != svg and drawing_differs(rig, recoloured) == [wire.harness]


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_bill_of_materials_lists_every_part(bench: Path) -> None:
    rows = list(csv.DictReader(committed(bench)["parts.csv"].splitlines()))
    parts = read_rig(bench).parts
    assert {row["mark"]: (int(row["count"]), row["what"], row["order"]) for row in rows} == {
        name: (part.count, part.what, part.order) for name, part in parts.items()
    }


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_terminal_strips_have_a_place_for_every_wire(bench: Path) -> None:
    rig = read_rig(bench)
    for name, part in rig.parts.items():
        if part.rail:
            wires = sum(end.part == name for wire in rig.wires for end in wire.ends)
            bridges = 2 * (part.count - 1)
            assert wires + bridges <= WAYS_OF_A_STRIP * part.count, name
            assert part.count == 1 or wires + bridges - 2 > WAYS_OF_A_STRIP * (part.count - 1), f"{name}: one strip too many"


@pytest.mark.rule("R6")
@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_a_resistor_at_the_driver_holds_the_enable_line_where_the_motor_is_off(bench: Path) -> None:
    """To ground, or to a rail that the Pico does not feed; at most 10 kOhm."""
    rig, level = read_rig(bench), parse(payload(read_bench(bench))).disabled_level
    joined = {frozenset((str(wire.ends[0]), str(wire.ends[1]))) for wire in rig.wires}
    enable = next(end for wire in rig.wires for end in wire.ends if end.label.endswith(" enable"))
    (driver,) = {str(end) for wire in rig.wires if enable in wire.ends for end in wire.ends if end != enable}
    assert frozenset(("R1 2", driver)) in joined and driver.startswith("DRIVER ")
    assert frozenset(("R1 1", "3V3M" if level else "GND")) in joined
    kohm = re.search(r"([\d.]+) kOhm", rig.parts["R1"].what)
    assert kohm is not None and float(kohm[1]) <= 10
    assert not [wire for wire in rig.wires if {end.part for end in wire.ends} == {"PICO", "3V3M"}]


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_divider_keeps_15_volts_below_the_adc_s_3_3(bench: Path) -> None:
    parts = read_rig(bench).parts
    upper, lower = (float(re.search(r"([\d.]+) kOhm", parts[name].what)[1]) for name in ("R2", "R3"))
    assert 15.0 * lower * 1.01 / (lower * 1.01 + upper * 0.99) < 3.3


def test_the_pins_of_the_pico_are_where_the_board_has_them() -> None:
    """Against a second source: five ground pins split each row of GPIO, as on the board's silk screen."""
    left = ["GP0", "GP1", "GND", "GP2", "GP3", "GP4", "GP5", "GND", "GP6", "GP7"]
    left += ["GP8", "GP9", "GND", "GP10", "GP11", "GP12", "GP13", "GND", "GP14", "GP15"]
    right = ["GP16", "GP17", "GND", "GP18", "GP19", "GP20", "GP21", "GND", "GP22", "RUN"]
    right += ["GP26", "GP27", "AGND", "GP28", "ADC_VREF", "3V3", "3V3_EN", "GND", "VSYS", "VBUS"]
    board = dict(enumerate(left + right, 1))
    assert {f"GP{gpio}": pin for gpio, pin in pico.ROW_PIN.items()} == {name: pin for pin, name in board.items() if name.startswith("GP")}
    for name, pin in pico.FIXED.items():
        assert board[pin] == ("GND" if name.startswith("GND") else name)
    assert sum(name.startswith("GND") for name in pico.FIXED) == list(board.values()).count("GND")


BENCH = """\
name = "small"
target = "rp2"
clock_chip = false
[ceilings]
rate_nl = 1
rate_seconds_s = 1
hour_nl = 1
day_nl = 1
[motor]
driver = "a4988"
direction = "forward"
microsteps = 1
max_rate_hz = 1
[pins]
step = 2
dir = 3
enable = 4
stop_button = 10
led = 25
[calibration]
volume_nl = 1
steps = 1
[parts]
PICO = { what = "Pico", order = "any" }
DRIVER = { what = "driver", order = "any", terminals = ["STEP", "DIR", "EN"] }
GND = { what = "strip", order = "any", rail = true }
S1 = { what = "button", order = "any", terminals = ["1", "2"] }
[wiring.harness]
signals = [
    ["PICO:step", "DRIVER:STEP", "yellow"],
    ["PICO:dir", "DRIVER:DIR", "green"],
    ["PICO:enable", "DRIVER:EN", "blue"],
]
button = [["PICO:stop_button", "S1:1", "violet"], ["GND", "S1:2", "black"]]
[wiring.unwired]
led = "the Pico's own LED"
"""

MISTAKES = {
    "colour": ('"yellow"', '"gold"', "gold is not one of black"),
    "part": ('"DRIVER:STEP"', '"DRIVE:STEP"', "DRIVE is not in [parts]"),
    "terminal": ('"DRIVER:STEP"', '"DRIVER:STP"', "parts.DRIVER.terminals has no STP"),
    "terminal of a rail": ('"GND", "S1:2"', '"GND:1", "S1:2"', "a rail has no terminals: write GND"),
    "pin of the bench": ('"PICO:step"', '"PICO:buzzer"', "buzzer is neither in [pins] nor one of GND3"),
    "pin inside the Pico": ('"PICO:step"', '"PICO:led"', "GPIO 25 has no pin on the Pico"),
    "pin without wire": ('    ["PICO:dir", "DRIVER:DIR", "green"],\n', "", "pins.dir must have a wire or a reason"),
    "pin with wire and reason": ("led = \"the", 'dir = "open"\nled = "the', "pins.dir must have a wire or a reason"),
    "reason for no pin": ("led = \"the", 'buzzer = "none"\nled = "the', "wiring.unwired.buzzer is not in [pins]"),
    "terminal without wire": ('"EN"] }', '"EN", "VM"] }', "parts.DRIVER: no wire reaches VM"),
    "rail without wire": ("S1 = {", 'VM = { what = "strip", order = "any", rail = true }\nS1 = {', "parts.VM: no wire reaches this rail"),
    "both ways": ('["GND", "S1:2", "black"]', '["GND", "S1:2", "black"], ["S1:2", "PICO:GND13", "black"]', "give each way a harness"),
    "mark": ("S1 = {", 's1 = { what = "x", order = "x" }\nS1 = {', "parts.s1"),
    "key of a part": ('order = "any", rail', 'price = 1, order = "any", rail', "parts.GND.price"),
    "no order": ('{ what = "Pico", order = "any" }', '{ what = "Pico" }', "parts.PICO.order"),
    "no wiring": (BENCH[BENCH.index("[wiring.harness]") :], "", "wiring"),
    "pump's part": ("microsteps = 1", "microsteps = 3", "motor.microsteps of a a4988"),
}


def test_the_small_rig_is_good(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(BENCH)
    folder = command.write(tmp_path / "small.toml")
    assert {file.name for file in folder.iterdir()} == {"wiring.md", "wiring.yml", "parts.csv"}
    assert "| `step` | GP2 | 4 | DRIVER STEP |" in (folder / "wiring.md").read_text()
    assert "| `led` | GP25 | none | the Pico's own LED |" in (folder / "wiring.md").read_text()


@pytest.mark.parametrize(("old", "new", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_parts_or_wiring_is_refused(old: str, new: str, words: str, tmp_path: Path) -> None:
    assert BENCH.count(old) == 1
    file = tmp_path / "small.toml"
    file.write_text(BENCH.replace(old, new))
    with pytest.raises(BadInput) as caught:
        read_rig(file)
    assert words in caught.value.cause and caught.value.cause.startswith(str(file))


def test_the_command_writes_beside_the_bench_and_tells_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(BENCH)
    done = subprocess.run([sys.executable, "-m", "thecal.hardware", str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, str(tmp_path / "small"))
    file.write_text(BENCH.replace("step = 2", "step = 3"))
    done = subprocess.run([sys.executable, "-m", "thecal.hardware", str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "pins.dir and pins.step are both GPIO 3" in done.stderr


def test_without_the_tools_drawing_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Failed, match="WireViz is not installed"):
        command.draw(tmp_path)
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(command.shutil, "which", lambda name: None)
    with pytest.raises(Failed, match="Graphviz's dot"):
        command.draw(tmp_path)


@pytest.mark.skipif(
    command.importlib.util.find_spec("wireviz") is None or shutil.which("dot") is None,
    reason="WireViz or Graphviz's dot is not installed: the committed drawing is still compared box by box",
)
@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_rendered_anew_the_drawing_says_the_same(bench: Path, tmp_path: Path) -> None:
    shutil.copy(bench, tmp_path)
    folder = command.write(tmp_path / bench.name)
    command.draw(folder)
    assert drawn_nodes((folder / "wiring.svg").read_text(encoding="utf-8")) == drawn_nodes(committed(bench)["wiring.svg"])


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_every_document_says_what_the_pump_is_not_for(bench: Path) -> None:
    texts = committed(bench)
    assert all("Bench use only. Never connect this pump to a person or an animal." in texts[name] for name in ("wiring.md", "wiring.svg"))
    assert "never connect it to a person" in " ".join(bench.read_text(encoding="utf-8").replace("#", "").split())
    assert "must never be connected to a person or an animal" in "".join((hardware_folder() / "README.md").read_text().splitlines()[:4])


def test_colours_are_those_that_the_drawing_tool_knows() -> None:
    wv_colors = pytest.importorskip("wireviz.wv_colors", reason="WireViz is not installed (extra docs)")
    assert all(wv_colors._color_full[code] == colour for colour, code in COLOURS.items())
