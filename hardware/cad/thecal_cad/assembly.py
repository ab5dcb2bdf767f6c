# SPDX-License-Identifier: CERN-OHL-P-2.0
"""Everything in its place, with blocks for what is bought: the tests look for collisions, and a picture shows it."""

from build123d import Box, Part, Pos, Rot

from thecal_cad import layout as at
from thecal_cad.layout import S
from thecal_cad.parts import mounted
from thecal_cad.shapes import LOW, block, rod, rod_y

ON_BASE = S.base.thick
HEAD = Pos(at.HEAD_AT[0], at.HEAD_AT[1], ON_BASE)
# The rotor's own axes: z to the front, y up.
AXIS = HEAD * Pos(0, 0, S.head_plate.axis) * Rot(90, 0, 0)
BOX = Pos(at.BOX_AT[0], at.BOX_AT[1], ON_BASE + S.box.pillar)
PANEL = Pos(at.PANEL_AT[0], at.PANEL_AT[1], ON_BASE)
TRAY = Pos(*at.TRAY_AT, 0)


def clamps() -> list[Part]:
    """Return the cable clamps, turned over on the base."""
    return [Pos(x, y, ON_BASE + S.clamp.thick) * Rot(180, 0, 0) * mounted("cable_clamp") for x, y in at.CLAMPS]


def placed() -> dict[str, Part]:
    """Return the printed parts in their places, in millimetres from the base's left front corner."""
    lid = BOX * Pos(*at.BOX_MIDDLE, at.BOX_HEIGHT + S.print.wall) * Rot(180, 0, 0) * mounted("board_box_lid")
    parts = {
        "base": mounted("base"),
        "head_plate": HEAD * mounted("head_plate"),
        "roller_cover": AXIS * mounted("roller_cover"),
        "as5600_bracket": AXIS * mounted("as5600_bracket"),
        "magnet_cup": AXIS * Pos(0, 0, S.head.high) * mounted("magnet_cup"),
        "board_box": BOX * mounted("board_box"),
        "board_box_lid": lid,
        "tray": TRAY * mounted("tray"),
        "button_panel": PANEL * mounted("button_panel"),
    }
    return parts | {f"cable_clamp_{number}": clamp for number, clamp in enumerate(clamps(), 1)}


def sensor_board() -> Part:
    """Return the AS5600 on its board, on the bracket, at the first step of the gauge."""
    web = at.COVER_DEPTH + at.WEB_NEAREST
    size = S.as5600
    board = Pos(0, 0, web - size.pad - size.board_thick) * Box(size.board, size.board, size.board_thick, align=LOW)
    return board + Pos(0, 0, web - at.BOARD_FRONT) * Box(5.0, 4.0, size.chip, align=LOW)


def head() -> Part:
    """Return PERISTALTIC01 as blocks: its plate, the middle with the rotor, the ears with the adjusting screws, the rims."""
    size = S.head
    middle, side = size.tube_apart / 2 + 6.0, size.wide / 2
    solid = block((-side, -size.down, 0), (side, size.up, size.flange)) + block((-middle, -size.down, 0), (middle, middle, size.high))
    for x in (-side, middle):
        solid += block((x, -23.4, 0), (x + side - middle, -6.2, size.high))
    for x in (-side, side - 5.0):
        solid += block((x, -size.down, 0), (x + 5.0, size.up, size.high))
    return solid + [Pos(x, -28.4, 16.2) * Rot(-90, 0, 0) * rod(6.0, 6.0) for x in (-size.screw_x, size.screw_x)]


def bought() -> dict[str, Part]:
    """Return blocks as large as the things that are not printed from here: motor, head, sensor, perforated board, buttons, bottle."""
    face = S.nema17.face
    motor = Pos(0, 0, S.head_plate.axis) * Rot(-90, 0, 0) * Box(face, face, S.motor.length, align=LOW)
    board_z = S.box.floor + S.board.below
    populated = Pos(0, 0, board_z) * Box(S.board.length, S.board.width, S.board.thick + S.board.above - 1.0, align=LOW)
    stop = rod_y(S.panel.stop, S.panel.stop_depth, (0.0, S.panel.stop_up)) + rod_y(S.panel.stop_head, 20.0, (0.0, S.panel.stop_up), -20.0)
    bolus = rod_y(S.panel.bolus, 30.0, (0.0, S.panel.bolus_up)) + rod_y(20.0, 6.0, (0.0, S.panel.bolus_up), -6.0)
    bottle = TRAY * rod(S.tray.bottle, 140.0, at.NEST_AT, S.print.wall)
    return {
        "motor": HEAD * motor,
        "head": AXIS * head(),
        "sensor": AXIS * sensor_board(),
        "board": BOX * populated,
        "stop_button": PANEL * stop,
        "bolus_button": PANEL * bolus,
        "bottle": bottle,
    }
