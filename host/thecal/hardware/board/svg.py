"""A page as SVG: sizes in mm, text that no reader needs a font for, one element a line so that a difference can be read."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

FONT = "DejaVu Sans, Verdana, Arial, sans-serif"


class Page:
    """Elements in drawing order; the last lies on top."""

    def __init__(self, width_mm: float, height_mm: float, title: str) -> None:
        self._head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(width_mm)}mm" height="{number(height_mm)}mm" '
            f'viewBox="0 0 {number(width_mm)} {number(height_mm)}" font-family="{FONT}">'
        )
        self._lines = [f"<title>{escape(title)}</title>", f'<rect width="{number(width_mm)}" height="{number(height_mm)}" fill="white"/>']

    def add(self, tag: str, **attributes: object) -> None:
        """Add an element. An underscore in a name is written as a hyphen; numbers are rounded to 1/100 mm."""
        self._lines.append(f"<{tag}{_written(attributes)}/>")

    def text(self, x: float, y: float, words: str, **attributes: object) -> None:
        """Add text whose middle is at x, y unless `text_anchor` says otherwise. `turned`: degrees clockwise about that place."""
        turned = attributes.pop("turned", 0)
        size = attributes.setdefault("font_size", 3.7)
        assert isinstance(size, int | float)
        attributes.setdefault("text_anchor", "middle")
        if turned:
            attributes["transform"] = f"rotate({turned} {number(x)} {number(y)})"
        # 0.36 of its size from the middle of a capital to the base line.
        self._lines.append(f"<text{_written({'x': x, 'y': y + 0.36 * size, **attributes})}>{escape(words)}</text>")

    def __str__(self) -> str:
        return "\n".join([self._head, *self._lines, "</svg>"]) + "\n"


def number(value: float) -> str:
    """Write a number with at most two decimals."""
    return f"{round(value, 2):g}" if abs(value) < 1e4 else str(value)


def points(places: Iterable[tuple[float, float]]) -> str:
    """Write the points of a polyline."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in places)


def _written(attributes: dict[str, object]) -> str:
    words = []
    for name, value in attributes.items():
        name = "class" if name == "kind" else name.replace("_", "-")
        written = number(value) if isinstance(value, int | float) else escape(str(value), quote=True)
        words.append(f' {name}="{written}"')
    return "".join(words)
