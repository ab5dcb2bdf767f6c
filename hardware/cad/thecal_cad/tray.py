# SPDX-License-Identifier: CERN-OHL-P-2.0
"""The tray below the head and beside the electronics, with the nest of the bottle."""

from build123d import Part, Plane, Pos, RectangleRounded, loft

from thecal_cad import layout as at
from thecal_cad.layout import S
from thecal_cad.shapes import block, plate, rod


def _lip() -> Part:
    """Return the lip as a solid: it widens at 45 degrees, then stands upright for its last wall's thickness."""
    size = S.tray
    low = size.height - size.lip - S.print.wall
    outline = RectangleRounded(size.length, size.width, size.corner)
    wide = RectangleRounded(size.length + 2 * size.lip, size.width + 2 * size.lip, size.corner + size.lip)
    cone = loft([Plane.XY.offset(low) * outline, Plane.XY.offset(low + size.lip) * wide])
    rim = plate(size.length + 2 * size.lip, size.width + 2 * size.lip, S.print.wall, size.corner + size.lip)
    return cone + Pos(0, 0, size.height - S.print.wall) * rim


def _nest() -> Part:
    """Return the ring around the bottle, with gaps through which it drains."""
    size, wall = S.tray, S.print.wall
    ring = rod(at.NEST + 2 * wall, size.nest, at.NEST_AT) - rod(at.NEST, size.nest, at.NEST_AT)
    x, y, far = *at.NEST_AT, at.NEST
    half = size.drain / 2
    reaches = ((far, half), (half, far))
    return ring - [block((x - i, y - j, wall), (x + i, y + j, size.nest)) for i, j in reaches]


def tray() -> Part:
    """Return the tray around the z axis, its floor on z = 0."""
    size, wall = S.tray, S.print.wall
    solid = plate(size.length, size.width, size.height, size.corner) + _lip()
    solid -= Pos(0, 0, wall) * plate(size.length - 2 * wall, size.width - 2 * wall, size.height, size.corner - wall)
    return solid + _nest()
