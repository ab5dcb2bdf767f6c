"""Questions to a solid: its holes, its overlap with another, its empty places in a wall."""

from typing import Any


def _axis(direction: Any) -> str:
    name, size = max((("x", abs(direction.X)), ("y", abs(direction.Y)), ("z", abs(direction.Z))), key=lambda pair: pair[1])
    assert size > 0.999, "every hole runs along an axis"
    return name


def holes(part: Any) -> set[tuple[str, float, float, float]]:
    """Return (axis, diameter, place, place) of each round hole; the two places are those across the axis, in the order x, y, z."""
    from build123d import GeomType

    found = set()
    for face in part.faces().filter_by(GeomType.CYLINDER):
        line = face.axis_of_rotation
        seat = face.position_at(0.5, 0.5)
        inwards = (line.position - seat) - line.direction * (line.position - seat).dot(line.direction)
        if face.normal_at(seat).dot(inwards) > 0 and face.area > 0.9 * 2 * 3.14159 * face.radius * face.length_along(line):
            pass
    return found
