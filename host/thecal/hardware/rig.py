"""The parts and wires of a bench file, checked: every part is in the library, every wire ends at a terminal, every terminal has its net."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from thecal.errors import BadInput
from thecal.files.bench import Bench, read_bench
from thecal.hardware import library, pico
from thecal.hardware.figures import MEASURED, Figure
from thecal.hardware.library import LibraryPart

# Colour of an insulation -> its code in a drawing.
COLOURS = {
    "black": "BK",
    "blue": "BU",
    "brown": "BN",
    "green": "GN",
    "grey": "GY",
    "orange": "OG",
    "pink": "PK",
    "red": "RD",
    "violet": "VT",
    "white": "WH",
    "yellow": "YE",
}

Mark = Annotated[str, Field(pattern=r"^[A-Z0-9]*[A-Z][A-Z0-9]*$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9 _-]*[A-Za-z][A-Za-z0-9 _-]*$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Named(_Table):
    part: str = Field(min_length=1)
    place: str = ""
    count: int = Field(default=1, ge=1)
    rail: bool = False
    optional: bool = False


class _Wiring(_Table):
    harness: dict[Name, list[tuple[str, str, str]]]
    board: dict[Name, list[str]] = Field(default_factory=dict)
    unwired: dict[str, str] = Field(default_factory=dict)


class Measured(_Table):
    """What the builder measured: the value in the unit of the figure's name, who, and when."""

    value: int
    by: str = Field(min_length=1)
    date: datetime.date


class _People(BaseModel):
    parts: dict[Mark, _Named]
    wiring: _Wiring
    measured: dict[str, Measured] = Field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A thing on the rig. A `rail` is a strip of levers: it has no terminals of its own, any number of wires meet there.

    What is `optional` is on the list of parts, but not in its sum.
    """

    mark: str
    library: LibraryPart
    place: str = ""
    count: int = 1
    rail: bool = False
    optional: bool = False


@dataclass(frozen=True)
class End:
    """One end of a wire, or a place in a net: `part` is the mark, `terminal` as the bench writes it ("EN", "step"; "" at a rail).

    `label` and `row` are set at the Pico: what is printed there (GP4, GND) and the pin in its rows, 1 to 40.
    """

    part: str
    terminal: str
    label: str = ""
    row: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """Return (mark, terminal), by which a net holds it."""
        return self.part, self.terminal

    @property
    def library_terminal(self) -> str:
        """Return the terminal's name in the library: GP4 for the Pico's `enable`."""
        return self.label if self.label.startswith("GP") else self.terminal

    def __str__(self) -> str:
        if not self.row:
            return f"{self.part} {self.terminal}".strip()
        name = "" if self.label in (self.terminal, "GND") else f" {self.terminal}"
        return f"{self.part} {self.label}{name} (pin {self.row})"


@dataclass(frozen=True)
class Wire:
    """`number` counts over the whole rig, from 1; `colour` is a key of COLOURS."""

    number: int
    harness: str
    ends: tuple[End, End]
    colour: str


@dataclass(frozen=True)
class Rig:
    """One bench with everything on it.

    `bench` is the whole file, `pins` GPIO number by name, `wires` what leaves the board, `links` the nets on the board by name,
    `unwired` the reason by name of a pin, or PART:terminal, without a wire, `measured` by MARK.figure.
    """

    name: str
    bench: Bench
    pins: dict[str, int]
    parts: dict[str, Part]
    wires: tuple[Wire, ...]
    links: dict[str, tuple[End, ...]]
    unwired: dict[str, str]
    measured: dict[str, Measured]

    def figure(self, mark: str, key: str) -> Figure:
        """Return a figure of a part: `key` is a name of its values, or TERMINAL.name. What the builder measured comes first.

        Raises KeyError if the part has none of that name.
        """
        found = self.measured.get(f"{mark}.{key}")
        if found is not None:
            return Figure(found.value, found.value, MEASURED, f"{found.by}, {found.date}")
        return part_figure(self.parts[mark].library, key)


def part_figure(part: LibraryPart, key: str) -> Figure:
    """Return the library's figure by its name among the values, or TERMINAL.name. Raises KeyError."""
    terminal, _, name = key.rpartition(".")
    if not terminal:
        return part.values[name]
    return dict(part.terminals[terminal].figures())[name]


def read_rig(file: Path) -> Rig:
    """Return the rig of a bench file. Raises BadInput with the correction if the pump, the library or the wiring would refuse it."""
    return rig_of(read_bench(file), str(file))


def rig_of(bench: Bench, file: str) -> Rig:
    """Return the rig of a bench that was read already; `file` names it in an error. Raises BadInput."""
    try:
        return _checked(bench, library.load())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{file}: {where}: {first['msg']}", "hardware/README.md explains [parts] and [wiring]") from None
    except ValueError as error:
        raise BadInput(f"{file}: {error}", "correct [parts] or [wiring]; hardware/README.md explains them") from None


def _checked(bench: Bench, known: dict[str, LibraryPart]) -> Rig:
    people = _People.model_validate(bench)
    pins, parts = bench.get("pins", {}), dict(_parts(people, known))
    wires = tuple(_wires(people, parts, pins))
    links = {name: tuple(_end(text, parts, pins) for text in ends) for name, ends in people.wiring.board.items()}
    rig = Rig(bench["name"], bench, pins, parts, wires, links, people.wiring.unwired, people.measured)
    for problem in _problems(rig):
        raise ValueError(problem)
    return rig


def _parts(people: _People, known: dict[str, LibraryPart]) -> Iterator[tuple[str, Part]]:
    for mark, named in people.parts.items():
        if named.part not in known:
            raise ValueError(f"parts.{mark}: {named.part} is not in the library, hardware/library; a bench can't add to it")
        part = known[named.part]
        if (part.kind == "pico") != (mark == pico.PART):
            raise ValueError(f"parts.{mark}: the board is {pico.PART}, and nothing else is")
        if named.rail != (part.kind == "strip"):
            raise ValueError(f"parts.{mark}: rail = true belongs to a strip of levers, and to nothing else")
        if named.optional and part.terminals:
            raise ValueError(f"parts.{mark}: a part with terminals is not optional")
        if named.count > 1 and part.terminals:
            raise ValueError(f"parts.{mark}: a part with terminals has a mark of its own for each piece")
        yield mark, Part(mark, part, named.place, named.count, named.rail, named.optional)


def _wires(people: _People, parts: dict[str, Part], pins: dict[str, int]) -> Iterator[Wire]:
    number = 0
    for harness, rows in people.wiring.harness.items():
        for start, end, colour in rows:
            number += 1
            if colour not in COLOURS:
                raise ValueError(f"wire {start} - {end}: {colour} is not one of {', '.join(COLOURS)}")
            yield Wire(number, harness, (_end(start, parts, pins), _end(end, parts, pins)), colour)


def _end(text: str, parts: dict[str, Part], pins: dict[str, int]) -> End:
    """Parse `PART:terminal`, `PICO:name` of a pin of the bench, or the bare name of a rail."""
    name, _, terminal = text.partition(":")
    if name not in parts:
        raise ValueError(f"wire end {text}: {name} is not in [parts]")
    if parts[name].rail:
        if terminal:
            raise ValueError(f"wire end {text}: a rail has no terminals: write {name}")
        return End(name, "")
    if name == pico.PART:
        return _pico_end(text, terminal, pins)
    if terminal not in parts[name].library.terminals:
        raise ValueError(f"wire end {text}: {parts[name].library.id} has no terminal {terminal or 'without a name'}")
    return End(name, terminal)


def _pico_end(text: str, terminal: str, pins: dict[str, int]) -> End:
    if terminal in pico.FIXED:
        label = terminal.rstrip("0123456789") if terminal.startswith("GND") else terminal
        return End(pico.PART, terminal, label, pico.FIXED[terminal])
    if terminal not in pins:
        raise ValueError(f"wire end {text}: {terminal} is neither in [pins] nor one of {', '.join(pico.FIXED)}")
    if pins[terminal] not in pico.ROW_PIN:
        raise ValueError(f"wire end {text}: GPIO {pins[terminal]} has no pin on the Pico; say why under [wiring.unwired]")
    return End(pico.PART, terminal, f"GP{pins[terminal]}", pico.ROW_PIN[pins[terminal]])


def _problems(rig: Rig) -> Iterator[str]:
    """Check for pins, terminals and parts without a wire, and for what is on two nets of the board."""
    yield from _twice(rig)
    used = {end.key for wire in rig.wires for end in wire.ends} | {end.key for ends in rig.links.values() for end in ends}
    for name in rig.pins:
        if ((pico.PART, name) in used) == (name in rig.unwired):
            yield f"pins.{name} must have a wire or a reason under [wiring.unwired], and not both"
    terminals = {f"{mark}:{terminal}" for mark, part in rig.parts.items() for terminal in part.library.terminals if mark != pico.PART}
    for name in rig.unwired:
        if name not in rig.pins and name not in terminals:
            yield f"wiring.unwired.{name} is neither in [pins] nor a PART:terminal"
    for text in sorted(terminals):
        mark, _, terminal = text.partition(":")
        if ((mark, terminal) in used) == (text in rig.unwired):
            yield f"parts.{mark}: {terminal} must have a wire or a reason under [wiring.unwired], and not both"
    for mark, part in rig.parts.items():
        if part.rail and (mark, "") not in used:
            yield f"parts.{mark}: no wire reaches this rail"
    for key in rig.measured:
        mark, _, name = key.partition(".")
        if mark not in rig.parts or not _has(rig.parts[mark].library, name):
            yield f"measured.{key}: is no MARK.figure of [parts] and the library"


def _twice(rig: Rig) -> Iterator[str]:
    seen: dict[tuple[str, str], str] = {}
    for name, ends in rig.links.items():
        for end in ends:
            if end.key in seen:
                yield f"wiring.board.{name}: {end} is in {seen[end.key]} already"
            seen[end.key] = name


def _has(part: LibraryPart, key: str) -> bool:
    try:
        part_figure(part, key)
    except KeyError:
        return False
    return True
