"""DC voltages of a rig, from its bench file and the parts library: a nodal solver that imports nothing of ours.

Linear parts are conductances; converters, regulators and the supply are sources behind a small resistance, which give no more than
their input allows; a Schottky diode is found by Newton steps. Extremes are found by solving each corner of the tolerances.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PICO = "PICO"
OPEN_S = 1e-9  # from every node to ground, so that a floating one has a voltage
SOURCE_OHM = 0.05
# 1N5817: 2 mV at 2 uA, 0.24 V at 25 mA, 0.29 V at 100 mA (review of the hardware)
SATURATION_A, EMISSION_V = 28e-6, 0.0342
SENSE_ADC_OHM = 100_000
VSYS_LOAD_OHM = 4.8 / 0.040  # a Pico that runs takes some 40 mA


@dataclass(frozen=True)
class Case:
    """What is in its socket and on. `enabled`: None: the pin is an input, pulled down; else the level that the Pico drives, in volts."""

    pico: bool
    driver: bool
    supply: bool
    usb: bool = False
    enabled: float | None = None


class Bench:
    """A bench file and the library as plain tables: parts with their library rows, nets of terminals by union."""

    def __init__(self, file: Path, library: Path) -> None:
        self.table: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        rows: dict[str, Any] = {}
        for page in sorted(library.glob("*.toml")):
            if page.stem != "sources":
                rows |= tomllib.loads(page.read_text(encoding="utf-8"))
        self.parts = {mark: rows[row["part"]] for mark, row in self.table["parts"].items()}
        self._root: dict[str, str] = {}
        self._join()

    def _join(self) -> None:
        for row in self.table["wiring"]["board"].values():
            for end in row[1:]:
                self._union(row[0], end)
        for wires in self.table["wiring"]["harness"].values():
            for start, end, _ in wires:
                self._union(start, end)

    def _union(self, one: str, other: str) -> None:
        self._root[self.net(one)] = self.net(other)

    def net(self, end: str) -> str:
        """Return the name of the net of a terminal: one of its ends."""
        while self._root.get(end, end) != end:
            end = self._root[end]
        return end

    def nets(self) -> dict[str, frozenset[str]]:
        """Return every net as its set of terminals."""
        found: dict[str, set[str]] = {}
        for end in list(self._root):
            found.setdefault(self.net(end), set()).add(end)
            found[self.net(end)].add(self.net(end))
        return {name: frozenset(ends) for name, ends in found.items()}

    def of_kind(self, kind: str) -> list[str]:
        return [mark for mark, row in self.parts.items() if row["kind"] == kind]

    def terminals(self, mark: str) -> dict[str, dict[str, Any]]:
        """Return the terminals of a part one by one: the library joins names that are alike."""
        return {name: facts for names, facts in self.parts[mark].get("terminals", {}).items() for name in names.split()}


def bounds(figure: Any) -> tuple[float, float]:
    """Return the range of a figure of the library."""
    if isinstance(figure, int):
        return figure, figure
    value = next(figure[key] for key in ("read", "computed", "unread") if key in figure)
    return (value, value) if isinstance(value, int) else (value[0], value[1])


class _Circuit:
    """Conductances, sources behind a resistance, and diodes between named nodes; "0" is ground."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}
        self.conductances: list[tuple[str, str, float]] = []
        self.sources: list[tuple[str, float]] = []
        self.diodes: list[tuple[str, str]] = []
        self.followers: list[tuple[str, str, float, float]] = []  # output, input, volts, drop

    def resistor(self, one: str, other: str, ohm: float) -> None:
        self.conductances.append((one, other, 1 / ohm))

    def _at(self, node: str) -> int:
        return self.index.setdefault(node, len(self.index))

    def solve(self) -> dict[str, float]:
        """Return the voltage of each node against ground."""
        for one, other, _ in self.conductances:
            self._at(one), self._at(other)
        for node, *_ in [*self.sources, *self.followers, *self.diodes]:
            self._at(node)
        for _, node, *_ in [*self.followers, *self.diodes]:
            self._at(node)
        ground = self._at("0")
        volts = np.zeros(len(self.index))
        for _ in range(400):
            new = self._step(volts, ground)
            if np.max(np.abs(new - volts)) < 1e-7:
                return {node: float(new[place]) for node, place in self.index.items()}
            volts = volts + np.clip(new - volts, -2.0, 2.0) * 0.7
        raise AssertionError("the circuit did not settle")

    def _step(self, volts: Any, ground: int) -> Any:
        size = len(volts)
        matrix, current = np.eye(size) * OPEN_S, np.zeros(size)

        def conduct(one: int, other: int, siemens: float, amperes: float = 0.0) -> None:
            matrix[one, one] += siemens
            matrix[other, other] += siemens
            matrix[one, other] -= siemens
            matrix[other, one] -= siemens
            current[one] -= amperes
            current[other] += amperes

        for one, other, siemens in self.conductances:
            conduct(self.index[one], self.index[other], siemens)
        for node, value in self.sources:
            matrix[self.index[node], self.index[node]] += 1 / SOURCE_OHM
            current[self.index[node]] += value / SOURCE_OHM
        for output, source, value, drop in self.followers:  # it does not sink: off while its output is held higher
            limit = min(value, volts[self.index[source]] - drop)
            if limit > 0 and volts[self.index[output]] <= limit + 1e-3:
                matrix[self.index[output], self.index[output]] += 1 / SOURCE_OHM
                current[self.index[output]] += limit / SOURCE_OHM
        for anode, cathode in self.diodes:
            over = float(np.clip(volts[self.index[anode]] - volts[self.index[cathode]], -5, 0.6))
            grown = SATURATION_A * np.exp(over / EMISSION_V)
            siemens = grown / EMISSION_V + 1e-12
            conduct(self.index[anode], self.index[cathode], siemens, grown - SATURATION_A - siemens * over)
        matrix[ground, :] = 0
        matrix[ground, ground], current[ground] = 1, 0
        return np.linalg.solve(matrix, current)


CORNERS = ("resistors", "pull", "supply", "converter", "regulator", "rail")


def voltages_mv(bench: Bench, case: Case) -> Iterator[dict[str, float]]:
    """Yield the voltage of each net in mV, for each corner of the tolerances (low or high of each of CORNERS)."""
    for corner in itertools.product((0, 1), repeat=len(CORNERS)):
        yield _solved(bench, case, dict(zip(CORNERS, corner)))


def range_mv(bench: Bench, case: Case, probe: str) -> tuple[float, float]:
    """Return the lowest and highest voltage at a terminal over all corners, in mV against the supply's minus."""
    found = [volts[probe] for volts in _at_probe(bench, case, probe)]
    return min(found), max(found)


def _at_probe(bench: Bench, case: Case, probe: str) -> Iterator[dict[str, float]]:
    for volts in voltages_mv(bench, case):
        yield {probe: volts[bench.net(probe)]}


def _solved(bench: Bench, case: Case, corner: dict[str, int]) -> dict[str, float]:
    circuit, net = _Circuit(), bench.net
    ground = next(net(f"{mark}:minus") for mark in bench.of_kind("supply"))

    def node(end: str) -> str:
        name = net(end)
        return "0" if name == ground else name

    for mark, row in bench.parts.items():
        _part(circuit, bench, case, corner, mark, row, node)
    _lifted(circuit, bench, case, corner, node)
    names = {net(end): node(end) for ends in bench.nets().values() for end in ends}
    volts = {**circuit.solve(), "0": 0.0}
    return {name: 1000 * volts.get(where, 0.0) for name, where in names.items()}


def _part(circuit: _Circuit, bench: Bench, case: Case, corner: dict[str, int], mark: str, row: Any, node: Any) -> None:
    """Add a soldered part or the supply."""
    kind, values = row["kind"], row.get("values", {})
    if kind == "resistor":
        off = 1 + values["tolerance_permille"] / 1000 * (1 if (corner["resistors"] ^ (hash_of(mark) & 1)) else -1)
        circuit.resistor(node(f"{mark}:1"), node(f"{mark}:2"), values["ohm"] * off)
    elif kind == "fuse":
        circuit.resistor(node(f"{mark}:in"), node(f"{mark}:out"), 0.1)
    elif kind == "supply" and case.supply:
        circuit.sources.append((node(f"{mark}:plus"), bounds(bench.terminals(mark)["plus"]["out_mv"])[corner["supply"]] / 1000))
    elif kind in ("converter", "regulator"):
        terminals = bench.terminals(mark)
        volts = bounds(terminals["VOUT"]["out_mv"])[corner[kind]] / 1000
        drop = 1.2 if kind == "converter" else bounds(values["dropout_mv"])[0] / 1000 * 0.02  # almost no current
        circuit.followers.append((node(f"{mark}:VOUT"), node(f"{mark}:VIN"), volts, drop))
    elif kind == "diode":
        circuit.diodes.append((node(f"{mark}:anode"), node(f"{mark}:cathode")))


def hash_of(mark: str) -> int:
    """Return the number in a mark: neighbours in a divider are off in opposite directions."""
    return int("".join(letter for letter in mark if letter.isdigit()) or 0)


def _lifted(circuit: _Circuit, bench: Bench, case: Case, corner: dict[str, int], node: Any) -> None:
    """Add what sits in sockets: the driver's own pulls, the Pico's pulls, loads, supplies and levels."""
    if case.driver:
        for mark in bench.of_kind("driver"):
            _pulls(circuit, bench, mark, corner, node)
    if not case.pico:
        return
    for end in [end for ends in bench.nets().values() for end in ends if end.startswith(PICO + ":")]:
        name = end.partition(":")[2]
        if name.startswith("GND") or name == "AGND":
            circuit.resistor(node(end), "pico ground", 0.02)
        elif name == "motor_supply":
            circuit.resistor(node(end), "pico ground", SENSE_ADC_OHM)
        elif name == "enable" and case.enabled is not None:
            circuit.resistor(node(end), "enable level", 40.0)  # a GPIO at 4 mA
            circuit.sources.append(("enable level", case.enabled))
        elif name == "enable":
            circuit.resistor(node(end), "pico ground", (50_000, 80_000)[corner["pull"]])
        elif name == "3V3":
            circuit.sources.append((node(end), (3.217, 3.383)[corner["rail"]]))
        elif name == "VSYS":
            circuit.resistor(node(end), "pico ground", VSYS_LOAD_OHM)
            if case.usb:
                circuit.diodes.append(("usb", node(end)))
                circuit.sources.append(("usb", (4.4, 5.5)[corner["rail"]]))


def _pulls(circuit: _Circuit, bench: Bench, mark: str, corner: dict[str, int], node: Any) -> None:
    for name, facts in bench.terminals(mark).items():
        pull = facts.get("pull_ohm")
        if pull is None or "measure" in str(pull) or f"{mark}:{name}" not in {end for ends in bench.nets().values() for end in ends}:
            continue
        to = node(f"{mark}:{facts['pull_to']}") if facts["pull"] == "up" else "0"
        circuit.resistor(node(f"{mark}:{name}"), to, bounds(pull)[corner["pull"]])
