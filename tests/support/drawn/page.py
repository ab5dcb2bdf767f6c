"""The texts of a page in mm, those that are turned too, and what is wrong with them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from support.drawn.svg import CAPITAL, NS, Box, _font

README_PX, LEAST_PX = 1_000, 9
# Texts may share so much of their extents, mm: the room above a small letter.
_RIM = 0.4


@dataclass(frozen=True)
class Text:
    words: str
    size: float
    box: Box


def size_of(svg: str) -> tuple[float, float]:
    """Width and height in mm; the user unit is 1 mm."""
    root = ET.fromstring(svg)
    width, height = (float(root.attrib[name].removesuffix("mm")) for name in ("width", "height"))
    assert root.attrib["viewBox"] == f"0 0 {width:g} {height:g}"
    return width, height


def texts(svg: str) -> list[Text]:
    return [_text(element) for element in ET.fromstring(svg).iter(f"{NS}text")]


def _text(element: ET.Element) -> Text:
    at = element.attrib
    size, x, y, words = float(at["font-size"]), float(at["x"]), float(at["y"]), element.text or ""
    wide = _font("font-weight" in at).getlength(words) * size / 100
    left = x - {"start": 0, "middle": wide / 2, "end": wide}[at["text-anchor"]]
    box = Box(left, y - CAPITAL * size, left + wide, y)
    turn = re.fullmatch(r"rotate\(90 (\S+) (\S+)\)", at.get("transform", ""))
    if turn:
        cx, cy = float(turn[1]), float(turn[2])
        box = Box(cx - (box.bottom - cy), cy + box.left - cx, cx - (box.top - cy), cy + box.right - cx)
    return Text(words, size, box)


def faults(svg: str, overlaps: bool = True) -> Iterator[str]:
    width, height = size_of(svg)
    if sorted((width, height)) != [210, 297]:
        yield f"{width} x {height} is not A4"
    page = Box(0, 0, width, height)
    found = texts(svg)
    for text in found:
        if not page.holds(text.box, -1):
            yield f"outside of the page: {text.words}"
        if text.size * CAPITAL * README_PX / width < LEAST_PX:
            yield f"too small: {text.words}"
    for element in ET.fromstring(svg).iter():
        if element.tag == f"{NS}rect" and not page.holds(_rect(element.attrib)):
            yield f"outside of the page: {element.attrib}"
    if overlaps:
        yield from (f"on each other: {a.words} and {b.words}" for a, b in combinations(found, 2) if a.box.meets(b.box, _RIM))


def _rect(at: dict[str, str]) -> Box:
    x, y = float(at.get("x", 0)), float(at.get("y", 0))
    return Box(x, y, x + float(at["width"]), y + float(at["height"]))
