"""Symbols of parts with two terminals, upright between two heights on an axis."""

from __future__ import annotations

from collections.abc import Callable

from thecal.hardware.draw.ink import INK, PAPER, Page

_KINDS: dict[str, Callable[[Page, float, float, float, int], None]] = {}


def known(kind: str) -> bool:
    """Return true if there is a symbol of this kind."""
    return kind in _KINDS


def paint(page: Page, kind: str, axis: float, first: float, second: float, side: int) -> None:
    """Draw the symbol between its two terminals; a box if the kind has none of its own. `side` is where its texts stand."""
    _KINDS.get(kind, _resistor)(page, axis, first, second, side)


def _leads(page: Page, axis: float, first: float, second: float, half: float) -> tuple[float, float]:
    """Draw both leads; return top and bottom of the body, `half` of its height from the middle."""
    middle = (first + second) / 2
    page.line([(axis, first), (axis, middle - half)], INK, 2, "lead")
    page.line([(axis, middle + half), (axis, second)], INK, 2, "lead")
    return middle - half, middle + half


def _resistor(page: Page, axis: float, first: float, second: float, side: int) -> None:
    top, bottom = _leads(page, axis, first, second, 14)
    page.box((axis - 6, top), (12, bottom - top), PAPER, INK, 2, 0, "body")


def _fuse(page: Page, axis: float, first: float, second: float, side: int) -> None:
    top, bottom = _leads(page, axis, first, second, 14)
    page.box((axis - 6, top), (12, bottom - top), PAPER, INK, 2, 0, "body")
    page.line([(axis, top), (axis, bottom)], INK, 1.5, "lead")


def _capacitor(page: Page, axis: float, first: float, second: float, side: int) -> None:
    top, bottom = _leads(page, axis, first, second, 4)
    page.line([(axis - 12, top), (axis + 12, top)], INK, 3, "body")
    page.line([(axis - 12, bottom), (axis + 12, bottom)], INK, 3, "body")


def _electrolytic(page: Page, axis: float, first: float, second: float, side: int) -> None:
    top, bottom = _leads(page, axis, first, second, 5)
    page.box((axis - 12, top - 3), (24, 5), PAPER, INK, 1.5, 0, "body")
    page.box((axis - 12, bottom - 2), (24, 5), INK, INK, 1.5, 0, "body")


def _diode(page: Page, axis: float, first: float, second: float, side: int) -> None:
    """Anode first: the bar is at the second terminal."""
    top, bottom = _leads(page, axis, first, second, 9)
    page.area([(axis - 9, top), (axis + 9, top), (axis, bottom)], PAPER, INK, 2, "body")
    page.line([(axis - 9, bottom), (axis + 9, bottom)], INK, 3, "body")


def _tvs(page: Page, axis: float, first: float, second: float, side: int) -> None:
    """Like a diode; the ends of its bar are bent."""
    top, bottom = _leads(page, axis, first, second, 9)
    page.area([(axis - 9, top), (axis + 9, top), (axis, bottom)], PAPER, INK, 2, "body")
    page.line([(axis - 13, bottom - 5), (axis - 9, bottom), (axis + 9, bottom), (axis + 13, bottom + 5)], INK, 2.5, "body")


def _closed(page: Page, axis: float, first: float, second: float, side: int) -> None:
    top, bottom = _leads(page, axis, first, second, 12)
    page.line([(axis, bottom), (axis + side * 7, top - 2)], INK, 2.5, "body")
    page.line([(axis, top), (axis + side * 9, top)], INK, 2, "body")
    _push(page, axis, top, bottom, side, 4)


def _open(page: Page, axis: float, first: float, second: float, side: int) -> None:
    top, bottom = _leads(page, axis, first, second, 12)
    page.line([(axis, bottom), (axis + side * 13, top + 2)], INK, 2.5, "body")
    _push(page, axis, top, bottom, side, 7)


def _push(page: Page, axis: float, top: float, bottom: float, side: int, start: float) -> None:
    """Draw the actuator of a push button."""
    middle = (top + bottom) / 2
    page.line([(axis + side * start, middle), (axis + side * 24, middle)], INK, 1.5, "body")
    page.line([(axis + side * 24, middle - 8), (axis + side * 24, middle + 8)], INK, 3, "body")


def _buzzer(page: Page, axis: float, first: float, second: float, side: int) -> None:
    top, bottom = _leads(page, axis, first, second, 12)
    page.disc((axis, (top + bottom) / 2), 12, PAPER, INK, 2, "body")
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
