"""The back of the board, left and right swapped: bare tracks, insulated wires, each with its number, and the marks of the parts above."""

from __future__ import annotations

from collections.abc import Mapping

from thecal.hardware.board.holes import Hole
from thecal.hardware.board.layout import Track, Wire
from thecal.hardware.board.svg import points
from thecal.hardware.board.view import View

_TRACK, _CASING = "#8f979e", "#3c4248"
COLOURS = {
    "black": "#1c1c1c",
    "blue": "#1f5fd0",
    "brown": "#7a4a21",
    "green": "#1a8f3c",
    "grey": "#8a8a8a",
    "orange": "#f08a1c",
    "pink": "#f08fb4",
    "red": "#d42020",
    "violet": "#7d3fc0",
    "white": "#ffffff",
    "yellow": "#f2d21b",
}


def draw(view: View, labels: Mapping[tuple[str, str], str], numbered: bool = True) -> None:
    """Draw tracks, wires and pads. `labels` names pins by (mark, pin); the numbers are those of the link list."""
    for place in view.layout.places.values():
        box = view.box(place, place.footprint.outline)
        view.rect(box, fill="none", stroke="#9a8f78", stroke_width=0.2, stroke_dasharray="1 0.8")
    for track in view.layout.tracks:
        _track(view, track)
    for mark, pin, hole in view.layout.pads():
        x, y = view.at(hole)
        first = pin == next(iter(view.layout.places[mark].holes))
        style = {"kind": "pad", "data_pin": f"{mark}:{pin}", "fill": "#c9d0d6", "stroke": _CASING, "stroke_width": 0.35}
        half = 0.26 * view.pitch
        if first:
            view.rect((x - half, y - half, x + half, y + half), **style)
        else:
            view.page.add("circle", cx=x, cy=y, r=half, **style)
    for wire in view.layout.wires:
        _wire(view, wire)
    if numbered:
        _marks(view)
        _numbers(view)


def _track(view: View, track: Track) -> None:
    places = points(view.at(hole) for hole in track.corners)
    for colour, width, kind in ((_CASING, 1.15, "casing"), (_TRACK, 0.8, "track")):
        view.page.add(
            "polyline", points=places, fill="none", stroke=colour, stroke_width=width * view.scale, stroke_linecap="round", stroke_linejoin="round", kind=kind
        )


def _wire(view: View, wire: Wire) -> None:
    (x1, y1), (x2, y2) = (view.at(end) for end in wire.ends)
    core = 1.5 if wire.mm2_hundredths >= 50 else 0.9
    for colour, width, kind in (("#111", core + 0.5, "casing"), (COLOURS[wire.colour], core, "wire")):
        view.page.add("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_width=width * view.scale / 1.4, stroke_linecap="round", kind=kind)
    for x, y in ((x1, y1), (x2, y2)):
        view.page.add("circle", cx=x, cy=y, r=0.3 * view.pitch, fill=COLOURS[wire.colour], stroke="#111", stroke_width=0.35, kind="wire-end")


def _marks(view: View) -> None:
    """Write each part's mark near the middle of its outline."""
    for place in view.layout.places.values():
        left, top, right, bottom = view.box(place, place.footprint.outline)
        view.page.text((left + right) / 2, (top + bottom) / 2, place.mark, font_size=view.small, fill="#6b5d3a", font_weight="bold")


def _numbers(view: View) -> None:
    number = 0
    taken: list[tuple[float, float]] = []
    for track in view.layout.tracks:
        number += 1
        _tag(view, str(number), _free(view, _middles(track.holes), taken))
    for wire in view.layout.wires:
        number += 1
        (x1, y1), (x2, y2) = (view.at(end) for end in wire.ends)
        along = [(x1 + (x2 - x1) * part / 20, y1 + (y2 - y1) * part / 20) for part in (10, 8, 12, 6, 14, 4, 16)]
        _tag(view, str(number), _free_of(along, taken, view.pitch))


def _middles(holes: tuple[Hole, ...]) -> list[tuple[float, float]]:
    """Return places between two holes along a track, from its middle outwards, as columns and rows."""
    between = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in zip(holes, holes[1:], strict=False)]
    middle = (len(between) - 1) / 2
    return sorted(between, key=lambda place: abs(between.index(place) - middle))


def _free(view: View, places: list[tuple[float, float]], taken: list[tuple[float, float]]) -> tuple[float, float]:
    x0, y0 = view.at((1, 1))
    sign = -1 if view.back else 1
    return _free_of([(x0 + sign * (column - 1) * view.pitch, y0 + (row - 1) * view.pitch) for column, row in places], taken, view.pitch)


def _free_of(places: list[tuple[float, float]], taken: list[tuple[float, float]], far: float) -> tuple[float, float]:
    """Take the first place that is `far` from every other tag, else the first."""
    for x, y in places:
        if all(abs(x - a) >= far or abs(y - b) >= 0.8 * far for a, b in taken):
            taken.append((x, y))
            return x, y
    taken.append(places[0])
    return places[0]


def _tag(view: View, words: str, place: tuple[float, float]) -> None:
    x, y = place
    half = (0.42 if len(words) == 1 else 0.68) * view.small
    view.rect((x - half, y - 0.56 * view.small, x + half, y + 0.56 * view.small), rx=0.5, fill="white", stroke="#111", stroke_width=0.15)
    view.page.text(x, y, words, font_size=view.small, kind="tag")
