"""The back of the board, left and right swapped: bare tracks, insulated wires, each with its number, and the marks of the parts above."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from thecal.hardware.board.footprints import Box
from thecal.hardware.board.holes import Hole
from thecal.hardware.board.layout import Track, Wire
from thecal.hardware.board.svg import points
from thecal.hardware.board.view import View


class Spot(NamedTuple):
    """A room on the page: its middle, half its width, half its height."""

    x: float
    y: float
    wide: float
    high: float


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
        first = pin == next(iter(view.layout.places[mark].footprint.pads))
        style = {"kind": "pad", "data_pin": f"{mark}:{pin}", "fill": "#c9d0d6", "stroke": _CASING, "stroke_width": 0.35}
        half = 0.26 * view.pitch
        if first:
            view.rect(Box(x - half, y - half, x + half, y + half), **style)
        else:
            view.page.add("circle", cx=x, cy=y, r=half, **style)
    for wire in view.layout.wires:
        _wire(view, wire)
    if numbered:
        _numbers(view, _marks(view))


def _track(view: View, track: Track) -> None:
    places = points(view.at(hole) for hole in track.corners)
    for colour, width, kind in ((_CASING, 1.15, "casing"), (_TRACK, 0.8, "track")):
        style = {"stroke": colour, "stroke_width": width * view.scale, "stroke_linecap": "round", "stroke_linejoin": "round"}
        view.page.add("polyline", points=places, fill="none", **style, kind=kind)


def _wire(view: View, wire: Wire) -> None:
    (x1, y1), (x2, y2) = (view.at(end) for end in wire.ends)
    core, insulation = 1.1 if wire.mm2_hundredths >= 50 else 0.65, COLOURS[wire.colour]
    for colour, width, kind in (("#111", core + 0.35, "casing"), (insulation, core, "wire")):
        style = {"stroke": colour, "stroke_width": width * view.scale, "stroke_linecap": "round"}
        view.page.add("line", x1=x1, y1=y1, x2=x2, y2=y2, **style, kind=kind)
    for x, y in ((x1, y1), (x2, y2)):
        view.page.add("circle", cx=x, cy=y, r=0.3 * view.pitch, fill=insulation, stroke="#111", stroke_width=0.35, kind="wire-end")


def _marks(view: View) -> list[Spot]:
    """Write each part's mark in the middle of its outline; return the rooms that the marks take."""
    taken = []
    for place in view.layout.places.values():
        x, y = view.box(place, place.footprint.outline).middle
        halo = {"paint_order": "stroke", "stroke": "#f6eeda", "stroke_width": 0.9}
        view.page.text(x, y, place.mark, font_size=view.small, fill="#6b4a10", font_weight="bold", **halo)
        taken.append(Spot(x, y, 0.4 * view.small * len(place.mark), 0.5 * view.small))
    return taken


def _numbers(view: View, taken: list[Spot]) -> None:
    """Write the number of each link where it covers no leg, no mark, no other number and no other link, if there is such a place."""
    links: list[Track | Wire] = [*view.layout.tracks, *view.layout.wires]
    under = [link.holes if isinstance(link, Track) else link.ends for link in links]
    legs = [_spot(view, hole) for _, _, hole in view.layout.pads()]
    for number, link in enumerate(links):
        others = [_spot(view, hole) for other, holes in enumerate(under) if other != number for hole in holes]
        places = _along(view, link.holes) if isinstance(link, Track) else _between(view, link)
        words = str(number + 1)
        half = (0.38 * len(words) + 0.12) * view.small, 0.5 * view.small
        spots = [Spot(x, y, *half) for x, y in places]
        best = min(spots, key=lambda spot: 3 * _meetings(spot, taken) + _meetings(spot, legs + others))
        _tag(view, best, words)
        taken.append(best)


def _tag(view: View, spot: Spot, words: str) -> None:
    box = Box(spot.x - spot.wide, spot.y - spot.high, spot.x + spot.wide, spot.y + spot.high)
    view.rect(box, rx=0.5, fill="white", stroke="#111", stroke_width=0.15)
    view.page.text(spot.x, spot.y, words, font_size=view.small, kind="tag")


def _spot(view: View, hole: Hole) -> Spot:
    return Spot(*view.at(hole), 0.3 * view.pitch, 0.3 * view.pitch)


def _between(view: View, wire: Wire) -> list[tuple[float, float]]:
    """Return places on an insulated wire, from its middle outwards."""
    (x1, y1), (x2, y2) = (view.at(end) for end in wire.ends)
    parts = sorted(range(3, 38), key=lambda part: abs(part - 20))
    return [(x1 + (x2 - x1) * part / 40, y1 + (y2 - y1) * part / 40) for part in parts]


def _along(view: View, holes: tuple[Hole, ...]) -> list[tuple[float, float]]:
    """Return places on a track, from its middle outwards, then beside it."""
    ends = [view.at(hole) for hole in holes]
    on = [place for (x1, y1), (x2, y2) in pairwise(ends) for place in ((x1, y1), ((x1 + x2) / 2, (y1 + y2) / 2))]
    on = [on[number] for number in sorted(range(len(on)), key=lambda number: abs(number - len(on) / 2))]
    side = 0.95 * view.pitch
    return on + [(x + across, y + down) for x, y in on for across, down in ((0, -side), (0, side), (-side, 0), (side, 0))]


def _meetings(spot: Spot, others: list[Spot]) -> int:
    return sum(abs(spot.x - one.x) < spot.wide + one.wide and abs(spot.y - one.y) < spot.high + one.high for one in others)
