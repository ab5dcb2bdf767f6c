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
    "sip": "#c9c9c9",
    "to92": "#c9c9c9",
    "fuse": "#e8eef2",
    "terminals": "#b8dfb8",
}
_LINE = "#222"
# Letters of both names in a row of a module with 12.7 mm between its pins.
_MOST_LETTERS = 8
# Letters of a name that fits between a screw terminal's pin and its edge.
_SHORT = 2


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
    if shape in ("to92", "sip"):
        _flat_side(view, place)
    if shape == "pico":
        _usb(view, place)
    if shape == "can" and "plus" in place.pads:
        x, y = view.at(place.pads["plus"])
        minus = view.at(place.pads["minus"])
        away = 0.5 * (outline.right - outline.left) + 0.6 * view.small
        middle = outline.middle
        across, down = (x > minus[0]) - (x < minus[0]), (y > minus[1]) - (y < minus[1])
        view.page.text(middle[0] + across * away, middle[1] + down * away, "+", font_size=1.2 * view.small, font_weight="bold")


def _round(view: View, outline: Box, fill: str) -> None:
    x, y = outline.middle
    radius = max(outline.right - outline.left, outline.bottom - outline.top) / 2
    view.page.add("circle", cx=x, cy=y, r=radius, fill=fill, stroke=_LINE, stroke_width=0.3, kind="body")


def _leads(view: View, place: Place) -> None:
    one, other = (view.at(hole) for hole in place.holes.values())
    view.page.add("line", x1=one[0], y1=one[1], x2=other[0], y2=other[1], stroke="#666", stroke_width=0.5)


def _shortened(box: Box, by: float) -> Box:
    """Take the leads off a two-leg part's outline: `by` at both ends of its longer side."""
    left, top, right, bottom = box
    if right - left > bottom - top:
        return Box(left + by, top, right - by, bottom)
    return Box(left, top + by, right, bottom - by)


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
    view.rect(Box(left, top, right, bottom), fill=_LINE)


def _flat_side(view: View, place: Place) -> None:
    """A thick line along the flat side of a TO-92, the printed side of a converter: at rotation 0 towards larger rows."""
    left, _, right, bottom = place.footprint.outline
    view.rect(view.box(place, Box(left, bottom - 0.3, right, bottom)), fill=_LINE)


def _usb(view: View, place: Place) -> None:
    left, top, _, bottom = place.footprint.outline
    middle = (top + bottom) / 2
    socket = view.box(place, Box(left - 1.3, middle - 4.0, left + 0.6, middle + 4.0))
    view.rect(socket, fill="#b0b0b0", stroke=_LINE, stroke_width=0.3)
    words = view.box(place, Box(left - 3.3, middle - 1.0, left - 1.3, middle + 1.0))
    view.page.text(*words.middle, "USB", font_size=view.small)


def _pins(view: View, place: Place, labels: Mapping[tuple[str, str], str]) -> None:
    first, crowded = next(iter(place.footprint.pads)), _crowded(place, labels)
    for pin, hole in place.holes.items():
        x, y = view.at(hole)
        half = 0.24 * view.pitch
        large = place.footprint.drill_mm > ORDINARY_DRILL_MM
        marks = {"kind": "pad", "data_pin": f"{place.mark}:{pin}", "fill": "#8b1a1a" if large else _LINE}
        if pin == first and len(place.holes) > 2:
            view.rect(Box(x - half, y - half, x + half, y + half), **marks)
        else:
            view.page.add("circle", cx=x, cy=y, r=half, **marks)
        label = labels.get((place.mark, pin), "")
        if label:
            _label(view, place, pin, label, crowded)


def _label(view: View, place: Place, pin: str, label: str, crowded: bool) -> None:
    """Write a pin's name: inside of a module beside the pin, at a terminal block beyond the body, elsewhere along the body.

    `crowded`: two names of a row do not fit into the module, those on the left stand outside.
    """
    left, _, right, bottom = view.box(place, place.footprint.outline)
    (x, y), gap = view.at(place.holes[pin]), 0.36 * view.pitch
    if place.footprint.shape == "terminals":
        _terminal_label(view, place, pin, label)
    elif _upright(list(place.holes.values())):
        side = 1 if x < (left + right) / 2 else -1
        if side > 0 and crowded:
            view.page.text(left - 0.6, y, label, text_anchor="end", font_size=view.small)
            return
        view.page.text(x + side * gap, y, label, text_anchor="start" if side > 0 else "end", font_size=view.small)
        if place.footprint.shape == "pico":
            edge = left - 0.5 if side > 0 else right + 0.5
            view.page.text(edge, y, pin, text_anchor="end" if side > 0 else "start", font_size=view.small, fill="#555")
    elif place.footprint.shape == "block" and bottom - y < 2 * view.pitch:
        view.page.text(x, y - gap, label, text_anchor="end", font_size=view.small, turned=90)
    else:
        view.page.text(x, y + gap, label, text_anchor="start", font_size=view.small, turned=90)


def _crowded(place: Place, labels: Mapping[tuple[str, str], str]) -> bool:
    rows: dict[int, int] = {}
    for pin, (_, row) in place.holes.items():
        rows[row] = rows.get(row, 0) + len(labels.get((place.mark, pin), ""))
    return place.footprint.shape == "module" and max(rows.values()) > _MOST_LETTERS


def _terminal_label(view: View, place: Place, pin: str, label: str) -> None:
    """The wires come in on one side (at rotation 0 from below), where the number stands; the name stands on the other side."""
    left, top, right, bottom = view.box(place, place.footprint.outline)
    (x, y), gap, inside = view.at(place.holes[pin]), 0.8, 0.62 * view.small
    # Short names stand in the body: beside it the names of a module may be.
    short = len(label) <= _SHORT
    if place.degrees in (90, 270):
        end = (place.degrees == 90) == short
        at = (right - gap if short else right + gap) if place.degrees == 90 else (left + gap if short else left - gap)
        view.page.text(at, y, label, text_anchor="end" if end else "start", font_size=view.small)
        view.page.text(left + inside if place.degrees == 90 else right - inside, y, pin, font_size=view.small)
    else:
        at = bottom + gap if place.degrees else top - gap
        view.page.text(x, at, label, text_anchor="start" if place.degrees else "end", font_size=view.small, turned=90)
        view.page.text(x, top + inside if place.degrees else bottom - inside, pin, font_size=view.small)


def _upright(holes: list[Hole]) -> bool:
    """Return True if the rows of pins run down the page."""
    columns, rows = {column for column, _ in holes}, {row for _, row in holes}
    return len(rows) > len(columns)


def _words(view: View, place: Place, value: str) -> None:
    """Write mark and value where pins and their names leave room: in the body, or at its edge."""
    box, size, shape = view.box(place, place.footprint.outline), view.small, place.footprint.shape
    left, top, right, bottom = box
    (x, y), tall = box.middle, box.tall
    if shape in ("resistor", "diode", "ceramic", "terminals"):
        _text(view, x, y, place.mark, turned=90 * tall)
        view.page.text(*_beside(view, place, len(value)), value, font_size=size, turned=90 * tall)
    elif shape == "pico":
        _text(view, x, bottom + 0.9 * size, f"{place.mark} {value}")
    elif shape == "module" and len({column for column, _ in place.holes.values()}) == 1:
        free = right - 0.3 * (right - left) if view.at(place.origin)[0] < x else left + 0.3 * (right - left)
        _text(view, free, y - 0.7 * size, place.mark)
        view.page.text(free, y + 0.7 * size, value, font_size=size)
    elif shape in ("module", "to92"):
        _text(view, x, top - 0.8 * size, f"{place.mark} {value}")
    elif shape in ("block", "sip"):
        _text(view, x, y - 0.3 * (bottom - top), place.mark)
        view.page.text(x, top - 0.7 * size, value, font_size=size)
    elif shape == "can" and right - left < 6 * size:
        words = f"{place.mark} {value}"
        _text(view, *_beside(view, place, len(words)), words)
    else:
        apart = 0.3 * (bottom - top) if shape == "can" else 0.62 * size
        _text(view, x, y - apart, place.mark)
        view.page.text(x, y + apart, value, font_size=size)


def _beside(view: View, place: Place, letters: int) -> tuple[float, float]:
    """Return the middle of a place for a value along the body's longer side where no other part is: above or right, else below or left."""
    box = view.box(place, place.footprint.outline)
    (x, y), off, half = box.middle, 0.7 * view.small, 0.32 * view.small * letters
    if box.tall:
        places, wide, high = [(box.right + off, y), (box.left - off, y)], 0.4 * view.small, half
    else:
        places, wide, high = [(x, box.top - off), (x, box.bottom + off)], half, 0.4 * view.small
    others = [view.box(other, other.footprint.outline) for other in view.layout.places.values() if other is not place]
    for at_x, at_y in places:
        room = Box(at_x - wide, at_y - high, at_x + wide, at_y + high)
        if not any(room.meets(other) for other in others):
            return at_x, at_y
    return places[0]


def _text(view: View, x: float, y: float, mark: str, turned: int = 0) -> None:
    view.page.text(x, y, mark, font_size=view.small, font_weight="bold", turned=turned)
