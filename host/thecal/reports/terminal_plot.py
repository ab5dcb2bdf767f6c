"""A bar plot of text: one column per stretch of time, for any terminal."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

EIGHTHS = " ▁▂▃▄▅▆▇█"
ASCII_EIGHTHS = "  ..::##" + "#"
ASCII_SPARK = "_.:-=+*#"
AXIS_CELLS = 11
HOURS_PER_TICK = 6


def bars(values: Sequence[Fraction], rows: int, unit: str, encoding: str) -> str:
    """Draw `values` as bars of at most `rows` lines, with the scale on the left; block characters if the terminal has them."""
    glyphs = EIGHTHS if can_print(EIGHTHS, encoding) else ASCII_EIGHTHS
    top = max([*values, Fraction(0)]) or Fraction(1)
    lines = []
    for row in range(rows, 0, -1):
        label = f"{float(top * row / rows):6.2f} {unit}" if row in (rows, (rows + 1) // 2) else ""
        cells = "".join(glyphs[level(value, top, row, rows)] for value in values)
        lines.append(f"{label:>{AXIS_CELLS}} |{cells}".rstrip())
    return "\n".join(lines)


def level(value: Fraction, top: Fraction, row: int, rows: int) -> int:
    """Return how many eighths of line `row` (1 = lowest) a bar fills."""
    filled = value * rows / top - (row - 1)
    return max(0, min(8, int(filled * 8 + Fraction(1, 2))))


def sparkline(values: Sequence[Fraction | None], top: Fraction, encoding: str) -> str:
    """Draw one cell per value, from zero to `top`; a blank for an unknown value, the lowest mark for zero."""
    glyphs = EIGHTHS[1:] if can_print(EIGHTHS, encoding) else ASCII_SPARK
    highest = len(glyphs) - 1
    return "".join(" " if value is None else glyphs[int(value * highest / top + Fraction(1, 2)) if top else 0] for value in values)


def time_axis(cells: int, hours: int) -> str:
    """Ticks every six hours under the bars."""
    marks = [" "] * (cells + 2)
    for hour in range(0, hours + 1, HOURS_PER_TICK):
        text = f"{hour:02d}h"
        at = min(hour * cells // hours, cells - len(text))
        marks[at : at + len(text)] = text
    return " " * (AXIS_CELLS + 2) + "".join(marks).rstrip()


def can_print(text: str, encoding: str) -> bool:
    """Return True if a terminal with this encoding can print the text."""
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
