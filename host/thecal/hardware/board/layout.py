"""The `[board]` table of a bench as geometry: parts with their pads and bodies, bare tracks and insulated wires on the back.

A track is bare tinned copper wire of 0.8 mm (0.5 mm2) along holes; it touches every pad under it. A wire is insulated, goes straight
from hole to hole and touches only its two ends, each in a hole of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from thecal.hardware.board import footprints, holes
from thecal.hardware.board.footprints import Box, Footprint
from thecal.hardware.board.holes import PITCH_MM, Hole
from thecal.hardware.rig import COLOURS

# Cross-sections of insulated wire that the layouts use: for supply, ground and motor, and for signals.
CROSS_SECTIONS = (50, 14)


class Table(BaseModel):
    """`[board]` as written.

    `parts`: mark -> (hole of the first pad, rotation in degrees clockwise); `tracks`: the corner holes of each; `wires`: (colour,
    cross-section in 1/100 mm2, hole, hole); `screw_inset_um`: the four screws' distance from both edges, in micrometres.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: int = Field(ge=4, le=99)
    rows: int = Field(ge=4, le=52)
    width_mm: int
    height_mm: int
    screw_inset_um: int = Field(ge=2_000, le=20_000)
    parts: dict[str, tuple[str, int]]
    tracks: list[list[str]] = Field(default_factory=list)
    wires: list[tuple[str, int, str, str]] = Field(default_factory=list)


class Standing(NamedTuple):
    """A part for the board: its footprint, and its terminals in the library's order."""

    footprint: str
    terminals: Sequence[str]


class Pad(NamedTuple):
    """A leg in its hole."""

    mark: str
    pin: str
    hole: Hole


@dataclass(frozen=True)
class Place:
    """A part on the board. `pads` is hole by terminal; `spare` are the holes of pins that the part has besides its terminals."""

    mark: str
    footprint: Footprint
    origin: Hole
    degrees: int
    pads: dict[str, Hole]
    spare: dict[str, Hole]

    @property
    def holes(self) -> dict[str, Hole]:
        """Return the hole of every pin."""
        return self.pads | self.spare


@dataclass(frozen=True)
class Track:
    """Bare wire; `holes` is every hole under it, in order, `corners` where it starts, bends and ends."""

    corners: tuple[Hole, ...]
    holes: tuple[Hole, ...]


@dataclass(frozen=True)
class Wire:
    """Insulated wire between two holes; `mm2_hundredths` is its cross-section."""

    colour: str
    mm2_hundredths: int
    ends: tuple[Hole, Hole]


@dataclass(frozen=True)
class Layout:
    """The whole board. x and y of a hole in mm count from the top left corner of the front."""

    columns: int
    rows: int
    width_mm: int
    height_mm: int
    screw_inset_mm: float
    places: dict[str, Place]
    tracks: tuple[Track, ...]
    wires: tuple[Wire, ...]

    def at(self, hole: Hole) -> tuple[float, float]:
        """Return the middle of a hole in mm."""
        left = (self.width_mm - (self.columns - 1) * PITCH_MM) / 2
        top = (self.height_mm - (self.rows - 1) * PITCH_MM) / 2
        return left + (hole[0] - 1) * PITCH_MM, top + (hole[1] - 1) * PITCH_MM

    @property
    def screws(self) -> list[tuple[float, float]]:
        """Return the places of the four M3 screws in mm."""
        inset = self.screw_inset_mm
        return [(x, y) for x in (inset, self.width_mm - inset) for y in (inset, self.height_mm - inset)]

    def has(self, hole: Hole) -> bool:
        """Return False for a hole outside of the board."""
        return 1 <= hole[0] <= self.columns and 1 <= hole[1] <= self.rows

    def box(self, place: Place, box: Box) -> Box:
        """Return a box of a part's footprint in mm on this board."""
        x, y = self.at(place.origin)
        left, top, right, bottom = footprints.turned_box(box, place.degrees)
        return Box(x + left, y + top, x + right, y + bottom)

    def pads(self) -> Iterator[Pad]:
        """Yield each pin of each part."""
        for mark, place in self.places.items():
            for pin, hole in place.holes.items():
                yield Pad(mark, pin, hole)


def layout(table: Mapping[str, object], parts: Mapping[str, Standing]) -> Layout:
    """Return the geometry of `[board]`.

    Raises ValueError with the place of the mistake (pydantic's ValidationError is one)."""
    read = Table.model_validate(table)
    places = {}
    for mark, (hole, degrees) in read.parts.items():
        if mark not in parts:
            raise ValueError(f"board.parts.{mark} is not a part of the bench that has a footprint")
        places[mark] = _place(mark, parts[mark], holes.parse(hole), degrees)
    tracks = tuple(_track(number, corners) for number, corners in enumerate(read.tracks, 1))
    wires = tuple(_wire(*row) for row in read.wires)
    return Layout(read.columns, read.rows, read.width_mm, read.height_mm, read.screw_inset_um / 1000, places, tracks, wires)


def _place(mark: str, part: Standing, origin: Hole, degrees: int) -> Place:
    footprint = footprints.named(part.footprint)
    pin_of = _pins(mark, footprint, part.terminals)
    where = {}
    for pin, offset in footprint.pads.items():
        across, down = footprints.turned(offset, degrees)
        where[pin] = (origin[0] + across, origin[1] + down)
    pads = {terminal: where[pin] for terminal, pin in pin_of.items()}
    spare = {pin: hole for pin, hole in where.items() if pin not in pin_of.values()}
    return Place(mark, footprint, origin, degrees, pads, spare)


def _pins(mark: str, footprint: Footprint, terminals: Sequence[str]) -> dict[str, str]:
    """Pins by terminal: by name where the footprint has names (a terminal without a pin stays out), else in the library's order."""
    by_name = {terminal: terminal for terminal in terminals if terminal in footprint.pads}
    if by_name:
        return by_name
    if len(terminals) != len(footprint.pads):
        raise ValueError(f"{mark}: its footprint has {len(footprint.pads)} pins for {len(terminals)} terminals")
    return dict(zip(terminals, footprint.pads, strict=True))


def _track(number: int, corners: list[str]) -> Track:
    ends = [holes.parse(corner) for corner in corners]
    try:
        return Track(tuple(ends), tuple(holes.along(ends)))
    except ValueError as error:
        raise ValueError(f"board.tracks, number {number}: {error}") from None


def _wire(colour: str, hundredths: int, start: str, end: str) -> Wire:
    if colour not in COLOURS:
        raise ValueError(f"board.wires {start} to {end}: {colour} is not one of {', '.join(COLOURS)}")
    if hundredths not in CROSS_SECTIONS:
        raise ValueError(f"board.wires {start} to {end}: {hundredths} is not one of {', '.join(map(str, CROSS_SECTIONS))} (1/100 mm2)")
    return Wire(colour, hundredths, (holes.parse(start), holes.parse(end)))
