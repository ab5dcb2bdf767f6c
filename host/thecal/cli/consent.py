"""The end of every verb that changes something: a dry run prints the order; otherwise the verb asks, then sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from thecal.terminal.console import confirm, emit_json, talk

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


def unsent(planned: Order | list[Order], as_json: bool) -> None:
    """Print the order that a dry run did not send."""
    talk("dry run, nothing sent; the pump checks its state, lockouts and rolling limits when you order")
    if as_json:
        emit_json([described(order) for order in planned] if isinstance(planned, list) else described(planned))


def described(order: Order) -> dict[str, object]:
    return {"dry_run": True, "method": order.method, "params": order.params}
