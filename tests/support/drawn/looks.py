"""What is wrong with the looks of a drawing: letters too small, texts outside, on each other, under a line or through a body."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from support.drawn.svg import CAPITAL, Box, Drawing, Shape

LEAST_LETTER_PX = 9
README_PX = 1_000
_RIM = 6
_BODIES = ("body", "usb", "block", "wirenumber", "tag")
# Texts that stand on a line on purpose: in the frame of a number, in the disc of a probe.
_ON_LINES = ("wirenumber", "probe")


def faults(drawing: Drawing) -> list[str]:
    return [*_sizes(drawing), *_texts(drawing), *_lines(drawing)]


def _sizes(drawing: Drawing) -> Iterator[str]:
    page = Box(0, 0, drawing.width, drawing.height)
    for shape in drawing.shapes:
        if not page.holds(shape.box, -_RIM) and shape.box != page:
            yield f"outside of the page: {shape.tag} {shape.kind} {shape.text} {shape.box}"
    for text in drawing.of("text"):
        if text.size * CAPITAL * README_PX / drawing.width < LEAST_LETTER_PX:
            yield f"too small: {text.text}"


def _texts(drawing: Drawing) -> Iterator[str]:
    texts = drawing.of("text")
    for one, other in combinations(texts, 2):
        if one.box.meets(other.box):
            yield f"texts overlap: {one.text} and {other.text}"
    bodies = [shape for shape in drawing.shapes if shape.tag != "text" and shape.kind in _BODIES]
    for text in texts:
        for body in bodies:
            if text.kind != "probe" and body.box.meets(text.box) and not body.box.holds(text.box):
                yield f"{text.text} runs through the edge of a {body.kind} at {body.box}"


def _lines(drawing: Drawing) -> Iterator[str]:
    lines = drawing.of("polyline", "wire", "lead", "casing")
    for line in lines:
        wide = Box(line.box.left - 1, line.box.top - 1, line.box.right + 1, line.box.bottom + 1)
        for text in drawing.of("text"):
            if text.kind not in _ON_LINES and wide.meets(text.box):
                yield f"a line runs through {text.text}"
    yield from _covered(drawing.of("polyline", "wire"))


def _covered(wires: list[Shape]) -> Iterator[str]:
    """Lines of different nets that lie on each other: nobody could tell them apart."""
    for one, other in combinations(wires, 2):
        if one.data("net") == other.data("net"):
            continue
        grown = Box(one.box.left - 0.5, one.box.top - 0.5, one.box.right + 0.5, one.box.bottom + 0.5)
        wide = min(grown.right, other.box.right + 0.5) - max(grown.left, other.box.left - 0.5)
        high = min(grown.bottom, other.box.bottom + 0.5) - max(grown.top, other.box.top - 0.5)
        if min(wide, high) > 0 and max(wide, high) > 4:
            yield f"lines of {one.data('net')} and {other.data('net')} lie on each other at {one.box}"
