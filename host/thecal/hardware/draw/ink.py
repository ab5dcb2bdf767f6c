"""A page of SVG: lines, boxes and texts in a unit that is one pixel when the picture is 1000 pixels wide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from thecal.hardware import words
from thecal.hardware.draw.metrics import text_width

Point = tuple[float, float]
# Width and height in mm.
Paper = tuple[int, int]

# Its capitals are 9.5 pixels high at 1000 pixels: readable in a README.
SMALL = 13
TEXT = 14
HEAD = 22

INK = "#1b1b1b"
FAINT = "#767676"
PAPER = "#ffffff"
WARNING = words.BENCH_ONLY
LICENCE = words.LICENCE

_FONT = "DejaVu Sans, Verdana, Bitstream Vera Sans, Arial, sans-serif"


class Letters(NamedTuple):
    """How a text is written: `anchor` is start, middle or end."""

    size: float = SMALL
    anchor: str = "start"
    bold: bool = False
    colour: str = INK


class Look(NamedTuple):
    """How a shape is drawn: colour of its area and of its edge, width of the edge, radius of the corners."""

    fill: str = PAPER
    colour: str = INK
    width: float = 2
    round_by: float = 0


PLAIN = Letters()
OUTLINE = Look()


class Page:
    """One sheet. `mm` is the size on paper; `width` and `height` are the size in drawing units."""

    def __init__(self, mm: Paper, width: int, height: int, title: str) -> None:
        self.width = width
        self.height = height
        self._mm = mm
        self._title = title
        self._lines: list[str] = []
        self._depth = 1

    def text(self, at: Point, text: str, letters: Letters = PLAIN, kind: str = "") -> None:
        """Write one line; `at` is on its base line, at its start, middle or end as the anchor says."""
        weight = ' font-weight="bold"' if letters.bold else ""
        x, y = _numbers(at)
        place = f'x="{x}" y="{y}" font-size="{_number(letters.size)}" text-anchor="{letters.anchor}"'
        self._add(f'<text{_named(kind)} {place}{weight} fill="{letters.colour}">{escape(text)}</text>')

    def texts(self, at: Point, lines: Sequence[str], letters: Letters = PLAIN) -> None:
        """Write lines below each other."""
        for index, line in enumerate(lines):
            self.text((at[0], at[1] + index * (letters.size + 2)), line, letters)

    def line(self, points: Sequence[Point], colour: str = INK, width: float = 2, kind: str = "", title: str = "") -> None:
        """Draw a line through points."""
        way = " ".join(",".join(_numbers(point)) for point in points)
        inside = f"<title>{escape(title)}</title>" if title else ""
        tag = f'<polyline{_named(kind)} points="{way}" {_style(Look("none", colour, width))}'
        self._add(f"{tag}>{inside}</polyline>" if inside else f"{tag}/>")

    def box(self, at: Point, size: Point, look: Look = OUTLINE, kind: str = "") -> None:
        """Draw a rectangle from its top left corner."""
        (x, y), (w, h) = _numbers(at), _numbers(size)
        corner = f' rx="{_number(look.round_by)}"' if look.round_by else ""
        self._add(f'<rect{_named(kind)} x="{x}" y="{y}" width="{w}" height="{h}"{corner} {_style(look)}/>')

    def disc(self, at: Point, radius: float, look: Look = OUTLINE, kind: str = "") -> None:
        """Draw a circle."""
        x, y = _numbers(at)
        self._add(f'<circle{_named(kind)} cx="{x}" cy="{y}" r="{_number(radius)}" {_style(look)}/>')

    def area(self, points: Sequence[Point], look: Look = OUTLINE, kind: str = "") -> None:
        """Draw a closed figure."""
        way = " ".join(",".join(_numbers(point)) for point in points)
        self._add(f'<polygon{_named(kind)} points="{way}" {_style(look)}/>')

    def tag(self, at: Point, text: str, kind: str = "tag") -> None:
        """Write a text in a small frame; `at` is the middle of the frame."""
        wide = max(18.0, text_width(text, SMALL) + 6)
        self.box((at[0] - wide / 2, at[1] - 8), (wide, 16), Look(PAPER, INK, 1, 4), kind)
        self.text((at[0], at[1] + 5), text, Letters(anchor="middle"), kind)

    @contextmanager
    def group(self, kind: str, **data: str) -> Iterator[None]:
        """Put what is drawn inside into a group with `data-` attributes."""
        attributes = "".join(f" data-{name}={quoteattr(value)}" for name, value in data.items())
        self._add(f'<g class="{kind}"{attributes}>')
        self._depth += 1
        yield
        self._depth -= 1
        self._add("</g>")

    def svg(self) -> str:
        """Return the whole file."""
        wide, high = self._mm
        head = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<!-- {LICENCE} -->",
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}mm" height="{high}mm" viewBox="0 0 {self.width} {self.height}" '
            f'font-family="{_FONT}" stroke-linejoin="round" stroke-linecap="round">',
            f" <title>{escape(self._title)}</title>",
            f' <rect x="0" y="0" width="{self.width}" height="{self.height}" fill="{PAPER}" stroke="none"/>',
        ]
        return "\n".join([*head, *self._lines, "</svg>"]) + "\n"

    def _add(self, line: str) -> None:
        self._lines.append(" " * self._depth + line)


def _named(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _style(look: Look) -> str:
    return f'fill="{look.fill}" stroke="{look.colour}" stroke-width="{_number(look.width)}"'


def _numbers(point: Point) -> tuple[str, str]:
    return _number(point[0]), _number(point[1])


def _number(value: float) -> str:
    """One decimal at most, so that two computers write the same file."""
    return f"{value:.1f}".removesuffix(".0")
