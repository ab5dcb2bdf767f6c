# SPDX-License-Identifier: CERN-OHL-P-2.0
"""The box of the perforated board and its lid. Cables leave through the floor, between the pillars of the base."""

from build123d import Part, Pos

from thecal_cad import layout as at
from thecal_cad.layout import S
from thecal_cad.shapes import block, plate, rods


def board_box() -> Part:
    """Return the box without its lid, around the z axis, its floor on z = 0."""
    wall_top = at.BOX_HEIGHT - S.box.vent
    inside = Pos(0, 0, S.box.floor) * plate(*at.BOX_INSIDE, wall_top, S.box.corner - S.print.wall)
    solid = plate(*at.BOX, wall_top, S.box.corner) - inside
    half = S.box.post / 2
    solid += [block((x - half, y - half, 0), (x + half, y + half, at.BOX_HEIGHT)) for x, y in at.LID_SCREWS]
    solid += rods(S.box.post, S.box.floor + S.board.below, at.BOARD_HOLES)
    deep = S.print.insert_depth
    holes = rods(S.print.insert_hole, deep, at.LID_SCREWS, at.BOX_HEIGHT - deep)
    holes += rods(S.print.insert_hole, deep, at.BOARD_HOLES, S.box.floor + S.board.below - deep)
    holes += rods(S.print.screw_hole, S.box.floor, at.BOX_PILLARS)
    wide, long = S.box.exit_wide / 2, S.box.exit_long / 2
    holes += [block((x - wide, y - long, 0), (x + wide, y + long, S.box.floor)) for x, y in at.EXITS]
    return solid - holes


def board_box_lid() -> Part:
    """Return the lid on its top: the skirt, whose edge drips, stands up."""
    height = S.print.wall + S.box.lid_skirt
    corner = S.box.corner + S.box.lid_gap
    inside = Pos(0, 0, S.print.wall) * plate(*at.LID_INSIDE, height, corner)
    solid = plate(*at.LID, height, corner + S.print.wall) - inside
    return solid - rods(S.print.screw_hole, S.print.wall, at.LID_SCREWS)
