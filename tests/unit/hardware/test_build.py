"""The page to build by, the pin-outs and the label: what stands in them is the bench's and the library's."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from support.drawn import looks, svg
from thecal.files.resources import hardware_folder
from thecal.hardware import nets, powerup, words
from thecal.hardware.board import holes, plan
from thecal.hardware.draw import probes
from thecal.hardware.rig import read_rig

FOLDER = hardware_folder()
REAL = sorted(file for file in FOLDER.glob("*.toml") if not file.stem.startswith("sim-"))
STEMS = [file.stem for file in REAL]
LAID_OUT = [file for file in REAL if plan.has_board(read_rig(file))]
# | step | state | probe | from | to | unit |
READING = re.compile(r"^\| (\d+) \| (Pico [^|]+) \| \((\d+)\) (\S+) ([^|]+?) \| ([\d.]+) \| ([\d.]+) \| V \|$", re.MULTILINE)


def page(bench: Path, name: str = "build.md") -> str:
    return (bench.with_suffix("") / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_readings_on_the_page_are_those_of_the_data(bench: Path) -> None:
    rig = read_rig(bench)
    points = powerup.probes(rig)
    found = [
        (int(step), state, int(probe), mark, words_of.split(",")[0], round(float(low) * 1_000), round(float(high) * 1_000))
        for step, state, probe, mark, words_of, low, high in READING.findall(page(bench))
    ]
    expected = [
        (one.step, str(one.state), points[one.probe], *one.probe, round(one.low_mv, -1), round(one.high_mv, -1))
        for one in powerup.readings(rig)
    ]
    assert found == expected


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_every_probe_is_a_terminal_with_a_net_and_every_range_is_one(bench: Path) -> None:
    rig = read_rig(bench)
    known = nets.of(rig)
    for reading in powerup.readings(rig):
        assert known.net_of(reading.probe), reading
        assert 0 <= reading.low_mv < reading.high_mv <= 13_000, reading


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_each_state_of_the_review_is_read(bench: Path) -> None:
    """A3: what a step reads depends on what is plugged in; USB alone, 12 V alone, both, driver in and out."""
    states = {(one.state.pico, one.state.driver, one.state.supply, one.state.usb) for one in powerup.readings(read_rig(bench))}
    assert {(False, False, True, False), (False, True, True, False), (True, True, False, True), (True, True, True, False)} <= states


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_steps_are_numbered_and_each_table_stands_under_its_step(bench: Path) -> None:
    text = page(bench).split("## First power-up")[1]
    current, seen = 0, []
    for line in text.splitlines():
        step = re.match(r"(\d+)\. ", line)
        if step:
            current = int(step[1])
            seen.append(current)
        row = READING.match(line)
        assert row is None or int(row[1]) == current, line
    assert seen == list(range(1, len(seen) + 1)) and len(seen) >= 11


def test_a_module_that_pulls_the_enable_line_is_told_from_a_good_one() -> None:
    """The DRV8833 rig is off below 0.1 V, the TMC2209 rig above 3.0 V; both are told in the state without a Pico."""
    for bench in REAL:
        (reading,) = (one for one in powerup.readings(read_rig(bench)) if one.step == 2)
        driver = next(part.library for part in read_rig(bench).parts.values() if part.library.driver)
        assert (reading.low_mv >= 3_000) if driver.disabled == "high" else (reading.high_mv <= 100)


@pytest.mark.parametrize("name", ["build.md", "parts.csv", "wiring.md", "label.svg", "pinouts.svg"])
@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_every_paper_says_what_the_pump_is_not_for(bench: Path, name: str) -> None:
    text = page(bench, name)
    assert words.BENCH_ONLY in text
    if name in ("build.md", "parts.csv"):
        assert words.INTENDED_USE in text and words.NOT_BUILT in text
    if name == "label.svg":
        shown = " ".join(one.text for one in svg.read(text).of("text"))
        assert words.INTENDED_USE in shown and "no emergency stop" in shown


def test_the_readmes_say_it_too() -> None:
    for path in (FOLDER / "README.md", FOLDER.parent / "README.md"):
        assert words.INTENDED_USE in " ".join(path.read_text(encoding="utf-8").split()), path
    text = " ".join((FOLDER / "README.md").read_text(encoding="utf-8").split())
    assert "Nobody has built one of these rigs yet" in text and "up to a quarter either way before you weigh" in text
    for subject in words.SAFETY.keys() - {"Motor", "Emergency"}:
        assert f"**{subject}.**" in text, subject


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_label_is_a_readable_a7(bench: Path) -> None:
    label = svg.read(page(bench, "label.svg"))
    assert label.mm == (105, 74) and looks.faults(label) == []
    # On paper: capitals of 1.5 mm and more.
    assert min(text.size for text in label.of("text")) * svg.CAPITAL * label.mm[0] / label.width >= 1.5


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_pin_outs_are_a_readable_page_with_the_nets_of_the_bench(bench: Path) -> None:
    rig, sheet = read_rig(bench), svg.read(page(bench, "pinouts.svg"))
    assert sheet.mm == (210, 297) and looks.faults(sheet) == []
    known, seen = nets.of(rig), set()
    for text in sheet.of("text", "mark"):
        mark = text.text.split(",")[0]
        seen.add(mark)
        for name in rig.parts[mark].library.terminals:
            inside = [one for one in sheet.of("text") if one.data("panel") == text.data("panel")]
            pad = [one.text for one in inside if one.data("pad") == {"terminal": name}]
            if pad:
                assert pad == [name, known.net_of((mark, name)) or "open"]
    wrong_way_round = {"driver", "converter", "regulator", "diode", "tvs", "clock_module"}
    assert {rig.parts[mark].library.kind for mark in seen} >= {part.library.kind for part in rig.parts.values()} & wrong_way_round


def test_the_regulator_has_ground_vin_vout_from_the_left() -> None:
    """Flat side to you (Microchip DS20001826): the file of the last version had VIN first."""
    sheet = svg.read(page(FOLDER / f"{STEMS[-1]}.toml", "pinouts.svg"))
    texts = [one for one in sheet.of("text") if one.data("panel") == {"mark": "REG"} and one.data("pad")]
    names = [one for one in texts if one.box.top == min(other.box.top for other in texts)]
    assert [one.text for one in sorted(names, key=lambda one: one.box.left)] == ["GND", "VIN", "VOUT"]


@pytest.mark.parametrize("bench", LAID_OUT, ids=lambda bench: bench.stem)
def test_the_probe_points_on_the_board_lie_at_the_holes_of_their_terminals(bench: Path) -> None:
    """The hole is read from the letters and numbers at the board's edge, not from the generator."""
    rig = read_rig(bench)
    root = ET.fromstring(page(bench, "probes.svg"))
    texts = [(one.text or "", float(one.get("x", 0)), float(one.get("y", 0)), one.get("class")) for one in root.iter(f"{svg.NS}text")]
    columns = {int(text): x for text, x, _, kind in texts if text.isdigit() and kind != "probe"}
    rows = {text: y for text, _, y, _ in texts if re.fullmatch("A?[A-Z]", text)}
    step = (columns[60] - columns[5]) / 55
    found = {}
    for disc in root.iter(f"{svg.NS}circle"):
        if disc.get("class") == "probe":
            x, y = float(disc.attrib["cx"]), float(disc.attrib["cy"])
            (number,) = [text for text, left, top, kind in texts if kind == "probe" and abs(left - x) < 1 and abs(top - y) < 2]
            row = min(rows, key=lambda letter: abs(rows[letter] - y))
            found[int(number)] = f"{row}{round(5 + (x - columns[5]) / step)}"
    listed = {int(number): (node, hole) for text, *_ in texts for number, node, hole in re.findall(r"^(\d+): (.*), hole (\w+)$", text)}
    assert {number: hole for number, (_, hole) in listed.items()} == found
    assert {number: tuple(node.split(" ")) for number, (node, _) in listed.items()} == {
        number: node for node, number in powerup.probes(rig).items()
    }
    layout = plan.layout_of(rig)
    for node, number in powerup.probes(rig).items():
        assert holes.name(probes.hole_of(rig, layout, node) or (0, 0)) == found[number]


def test_the_numbers_of_the_readme_are_those_of_the_data() -> None:
    """The TMC2209 rig's: VSYS without and with the Pico, behind the converter, enable."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    (bench,) = (file for file in REAL if file.stem.startswith("tmc2209"))
    found = {(one.step, *one.probe): f"{one.low_mv / 1_000:g} to {one.high_mv / 1_000:g} V" for one in powerup.readings(read_rig(bench))}
    assert f"| VSYS | {found[1, 'PICO', 'VSYS']} | {found[5, 'PICO', 'VSYS']} |" in text
    assert f"| after the Pico's 5 V converter | {found[1, 'BUCK', 'VOUT']} |" in text
    assert f"below {powerup.DISCHARGED_MV // 1_000} V: about 15 s" in text
