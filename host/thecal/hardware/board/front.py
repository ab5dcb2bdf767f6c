"""The front of the board: every part where it stands, with its mark, its value, and the names of its pins."""

from __future__ import annotations

from collections.abc import Mapping

from thecal.hardware.board.footprints import ORDINARY_DRILL_MM, Box
from thecal.hardware.board.holes import Hole
from thecal.hardware.board.layout import Place
from thecal.hardware.board.view import View

_FILL = {
    "pico": "#cfe8cf",
    "module": "#d5dff0",
    "resistor": "#e9d8b4",
    "diode": "#c9c9c9",
    "ceramic": "#f3c98b",
    "can": "#b9c8d6",
    "block": "#c9c9c9",
    "to92": "#c9c9c9",
    "fuse": "#e8eef2",
    "terminals": "#b8dfb8",
}
_LINE = "#222"


def draw(view: View, values: Mapping[str, str], labels: Mapping[tuple[str, str], str]) -> None:
    """Draw the parts. `values` is the short value by mark; `labels` what to write at a pin by (mark, pin)."""
    for place in view.layout.places.values():
        _body(view, place)
        _pins(view, place, labels)
        _words(view, place, values.get(place.mark, ""))


def _body(view: View, place: Place) -> None:
    shape, outline = place.footprint.shape, view.box(place, place.footprint.outline)
    fill = _FILL[shape]
    if shape in ("resistor", "diode"):
        _leads(view, place)
        outline = _shortened(outline, view.pitch * 0.9)
    if shape == "can":
        _round(view, outline, fill)
    else:
        radius = 1.2 if shape in ("resistor", "ceramic", "to92") else 0.3
        view.rect(outline, rx=radius, fill=fill, stroke=_LINE, stroke_width=0.3, kind="body", data_mark=place.mark)
    if shape == "diode":
        _band(view, place, outline)
    if shape == "to92":
        _flat_side(view, place)
    if shape == "pico":
        _usb(view, place)
    if shape == "can" and "plus" in place.pads:
        x, y = view.at(place.pads["plus"])
        view.page.text(x + (0.6 if place.pads["plus"][0] > place.pads["minus"][0] else -0.6) * view.pitch, y, "+", font_size=1.2 * view.small, font_weight="bold")


def _round(view: View, outline: Box, fill: str) -> None:
    x, y = (outline[0] + outline[2]) / 2, (outline[1] + outline[3]) / 2
    radius = max(outline[2] - outline[0], outline[3] - outline[1]) / 2
    view.page.add("circle", cx=x, cy=y, r=radius, fill=fill, stroke=_LINE, stroke_width=0.3, kind="body")


def _leads(view: View, place: Place) -> None:
    one, other = (view.at(hole) for hole in place.holes.values())
    view.page.add("line", x1=one[0], y1=one[1], x2=other[0], y2=other[1], stroke="#666", stroke_width=0.5)


def _shortened(box: Box, by: float) -> Box:
    """Take the leads off a two-leg part's outline: `by` at both ends of its longer side."""
    left, top, right, bottom = box
    if right - left > bottom - top:
        return left + by, top, right - by, bottom
    return left, top + by, right, bottom - by


def _band(view: View, place: Place, body: Box) -> None:
    """The band at the cathode's end of a diode."""
    x, y = view.at(place.pads["cathode"])
    left, top, right, bottom = body
    width = 0.9
    if right - left > bottom - top:
        left = left + 0.5 if x < left else right - 0.5 - width
        right = left + width
    else:
        top = top + 0.5 if y < top else bottom - 0.5 - width
        bottom = top + width
    view.rect((left, top, right, bottom), fill=_LINE)


def _flat_side(view: View, place: Place) -> None:
    """A thick line along the flat side of a TO-92: at rotation 0 towards larger rows."""
    left, _, right, bottom = place.footprint.outline
    left, top, right, bottom = view.box(place, (left, bottom - 0.3, right, bottom))
    view.rect((left, top, right, bottom), fill=_LINE)


def _usb(view: View, place: Place) -> None:
    left, top, _, bottom = place.footprint.outline
    middle = (top + bottom) / 2
    socket = view.box(place, (left - 1.3, middle - 4.0, left + 4.5, middle + 4.0))
    view.rect(socket, fill="#b0b0b0", stroke=_LINE, stroke_width=0.3)
    view.page.text((socket[0] + socket[2]) / 2, (socket[1] + socket[3]) / 2, "USB", font_size=view.small)


def _pins(view: View, place: Place, labels: Mapping[tuple[str, str], str]) -> None:
    first = next(iter(place.holes))
    for pin, hole in place.holes.items():
        x, y = view.at(hole)
        half = 0.24 * view.pitch
        large = place.footprint.drill_mm > ORDINARY_DRILL_MM
        marks = {"kind": "pad", "data_pin": f"{place.mark}:{pin}", "fill": "#8b1a1a" if large else _LINE}
        if pin == first and len(place.holes) > 2:
            view.rect((x - half, y - half, x + half, y + half), **marks)
        else:
            view.page.add("circle", cx=x, cy=y, r=half, **marks)
        label = labels.get((place.mark, pin), "")
        if label:
            _label(view, place, hole, label)


def _label(view: View, place: Place, hole: Hole, label: str) -> None:
    """Write a pin's name: inside of a module beside the pin, elsewhere where the body leaves room."""
    outline = view.box(place, place.footprint.outline)
    x, y = view.at(hole)
    inward = 0.42 * view.pitch
    shape = place.footprint.shape
    holes = list(place.holes.values())
    if _upright(holes):
        side = 1 if x < (outline[0] + outline[2]) / 2 else -1
        side = -side if shape == "terminals" else side
        view.page.text(x + side * inward, y, label, text_anchor="start" if side > 0 else "end", font_size=view.small)
        return
    down = 1 if y < (outline[1] + outline[3]) / 2 else -1
    if shape in ("to92", "block"):
        down = 1
    elif shape == "terminals":
        down = -down
    view.page.text(x, y + down * inward, label, text_anchor="start" if down > 0 else "end", font_size=view.small, turned=90)


def _upright(holes: list[Hole]) -> bool:
    """Return True if the rows of pins run down the page."""
    columns, rows = {column for column, _ in holes}, {row for _, row in holes}
    return len(rows) > len(columns)


def _words(view: View, place: Place, value: str) -> None:
    """Write mark and value where pins and their names leave room: in the body, or at its edge."""
    left, top, right, bottom = view.box(place, place.footprint.outline)
    x, y, size = (left + right) / 2, (top + bottom) / 2, view.small
    shape = place.footprint.shape
    tall = bottom - top > 1.3 * (right - left)
    if shape == "resistor":
        view.page.text(x, y, f"{place.mark} {value}", font_size=size, turned=90 * tall, font_weight="bold")
    elif shape in ("diode", "ceramic"):
        view.page.text(x, y, place.mark, font_size=size, turned=90 * tall, font_weight="bold")
        beside = (right + 0.7 * size, y) if tall else (x, bottom + 0.7 * size)
        view.page.text(*beside, value, font_size=size, turned=90 * tall)
    elif shape in ("module", "to92"):
        view.page.text(x, top - 0.8 * size, f"{place.mark} {value}", font_size=size, font_weight="bold")
    elif shape == "terminals" and tall:
        inner = x + (1 if x < view.left + view.layout.width_mm * view.scale / 2 else -1) * 0.3 * (right - left)
        view.page.text(inner, y, place.mark, font_size=1.15 * size, turned=90, font_weight="bold")
    else:
        apart = {"can": 0.3 * (bottom - top), "block": 0.36 * (bottom - top)}.get(shape, 0.6 * size)
        view.page.text(x, y - apart, place.mark, font_size=1.15 * size, font_weight="bold")
        view.page.text(x, y + (1.25 * size - apart if shape == "block" else apart), value, font_size=size)
