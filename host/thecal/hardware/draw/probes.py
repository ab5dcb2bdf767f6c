"""The front of the board with its probe points: where to hold the meter in the first power-up."""

from __future__ import annotations

from thecal.hardware import pico, powerup, words
from thecal.hardware.board import front, plan
from thecal.hardware.board.holes import Hole, name
from thecal.hardware.board.layout import Layout
from thecal.hardware.board.sheets import A4_LONG_MM, A4_SHORT_MM, SMALL_LANDSCAPE_MM
from thecal.hardware.board.svg import Page
from thecal.hardware.board.view import View
from thecal.hardware.draw.blocks import PROBE, Node
from thecal.hardware.rig import Rig

FILE = "probes.svg"
_MARGIN = 8.0
_TOP = 14.5
_LINE = 4.6
# The board, and below it room for three lines of probe points.
_ROOM_BELOW = 34
_RADIUS = 3.2


def draw(rig: Rig) -> str:
    """Return the page as SVG. The rig has a `[board]`."""
    layout = plan.layout_of(rig)
    page = Page(A4_LONG_MM, A4_SHORT_MM, f"{rig.name}: probe points. {words.BENCH_ONLY}")
    page.text(_MARGIN, 5, f"{rig.name}: probe points", font_size=4.2, text_anchor="start", font_weight="bold")
    page.text(A4_LONG_MM - _MARGIN, 5, words.BENCH_ONLY, text_anchor="end")
    scale = int(min((A4_LONG_MM - 16) / layout.width_mm, (A4_SHORT_MM - _TOP - _ROOM_BELOW) / layout.height_mm) * 20) / 20
    view = View(page, layout, (A4_LONG_MM - layout.width_mm * scale) / 2, _TOP, scale, False, SMALL_LANDSCAPE_MM)
    view.board()
    view.names(2.9)
    front.draw(view, {}, {})
    points = {node: number for node, number in powerup.probes(rig).items() if hole_of(rig, layout, node)}
    for node, number in points.items():
        _mark(view, hole_of(rig, layout, node), str(number))
    _list(page, _TOP + layout.height_mm * scale + 9, [_words(rig, layout, node, number) for node, number in points.items()])
    return str(page)


def hole_of(rig: Rig, layout: Layout, node: Node) -> Hole | None:
    """Return the hole in which a terminal stands; None if it is not on the board."""
    mark, terminal = node
    place = layout.places.get(mark)
    if place is None:
        return None
    if mark == pico.PART:
        terminal = str(pico.FIXED.get(terminal) or pico.ROW_PIN[rig.pins[terminal]])
    return place.holes.get(terminal)


def _mark(view: View, hole: Hole | None, text: str) -> None:
    if hole is None:
        return
    x, y = view.at(hole)
    view.page.add("circle", cx=x, cy=y, r=_RADIUS, fill=PROBE, stroke="#111", stroke_width=0.4, kind="probe")
    view.page.text(x, y, text, font_weight="bold", kind="probe")


def _words(rig: Rig, layout: Layout, node: Node, number: int) -> str:
    hole = hole_of(rig, layout, node)
    return f"{number}: {' '.join(node)}, hole {name(hole)}" if hole else ""


def _list(page: Page, top: float, lines: list[str]) -> None:
    """Write the probe points in three columns, and how to read them."""
    for index, line in enumerate(lines):
        page.text(_MARGIN + 95 * (index % 3), top + _LINE * (index // 3), line, text_anchor="start")
    below = top + _LINE * ((len(lines) + 2) // 3) + 1
    hint = "Measure from the front, at the socket or the leg. The meter's black lead is at the ground of the 12 V terminal."
    page.text(_MARGIN, below, hint, text_anchor="start")
    page.text(_MARGIN, below + _LINE, "What a good rig shows in each state: build.md.", text_anchor="start")
