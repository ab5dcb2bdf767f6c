"""The list of parts of a bench as a sheet to order from: numbers, suppliers, prices with their dates, and the sum."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

from thecal.hardware import words
from thecal.hardware.library import LibraryPart, Supplier
from thecal.hardware.rig import Part, Rig
from thecal.terminal.sheets import cell

FIRST_LINE = f"{words.BENCH_ONLY} {words.INTENDED_USE} {words.NOT_BUILT} {words.LICENCE}"
HEAD = (
    "mark", "count", "what", "maker", "number", "supplier 1", "number 1", "supplier 2", "number 2", "price USD", "price of", "order number",
    "price", "substitute", "place",
)  # fmt: skip


def sheet(rig: Rig) -> str:
    """Return CSV: the bench-only line, a row per mark, and the sum with its date."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([cell(FIRST_LINE)])
    writer.writerow(HEAD)
    writer.writerows([cell(value) for value in _row(part)] for part in rig.parts.values())
    writer.writerow([cell(value) for value in _sum(rig)])
    return text.getvalue()


def total_cents(rig: Rig) -> int:
    """Return the price of all parts in US cents, without tax and postage."""
    return sum(part.count * part.library.price.cents_usd for part in rig.parts.values() if part.library.price)


def _row(part: Part) -> tuple[str | int | Decimal, ...]:
    bought = part.library
    first, second = (*(_supplier(one) for one in bought.suppliers[:2]), ("", ""), ("", ""))[:2]
    price = (usd(bought.price.cents_usd), str(bought.price.date)) if bought.price else (usd(0), "")
    return (
        part.mark, part.count, bought.what, bought.maker, bought.number or bought.made_from, *first, *second, *price,
        "read" if bought.order_seen else "unread", _price_state(bought), bought.substitute, part.place,
    )  # fmt: skip


def _supplier(supplier: Supplier) -> tuple[str, str]:
    return supplier.name, supplier.number or supplier.note


def _price_state(part: LibraryPart) -> str:
    if part.price is None:
        return "made"
    return "unread" if part.price.unread else "read"


def _sum(rig: Rig) -> tuple[str | Decimal, ...]:
    prices = [part.library.price for part in rig.parts.values() if part.library.price]
    unread = sum(price.unread for price in prices)
    state = f"{unread} of {len(prices)} prices are from memory" if unread else "all prices read"
    oldest = str(min(price.date for price in prices)) if prices else ""
    return ("sum", "", "without tax and postage", *[""] * 6, usd(total_cents(rig)), oldest, "", state, "", "")


def usd(cents: int) -> Decimal:
    """Return an amount like 12.50, a number to a spreadsheet."""
    return Decimal(f"{cents // 100}.{cents % 100:02}")
