# SPDX-License-Identifier: CERN-OHL-P-2.0
"""The base, the plates for a motor's face, the cable clamp."""

from types import SimpleNamespace

from build123d import Part, Pos

from thecal_cad import layout as at
from thecal_cad.layout import S
from thecal_cad.shapes import block, plate, rod_y, rods, wall_yz


def moved(places: list[at.Place], to: at.Place) -> list[at.Place]:
    """Return the places, as far from `to` as they were from the origin."""
    return [(x + to[0], y + to[1]) for x, y in places]


def clamp_screws() -> list[at.Place]:
    """Return the holes of all cable clamps on the base."""
    return [(x + side * S.clamp.screws / 2, y) for x, y in at.CLAMPS for side in (-1, 1)]


def base() -> Part:
    """Return the base: holes for inserts of head, panel and clamps, pillars for the box."""
    solid = Pos(S.base.length / 2, S.base.width / 2) * plate(S.base.length, S.base.width, S.base.thick, S.base.corner)
    pillars = moved(at.BOX_PILLARS, at.BOX_AT)
    solid += rods(S.box.pillar_across, S.base.thick + S.box.pillar, pillars)
    top = S.base.thick + S.box.pillar
    holes = rods(S.print.insert_hole, S.print.insert_depth, pillars, top - S.print.insert_depth)
    through = [*moved(at.FOOT_SCREWS, at.HEAD_AT), *moved(at.PANEL_SCREWS, at.PANEL_AT), *clamp_screws()]
    return solid - [*holes, *rods(S.print.insert_hole, S.base.thick, through)]


def stand(width: float, thick: float, height: float, foot: float) -> Part:
    """Return an upright plate with a foot behind it; its front is y = 0, x = 0 its middle."""
    return block((-width / 2, 0, 0), (width / 2, thick, height)) + block((-width / 2, 0, 0), (width / 2, thick + foot, S.base.thick))


def gussets(width: float, thick: float, outline: list[at.Place]) -> list[Part]:
    """Return the two walls at the sides of a stand."""
    return [wall_yz(outline, x, thick) for x in (-width / 2, width / 2 - thick)]


def _bare_plate() -> Part:
    """Return the plate that stands on the base, without a hole for a head."""
    size = S.head_plate
    end = size.thick + size.foot
    outline = [(0.0, 0.0), (end, 0.0), (end, S.base.toe), (size.thick + S.base.toe, size.gusset_up), (0.0, size.gusset_up)]
    solid = stand(size.width, size.thick, at.PLATE_HEIGHT, size.foot) + gussets(size.width, size.gusset, outline)
    return solid - rods(S.print.screw_hole, S.base.thick, at.FOOT_SCREWS)


def head_plate() -> Part:
    """Return the plate for PERISTALTIC01: the motor passes it, the head's four screws hold in it."""
    size = S.head_plate
    half = S.nema17.face / 2 + S.motor.face_gap
    solid = _bare_plate() - block((-half, 0, size.axis - half), (half, size.thick, size.axis + half))
    return solid - [rod_y(S.print.insert_hole, S.print.insert_depth, (x, size.axis + y)) for x, y in at.HEAD_SCREWS]


def motor_plate(motor: SimpleNamespace) -> Part:
    """Return the plate for a motor behind it and a head of your own in front."""
    size = S.head_plate
    axis = (0.0, size.axis)
    holes = [rod_y(motor.boss + 2 * S.motor.boss_gap, size.thick, axis)]
    for place in at.square(motor.square, *axis):
        holes += [rod_y(S.print.screw_hole, size.thick, place), rod_y(S.print.screw_head, size.sunk, place)]
    return _bare_plate() - holes


def cable_clamp() -> Part:
    """Return the bar over a cable; it lies on its top."""
    size = S.clamp
    deep = size.cable - size.press
    solid = plate(size.length, size.width, size.thick, size.corner)
    solid -= block((-size.cable / 2, -size.width, size.thick - deep), (size.cable / 2, size.width, size.thick))
    return solid - rods(S.print.screw_hole, size.thick, [(-size.screws / 2, 0.0), (size.screws / 2, 0.0)])
