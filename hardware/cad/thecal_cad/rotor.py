# SPDX-License-Identifier: CERN-OHL-P-2.0
"""What belongs to the rotor: its cover, the magnet's cup, the bracket of the AS5600 and the gauge for its gap.

The axis is z here: z = 0 is the front face of the head plate, and the motor's, y points up when mounted.
"""

from build123d import Part, Pos

from thecal_cad import layout as at
from thecal_cad.layout import S
from thecal_cad.shapes import block, plate, rod, rod_x, rods


def roller_cover() -> Part:
    """Return the cover as mounted over PERISTALTIC01: its four screws hold the head too; two slots let the tube out, downwards."""
    low, deep = S.print.slide, at.COVER_DEPTH
    solid = Pos(0, at.COVER_UP, low) * plate(*at.COVER, deep - low, S.cover.corner)
    solid -= Pos(0, at.COVER_UP, low) * plate(*at.CAVITY, at.CAVITY_DEPTH - low, S.cover.corner - S.print.wall)
    solid -= rod(S.cover.window_across, at.WINDOW_DEPTH)
    solid += rods(S.cover.post, deep - S.head.flange, at.HEAD_SCREWS, S.head.flange)
    solid += [_boss(side, y) for side in (-1, 1) for y in side_screws()]
    sunk = S.head.flange + S.cover.post_low
    holes = rods(S.print.screw_hole, deep, at.HEAD_SCREWS) + rods(S.print.screw_head, deep, at.HEAD_SCREWS, sunk)
    half, bottom = at.TUBE_SLOT / 2, at.COVER_UP - at.COVER[1] / 2
    for x in (-S.head.tube_apart / 2, S.head.tube_apart / 2):
        holes.append(block((x - half, bottom, 0), (x + half, bottom + S.print.wall, at.TUBE_SLOT_DEPTH)))
    for x in (-at.COVER[0] / 2, at.COVER[0] / 2 - S.print.insert_depth):
        holes += [rod_x(S.print.insert_hole, S.print.insert_depth, (y, S.bracket.from_plate), x) for y in side_screws()]
    return solid - holes


def _boss(side: int, y: float) -> Part:
    """Return the block inside the cover's left (-1) or right (1) wall that holds an insert of the bracket, in front of the head's edge."""
    half, wall = S.cover.boss_wide / 2, at.COVER[0] / 2
    inner, outer = sorted((side * (wall - S.print.wall - S.cover.boss), side * (wall - S.print.wall)))
    low = S.bracket.from_plate - S.print.insert_hole / 2 - S.print.thinnest
    return block((inner, y - half, low), (outer, y + half, at.COVER_DEPTH))


def side_screws() -> list[float]:
    """Return the heights of the bracket's screws over the axis."""
    return [-S.bracket.screws / 2, S.bracket.screws / 2]


def as5600_bracket() -> Part:
    """Return the bracket as mounted at the gauge's first step: legs along the cover, the sensor's board on the web's inside."""
    size = S.bracket
    web = at.COVER_DEPTH + at.WEB_NEAREST
    end = S.bracket.from_plate - size.beyond
    outside, inside, half = at.BRACKET_OUTSIDE / 2, at.BRACKET_INSIDE / 2, size.tall / 2
    solid = block((-outside, -half, end), (outside, half, web + size.thick)) - block((-inside, -half, end), (inside, half, web))
    holes_at = at.square(S.as5600.holes)
    solid += rods(S.as5600.pad_across, S.as5600.pad, holes_at, web - S.as5600.pad)
    holes = rods(S.as5600.hole, size.thick + S.as5600.pad, holes_at, web - S.as5600.pad)
    for x in (-outside, inside):
        holes += [_slot(x, y) for y in side_screws()]
    return solid - holes


def _slot(x: float, y: float) -> Part:
    """Return the hole for a side screw, long enough for the bracket's travel towards the cover's front and back."""
    size, wide, travel = S.bracket, S.print.screw_hole, S.bracket.travel
    low, high = size.from_plate - travel / 2, size.from_plate + travel / 2
    ends = [rod_x(wide, size.thick, (y, z), x) for z in (low, high)]
    return block((x, y - wide / 2, low), (x + size.thick, y + wide / 2, high)) + ends


def gap_gauge() -> Part:
    """Return the gauge on its side: steps that fit between the cover's front and the bracket's web."""
    long, wide, dot = S.gauge.step, S.gauge.wide, S.gauge.dot
    solid = block((0, 0, 0), (long, S.gauge.handle + at.WEB_NEAREST, wide))
    for step in range(at.STEPS):
        thick = at.WEB_NEAREST + step * S.as5600.step
        solid += block((long * (step + 1), 0, 0), (long * (step + 2), thick, wide))
        solid -= [rod(dot, wide, (long * (step + 1) + dot * (1.9 + 2 * count), at.WEB_NEAREST / 2)) for count in range(step + 1)]
    return solid


def magnet_cup() -> Part:
    """Return the cup that is glued to the rotor: its floor keeps the magnet away from a steel shaft."""
    pocket = rod(S.magnet.across + 2 * S.magnet.fit, S.magnet.thick, z=S.magnet.from_steel)
    return rod(S.magnet.cup, at.CUP_HEIGHT) - pocket
