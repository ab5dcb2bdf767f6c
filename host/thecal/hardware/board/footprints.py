"""Footprints: which holes a part takes and how much room its body needs. A hole is 2.54 mm from the next.

Offsets are (to the right, down) from the part's first pad, seen on the front at rotation 0; outlines are in mm from that pad.
Sources: pads of the TMC2209 module from Watterott's board file SilentStepStick-TMC2209_v20.brd, of the DRV8833 breakout and of the clock
from Adafruit's board files (all read 2026-11-30); a StepStick plugs in with its chip down, so those two rows are mirrored against the file.
Pico: two rows of 20, 17.78 mm apart, board 51 x 21 mm (Raspberry Pi Pico datasheet). MCP1700 in TO-92: GND, VIN, VOUT from the left, flat
side to you (Microchip DS20001826). The order of the 2858's pins: a public note on its 3.3 V sister, the same board.
SIP3 converters: VIN, GND, VOUT as a 78xx, printed side to you (Recom R-78 data sheet); how deep the pins stand in the body was not read.
Bodies of the small parts: the largest common size of their kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from thecal.hardware.board.holes import PITCH_MM

Offset = tuple[int, int]


class Box(NamedTuple):
    """A rectangle in mm, or in mm of a page; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> tuple[float, float]:
        """Return x and y of the middle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def tall(self) -> bool:
        """Return True if it is clearly higher than wide: words run down."""
        return self.bottom - self.top > 1.3 * (self.right - self.left)

    def meets(self, other: Box, by: float = 0.0) -> bool:
        """Return True if the two share more than a strip of width `by`."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        return wide > by and min(self.bottom, other.bottom) - max(self.top, other.top) > by

    def has(self, x: float, y: float) -> bool:
        """Return True for a place inside."""
        return self.left < x < self.right and self.top < y < self.bottom


ORDINARY_DRILL_MM = 1.0
_TURNS = (0, 90, 180, 270)


@dataclass(frozen=True)
class Footprint:
    """`pads` by name; `shape` names the picture; `solid`: where it lies on the board, if that is not all of its outline (sockets)."""

    pads: dict[str, Offset]
    outline: Box
    shape: str
    drill_mm: float = ORDINARY_DRILL_MM
    solid: tuple[Box, ...] = ()

    @property
    def bodies(self) -> tuple[Box, ...]:
        """Return the boxes under which no wire end may come through."""
        return self.solid or (self.outline,)


def turned(offset: Offset, degrees: int) -> Offset:
    """Rotate an offset clockwise as seen on the front. Raises ValueError unless degrees is 0, 90, 180 or 270."""
    if degrees not in _TURNS:
        raise ValueError(f"{degrees} is not one of {', '.join(map(str, _TURNS))} degrees")
    across, down = offset
    for _ in range(_TURNS.index(degrees)):
        across, down = -down, across
    return across, down


def turned_box(box: Box, degrees: int) -> Box:
    """Rotate a box clockwise about the first pad."""
    left, top, right, bottom = box
    for _ in range(_TURNS.index(degrees)):
        left, top, right, bottom = -bottom, left, -top, right
    return Box(left, top, right, bottom)


def named(name: str) -> Footprint:
    """Return a footprint, `terminals-4` with that many pins. Raises ValueError for an unknown name."""
    if name in _FIXED:
        return _FIXED[name]
    found = re.fullmatch(r"([a-z]+)-([1-9][0-9]?)", name)
    if found is None or found[1] not in _ROWS:
        known = ", ".join(sorted(_FIXED) + [f"{kind}-N" for kind in sorted(_ROWS)])
        raise ValueError(f"footprint {name} is not known; known are {known}")
    return _ROWS[found[1]](int(found[2]))


def _axial(shape: str, length: int, body_mm: float) -> Footprint:
    """An axial part with its legs `length` holes apart; `body_mm` is the body's thickness."""
    half = body_mm / 2
    return Footprint({"1": (0, 0), "2": (length, 0)}, Box(-0.8, -half, length * PITCH_MM + 0.8, half), shape)


def _radial(shape: str, length: int, width_mm: float, depth_mm: float) -> Footprint:
    middle = length * PITCH_MM / 2
    half = max(width_mm / 2, middle + 0.8)
    return Footprint({"1": (0, 0), "2": (length, 0)}, Box(middle - half, -depth_mm / 2, middle + half, depth_mm / 2), shape)


def _row(*names: str) -> dict[str, Offset]:
    return {name: (place, 0) for place, name in enumerate(names)}


def _terminals(count: int) -> Footprint:
    """Screw terminals with 5.08 mm pitch; the wires come from below (the side of larger rows). Body 10.2 mm deep, pins 1.3 mm thick."""
    pads = {str(number + 1): (2 * number, 0) for number in range(count)}
    return Footprint(pads, Box(-PITCH_MM, -5.0, (2 * count - 1) * PITCH_MM, 5.2), "terminals", drill_mm=1.3)


def _pico() -> Footprint:
    """USB to the left; pins 1 to 20 in the lower row from the left, 21 to 40 back in the upper row from the right."""
    pads = {str(pin): (pin - 1, 0) for pin in range(1, 21)} | {str(pin): (40 - pin, -7) for pin in range(21, 41)}
    right = 19 * PITCH_MM
    rows = tuple(Box(-1.3, middle - 1.3, right + 1.3, middle + 1.3) for middle in (0.0, -7 * PITCH_MM))
    return Footprint(pads, Box(-1.4, -7 * PITCH_MM - 1.6, right + 1.4, 1.6), "pico", solid=rows)


def _module(left: Sequence[str], right: Sequence[str], outline: Box) -> Footprint:
    """A module in two rows of sockets, five holes apart; names from the top."""
    pads: dict[str, Offset] = {}
    rows = []
    for column, names in ((0, left), (5, right)):
        pads |= {name: (column, down) for down, name in enumerate(names)}
        middle = column * PITCH_MM
        rows.append(Box(middle - 1.3, -1.3, middle + 1.3, (len(names) - 1) * PITCH_MM + 1.3))
    return Footprint(pads, outline, "module", solid=tuple(rows))


def _clock() -> Footprint:
    """The clock module lies over the board above its row of eight; room for the larger of its two versions (25.4 x 17.8 mm)."""
    pads = _row("VIN", "GND", "SCL", "SDA", "BAT", "32K", "SQW", "RST")
    socket = Box(-1.3, -1.3, 7 * PITCH_MM + 1.3, 1.3)
    return Footprint(pads, Box(-3.9, -15.3, 7 * PITCH_MM + 3.9, 2.6), "module", solid=(socket,))


_STEPSTICK = _module(
    ("EN", "MS1", "MS2", "SPREAD", "UART", "PDN", "STEP", "DIR"),
    ("VM", "GND_M", "A2", "A1", "B1", "B2", "VIO", "GND_L"),
    Box(-1.3, -1.3, 5 * PITCH_MM + 1.3, 7 * PITCH_MM + 1.3),
)

# The right row of the DRV8833 breakout has six pins in the middle of a socket for eight.
_ADAFRUIT_3297 = _module(
    ("VM", "GND", "FAULT", "BIN1", "BIN2", "SLEEP", "AIN2", "AIN1"),
    ("free1", "BSEN", "ASEN", "BOUT1", "BOUT2", "AOUT2", "AOUT1", "free2"),
    Box(-2.6, -3.9, 15.3, 21.7),
)

_FIXED = {
    "pico": _pico(),
    "stepstick": _STEPSTICK,
    "adafruit-3297": _ADAFRUIT_3297,
    "adafruit-3013": _clock(),
    # Its pins are not in the middle of the 17.8 mm board, on which side was not read: room for both.
    "pololu-2858": Footprint(_row("PG", "EN", "VIN", "GND", "VOUT"), Box(-7.7, -16.6, 4 * PITCH_MM + 7.7, 1.4), "block"),
    "sip3": Footprint(_row("VIN", "GND", "VOUT"), Box(-3.3, -6.3, 2 * PITCH_MM + 3.3, 6.3), "sip"),
    "to92": Footprint(_row("GND", "VIN", "VOUT"), Box(-0.1, -2.3, 2 * PITCH_MM + 0.1, 1.6), "to92"),
    "fuse-5x20": Footprint({"1": (0, 0), "2": (9, 0)}, Box(-2.2, -4.9, 9 * PITCH_MM + 2.2, 4.9), "fuse", drill_mm=1.3),
    "axial-0207": _axial("resistor", 4, 2.5),
    "axial-do41": _axial("diode", 4, 2.7),
    "axial-do15": _axial("diode", 5, 3.6),
    "disc-2": _radial("ceramic", 2, 5.0, 3.2),
    "electrolytic-6": _radial("can", 1, 6.3, 6.3),
    "electrolytic-8": _radial("can", 1, 8.0, 8.0),
    "electrolytic-10": _radial("can", 2, 10.0, 10.0),
    "buzzer-17": _radial("can", 4, 17.0, 17.0),
}

_ROWS: dict[str, Callable[[int], Footprint]] = {"screw": _terminals}
