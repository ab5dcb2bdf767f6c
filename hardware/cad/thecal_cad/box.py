# SPDX-License-Identifier: CERN-OHL-P-2.0
"""The box of the perforated board and its lid. Cables leave through the floor, between the pillars of the base."""

from build123d import Part, Pos

from thecal_cad import layout as at
from thecal_cad.layout import S
from thecal_cad.shapes import block, plate, rods, wall_xz


def board_box() -> Part:
    """Return the box without its lid: the board's middle is over the origin, the floor is on z = 0."""
    wall_top = at.BOX_HEIGHT - S.box.vent
    inside = Pos(*at.BOX_MIDDLE, S.box.floor) * plate(*at.BOX_INSIDE, wall_top, S.box.corner - S.print.wall)
    solid = Pos(*at.BOX_MIDDLE) * plate(*at.BOX, wall_top, S.box.corner) - inside
    solid = solid + _bay(0.0, 0.0, S.box.bay) - _bay(S.print.wall, S.box.floor, S.box.bay - S.print.wall)
    half = S.box.post / 2
    solid += [block((x - half, y - half, 0), (x + half, y + half, at.BOX_HEIGHT)) for x, y in at.LID_SCREWS]
    solid += rods(S.box.post, S.box.floor + S.board.below, at.BOARD_HOLES)
    deep = S.print.insert_depth
    holes = rods(S.print.insert_hole, deep, at.LID_SCREWS, at.BOX_HEIGHT - deep)
    holes += rods(S.print.insert_hole, deep, at.BOARD_HOLES, S.box.floor + S.board.below - deep)
    holes += rods(S.print.screw_hole, S.box.floor, at.BOX_PILLARS)
    return solid - [*holes, *_exits()]


def _bay(inwards: float, floor: float, depth: float) -> Part:
    """Return the house of the USB plug behind the back wall, `inwards` smaller all around; its roof rises at 45 degrees."""
    half = S.box.bay_wide / 2 - inwards
    eaves = S.box.bay_eaves - inwards * (2**0.5 - 1)
    outline = [(-half, floor), (half, floor), (half, eaves), (0.0, eaves + half), (-half, eaves)]
    middle = S.board.usb_x
    return wall_xz([(middle + x, z) for x, z in outline], at.BAY_FROM, S.print.wall + depth)


def _exits() -> list[Part]:
    """Return the openings of the floor: left, right, in front, and of the bay."""
    wide, long = S.box.exit_wide / 2, S.box.exit_long / 2
    openings = [(at.SIDE_EXITS, wide, long), (at.FRONT_EXITS, long, wide)]
    holes = [block((x - i, y - j, 0), (x + i, y + j, S.box.floor)) for places, i, j in openings for x, y in places]
    half, back = S.box.bay_exit / 2, at.BAY_FROM + S.box.bay
    return [*holes, block((S.board.usb_x - half, at.BAY_FROM + S.print.wall, 0), (S.board.usb_x + half, back, S.box.floor))]


def board_box_lid() -> Part:
    """Return the lid on its top, around the z axis: the skirt, whose edge drips, stands up."""
    height = S.print.wall + S.box.lid_skirt
    corner = S.box.corner + S.box.lid_gap
    inside = Pos(0, 0, S.print.wall) * plate(*at.LID_INSIDE, height, corner)
    solid = plate(*at.LID, height, corner + S.print.wall) - inside
    screws = [(x - at.BOX_MIDDLE[0], y - at.BOX_MIDDLE[1]) for x, y in at.LID_SCREWS]
    return solid - rods(S.print.screw_hole, S.print.wall, screws)
