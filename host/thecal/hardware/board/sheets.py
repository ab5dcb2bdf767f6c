"""The pages of a board's layout: front, back, and both at 1:1 to lay under the board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from thecal.hardware.board import back, front
from thecal.hardware.board.layout import Layout
from thecal.hardware.board.svg import Page
from thecal.hardware.board.view import View

A4_LONG_MM, A4_SHORT_MM = 297.0, 210.0
# At a page width of 1000 px a capital, 0.73 of the letter's size, is 9.1 px high.
SMALL_LANDSCAPE_MM, SMALL_PORTRAIT_MM = 3.7, 2.62
_WARNING = "Bench use only. Never connect this pump to a person or an animal."


@dataclass(frozen=True)
class Names:
    """What to write beside the parts: `values` by mark, `labels` by (mark, pin)."""

    rig: str
    values: Mapping[str, str]
    labels: Mapping[tuple[str, str], str]


def one_side(layout: Layout, names: Names, is_back: bool) -> str:
    """Return an A4 page, landscape, with the front or the back as large as it fits."""
    side = "back (mirrored): links" if is_back else "front: parts"
    page = Page(A4_LONG_MM, A4_SHORT_MM, f"{names.rig}: board, {side}")
    scale = min((A4_LONG_MM - 16) / layout.width_mm, (A4_SHORT_MM - 34) / layout.height_mm)
    scale = int(scale * 20) / 20
    view = View(page, layout, (A4_LONG_MM - layout.width_mm * scale) / 2, 14.5, scale, is_back, SMALL_LANDSCAPE_MM)
    page.text(8, 5, f"{names.rig}: board, {side}, {scale:g}:1", font_size=4.2, text_anchor="start", font_weight="bold")
    page.text(A4_LONG_MM - 8, 5, _WARNING, text_anchor="end")
    view.board()
    view.names(2.9)
    if is_back:
        back.draw(view, names.labels)
    else:
        front.draw(view, names.values, names.labels)
    bottom = view.top + layout.height_mm * scale + 8.3
    for line, words in enumerate(_legend(is_back)):
        page.text(8, bottom + 4.6 * line, words, text_anchor="start")
    return str(page)


def _legend(is_back: bool) -> list[str]:
    if is_back:
        return [
            "Grey: bare tinned wire 0.8 mm, soldered at each leg that it touches. Thick colour: insulated, 0.5 mm2; thin: 0.14 mm2.",
            "Square: first pin of a part. The ends of an insulated wire go into holes of their own. Numbers: the list in board.md.",
        ]
    return [
        "Square: first pin. Red: drill to 1.3 mm. Bar: cathode. Thick edge: flat side of a TO-92, printed side of a converter.",
        "Modules stand in sockets. A hole is named by row and column: C17 is in row C, column 17. Order of work: board.md.",
    ]


def print_1to1(layout: Layout, names: Names) -> str:
    """Return an A4 page, portrait, with front and back at 1:1: holes, bodies, tracks; no room for names of pins."""
    page = Page(A4_SHORT_MM, A4_LONG_MM, f"{names.rig}: board, 1:1")
    title = f"{names.rig}: board at 1:1. Print at 100 %, not fitted to the page."
    page.text(10, 8, title, font_size=3.6, text_anchor="start", font_weight="bold")
    page.text(10, 13, _WARNING, font_size=3, text_anchor="start")
    left = (A4_SHORT_MM - layout.width_mm) / 2
    words = ("front: cut out, lay on the side of the parts", "back, turned over: lay on the side of the solder")
    for number, is_back in enumerate((False, True)):
        top = 27 + number * (layout.height_mm + 26)
        page.text(left, top - 8, words[number], font_size=3.2, text_anchor="start")
        view = View(page, layout, left, top, 1.0, is_back, SMALL_PORTRAIT_MM)
        view.board()
        view.names(2.6)
        if is_back:
            back.draw(view, {}, numbered=False)
        else:
            front.draw(view, {}, {})
    bottom = 27 + 2 * layout.height_mm + 26 + 9
    page.add("line", x1=left, y1=bottom, x2=left + 100, y2=bottom, stroke="#111", stroke_width=0.4)
    for x in (left, left + 100):
        page.add("line", x1=x, y1=bottom - 2, x2=x, y2=bottom + 2, stroke="#111", stroke_width=0.4)
    page.text(left + 104, bottom, "100 mm: measure it before you trust this page", font_size=3, text_anchor="start")
    return str(page)
