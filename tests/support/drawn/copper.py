"""The copper of a board read back from the picture of its back, in mm: what touches what, and how near things come that do not touch."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from itertools import combinations, pairwise

NS = "{http://www.w3.org/2000/svg}"
PITCH_MM = 2.54
# A pad of an ordinary board, half its width; a bare wire of 0.8 mm, half.
PAD_MM, BARE_MM = 0.95, 0.4
Point = tuple[float, float]


@dataclass(frozen=True)
class Piece:
    """A line of copper (a pad is a line without length). `pin` is MARK:pin for the leg of a part; `wire` numbers the two ends of a wire."""

    start: Point
    end: Point
    radius: float
    pin: str = ""
    wire: int = 0


@dataclass(frozen=True)
class Copper:
    pieces: tuple[Piece, ...]
    board: tuple[float, float]

    def groups(self) -> set[frozenset[str]]:
        """The sets of legs that are joined."""
        parent = list(range(len(self.pieces)))

        def root(number: int) -> int:
            while parent[number] != number:
                number = parent[number]
            return number

        for one, other in combinations(range(len(self.pieces)), 2):
            same_wire = self.pieces[one].wire == self.pieces[other].wire != 0
            if same_wire or gap(self.pieces[one], self.pieces[other]) <= 0:
                parent[root(one)] = root(other)
        sets: dict[int, set[str]] = {}
        for number, piece in enumerate(self.pieces):
            if piece.pin:
                sets.setdefault(root(number), set()).add(piece.pin)
        return {frozenset(pins) for pins in sets.values()}

    def narrowest(self) -> float:
        """The smallest distance between two pieces that do not touch, mm."""
        gaps = (gap(one, other) for one, other in combinations(self.pieces, 2))
        return min(distance for distance in gaps if distance > 0)


def read(svg: str) -> Copper:
    root = ET.fromstring(svg)
    elements = [(element.tag.removeprefix(NS), element.attrib.get("class", ""), element.attrib) for element in root.iter()]
    (board,) = [at for tag, kind, at in elements if kind == "board"]
    scale = float(board["width"]) / 160
    pieces: list[Piece] = []
    wires = 0
    for tag, kind, at in elements:
        if kind == "pad":
            x, y = _middle(tag, at)
            pieces.append(Piece((x / scale, y / scale), (x / scale, y / scale), PAD_MM, at["data-pin"]))
        elif kind == "track":
            places = [tuple(float(number) / scale for number in pair.split(",")) for pair in at["points"].split()]
            pieces += [Piece(start, end, BARE_MM) for start, end in pairwise(places)]
        elif kind == "wire":
            wires += 1
            x1, y1, x2, y2 = (float(at[name]) / scale for name in ("x1", "y1", "x2", "y2"))
            pieces += [Piece(end, end, PAD_MM, wire=wires) for end in ((x1, y1), (x2, y2))]
    return Copper(tuple(pieces), (float(board["width"]) / scale, float(board["height"]) / scale))


def _middle(tag: str, at: dict[str, str]) -> Point:
    if tag == "circle":
        return float(at["cx"]), float(at["cy"])
    return float(at["x"]) + float(at["width"]) / 2, float(at["y"]) + float(at["height"]) / 2


def gap(one: Piece, other: Piece) -> float:
    """The distance between the edges of two pieces; 0 or less if they touch."""
    if _cross(one, other):
        return -one.radius - other.radius
    near = min(_point_to_line(point, line) for point, line in ((one.start, other), (one.end, other), (other.start, one), (other.end, one)))
    return near - one.radius - other.radius


def _point_to_line(point: Point, piece: Piece) -> float:
    (x1, y1), (x2, y2) = piece.start, piece.end
    length = (x2 - x1) ** 2 + (y2 - y1) ** 2
    along = 0.0 if length == 0 else max(0.0, min(1.0, ((point[0] - x1) * (x2 - x1) + (point[1] - y1) * (y2 - y1)) / length))
    return math.dist(point, (x1 + along * (x2 - x1), y1 + along * (y2 - y1)))


def _cross(one: Piece, other: Piece) -> bool:
    def side(a: Point, b: Point, c: Point) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    first = side(one.start, one.end, other.start) * side(one.start, one.end, other.end)
    second = side(other.start, other.end, one.start) * side(other.start, other.end, one.end)
    return first < 0 and second < 0
