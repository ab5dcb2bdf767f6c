# SPDX-License-Identifier: CERN-OHL-P-2.0
"""Blocks, plates and holes, in millimetres. Only straight edges and upright circles: their numbers are the same on every computer."""

from collections.abc import Iterable

from build123d import Align, Box, Cylinder, Part, Plane, Polygon, Pos, RectangleRounded, Rot, extrude

from thecal_cad.layout import Place

LOW = (Align.CENTER, Align.CENTER, Align.MIN)


def block(low: tuple[float, float, float], high: tuple[float, float, float]) -> Part:
    """Return the box between two corners."""
    sides = [b - a for a, b in zip(low, high)]
    return Pos(*low) * Box(*sides, align=(Align.MIN, Align.MIN, Align.MIN))


def plate(along: float, across: float, height: float, corner: float) -> Part:
    """Return a plate with round corners on z = 0, around the z axis."""
    return extrude(RectangleRounded(along, across, corner), height)


def rod(across: float, height: float, at: Place = (0.0, 0.0), z: float = 0.0) -> Part:
    """Return an upright cylinder from z on."""
    return Pos(at[0], at[1], z) * Cylinder(across / 2, height, align=LOW)


def rods(across: float, height: float, places: Iterable[Place], z: float = 0.0) -> list[Part]:
    """Return upright cylinders from z on, one at each place."""
    return [rod(across, height, at, z) for at in places]


def rod_y(across: float, length: float, at: Place, y: float = 0.0) -> Part:
    """Return a cylinder along y from y on, at (x, z)."""
    return Pos(at[0], y, at[1]) * Rot(-90, 0, 0) * Cylinder(across / 2, length, align=LOW)


def rod_x(across: float, length: float, at: Place, x: float = 0.0) -> Part:
    """Return a cylinder along x from x on, at (y, z)."""
    return Pos(x, at[0], at[1]) * Rot(0, 90, 0) * Cylinder(across / 2, length, align=LOW)


def wall_yz(points: list[Place], x: float, thick: float) -> Part:
    """Return a wall with the outline `points` in (y, z), from x to x + thick."""
    face = Plane.YZ.offset(x) * Polygon(*points, align=None)
    return extrude(face, thick)


def wall_xz(points: list[Place], y: float, thick: float) -> Part:
    """Return a wall with the outline `points` in (x, z), from y to y + thick."""
    face = Plane((0, y + thick, 0), x_dir=(1, 0, 0), z_dir=(0, -1, 0)) * Polygon(*points, align=None)
    return extrude(face, thick)
