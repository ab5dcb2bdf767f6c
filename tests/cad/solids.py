"""Questions to a solid: its round holes, what it shares with another, the openings of a wall."""

from itertools import product
from typing import Any

Hole = tuple[str, float, float, float]  # axis, diameter, and its place across the axis: (y, z), (x, z) or (x, y)


def holes(part: Any) -> set[Hole]:
    """Return each round hole, in millimetres. A blind hole counts; a rounded corner or the end of a slot does not."""
    from build123d import GeomType

    found = set()
    for face in part.faces().filter_by(GeomType.CYLINDER):
        if face.radius is None:  # half of a slot's end
            continue
        box, line = face.bounding_box(), face.axis_of_rotation
        axis = next(name for name, share in zip("xyz", (line.direction.X, line.direction.Y, line.direction.Z)) if abs(share) > 0.999)
        across = [number for name, number in zip("xyz", (box.size.X, box.size.Y, box.size.Z)) if name != axis]
        whole = all(abs(number - 2 * face.radius) < 0.001 for number in across)
        seat = face.position_at(0.5, 0.5)
        if whole and face.normal_at(seat).dot(line.position - seat) > 0:
            places = [number for name, number in zip("xyz", (line.position.X, line.position.Y, line.position.Z)) if name != axis]
            found.add((axis, round(2 * face.radius, 3), *(round(number, 3) + 0.0 for number in places)))
    return found


def grid(axis: str, across: float, first: tuple[float, ...], second: tuple[float, ...]) -> set[Hole]:
    """Return the holes of a rectangular pattern."""
    return {(axis, across, one, other) for one, other in product(first, second)}


def shared(one: Any, other: Any) -> float:
    """Return how many cubic millimetres are in both."""
    a, b = one.bounding_box(), other.bounding_box()
    if any(low >= high for low, high in zip(_most(a.min, b.min, max), _most(a.max, b.max, min))):
        return 0.0
    common = one & other
    return 0.0 if common is None else sum(solid.volume for solid in common.solids())


def _most(one: Any, other: Any, pick: Any) -> list[float]:
    return [pick(pair) for pair in ((one.X, other.X), (one.Y, other.Y), (one.Z, other.Z))]


def openings(part: Any, wall: Any) -> list[tuple[float, float, float]]:
    """Return the size of each place of `wall`, a thin block inside a wall of the part, that is empty."""
    left = wall - part
    sizes = [] if left is None else [solid.bounding_box().size for solid in left.solids()]
    return [(size.X, size.Y, size.Z) for size in sizes]
