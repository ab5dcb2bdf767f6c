"""The parts library, hardware/library/*.toml: each part once, with its terminals, figures, order number, suppliers and price."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from thecal.errors import BadInput
from thecal.files.resources import hardware_folder
from thecal.hardware.figures import READ, Figure, figure

FOLDER, SOURCES = "library", "sources.toml"
REMEDY = "correct the file; hardware/library/README.md explains its keys"
# Kinds that are printed from a file of this project, or are work and not goods: no supplier, no price.
MADE = ("printed", "label")

Kind = Literal[
    "supply", "connector", "fuse", "tvs", "diode", "converter", "regulator", "resistor", "capacitor", "pico", "driver", "motor",
    "head", "switch", "buzzer", "clock_module", "sensor_module", "strip", "terminal_block", "socket", "board", "wire", "cable", "cell",
    "mechanical", "fluid", "tool", "printed", "label",
]  # fmt: skip
TerminalType = Literal[
    "power_out", "power_in", "ground", "input", "output", "bidirectional", "open_drain", "analogue_in", "passive", "anode", "cathode",
    "strap", "motor", "no_connect",
]  # fmt: skip
# type -> the figures that it can't do without; the voltage range is one of them but for ground and what is not connected
NEEDED: dict[str, tuple[str, ...]] = {
    "power_out": ("out_mv", "max_ma"),
    "power_in": ("min_mv", "max_mv", "current_ma"),
    "input": ("max_mv", "high_mv", "low_mv"),
    "output": ("max_mv", "max_ma"),
    "bidirectional": ("max_mv", "high_mv", "low_mv", "max_ma"),
    "open_drain": ("max_mv", "max_ma"),
    "analogue_in": ("max_mv",),
    "passive": ("max_mv",),
    "anode": ("max_mv",),
    "cathode": ("max_mv",),
    "strap": ("max_mv", "high_mv", "low_mv"),
    "motor": ("max_mv",),
    "ground": (),
    "no_connect": (),
}
Number = Annotated[Figure, BeforeValidator(figure)]
Level = Literal["high", "low"]
Model = TypeVar("Model", bound=BaseModel)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Source(_Table):
    """Where a figure was read. `seen` says who read it: this project on a day, or a review of it."""

    title: str = Field(min_length=1)
    maker: str = Field(min_length=1)
    url: str = ""
    document: str = ""
    page: str = ""
    date: datetime.date
    seen: Literal["here", "review"]


class Supplier(_Table):
    """`number` is empty if it was not read; `note` then says what to search for."""

    name: str = Field(min_length=1)
    number: str = ""
    note: str = ""


class Price(_Table):
    """For one piece, in US cents without tax and postage. `unread`: from memory; else `source` says where it was read."""

    cents_usd: int = Field(ge=0)
    date: datetime.date
    unread: bool = False
    source: str = ""


class Terminal(_Table):
    """One terminal. Voltages are against ground, in mV; `coil` pairs the two ends of one winding."""

    name: str
    type: TerminalType
    min_mv: Number | None = None
    max_mv: Number | None = None
    out_mv: Number | None = None
    high_mv: Number | None = None
    low_mv: Number | None = None
    current_ma: Number | None = None
    max_ma: Number | None = None
    pull: Literal["none", "up", "down"] = "none"
    pull_ohm: Number | None = None
    pull_to: str = ""
    coil: Literal["", "A", "B"] = ""
    supply: str = ""

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Yield (attribute, figure) of those that are set."""
        for name in type(self).model_fields:
            one = getattr(self, name)
            if isinstance(one, Figure):
                yield name, one

    def problem(self) -> str:
        """Return what is missing, or an empty text."""
        missing = [name for name in NEEDED[self.type] if getattr(self, name) is None]
        if missing:
            return f"type {self.type} needs {', '.join(missing)}"
        if (self.pull == "none") != (self.pull_ohm is None):
            return "pull and pull_ohm go together"
        return "type motor needs coil" if (self.type == "motor") != bool(self.coil) else ""


class LibraryPart(_Table):
    """A part. `order_seen` is the source in which maker and number were read; without it they are from memory."""

    id: str
    kind: Kind
    what: str = Field(min_length=1)
    maker: str = ""
    number: str = ""
    order_seen: str = ""
    made_from: str = ""
    suppliers: tuple[Supplier, ...] = ()
    price: Price | None = None
    substitute: str = ""
    plug_in: bool = False
    mount: Literal["board", "leads", "panel", "loose", "none"] = "none"
    footprint: str = ""
    driver: str = ""
    enable: str = ""
    disabled: Level | Literal[""] = ""
    straps: dict[int, dict[str, Level]] = Field(default_factory=dict)
    ties: dict[str, str] = Field(default_factory=dict)
    contact: Literal["", "NC", "NO"] = ""
    cell: str = ""
    values: dict[str, Number] = Field(default_factory=dict)
    terminals: dict[str, Terminal] = Field(default_factory=dict)

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Yield (key below the part, figure) of all values and terminals."""
        for name, one in self.values.items():
            yield f"values.{name}", one
        for terminal in self.terminals.values():
            for name, one in terminal.figures():
                yield f"terminals.{terminal.name}.{name}", one

    @property
    def bought(self) -> bool:
        """Return False for what is made from a file of this project."""
        return self.kind not in MADE


@cache
def load() -> dict[str, LibraryPart]:
    """Return the parts by id. Raises BadInput that names file and key."""
    return read_folder(hardware_folder() / FOLDER)


@cache
def sources() -> dict[str, Source]:
    """Return the sources by id. Raises BadInput that names file and key."""
    return read_sources(hardware_folder() / FOLDER / SOURCES)


def read_sources(file: Path) -> dict[str, Source]:
    """Return the sources of one file. Raises BadInput."""
    return {name: _validated(Source, row, file, name) for name, row in _tables(file).items()}


def read_folder(folder: Path) -> dict[str, LibraryPart]:
    """Return the parts of all files of a folder. Raises BadInput if one is wrong, or an id is there twice."""
    known = read_sources(folder / SOURCES)
    parts: dict[str, LibraryPart] = {}
    for file in sorted(folder.glob("*.toml")):
        if file.name == SOURCES:
            continue
        for name, row in _tables(file).items():
            if name in parts:
                raise BadInput(f"{file}: {name}: this id is in another file too", "give each part an id of its own")
            parts[name] = _part(name, row, file)
            for problem in _problems(parts[name], known):
                raise BadInput(f"{file}: {name}.{problem}", REMEDY)
    return parts


def _tables(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{file}: can't be read: {error.strerror}", "copy it again from the release") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: {error}", REMEDY) from None


def _part(name: str, row: Any, file: Path) -> LibraryPart:
    if not isinstance(row, dict):
        raise BadInput(f"{file}: {name}: is not a table", REMEDY)
    terminals: dict[str, Any] = {}
    for names, one in row.get("terminals", {}).items():
        for terminal in names.split():  # "A1 A2" = {...} says the same of both
            if terminal in terminals or not isinstance(one, dict):
                raise BadInput(f"{file}: {name}.terminals.{terminal}: is there twice, or is not a table", REMEDY)
            terminals[terminal] = {"name": terminal, **one}
    return _validated(LibraryPart, {**row, "id": name, "terminals": terminals}, file, name)


def _validated(model: type[Model], row: Any, file: Path, name: str) -> Model:
    try:
        return model.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in (name, *first["loc"]))
        raise BadInput(f"{file}: {where}: {first['msg'].removeprefix('Value error, ')}", REMEDY) from None


def _problems(part: LibraryPart, known: dict[str, Source]) -> Iterator[str]:
    """Yield `key: what is wrong` of one part."""
    for terminal in part.terminals.values():
        if terminal.problem():
            yield f"terminals.{terminal.name}: {terminal.problem()}"
    for key, one in part.figures():
        if one.state == READ and one.source not in known:
            yield f"{key}: {one.source} is not a source of {SOURCES}"
    if part.order_seen and part.order_seen not in known:
        yield f"order_seen: {part.order_seen} is not a source of {SOURCES}"
    yield from _order_problems(part, known)
    yield from _driver_problems(part)


def _order_problems(part: LibraryPart, known: dict[str, Source]) -> Iterator[str]:
    if not part.bought:
        if not part.made_from:
            yield "made_from: say which file it is made from"
        return
    if not (part.maker and part.number):
        yield "number: a part to buy has a maker and an order number"
    if len({supplier.name for supplier in part.suppliers}) < 2:
        yield "suppliers: a part to buy has two"
    for supplier in part.suppliers:
        if not (supplier.number or supplier.note):
            yield f"suppliers: {supplier.name} has neither number nor note"
    if part.price is None:
        yield "price: a part to buy has one, unread or not"
    elif part.price.unread == bool(part.price.source):
        yield "price: has a source, or says unread = true"
    elif part.price.source and part.price.source not in known:
        yield f"price: {part.price.source} is not a source of {SOURCES}"
    if not part.substitute:
        yield 'substitute: name one, or say "none" and why'


def _driver_problems(part: LibraryPart) -> Iterator[str]:
    if (part.kind == "driver") != bool(part.driver):
        yield "driver: a driver, and nothing else, has the name that [motor].driver takes"
    if part.driver and not (part.enable in part.terminals and part.disabled):
        yield "enable: a driver names the terminal that switches it off, and `disabled`, the level that does"
    named = {name for straps in part.straps.values() for name in straps} | part.ties.keys()
    for name in sorted(named - part.terminals.keys()):
        yield f"straps: {name} is not a terminal"
