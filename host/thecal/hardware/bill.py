"""The list of parts of a bench as a sheet to order from: numbers, suppliers, prices with their dates, and the sum."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

from thecal.hardware import words
from thecal.hardware.library import LibraryPart, Price, Supplier
from thecal.hardware.rig import Part, Rig
from thecal.terminal.sheets import cell

FIRST_LINE = f"{words.BENCH_ONLY} {words.INTENDED_USE} {words.NOT_BUILT} {words.LICENCE}"
HEAD = (
    "mark", "count", "what", "maker", "number", "supplier 1", "number 1", "supplier 2", "number 2", "price USD", "price date",
    "order number is", "price is", "substitute", "place",
)  # fmt: skip
SUM = "sum"

Row = tuple[str | int | Decimal, ...]


def sheet(rig: Rig) -> str:
    """Return CSV: the bench-only line, a row per mark, and the sum with its date. A price is for one piece."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in ((FIRST_LINE,), HEAD, *map(_row, rig.parts.values()), _sum(rig)):
        writer.writerow([cell(value) for value in row])
    return text.getvalue()


def total_cents(rig: Rig, kind: str = "") -> int:
    """Return the price of all parts, or of one kind, in US cents, without tax, postage and what is optional."""
    return sum(part.count * price.cents_usd for part, price in _priced(rig) if kind in ("", part.library.kind))


def usd(cents: int) -> Decimal:
    """Return an amount like 12.50, a number to a spreadsheet."""
    return Decimal(f"{cents // 100}.{cents % 100:02}")


def _priced(rig: Rig) -> list[tuple[Part, Price]]:
    return [(part, part.library.price) for part in rig.parts.values() if part.library.price and not part.optional]


def _row(part: Part) -> Row:
    one = part.library
    first, second = ([*map(_supplier, one.suppliers), ("", ""), ("", "")])[:2]
    price = (usd(one.price.cents_usd), str(one.price.date)) if one.price else ("", "")
    place = f"optional, not in the sum: {part.place}" if part.optional else part.place
    number = one.number or one.made_from
    return (part.mark, part.count, one.what, one.maker, number, *first, *second, *price, *_states(one), one.substitute, place)


def _supplier(supplier: Supplier) -> tuple[str, str]:
    return supplier.name, supplier.number or supplier.note


def _states(part: LibraryPart) -> tuple[str, str]:
    """Return how far order number and price can be trusted."""
    if part.price is None:
        return "made", "made"
    return "read" if part.order_seen else "unread", "unread" if part.price.unread else "read"


def _sum(rig: Rig) -> Row:
    """Return the last row. Its date is that of the oldest price."""
    prices = [price for _, price in _priced(rig)]
    what = f"without tax and postage; {usd(total_cents(rig, 'tool'))} of it are tools"
    unread = sum(price.unread for price in prices)
    state = f"{unread} of {len(prices)} prices are from memory" if unread else "read"
    oldest = str(min(price.date for price in prices)) if prices else ""
    return (SUM, "", what, *[""] * 6, usd(total_cents(rig)), oldest, "", state, "", "")
