"""The shapes of an SVG file: texts with their extents, lines, boxes, with the groups that they are in."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from PIL import ImageFont

NS = "{http://www.w3.org/2000/svg}"
Point = tuple[float, float]
# Height of a capital and depth of a g in DejaVu Sans, of the font size.
CAPITAL, DEPTH = 0.729, 0.236


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box, by: float = 0.5) -> bool:
        """True if both share more than a rim of `by`."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        return wide > by and min(self.bottom, other.bottom) - max(self.top, other.top) > by

    def holds(self, other: Box, rim: float = 1) -> bool:
        return (
            self.left - rim <= other.left
            and self.top - rim <= other.top
            and other.right <= self.right + rim
            and other.bottom <= self.bottom + rim
        )

    def near(self, point: Point, by: float = 1) -> bool:
        return self.left - by <= point[0] <= self.right + by and self.top - by <= point[1] <= self.bottom + by


@dataclass(frozen=True)
class Shape:
    """One element. `groups` are the (class, data) of the groups around it, from the outside."""

    tag: str
    kind: str
    text: str
    points: tuple[Point, ...]
    box: Box
    stroke: str
    fill: str
    size: float
    groups: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]

    def data(self, kind: str) -> dict[str, str] | None:
        """The data of the innermost group of that class around it."""
        for name, data in reversed(self.groups):
            if name == kind:
                return dict(data)
        return None


@dataclass
class Drawing:
    width: float
    height: float
    mm: tuple[float, float]
    shapes: list[Shape] = field(default_factory=list)

    def of(self, tag: str, *kinds: str) -> list[Shape]:
        return [shape for shape in self.shapes if shape.tag == tag and (not kinds or shape.kind in kinds)]


def read(svg: str) -> Drawing:
    root = ET.fromstring(svg)
    _, _, width, height = (float(number) for number in root.attrib["viewBox"].split())
    sizes = [float(root.attrib[name].removesuffix("mm")) for name in ("width", "height")]
    return Drawing(width, height, (sizes[0], sizes[1]), list(_shapes(root, ())))


def _shapes(element: ET.Element, groups: tuple) -> Iterator[Shape]:
    for child in element:
        tag = child.tag.removeprefix(NS)
        if tag == "g":
            data = tuple((name.removeprefix("data-"), value) for name, value in child.attrib.items() if name.startswith("data-"))
            yield from _shapes(child, (*groups, (child.attrib.get("class", ""), data)))
        elif tag in ("text", "polyline", "polygon", "rect", "circle", "line"):
            yield _shape(child, tag, groups)
        else:
            assert tag == "title", f"an element that the reader does not know: {tag}"


def _shape(child: ET.Element, tag: str, groups: tuple) -> Shape:
    get = {name: child.attrib.get(name, "0") for name in ("x", "y", "width", "height", "cx", "cy", "r", "font-size", "stroke-width")}
    number = {name: float(value) for name, value in get.items()}
    text = "".join(child.itertext()) if tag == "text" else ""
    points: tuple[Point, ...] = ()
    if tag in ("polyline", "polygon"):
        points = tuple((float(x), float(y)) for x, y in (pair.split(",") for pair in child.attrib["points"].split()))
        box = Box(min(x for x, _ in points), min(y for _, y in points), max(x for x, _ in points), max(y for _, y in points))
    elif tag == "rect":
        box = Box(number["x"], number["y"], number["x"] + number["width"], number["y"] + number["height"])
    elif tag == "circle":
        x, y, r = number["cx"], number["cy"], number["r"]
        points, box = ((x, y),), Box(x - r, y - r, x + r, y + r)
    else:
        box = _text_box(text, number, child.attrib.get("text-anchor", "start"), "font-weight" in child.attrib)
    return Shape(
        tag,
        child.attrib.get("class", ""),
        text,
        points,
        box,
        child.attrib.get("stroke", ""),
        child.attrib.get("fill", ""),
        number["font-size"],
        groups,
    )


def _text_box(text: str, number: dict[str, float], anchor: str, bold: bool) -> Box:
    size = number["font-size"]
    wide = _font(bold).getlength(text) * size / 100
    left = number["x"] - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
    deep = DEPTH if any(letter in "gjpqy,;()Q_" for letter in text) else 0
    return Box(left, number["y"] - CAPITAL * size, left + wide, number["y"] + deep * size)


@cache
def _font(bold: bool) -> ImageFont.FreeTypeFont:
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", name)), 100)
