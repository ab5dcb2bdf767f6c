# SPDX-License-Identifier: CERN-OHL-P-2.0
"""The table of the printed parts: how each is built, and how it lies on the bed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from build123d import Part, Pos, Rot

from thecal_cad import box, mount, panel, rotor, tray
from thecal_cad.layout import S


@dataclass(frozen=True)
class Printed:
    """A part: `build` returns it as it is mounted, `turn` lays it on the bed, `count` are needed for tmc2209-peristaltic01."""

    build: Callable[[], Part]
    turn: tuple[int, int, int] = (0, 0, 0)
    count: int = 1


PARTS = {
    "base": Printed(mount.base),
    "head_plate": Printed(mount.head_plate, (90, 0, 0)),
    "head_plate_nema17": Printed(lambda: mount.motor_plate(S.nema17), (90, 0, 0), count=0),
    "head_plate_nema14": Printed(lambda: mount.motor_plate(S.nema14), (90, 0, 0), count=0),
    "roller_cover": Printed(rotor.roller_cover, (180, 0, 0)),
    "as5600_bracket": Printed(rotor.as5600_bracket, (90, 0, 0)),
    "gap_gauge": Printed(rotor.gap_gauge),
    "magnet_cup": Printed(rotor.magnet_cup),
    "board_box": Printed(box.board_box),
    "board_box_lid": Printed(box.board_box_lid),
    "tray": Printed(tray.tray),
    "button_panel": Printed(panel.button_panel, (90, 0, 0)),
    "cable_clamp": Printed(mount.cable_clamp, count=4),
}


@cache
def mounted(name: str) -> Part:
    """Return the part in the position in which it is mounted."""
    part = PARTS[name].build()
    assert len(part.solids()) == 1 and part.is_valid, name
    return part


@cache
def printed(name: str) -> Part:
    """Return the part as it lies on the bed, its middle over the origin; its label is its name."""
    turned = Rot(*PARTS[name].turn) * mounted(name)
    low, high = turned.bounding_box().min, turned.bounding_box().max
    laid = Pos(-(low.X + high.X) / 2, -(low.Y + high.Y) / 2, -low.Z) * turned
    laid.label = name
    return laid
