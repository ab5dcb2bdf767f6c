"""Every wrong rig of `wrong_rigs.toml` gets exactly its finding; the shipped benches get none; no rule passes on a figure nobody knows."""

import ast
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.rig import wiring_changes
from support.rig.wiring_changes import changed, rig, with_figure
from thecal.errors import BadInput
from thecal.files.resources import hardware_folder
from thecal.hardware import check
from thecal.hardware.check import Finding
from thecal.hardware.rig import Measured, Rig, rig_of
from thecal.hardware.rules import resources
from thecal.hardware.rules.circuit import Circuit
from thecal.hardware.rules.finding import Undecided
from thecal.hardware.rules.network import State, voltages
from thecal.hardware.rules.roles import Roles

CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("wrong_rigs.toml").read_text(encoding="utf-8"))["case"]
REAL = sorted(hardware_folder().glob("*.toml"))
MOTOR_FIGURE = "MOTOR.coil_inductance_uh"


def test_the_table_has_the_18_of_the_review_and_many_more() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES) >= 100
    assert sum(case.get("review", False) for case in CASES) == 18
    assert {case["rule"] for case in CASES} == {f"E{number}" for number in range(1, 15)}


@pytest.mark.parametrize("file", REAL, ids=[file.stem for file in REAL])
def test_a_shipped_bench_has_no_finding(file: Path) -> None:
    assert check.findings(file) == []
    check.require(file)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_wrong_rig_gets_its_finding(case: dict[str, Any]) -> None:
    found = {(one.rule, one.text, one.cure) for one in check.of_rig(rig(case))}
    assert (case["rule"], case["says"], case["cure"]) in found


def test_every_rule_is_broken_by_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "SCALE_PIO", (0, 32, 1))
    put = {"sensors/scale": {"chip": "hx711", "counts_per_g": 0}, "pins/scale_data": 14, "pins/scale_clock": 15}
    full = rig({"put": put, "reason": {"scale_data": "a test", "scale_clock": "a test"}})
    unordered = rig({})
    part = unordered.parts["F1"]
    unordered.parts["F1"] = replace(part, library=part.library.model_copy(update={"suppliers": (), "number": "any"}))
    broken = set()
    for one in (full, unordered, *map(rig, CASES)):
        circuit = Circuit(one)
        known = Roles(circuit)
        broken |= {rule for _, rule in check.RULES if _breaks(rule, circuit, known)}
    assert [rule.__name__ for _, rule in check.RULES if rule not in broken] == []


def _breaks(rule: check.Rule, circuit: Circuit, known: Roles) -> bool:
    try:
        return any(isinstance(one, Finding) for one in rule(circuit, known))
    except Undecided:
        return False


OWN = ("VIO", "SPREAD", "UART", "PDN", "INDEX", "DIAG", "MS1", "MS2")
OTHER_DRIVERS = {
    "a4988": (
        "a4988-pololu-1182",
        {"VDD": "3V3M", "RESET": "reset", "SLEEP": "reset", "MS1": "3V3M", "MS2": "3V3M", "MS3": "3V3M"},
    ),
    "drv8825": ("drv8825-pololu-2133", {"RESET": "3V3M", "SLEEP": "3V3M", "M0": "GND", "M1": "GND", "M2": "3V3M", "FAULT": ""}),
}


def with_driver(driver: str, **moved: str) -> Rig:
    """Return the TMC2209 bench with another module, rightly wired but for `moved`."""
    part, nets = OTHER_DRIVERS[driver]
    bench = changed({"part": {"DRIVER": part}, "put": {"motor/driver": driver, "motor/microsteps": 16}})
    for name in OWN:
        wiring_changes.lift(bench, f"DRIVER:{name}")
        del bench["wiring"]["unwired"][f"DRIVER:{name}"]
    for name, net in {**nets, **moved}.items():
        if net:
            wiring_changes.move(bench, (f"DRIVER:{name}", net))
        else:
            wiring_changes.lift(bench, f"DRIVER:{name}")
    return rig_of(bench, "bench.toml")


@pytest.mark.parametrize("driver", OTHER_DRIVERS)
def test_a_rig_of_your_own_with_another_driver_has_no_finding(driver: str) -> None:
    assert [one.text for one in check.of_rig(with_driver(driver))] == []


@pytest.mark.parametrize(
    ("driver", "moved", "words"),
    [
        ("a4988", {"SLEEP": "3V3M"}, "DRIVER:RESET must be joined to DRIVER:SLEEP"),
        ("a4988", {"MS3": "GND"}, "DRIVER:MS3 must be high for 16 microsteps; it is low (net GND)"),
        ("drv8825", {"SLEEP": ""}, "DRIVER:SLEEP must be high always"),
        ("drv8825", {"FAULT": "3V3M"}, "DRIVER:FAULT (open_drain) must stay without a wire"),
    ],
)
def test_another_driver_wired_wrongly_is_refused(driver: str, moved: dict[str, str], words: str) -> None:
    assert any(words in one.text for one in check.of_rig(with_driver(driver, **moved)))


REFUSED = {
    "no parts": ({"put": {"parts": "none"}}, "parts: Field required"),
    "no wiring": ({"put": {"wiring": "none"}}, "wiring: Field required"),
    "unknown part": ({"part": {"R1": "resistor-of-mine"}}, "parts.R1: resistor-of-mine is not in the library"),
    "part with terminals of its own": ({"put": {"parts/R1/terminals": ["1", "2"]}}, "parts.R1.terminals: Extra inputs are not permitted"),
    "part with a rating of its own": ({"put": {"parts/F1/values": {"rated_ma": 9}}}, "parts.F1.values: Extra inputs are not permitted"),
}


@pytest.mark.parametrize(("case", "words"), REFUSED.values(), ids=REFUSED)
def test_a_bench_can_not_be_a_rig_without_the_library(case: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        rig_of(changed(case), "bench.toml")
    assert words in caught.value.cause and caught.value.exit_code == 2


@pytest.mark.parametrize("value", ["", "measure"])
def test_a_rule_without_its_figure_is_a_finding(value: str) -> None:
    found = check.of_rig(with_figure(rig({}), MOTOR_FIGURE, value))
    words = "waits for the builder's measurement" if value else "has no coil_inductance_uh in the parts library"
    assert [one.rule for one in found if words in one.text] == ["E11"]


# One figure of each kind that a rule of safety reads. Without it the rig must be refused, whatever else is good.
DECISIVE = (
    "PS1.plus.out_mv", "PS1.plus.max_ma", "PS1.short_circuit_ma", "F1.rated_ma", "WIRE.rated_ma", "J1.rated_ma", "JACK.plus.max_mv",
    "D2.standoff_mv", "D2.clamp_mv", "D2.forward_max_ma", "C1.nf", "C1.tolerance_permille", "C1.plus.max_mv", "BUCK.VIN.min_mv",
    "BUCK.VIN.max_mv", "BUCK.VOUT.out_mv", "BUCK.VOUT.max_ma", "BUCK.efficiency_permille", "D1.forward_max_ma", "D1.reverse_max_mv",
    "REG.VIN.max_mv", "REG.VOUT.out_mv", "REG.dissipation_mw", "REG.input_cap_min_nf", "PICO.VSYS.max_mv", "PICO.3V3.out_mv",
    "PICO.3V3.max_ma", "PICO.GP10.pull_ohm", "PICO.GP10.low_mv", "PICO.GP26.max_mv", "R1.ohm", "R1.rated_mw", "R2.tolerance_permille",
    "DRIVER.VM.max_mv", "DRIVER.VM.min_mv", "DRIVER.VIO.max_mv", "DRIVER.EN.high_mv", "DRIVER.EN.low_mv", "DRIVER.EN.pull_ohm",
    "DRIVER.MS1.high_mv", "DRIVER.input_ma", "MOTOR.coil_resistance_mohm", "MOTOR.coil_inductance_uh", "STOP.contact_min_ua",
    "CLOCK.address", "CLOCK.bus_pf", "CLOCK.SDA.pull_ohm",
)  # fmt: skip


@pytest.mark.parametrize("name", DECISIVE)
def test_no_rule_passes_on_a_figure_that_nobody_knows(name: str) -> None:
    found = check.of_rig(with_figure(rig({}), name, "measure"))
    assert any(f"waits for the builder's measurement of {name.partition('.')[2]} of {name.partition('.')[0]} " in one.text for one in found)


def _measured(value: int, low: int, high: int) -> list[Finding]:
    made = with_figure(rig({"bench": "drv8833"}), MOTOR_FIGURE, [low, high] if low else "measure")
    one = Measured.model_validate({"value": value, "by": "me", "date": "2026-12-01"})
    return check.of_rig(replace(made, measured={MOTOR_FIGURE: one}))


def test_what_the_builder_measured_counts_for_an_unread_figure() -> None:
    assert _measured(3_000, 0, 0) == []
    assert any("lift" in one.text for one in _measured(90_000_000, 0, 0))
    assert _measured(3_000, 2_400, 90_000_000) == []


def test_a_measurement_outside_of_the_stated_range_decides_nothing() -> None:
    assert [one.rule for one in _measured(3_000, 4_000, 5_000)] == ["E11"]


def test_a_measurement_never_replaces_a_figure_that_was_read() -> None:
    made = rig({"move": {"PICO:VSYS": "12V"}})
    one = Measured.model_validate({"value": 60_000, "by": "me", "date": "2026-12-01"})
    lied = replace(made, measured={"PICO.VSYS.max_mv": one})
    assert any("PICO:VSYS bears 5.50 V" in finding.text for finding in check.of_rig(lied))


def test_require_names_the_first_findings_and_a_simulated_rig_has_none() -> None:
    wrong = changed({"drop": ["R1"], "move": {"PICO:VSYS": "12V"}})
    with pytest.raises(BadInput) as caught:
        check.require_bench(wrong)
    found = check.of_rig(rig_of(wrong, "bench.toml"))
    assert len(found) > check.SHOWN and f"{len(found)} findings" in caught.value.cause
    assert all(one.text in caught.value.cause for one in found[: check.SHOWN]) and found[check.SHOWN].text not in caught.value.cause
    assert f"and {len(found) - check.SHOWN} more" in caught.value.cause
    assert caught.value.exit_code == 2 and "thecal bench check" in caught.value.do
    check.require(hardware_folder() / "sim-clock.toml")


def test_the_levels_of_enable_are_those_of_a_divider() -> None:
    circuit = Circuit(with_figure(rig({}), "DRIVER.EN.pull", []))
    known = Roles(circuit)
    off = voltages(circuit, known, State(reset=True))["enable"]
    rail_mv, pull_ohm = circuit.rating(("REG", "VOUT"), "out_mv"), (4_653, 4_747)
    assert off[0] == pytest.approx(rail_mv[0] * (50_000 + 990) / (50_000 + 990 + pull_ohm[1]))
    assert off[1] == pytest.approx(rail_mv[1] * (80_000 + 1_010) / (80_000 + 1_010 + pull_ohm[0]))


def test_the_counts_are_those_of_the_figures() -> None:
    figures = check.counts(hardware_folder() / "drv8833-coils.toml")
    assert list(figures) == ["read", "computed", "unread", "defined", "measured"] and figures["measured"] == 0
    assert sum(figures.values()) == sum(len(list(part.library.figures())) for part in rig({"bench": "drv8833"}).parts.values())
    assert check.counts(hardware_folder() / "sim-clock.toml") == {}


def test_the_pio_programs_have_the_instructions_that_the_rule_counts() -> None:
    tree = ast.parse((hardware_folder().parent / "firmware/hal/rp2/programs.py").read_text(encoding="utf-8"))
    counted = {node.name: _instructions(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert counted["_step_dir_off_high"] == counted["_step_dir_off_low"] == resources.STEP_DIR_PIO[1]
    assert counted["_coils_off_high"] == counted["_coils_off_low"] == resources.COILS_PIO[1]
    rest = (counted["guard"], counted["stop_button"], counted["bolus_button"])
    assert rest == (resources.GUARD_PIO[1], resources.STOP_PIO[1], resources.BOLUS_PIO[1])


def _instructions(function: ast.FunctionDef) -> int:
    """Return the number of instructions in the assembler's function inside of this one."""
    program = next((node for node in function.body if isinstance(node, ast.FunctionDef)), ast.parse(""))
    calls = [node.value for node in program.body if isinstance(node, ast.Expr)]
    names = [next(one.id for one in ast.walk(call) if isinstance(one, ast.Name)) for call in calls]
    return sum(name not in ("wrap_target", "wrap", "label") for name in names)
