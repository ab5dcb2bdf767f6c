"""The end of every verb that changes something: a dry run prints the order; otherwise the verb asks, sends, prints the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from thecal.terminal.console import confirm, data, emit_json, talk

if TYPE_CHECKING:
    from thecal.pump.client import Client
    from thecal.pump.exchange import Reply
    from thecal.pump.orders import Order


class Consent(NamedTuple):
    """`--yes`, `--dry-run`, `--json`."""

    yes: bool
    dry_run: bool
    as_json: bool


def carry_out(client: Client, order: Order, question: str, consent: Consent) -> Reply | None:
    """Return the pump's answer; None after a dry run."""
    from thecal.pump import orders

    if consent.dry_run:
        orders.require(client, order.method)
        unsent(order, consent.as_json)
        return None
    confirm(question, consent.yes)
    return orders.place(client, order)


def undo(order: Order, consent: Consent, send: Callable[[], Reply]) -> Reply | None:
    """Send an order that ends or explains another one: it asks no question. Returns None after a dry run."""
    if consent.dry_run:
        unsent(order, consent.as_json)
        return None
    return send()


def answer(reply: Reply | None, consent: Consent, text: Callable[[Reply], str]) -> None:
    """Print the pump's answer, in words or as JSON; nothing after a dry run."""
    if reply is None:
        return
    if consent.as_json:
        emit_json(reply)
    else:
        data(text(reply))


def unsent(planned: Order | list[Order], as_json: bool) -> None:
    """Print the order that a dry run did not send."""
    talk("dry run, nothing sent; the pump checks its state, lockouts and rolling limits when you order")
    if as_json:
        emit_json([described(order) for order in planned] if isinstance(planned, list) else described(planned))


def described(order: Order) -> dict[str, object]:
    return {"dry_run": True, "method": order.method, "params": order.params}
