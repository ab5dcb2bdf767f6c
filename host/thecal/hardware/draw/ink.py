"""A page of SVG: lines, boxes and texts in a unit that is one pixel when the picture is 1000 pixels wide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from xml.sax.saxutils import escape, quoteattr

from thecal.hardware import words
from thecal.hardware.draw.metrics import text_width

Point = tuple[float, float]

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


class Page:
    """One sheet. `mm` is the size on paper; `width` and `height` are the size in drawing units."""

    def __init__(self, mm: tuple[int, int], width: int, height: int, title: str) -> None:
        self.width = width
        self.height = height
        self._mm = mm
        self._title = title
        self._lines: list[str] = []
        self._depth = 1

    def text(
        self, at: Point, text: str, size: float = SMALL, anchor: str = "start", bold: bool = False, colour: str = INK, kind: str = ""
    ) -> None:
        """Write one line; `at` is on its base line, at its start, middle or end as `anchor` says."""
        weight = ' font-weight="bold"' if bold else ""
        name = _named(kind)
        x, y = _numbers(at)
        place = f'x="{x}" y="{y}" font-size="{_number(size)}" text-anchor="{anchor}"'
        self._add(f'<text{name} {place}{weight} fill="{colour}">{escape(text)}</text>')

    def texts(self, at: Point, lines: Sequence[str], size: float = SMALL, anchor: str = "start", colour: str = INK) -> None:
        """Write lines below each other."""
        for index, line in enumerate(lines):
            self.text((at[0], at[1] + index * (size + 2)), line, size, anchor, colour=colour)

    def line(self, points: Sequence[Point], colour: str = INK, width: float = 2, kind: str = "", title: str = "") -> None:
        """Draw a line through points."""
        name = _named(kind)
        way = " ".join(",".join(_numbers(point)) for point in points)
        inside = f"<title>{escape(title)}</title>" if title else ""
        tag = f'<polyline{name} points="{way}" {_style("none", colour, width)}'
        self._add(f"{tag}>{inside}</polyline>" if inside else f"{tag}/>")

    def box(
        self, at: Point, size: Point, fill: str = PAPER, colour: str = INK, width: float = 2, round_by: float = 0, kind: str = ""
    ) -> None:
        """Draw a rectangle from its top left corner."""
        name = _named(kind)
        (x, y), (w, h) = _numbers(at), _numbers(size)
        corner = f' rx="{_number(round_by)}"' if round_by else ""
        self._add(f'<rect{name} x="{x}" y="{y}" width="{w}" height="{h}"{corner} {_style(fill, colour, width)}/>')

    def disc(self, at: Point, radius: float, fill: str = INK, colour: str = INK, width: float = 1.5, kind: str = "") -> None:
        """Draw a circle."""
        name = _named(kind)
        x, y = _numbers(at)
        self._add(f'<circle{name} cx="{x}" cy="{y}" r="{_number(radius)}" {_style(fill, colour, width)}/>')

    def area(self, points: Sequence[Point], fill: str = PAPER, colour: str = INK, width: float = 2, kind: str = "") -> None:
        """Draw a closed figure."""
        name = _named(kind)
        way = " ".join(",".join(_numbers(point)) for point in points)
        self._add(f'<polygon{name} points="{way}" {_style(fill, colour, width)}/>')

    def tag(self, at: Point, text: str, fill: str = PAPER, colour: str = INK, kind: str = "tag") -> None:
        """Write a text in a small frame; `at` is the middle of the frame."""
        wide = max(18.0, text_width(text, SMALL) + 6)
        self.box((at[0] - wide / 2, at[1] - 8), (wide, 16), fill, colour, 1, 4, kind)
        self.text((at[0], at[1] + 5), text, SMALL, "middle", kind=kind)

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


def _style(fill: str, colour: str, width: float) -> str:
    return f'fill="{fill}" stroke="{colour}" stroke-width="{_number(width)}"'


def _numbers(point: Point) -> tuple[str, str]:
    return _number(point[0]), _number(point[1])


def _number(value: float) -> str:
    """One decimal at most, so that two computers write the same file."""
    return f"{value:.1f}".removesuffix(".0")
