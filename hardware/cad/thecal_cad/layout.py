# SPDX-License-Identifier: CERN-OHL-P-2.0
"""Sizes and places that follow from sizes.toml, in millimetres. Needs nothing but Python.

Base: x to the right, y to the back, z up; the origin is the left front corner of its lower face.
"""

from thecal_cad.sizes import load

S = load()

Place = tuple[float, float]


def square(side: float, x: float = 0.0, y: float = 0.0) -> list[Place]:
    """Return the corners of a square around (x, y), left to right, front to back."""
    return rectangle(side, side, x, y)


def rectangle(along: float, across: float, x: float = 0.0, y: float = 0.0) -> list[Place]:
    """Return the corners of a rectangle around (x, y), left to right, front to back."""
    return [(x + i * along / 2, y + j * across / 2) for i in (-1, 1) for j in (-1, 1)]


# --- the rotor, its cover, the sensor: along the axis from the front face of the head plate ---

CUP_HEIGHT = S.magnet.from_steel + S.magnet.thick
WINDOW_DEPTH = S.head.high + CUP_HEIGHT + S.magnet.clear  # to the inside of the window
COVER_DEPTH = WINDOW_DEPTH + S.cover.window
CAVITY_DEPTH = COVER_DEPTH - S.cover.front
CAVITY = (S.head.wide + 2 * S.cover.gap, S.head.up + S.head.down + 2 * S.cover.gap)
COVER = (CAVITY[0] + 2 * S.print.wall, CAVITY[1] + 2 * S.print.wall)
COVER_UP = (S.head.up - S.head.down) / 2  # the cover's middle over the axis
HEAD_SCREWS = [(x, y) for x in (-S.head.screw_x, S.head.screw_x) for y in (-S.head.screw_down, S.head.screw_up)]
TUBE_SLOT = S.head.tube + S.cover.tube_gap
TUBE_SLOT_DEPTH = S.head.tube_plane + TUBE_SLOT / 2
BOARD_FRONT = S.as5600.pad + S.as5600.board_thick + S.as5600.chip  # from the bracket's web to the chip's face
WEB_NEAREST = BOARD_FRONT + S.as5600.nearest  # from the cover's front to the bracket's web, first step of the gauge
GAP_NEAREST = S.magnet.clear + S.cover.window + S.as5600.nearest  # from the magnet to the chip
STEPS = 1 + int((S.as5600.farthest - GAP_NEAREST) / S.as5600.step + 1e-9)
BRACKET_INSIDE = COVER[0] + 2 * S.print.slide
BRACKET_OUTSIDE = BRACKET_INSIDE + 2 * S.bracket.thick
PLATE_HEIGHT = S.head_plate.axis + S.head_plate.over

# --- the board box: the board's middle is its origin ---

BOX_INSIDE = (S.board.length + 2 * S.board.wires, S.board.width + S.board.behind + S.board.wires)
BOX_MIDDLE = (0.0, (S.board.behind - S.board.wires) / 2)
BOX = (BOX_INSIDE[0] + 2 * S.print.wall, BOX_INSIDE[1] + 2 * S.print.wall)
BOX_HEIGHT = S.box.floor + S.board.below + S.board.thick + S.board.above
LID_INSIDE = (BOX[0] + 2 * S.box.lid_gap, BOX[1] + 2 * S.box.lid_gap)
LID = (LID_INSIDE[0] + 2 * S.print.wall, LID_INSIDE[1] + 2 * S.print.wall)
BOARD_HOLES = rectangle(S.board.length - 2 * S.board.hole_inset, S.board.width - 2 * S.board.hole_inset)
BOX_PILLARS = rectangle(S.box.pillar_x, S.box.pillar_y)
LID_SCREWS = rectangle(BOX_INSIDE[0] - S.box.post, BOX_INSIDE[1] - S.box.post, *BOX_MIDDLE)
EXIT_STEP = S.box.exit_long + S.box.exit_rib
SIDE_EXITS = [(i * (S.board.length + S.board.wires) / 2, j * EXIT_STEP) for i in (-1, 1) for j in (-1, 0, 1)]
FRONT_EXITS = [(i * EXIT_STEP, -(S.board.width + S.board.wires) / 2) for i in (-1, 0, 1)]
BAY_FROM = S.board.width / 2 + S.board.behind  # the inside of the back wall

# --- places on the base ---

BOX_AT = (S.base.length / 2, S.base.width - S.base.box_edge - LID[1] / 2 - BOX_MIDDLE[1])
HEAD_AT = (S.base.head_x, 0.0)
PANEL_AT = (S.base.length - S.panel.width / 2, 0.0)
TRAY_AT = (S.tray.length / 2, -S.base.tray_gap - S.tray.width / 2)
_FOOT_MIDDLE = S.head_plate.thick + S.head_plate.foot / 2
FOOT_SCREWS = rectangle(
    S.head_plate.width - 2 * S.head_plate.gusset - S.print.screw_head - 0.5, S.head_plate.foot - 20.0, 0.0, _FOOT_MIDDLE
)
PANEL_SCREWS = rectangle(S.panel.width - 2 * S.panel.gusset - 14.0, S.panel.foot - 20.0, 0.0, S.panel.thick + S.panel.foot / 2)
CLAMPS = [
    (S.clamp.side_x, S.clamp.side_y),
    (S.clamp.side_x, S.clamp.side_y + S.clamp.side_apart),
    (S.clamp.back_x, S.clamp.back_y),
    (S.clamp.back_x + S.clamp.back_apart, S.clamp.back_y),
]
NEST = S.tray.bottle + 2 * S.tray.bottle_gap
NEST_AT = (S.tray.length / 2 - S.print.wall - NEST / 2 - 2 * S.print.wall, -S.tray.width / 2 + NEST / 2 + 3 * S.print.wall)
