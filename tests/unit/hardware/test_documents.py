"""One bench file, its documents: firmware pins, wiring page and list of parts must agree."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pumpcore.bench.bench import parse
from support.drawn.benches import without_board
from thecal.errors import BadInput
from thecal.files.bench import payload, read_bench
from thecal.files.resources import hardware_folder
from thecal.hardware import __main__ as command
from thecal.hardware import pico
from thecal.hardware.rig import read_rig

REAL = sorted(file for file in hardware_folder().glob("*.toml") if not file.stem.startswith("sim-"))
STEMS = [file.stem for file in REAL]
# Rows of pins, read back from the page: (signal, GPIO, pin in the row).
PAGE_ROW = re.compile(r"^\| `(\w+)` \| GP(\d+) \| (\d+|none) \|", re.MULTILINE)


def committed(bench: Path) -> dict[str, str]:
    folder = bench.with_suffix("")
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_committed_documents_are_those_of_the_bench(bench: Path) -> None:
    texts = committed(bench)
    made = command.documents(bench)
    assert texts.keys() == made.keys()
    for name, text in made.items():
        assert texts[name] == text, f"{bench.stem}/{name}: run python -m thecal.hardware {bench.name}"


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_pins_of_the_firmware_are_those_on_the_page(bench: Path) -> None:
    """Read back from the document itself, not from the generator."""
    texts, pins = committed(bench), parse(payload(read_bench(bench))).pins
    assert {name: int(gpio) for name, gpio, _ in PAGE_ROW.findall(texts["wiring.md"])} == pins


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_one_pin_changed_in_the_bench_is_seen_on_the_page(bench: Path, tmp_path: Path) -> None:
    texts, pins = committed(bench), read_rig(bench).pins
    for name, gpio in pins.items():
        if name.startswith("coil_") or name == "led":
            continue  # the coils can only move together, the Pico's LED not at all
        other = {"clock_sda": 16, "clock_scl": 17, "motor_supply": 27}.get(name, 22)
        other = other if other not in pins.values() else other - 8
        changed = tmp_path / bench.name
        text = without_board(bench.read_text(encoding="utf-8"))
        changed.write_text(text.replace(f"\n{name} = {gpio}\n", f"\n{name} = {other}\n"), encoding="utf-8")
        assert command.documents(changed)["wiring.md"] != texts["wiring.md"], name


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_list_of_parts_has_every_part(bench: Path) -> None:
    rows = list(csv.DictReader(committed(bench)["parts.csv"].splitlines()[1:]))
    parts = read_rig(bench).parts
    assert rows[-1]["mark"] == "sum"
    assert {row["mark"]: (int(row["count"]), row["what"]) for row in rows[:-1]} == {
        mark: (part.count, part.library.what) for mark, part in parts.items()
    }


@pytest.mark.rule("R6")
@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_a_resistor_at_the_driver_holds_the_enable_line_where_the_motor_is_off(bench: Path) -> None:
    """To ground, or to a rail that the Pico does not feed; at most 10 kOhm."""
    rig, level = read_rig(bench), parse(payload(read_bench(bench))).disabled_level
    nets = {name: {f"{end.part}:{end.terminal}" for end in ends} for name, ends in rig.links.items()}
    assert f"DRIVER:{rig.parts['DRIVER'].library.enable}" in nets["enable"] and "R1:2" in nets["enable"]
    rail = nets["3V3M" if level else "GND"]
    assert "R1:1" in rail and not (level and any(end.startswith("PICO:") for end in rail))
    assert rig.parts["R1"].library.values["ohm"].value <= 10_000


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_divider_keeps_15_volts_below_the_adc_s_3_3(bench: Path) -> None:
    upper, lower = (read_rig(bench).parts[name].library.values["ohm"].value for name in ("R2", "R3"))
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
PICO = { part = "raspberry-pi-pico-h" }
R1 = { part = "resistor-1k" }
STRIP = { part = "wago-221-415", rail = true }
S1 = { part = "schneider-xb5as8442" }
NUT = { part = "socket-1x8", count = 2 }
[wiring.harness]
button = [["PICO:stop_button", "S1:1", "violet"], ["STRIP", "S1:2", "black"], ["STRIP", "PICO:GND13", "black"]]
[wiring.board]
step = ["PICO:step", "R1:1"]
dir = ["PICO:dir"]
enable = ["PICO:enable"]
[wiring.unwired]
led = "the Pico's own LED"
"R1:2" = "open"
"""

MISTAKES = {
    "colour": ('"violet"', '"gold"', "gold is not one of black"),
    "mark": ('"PICO:step", "R1:1"', '"PICO:step", "R7:1"', "R7 is not in [parts]"),
    "part": ('"resistor-1k"', '"resistor-any"', "resistor-any is not in the library"),
    "terminal": ('"PICO:step", "R1:1"', '"PICO:step", "R1:3"', "resistor-1k has no terminal 3"),
    "terminal of a rail": ('["STRIP", "S1:2"', '["STRIP:1", "S1:2"', "a rail has no terminals: write STRIP"),
    "pin of the bench": ('"PICO:step"', '"PICO:buzzer"', "buzzer is neither in [pins] nor one of GND3"),
    "pin inside the Pico": ('"PICO:step"', '"PICO:led"', "GPIO 25 has no pin on the Pico"),
    "pin without wire": ('dir = ["PICO:dir"]\n', "", "pins.dir must have a wire or a reason"),
    "pin with wire and reason": ('led = "the', 'dir = "open"\nled = "the', "pins.dir must have a wire or a reason"),
    "reason for no pin": ('led = "the', 'buzzer = "none"\nled = "the', "wiring.unwired.buzzer is neither in [pins] nor a PART:terminal"),
    "terminal without wire": ('"R1:2" = "open"\n', "", "parts.R1: 2 must have a wire or a reason"),
    "terminal with wire and reason": ('"R1:2" = "open"', '"R1:1" = "open"', "parts.R1: 1 must have a wire or a reason"),
    "terminal on two nets": ('["PICO:dir"]', '["PICO:dir", "R1:1"]', "wiring.board.dir: R1 1 is in step already"),
    "rail without wire": ("S1 = {", 'VM = { part = "wago-221-415", rail = true }\nS1 = {', "parts.VM: no wire reaches this rail"),
    "rail that is none": ('"resistor-1k" }', '"resistor-1k", rail = true }', "parts.R1: rail = true belongs to a strip"),
    "strip that is no rail": (", rail = true }", " }", "parts.STRIP: rail = true belongs to a strip"),
    "optional resistor": ('"resistor-1k" }', '"resistor-1k", optional = true }', "parts.R1: a part with terminals is not optional"),
    "two of one mark": ('"resistor-1k" }', '"resistor-1k", count = 2 }', "parts.R1: a part with terminals has a mark of its own"),
    "another Pico": ("S1 = {", 'P2 = { part = "raspberry-pi-pico-h" }\nS1 = {', "parts.P2: the board is PICO"),
    "small mark": ("S1 = {", 's1 = { part = "socket-1x8" }\nS1 = {', "parts.s1"),
    "key of a part": ('"socket-1x8", count', '"socket-1x8", price = 1, count', "parts.NUT.price"),
    "no part": ('{ part = "socket-1x8", count = 2 }', "{ count = 2 }", "parts.NUT.part"),
    "measured what is not there": (
        "[wiring.unwired]",
        '[measured]\n"R1.volts" = { value = 1, by = "me", date = 2026-11-30 }\n[wiring.unwired]',
        "measured.R1.volts",
    ),
    "measured by nobody": (
        "[wiring.unwired]",
        '[measured]\n"R1.ohm" = { value = 1, date = 2026-11-30 }\n[wiring.unwired]',
        "measured.R1.ohm.by",
    ),
    "no wiring": (BENCH[BENCH.index("[wiring.harness]") :], "", "wiring"),
    "pump's part": ("microsteps = 1", "microsteps = 3", "motor.microsteps of a a4988"),
}


def test_the_small_rig_is_good(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(BENCH)
    made = command.documents(tmp_path / "small.toml")
    assert set(made) == {*("wiring.md", "parts.csv", "build.md", "power.svg", "controls.svg", "pinouts.svg", "label.svg")}
    assert "| `step` | GP2 | 4 | R1 1 |" in made["wiring.md"]
    assert "| `led` | GP25 | none | the Pico's own LED |" in made["wiring.md"]


def test_the_small_rig_is_not_written_because_it_breaks_the_electrical_rules(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(BENCH)
    with pytest.raises(BadInput, match="of the electrical rules, so nothing is written"):
        command.write(tmp_path / "small.toml")
    assert not (tmp_path / "small").exists()


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
    file.write_text(REAL[0].read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "thecal.hardware", str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, str(tmp_path / "small"))
    assert {one.name for one in (tmp_path / "small").iterdir()} == set(command.documents(file))
    file.write_text(BENCH.replace("step = 2", "step = 3"))
    done = subprocess.run([sys.executable, "-m", "thecal.hardware", str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "pins.dir and pins.step are both GPIO 3" in done.stderr


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_every_document_says_what_the_pump_is_not_for(bench: Path) -> None:
    texts = committed(bench)
    assert all("Bench use only. Never connect this pump to a person or an animal." in text for text in texts.values())
    assert "never connect it to a person" in " ".join(bench.read_text(encoding="utf-8").replace("#", "").split())
    assert "must never be connected to a person or an animal" in "".join((hardware_folder() / "README.md").read_text().splitlines()[:4])
