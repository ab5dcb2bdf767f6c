"""A test bench with a sensor of the rotor on a bus of its own: the rules take it, break it in seven ways, and a board gets it."""

from collections.abc import Callable
from typing import Any

import pytest

from support.rig import wiring_changes
from thecal.deploy import bench_slot
from thecal.errors import BadInput
from thecal.files.bench import Bench
from thecal.hardware import check, library
from thecal.hardware.rig import rig_of

OPEN_DRAIN = {"type": "open_drain", "max_mv": 5_500, "max_ma": 3, "pull": "up", "pull_ohm": 10_000, "pull_to": "VCC"}
TERMINALS = {
    "VCC": {"type": "power_in", "min_mv": 3_000, "max_mv": 3_600, "current_ma": 7},
    "GND": {"type": "ground"},
    "SDA": OPEN_DRAIN,
    "SCL": OPEN_DRAIN,
    "DIR": {"type": "strap", "max_mv": 3_600, "high_mv": 2_310, "low_mv": 990},
}
ROTOR = {
    "id": "test-as5600",
    "kind": "sensor_module",
    "what": "AS5600 module: for this test",
    "maker": "test",
    "number": "1",
    "suppliers": [{"name": "a", "note": "b"}, {"name": "c", "note": "d"}],
    "price": {"cents_usd": 1, "date": "2026-11-30"},
    "substitute": "none: a test",
    "values": {"address": 0x36, "bus_max_hz": 400_000, "bus_pf": 10},
    "terminals": {name: {"name": name, **one} for name, one in TERMINALS.items()},
}
CASE = {
    "put": {
        "sensors/bus_hz": 100_000,
        "sensors/rotor": {"chip": "as5600", "address": 0x36, "direction": "forward"},
        "pins/sensor_sda": 18,
        "pins/sensor_scl": 19,
    },
    "part": {"ROTOR": "test-as5600", "R20": "resistor-4k7", "R21": "resistor-4k7"},
    "move": {
        "ROTOR:VCC": "3V3", "ROTOR:GND": "GND", "ROTOR:DIR": "GND", "ROTOR:SDA": "sensor SDA", "ROTOR:SCL": "sensor SCL",
        "R20:1": "3V3", "R20:2": "sensor SDA", "R21:1": "3V3", "R21:2": "sensor SCL",
        "PICO:sensor_sda": "sensor SDA", "PICO:sensor_scl": "sensor SCL",
    },
}  # fmt: skip
Change = Callable[[Bench], Any]


@pytest.fixture(autouse=True)
def with_a_rotor(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {**library.load(), "test-as5600": library.LibraryPart.model_validate(ROTOR)}
    monkeypatch.setattr(library, "load", lambda: known)


def findings(*changes: Change) -> set[str]:
    bench = wiring_changes.changed(CASE)
    for change in changes:
        change(bench)
    return {f"{one.rule}: {one.text}" for one in check.of_rig(rig_of(bench, "bench.toml"))}


def test_the_bench_with_a_rotor_has_no_finding() -> None:
    assert findings() == set()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda bench: wiring_changes.swap(bench, ("ROTOR:SDA", "ROTOR:SCL")), "E8: ROTOR:SDA is not on the net of PICO:sensor_sda"),
        (lambda bench: wiring_changes.move(bench, ("ROTOR:VCC", "3V3M")), "E2: ROTOR:VCC belongs to the Pico's 3V3"),
        (lambda bench: wiring_changes.move(bench, ("R20:1", "5V")), "E2: the net sensor SDA has up to 5.20 V, but PICO:sensor_sda bears"),
        (lambda bench: wiring_changes.move(bench, ("R20:2", "sensor SCL")), "E9: the sensor bus rises in 1017 ns"),
        (lambda bench: wiring_changes.move(bench, ("R21:2", "sensor SDA")), "E9: the sensor bus rises in 1017 ns"),
        (lambda bench: wiring_changes.put(bench, ("sensors/bus_hz", 400_000)), "E9: the sensor bus rises in"),
    ],
)
def test_a_wrong_bus_is_refused(change: Change, words: str) -> None:
    found = findings(change)
    assert any(one.startswith(words) for one in found), found


def test_two_modules_of_one_address_are_refused() -> None:
    names = {"VCC": "3V3", "GND": "GND", "DIR": "GND", "SDA": "sensor SDA", "SCL": "sensor SCL"}

    def second(bench: Bench) -> None:
        wiring_changes.part(bench, ("ROTOR2", "test-as5600"))
        for terminal, net in names.items():
            wiring_changes.move(bench, (f"ROTOR2:{terminal}", net))

    assert "E9: ROTOR and ROTOR2 may both answer at 0x36 on the sensor bus" in findings(second)


def test_a_board_gets_it_unless_another_sensor_is_named() -> None:
    bench = wiring_changes.changed(CASE)
    bench_slot.require_for_board(bench)
    bench["sensors"]["tube"] = {"chip": "optical", "air_above_mv": 1_800, "air_after_nl": 20_000}
    with pytest.raises(BadInput, match="sensor_unsupported"):
        bench_slot.require_for_board(bench)
