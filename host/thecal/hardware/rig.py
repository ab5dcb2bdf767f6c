"""The parts and wires of a bench file, checked: every wire ends at terminals that exist, every pin and terminal has its wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from thecal.errors import BadInput
from thecal.files.bench import Bench, read_bench
from thecal.hardware import pico

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


# WireViz gives dots and colons a meaning of their own.
Mark = Annotated[str, Field(pattern=r"^[A-Z0-9]*[A-Z][A-Z0-9]*$")]
Terminal = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
HarnessName = Annotated[str, Field(pattern=r"^[A-Za-z0-9 _-]*[A-Za-z][A-Za-z0-9 _-]*$")]


class Part(BaseModel):
    """A thing to buy. A `rail` is a terminal strip: it has no terminals of its own, any number of wires meet there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    what: str = Field(min_length=1)
    order: str = Field(min_length=1)
    count: int = Field(default=1, ge=1)
    terminals: tuple[Terminal, ...] = ()
    rail: bool = False


class _Wiring(BaseModel):
    """`harness` holds the wires by bundle, each (from, to, colour); `unwired` says why a pin of the bench has no wire."""

    model_config = ConfigDict(extra="forbid")

    harness: dict[HarnessName, list[tuple[str, str, str]]]
    unwired: dict[str, str] = Field(default_factory=dict)


class _People(BaseModel):
    parts: dict[Mark, Part]
    wiring: _Wiring


@dataclass(frozen=True)
class End:
    """One end of a wire. `terminal` is what stands at the part: on the Pico the number in the row, and `label` what it is for."""

    part: str
    terminal: str
    label: str = ""

    def __str__(self) -> str:
        if self.label:
            return f"{self.part} {self.label} (pin {self.terminal})"
        return f"{self.part} {self.terminal}".strip()


@dataclass(frozen=True)
class Wire:
    """`number` counts over the whole rig, from 1; `colour` is a key of COLOURS."""

    number: int
    harness: str
    ends: tuple[End, End]
    colour: str


@dataclass(frozen=True)
class Rig:
    """One bench with everything on it. `pins` is GPIO number by name, `unwired` the reason by name of a pin without a wire."""

    name: str
    pins: dict[str, int]
    parts: dict[str, Part]
    wires: tuple[Wire, ...]
    unwired: dict[str, str]


def read_rig(file: Path) -> Rig:
    """Return the rig of a bench file. Raises BadInput with the correction if the pump or the wiring would refuse it."""
    bench = read_bench(file)
    try:
        return _checked(bench)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{file}: {where}: {first['msg']}", "hardware/README.md explains [parts] and [wiring]") from None
    except ValueError as error:
        raise BadInput(f"{file}: {error}", "correct [parts] or [wiring]; hardware/README.md explains them") from None


def _checked(bench: Bench) -> Rig:
    people = _People.model_validate(bench)
    pins = bench.get("pins", {})
    rig = Rig(bench["name"], pins, people.parts, tuple(_wires(people, pins)), people.wiring.unwired)
    for problem in _problems(rig):
        raise ValueError(problem)
    return rig


def _wires(people: _People, pins: dict[str, int]) -> Iterator[Wire]:
    number = 0
    for harness, rows in people.wiring.harness.items():
        for start, end, colour in rows:
            number += 1
            if colour not in COLOURS:
                raise ValueError(f"wire {start} - {end}: {colour} is not one of {', '.join(COLOURS)}")
            yield Wire(number, harness, (_end(start, people.parts, pins), _end(end, people.parts, pins)), colour)


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
    if terminal not in parts[name].terminals:
        raise ValueError(f"wire end {text}: parts.{name}.terminals has no {terminal or 'empty name'}")
    return End(name, terminal)


def _pico_end(text: str, terminal: str, pins: dict[str, int]) -> End:
    if terminal in pico.FIXED:
        return End(pico.PART, str(pico.FIXED[terminal]), terminal.rstrip("0123456789") if terminal.startswith("GND") else terminal)
    if terminal not in pins:
        raise ValueError(f"wire end {text}: {terminal} is neither in [pins] nor one of {', '.join(pico.FIXED)}")
    if pins[terminal] not in pico.ROW_PIN:
        raise ValueError(f"wire end {text}: GPIO {pins[terminal]} has no pin on the Pico; say why under [wiring.unwired]")
    return End(pico.PART, str(pico.ROW_PIN[pins[terminal]]), f"GP{pins[terminal]} {terminal}")


def _problems(rig: Rig) -> Iterator[str]:
    """Check for pins, terminals and parts without a wire."""
    used = {(end.part, end.terminal) for wire in rig.wires for end in wire.ends}
    for name, gpio in rig.pins.items():
        wired = (pico.PART, str(pico.ROW_PIN.get(gpio))) in used
        if wired == (name in rig.unwired):
            yield f"pins.{name} must have a wire or a reason under [wiring.unwired], and not both"
    for name in rig.unwired:
        if name not in rig.pins:
            yield f"wiring.unwired.{name} is not in [pins]"
    for name, part in rig.parts.items():
        for terminal in part.terminals:
            if (name, terminal) not in used:
                yield f"parts.{name}: no wire reaches {terminal}"
        if part.rail and (name, "") not in used:
            yield f"parts.{name}: no wire reaches this rail"
    for harness in {wire.harness for wire in rig.wires}:
        starts, ends = ({wire.ends[side].part for wire in rig.wires if wire.harness == harness} for side in (0, 1))
        for name in sorted(starts & ends):
            if not rig.parts[name].rail:
                yield f"wiring.harness.{harness}: wires come from {name} and go to it; give each way a harness, or the drawing has a loop"
