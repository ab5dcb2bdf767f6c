"""The pictures of the house: rooms as boxes, floors as rows, imports as arrows that point down.

`python tests/house_rules/architecture.py` draws them.
"""

import ast
import sys
from html import escape
from pathlib import Path
from textwrap import shorten, wrap

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from house_rules.rooms import FIRMWARE, HOST, Arrows, House, floors, sources_below
from house_rules.tree import ROOT, Source

PICTURES = {"host/architecture.svg": (HOST,), "firmware/architecture.svg": FIRMWARE}
BOX_WIDTH, BOX_HEIGHT, GAP, FLOOR_HEIGHT, MARGIN = 190, 62, 14, 118, 20
MOST_IN_A_ROW = 7
LINE_LETTERS, TEXT_LINES = 32, 2
STYLE = """
  rect { fill: #f6f8fa; stroke: #57606a; rx: 6 }
  .name { font: bold 14px sans-serif; fill: #1f2328 }
  .text { font: 11px sans-serif; fill: #57606a }
  path { fill: none; stroke: #8c959f; stroke-width: 1.2 }
  .up { stroke: #cf222e; stroke-width: 2 }
"""


def without_detours(arrows: Arrows) -> Arrows:
    """Return the arrows without those that a longer way replaces: with cli -> pump -> errors, the arrow cli -> errors is left out."""
    reached = {one: _reached(arrows, one) for one in arrows}
    return {
        one: {other for other in others if not any(other in reached[way] for way in others - {other})} for one, others in arrows.items()
    }


def _reached(arrows: Arrows, begin: str) -> set[str]:
    found: set[str] = set()
    waiting = [begin]
    while waiting:
        for other in arrows.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def drawn(house: House) -> str:
    """Return the picture of one house as SVG text; the same for the same imports and docstrings."""
    rooms = house.rooms()
    rows = [row[at : at + MOST_IN_A_ROW] for row in reversed(floors(rooms)) for at in range(0, len(row), MOST_IN_A_ROW)]
    width = 2 * MARGIN + max(len(row) for row in rows) * (BOX_WIDTH + GAP) - GAP
    height = 2 * MARGIN + (len(rows) - 1) * FLOOR_HEIGHT + BOX_HEIGHT
    places = _places(rows, without_detours(rooms), width)
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', f"<style>{STYLE}</style>"]
    parts += ['<rect width="100%" height="100%" style="fill: #ffffff; stroke: none"/>']
    for one, others in sorted(without_detours(rooms).items()):
        parts += [_arrow(places[one], places[other]) for other in sorted(others)]
    texts = {room: _text_of(house, room) for room in rooms}
    for room, (x, y) in sorted(places.items()):
        parts.append(f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}"/>')
        parts.append(f'<text class="name" x="{x + 8}" y="{y + 19}">{escape(room)}</text>')
        for number, line in enumerate(wrap(texts[room], LINE_LETTERS)[:TEXT_LINES]):
            parts.append(f'<text class="text" x="{x + 8}" y="{y + 36 + 14 * number}">{escape(line)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _places(rows: list[list[str]], arrows: Arrows, width: int) -> dict[str, tuple[int, int]]:
    """Return the upper left corner of each box. A room stands below the rooms that import it, as far as its row has room."""
    places: dict[str, tuple[int, int]] = {}
    for number, row in enumerate(rows):
        wanted = {room: [places[one][0] for one, others in arrows.items() if room in others and one in places] for room in row}
        ordered = sorted(row, key=lambda room: (sum(wanted[room]) / len(wanted[room]) if wanted[room] else 0, room))
        step = (width - 2 * MARGIN + GAP) // len(row)
        for place, room in enumerate(ordered):
            places[room] = (MARGIN + place * step + (step - GAP - BOX_WIDTH) // 2, MARGIN + number * FLOOR_HEIGHT)
    return places


def _arrow(begin: tuple[int, int], end: tuple[int, int]) -> str:
    """Return an arrow from the lower edge of one box to the upper edge of another; red if it points up or to the side."""
    x, y, to_x, to_y = begin[0] + BOX_WIDTH // 2, begin[1] + BOX_HEIGHT, end[0] + BOX_WIDTH // 2, end[1]
    up = ' class="up"' if to_y < y else ""
    return f'<path{up} d="M{x} {y} C{x} {y + 40} {to_x} {to_y - 40} {to_x} {to_y}"/>'


def _text_of(house: House, room: str) -> str:
    """Return the first sentence of the room's docstring."""
    own = [source for name, source in house.sources.items() if house.room_of(name) == room]
    source = min(own, key=lambda one: (one.path.count("/"), not one.path.endswith("__init__.py"), one.path))
    sentence = (ast.get_docstring(source.tree) or "").split("\n\n")[0].replace("\n", " ").split(". ")[0].split(": ")[0]
    return shorten(sentence.replace("`", "").removesuffix("."), LINE_LETTERS * TEXT_LINES - 4, placeholder=" ...")


def pictures(sources: list[Source]) -> dict[str, str]:
    """Return {path: SVG text}."""
    return {path: drawn(House(sources, *folders)) for path, folders in PICTURES.items()}


if __name__ == "__main__":
    for path, picture in pictures(sources_below(ROOT, HOST, *FIRMWARE)).items():
        (ROOT / path).write_text(picture, encoding="utf-8")
        print(f"wrote {path}")
