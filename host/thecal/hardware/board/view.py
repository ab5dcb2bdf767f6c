"""One side of the board on a page: its scale, its place, left and right swapped on the back; board, holes and their letters and numbers."""

from __future__ import annotations

from dataclasses import dataclass

from thecal.hardware.board import holes
from thecal.hardware.board.footprints import Box
from thecal.hardware.board.holes import PITCH_MM, Hole
from thecal.hardware.board.layout import Layout, Place
from thecal.hardware.board.svg import Page, number

_BOARD, _EDGE, _HOLE, _COPPER = "#f6eeda", "#8a7a55", "#b9a982", "#e0b58a"


@dataclass(frozen=True)
class View:
    """`left` and `top` are the board's corner on the page, mm; `scale` 1.7 draws 1 mm as 1.7 mm; `small` is the smallest letter, mm."""

    page: Page
    layout: Layout
    left: float
    top: float
    scale: float
    back: bool
    small: float = 2.7

    @property
    def pitch(self) -> float:
        """Return the distance of two holes on the page, mm."""
        return PITCH_MM * self.scale

    def xy(self, x: float, y: float) -> tuple[float, float]:
        """Return the place on the page of a place on the board, mm."""
        if self.back:
            x = self.layout.width_mm - x
        return self.left + x * self.scale, self.top + y * self.scale

    def at(self, hole: Hole) -> tuple[float, float]:
        """Return the middle of a hole on the page."""
        return self.xy(*self.layout.at(hole))

    def box(self, place: Place, box: Box) -> Box:
        """Return a box of a footprint on the page."""
        left, top, right, bottom = self.layout.box(place, box)
        one, other = self.xy(left, top), self.xy(right, bottom)
        return Box(min(one[0], other[0]), one[1], max(one[0], other[0]), other[1])

    def rect(self, box: Box, **attributes: object) -> None:
        """Draw a box of the page."""
        left, top, right, bottom = box
        self.page.add("rect", x=left, y=top, width=right - left, height=bottom - top, **attributes)

    def board(self) -> None:
        """Draw board, holes (with their pads on the back) and screws."""
        width, height = self.layout.width_mm * self.scale, self.layout.height_mm * self.scale
        edge = {"rx": 1.5, "fill": _BOARD, "stroke": _EDGE, "stroke_width": 0.4}
        self.page.add("rect", x=self.left, y=self.top, width=width, height=height, **edge, kind="board")
        self._grid(0.95 if self.back else 0.5, _COPPER if self.back else _HOLE)
        self._grid(0.45, "white")
        for screw in self.layout.screws:
            x, y = self.xy(*screw)
            self.page.add("circle", cx=x, cy=y, r=3.5 * self.scale, fill="#e3d7b8", stroke=_EDGE, stroke_width=0.25)
            self.page.add("circle", cx=x, cy=y, r=1.6 * self.scale, fill="white", stroke=_EDGE, stroke_width=0.25)

    def _grid(self, radius_mm: float, colour: str) -> None:
        """Draw a dot at each hole: one path a row, of dots without length."""
        for row in range(1, self.layout.rows + 1):
            x, y = self.at((self.layout.columns if self.back else 1, row))
            dots = f"M{number(x)} {number(y)}h0" + f"m{number(self.pitch)} 0h0" * (self.layout.columns - 1)
            self.page.add("path", d=dots, stroke=colour, stroke_width=2 * radius_mm * self.scale, stroke_linecap="round")

    def names(self, gap: float) -> None:
        """Write the numbers of the columns (each fifth if they are too narrow) above and below, the letters of the rows left and right."""
        width, height = self.layout.width_mm * self.scale, self.layout.height_mm * self.scale
        # Two digits are 1.3 times as wide as the letter is high.
        every = 1 if self.pitch > 1.4 * self.small else 2 if self.pitch > 1.1 * self.small else 5
        for column in range(1, self.layout.columns + 1):
            if column % every and column != 1:
                continue
            x = self.at((column, 1))[0]
            for y in (self.top - gap, self.top + height + gap):
                self.page.text(x, y, str(column), font_size=self.small, fill="#444")
        for row in range(1, self.layout.rows + 1):
            y = self.at((1, row))[1]
            for x in (self.left - gap, self.left + width + gap):
                self.page.text(x, y, holes.row_name(row), font_size=self.small, fill="#444")
