"""Footprints: which holes a part takes and how much room its body needs. A hole is 2.54 mm from the next.

Offsets are (to the right, down) from the part's first pad, seen on the front at rotation 0; outlines are in mm from that pad.
Sources: pads of the TMC2209 module from Watterott's board file SilentStepStick-TMC2209_v20.brd, of the DRV8833 breakout and of the clock
from Adafruit's board files (all read 2026-11-30); a StepStick plugs in with its chip down, so those two rows are mirrored against the file.
Pico: two rows of 20, 17.78 mm apart, board 51 x 21 mm (Raspberry Pi Pico datasheet). MCP1700 in TO-92: GND, VIN, VOUT from the left, flat
side to you (Microchip DS20001826). The order of the 2858's pins: a public note on its 3.3 V sister, the same board.
Bodies of the small parts: the largest common size of their kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from thecal.hardware.board.holes import PITCH_MM

Offset = tuple[int, int]
Box = tuple[float, float, float, float]  # left, top, right, bottom

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
    return left, top, right, bottom


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
    return Footprint({"1": (0, 0), "2": (length, 0)}, (-0.8, -half, length * PITCH_MM + 0.8, half), shape)


def _radial(shape: str, length: int, width_mm: float, depth_mm: float) -> Footprint:
    middle = length * PITCH_MM / 2
    half = max(width_mm / 2, middle + 0.8)
    return Footprint({"1": (0, 0), "2": (length, 0)}, (middle - half, -depth_mm / 2, middle + half, depth_mm / 2), shape)


def _terminals(count: int) -> Footprint:
    """Screw terminals with 5.08 mm pitch; the wires come from below (the side of larger rows). Body 10.2 mm deep, pins 1.3 mm thick."""
    pads = {str(number + 1): (2 * number, 0) for number in range(count)}
    return Footprint(pads, (-PITCH_MM, -5.0, (2 * count - 1) * PITCH_MM, 5.2), "terminals", drill_mm=1.3)


def _header(count: int) -> Footprint:
    pads = {str(number + 1): (number, 0) for number in range(count)}
    return Footprint(pads, (-1.25, -1.25, (count - 1) * PITCH_MM + 1.25, 1.25), "header")


def _pico() -> Footprint:
    """USB to the left; pins 1 to 20 in the lower row from the left, 21 to 40 back in the upper row from the right."""
    pads = {str(pin): (pin - 1, 0) for pin in range(1, 21)} | {str(pin): (40 - pin, -7) for pin in range(21, 41)}
    right = 19 * PITCH_MM
    rows = tuple((-1.3, middle - 1.3, right + 1.3, middle + 1.3) for middle in (0.0, -7 * PITCH_MM))
    return Footprint(pads, (-1.4, -7 * PITCH_MM - 1.6, right + 1.4, 1.6), "pico", solid=rows)


def _module(columns: tuple[tuple[str, ...], tuple[str, ...]], outline: Box, shape: str) -> Footprint:
    """A module in two rows of sockets, five holes apart; names from the top, "" for no pin."""
    pads = {name: (5 * side, down) for side, names in enumerate(columns) for down, name in enumerate(names) if name}
    rows = []
    for side, names in enumerate(columns):
        used = [down for down, name in enumerate(names) if name]
        middle = 5 * side * PITCH_MM
        rows.append((middle - 1.3, used[0] * PITCH_MM - 1.3, middle + 1.3, used[-1] * PITCH_MM + 1.3))
    return Footprint(pads, outline, shape, solid=tuple(rows))


def _clock() -> Footprint:
    """The clock module lies over the board above its row of eight; room for the larger of its two versions (25.4 x 17.8 mm)."""
    pads = {name: (place, 0) for place, name in enumerate(("VIN", "GND", "SCL", "SDA", "BAT", "32K", "SQW", "RST"))}
    row = (-1.3, -1.3, 7 * PITCH_MM + 1.3, 1.3)
    return Footprint(pads, (-3.9, -15.3, 7 * PITCH_MM + 3.9, 2.6), "module", solid=(row,))


_STEPSTICK = (
    ("EN", "MS1", "MS2", "SPREAD", "UART", "PDN", "STEP", "DIR"),
    ("VM", "GND_M", "A2", "A1", "B1", "B2", "VIO", "GND_L"),
)

# The right row of the DRV8833 breakout has six pins in the middle of a socket for eight.
_ADAFRUIT_3297 = (
    ("VM", "GND", "FAULT", "BIN1", "BIN2", "SLEEP", "AIN2", "AIN1"),
    ("free1", "BSEN", "ASEN", "BOUT1", "BOUT2", "AOUT2", "AOUT1", "free2"),
)

_FIXED = {
    "pico": _pico(),
    "stepstick": _module(_STEPSTICK, (-1.3, -1.3, 5 * PITCH_MM + 1.3, 7 * PITCH_MM + 1.3), "module"),
    "adafruit-3297": _module(_ADAFRUIT_3297, (-2.6, -3.9, 15.3, 21.7), "module"),
    # Its pins are not in the middle of the 17.8 mm board, on which side was not read: room for both.
    "pololu-2858": Footprint(
        {name: (place, 0) for place, name in enumerate(("PG", "EN", "VIN", "GND", "VOUT"))}, (-7.7, -16.6, 4 * PITCH_MM + 7.7, 1.4), "block"
    ),
    "sip3": Footprint({"VIN": (0, 0), "GND": (1, 0), "VOUT": (2, 0)}, (-3.3, -6.3, 2 * PITCH_MM + 3.3, 6.3), "block"),
    "to92": Footprint({"GND": (0, 0), "VIN": (1, 0), "VOUT": (2, 0)}, (-0.1, -2.3, 2 * PITCH_MM + 0.1, 1.6), "to92"),
    "fuse-5x20": Footprint({"1": (0, 0), "2": (9, 0)}, (-2.2, -4.9, 9 * PITCH_MM + 2.2, 4.9), "fuse", drill_mm=1.3),
    "axial-0207": _axial("resistor", 4, 2.5),
    "axial-do41": _axial("diode", 4, 2.7),
    "axial-do15": _axial("diode", 5, 3.6),
    "disc-2": _radial("ceramic", 2, 5.0, 3.2),
    "electrolytic-6": _radial("can", 1, 6.3, 6.3),
    "electrolytic-8": _radial("can", 1, 8.0, 8.0),
    "electrolytic-10": _radial("can", 2, 10.0, 10.0),
    "buzzer-17": _radial("can", 4, 17.0, 17.0),
    "adafruit-3013": _clock(),
}

_ROWS: dict[str, Callable[[int], Footprint]] = {"screw": _terminals, "header": _header}
