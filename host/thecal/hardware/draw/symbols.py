"""Symbols of parts with two terminals, upright between two heights on an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from thecal.hardware.draw.ink import INK, PAPER, Look, Page

_KINDS: dict[str, Callable[[Page, Span], None]] = {}


class Span(NamedTuple):
    """Where a symbol stands: its axis, the heights of its two terminals, the side of its texts."""

    axis: float
    first: float
    second: float
    side: int

    @property
    def middle(self) -> float:
        """Return the height half way."""
        return (self.first + self.second) / 2


def known(kind: str) -> bool:
    """Return true if there is a symbol of this kind."""
    return kind in _KINDS


def paint(page: Page, kind: str, at: Span) -> None:
    """Draw the symbol between its two terminals; a box if the kind has none of its own."""
    _KINDS.get(kind, _resistor)(page, at)


def _leads(page: Page, at: Span, half: float) -> tuple[float, float]:
    """Draw both leads; return top and bottom of the body, `half` of its height from the middle."""
    axis, first, second, middle = at.axis, at.first, at.second, at.middle
    page.line([(axis, first), (axis, middle - half)], INK, 2, "lead")
    page.line([(axis, middle + half), (axis, second)], INK, 2, "lead")
    return middle - half, middle + half


def _resistor(page: Page, at: Span) -> None:
    axis = at.axis
    top, bottom = _leads(page, at, 14)
    page.box((axis - 6, top), (12, bottom - top), Look(PAPER, INK, 2, 0), kind="body")


def _fuse(page: Page, at: Span) -> None:
    axis = at.axis
    top, bottom = _leads(page, at, 14)
    page.box((axis - 6, top), (12, bottom - top), Look(PAPER, INK, 2, 0), kind="body")
    page.line([(axis, top), (axis, bottom)], INK, 1.5, "lead")


def _capacitor(page: Page, at: Span) -> None:
    axis = at.axis
    top, bottom = _leads(page, at, 4)
    page.line([(axis - 12, top), (axis + 12, top)], INK, 3, "body")
    page.line([(axis - 12, bottom), (axis + 12, bottom)], INK, 3, "body")


def _electrolytic(page: Page, at: Span) -> None:
    axis = at.axis
    top, bottom = _leads(page, at, 5)
    page.box((axis - 12, top - 3), (24, 5), Look(PAPER, INK, 1.5, 0), kind="body")
    page.box((axis - 12, bottom - 2), (24, 5), Look(INK, INK, 1.5, 0), kind="body")


def _diode(page: Page, at: Span) -> None:
    """Anode first: the bar is at the second terminal."""
    axis = at.axis
    top, bottom = _leads(page, at, 9)
    page.area([(axis - 9, top), (axis + 9, top), (axis, bottom)], Look(PAPER, INK, 2), kind="body")
    page.line([(axis - 9, bottom), (axis + 9, bottom)], INK, 3, "body")


def _tvs(page: Page, at: Span) -> None:
    """Like a diode; the ends of its bar are bent."""
    axis = at.axis
    top, bottom = _leads(page, at, 9)
    page.area([(axis - 9, top), (axis + 9, top), (axis, bottom)], Look(PAPER, INK, 2), kind="body")
    page.line([(axis - 13, bottom - 5), (axis - 9, bottom), (axis + 9, bottom), (axis + 13, bottom + 5)], INK, 2.5, "body")


def _closed(page: Page, at: Span) -> None:
    axis = at.axis
    top, bottom = _leads(page, at, 12)
    page.line([(axis, bottom), (axis + at.side * 7, top - 2)], INK, 2.5, "body")
    page.line([(axis, top), (axis + at.side * 9, top)], INK, 2, "body")
    _push(page, at, 4)


def _open(page: Page, at: Span) -> None:
    axis = at.axis
    top, bottom = _leads(page, at, 12)
    page.line([(axis, bottom), (axis + at.side * 13, top + 2)], INK, 2.5, "body")
    _push(page, at, 7)


def _push(page: Page, at: Span, start: float) -> None:
    """Draw the actuator of a push button."""
    axis, middle, side = at.axis, at.middle, at.side
    page.line([(axis + side * start, middle), (axis + side * 24, middle)], INK, 1.5, "body")
    page.line([(axis + side * 24, middle - 8), (axis + side * 24, middle + 8)], INK, 3, "body")


def _buzzer(page: Page, at: Span) -> None:
    axis = at.axis
    top, bottom = _leads(page, at, 12)
    page.disc((axis, at.middle), 12, Look(PAPER, INK, 2), kind="body")
    page.line([(axis - 5, top + 7), (axis + 5, top + 7)], INK, 2, "body")
    page.line([(axis - 5, bottom - 7), (axis + 5, bottom - 7)], INK, 2, "body")


_KINDS.update(
    {
        "resistor": _resistor,
        "fuse": _fuse,
        "capacitor": _capacitor,
        "electrolytic": _electrolytic,
        "diode": _diode,
        "tvs": _tvs,
        "switch_nc": _closed,
        "switch_no": _open,
        "buzzer": _buzzer,
    }
)
