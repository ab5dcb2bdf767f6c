"""The end of every verb that changes something: a dry run prints the order; otherwise the verb asks, sends, prints the answer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from thecal.api.person import NO_FLUID, Person
from thecal.errors import Failed
from thecal.terminal.console import Progress, confirm, data, emit_json, talk

if TYPE_CHECKING:
    from thecal.api.outcome import Outcome
    from thecal.api.pump import Pump
    from thecal.api.review import Order as Placed
    from thecal.api.review import Review
    from thecal.pump.client import Client
    from thecal.pump.exchange import Reply
    from thecal.pump.orders import Order


UNSENT = "dry run, nothing sent; the pump checks its state, lockouts and rolling limits when you order"


class Consent(NamedTuple):
    """`--yes`, `--dry-run`, `--json`."""

    yes: bool
    dry_run: bool
    as_json: bool


class Terminal(Person):
    """A person at a terminal. A dry run, or `--yes`, asks no question while an order is prepared."""

    def __init__(self, consent: Consent | None = None) -> None:
        super().__init__()
        self.asks = consent is not None and not (consent.yes or consent.dry_run)
        self._progress: Progress | None = None

    def note(self, text: str) -> None:
        talk(text)

    def progress(self, work: str, done: int, total: int) -> None:
        self._progress = self._progress or Progress(work)
        if done < total:
            self._progress.update(done, total)
        else:
            self._progress.close()
            self._progress = None

    def agree(self, question: str, about: str) -> None:
        talk(about)
        confirm(question, False)

    def fluid(self) -> str:
        sys.stderr.write("What is in the reservoir? ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):
            talk("")
        if not answer.strip():
            raise Failed(NO_FLUID, "name it: --drug water")
        return answer.strip()


def opened(port: str | None, consent: Consent | None = None) -> Pump:
    """Open the pump for a person at this terminal."""
    from thecal.api.pump import Pump

    return Pump(port, person=Terminal(consent))


def show(review: Review) -> None:
    """Print a review on stderr."""
    for part in review.parts:
        talk(part.text())


def decide(review: Review, consent: Consent) -> Placed | None:
    """Show a review, ask, and send the order; return None after a dry run."""
    show(review)
    if consent.dry_run:
        unsent_review(review, consent.as_json)
        return None
    if review.question:
        confirm(review.question, consent.yes)
    return review.carry_out(at_once=consent.yes or not review.question)


def unsent_review(review: Review, as_json: bool) -> None:
    """Print the orders that a dry run did not send."""
    planned = review.orders
    talk(UNSENT)
    if as_json:
        emit_json(planned if len(planned) != 1 else planned[0])


def followed(pump: Pump, order: Placed, name: str) -> Outcome:
    """Follow an order to its end with a progress bar."""
    bar = Progress(name)
    try:
        return pump.wait(order, None, bar.update)
    finally:
        bar.close()


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


def answer_outcome(order: Placed, outcome: Outcome, consent: Consent) -> None:
    """Print how an order that was followed has ended."""
    from thecal.api.dosing import NAMES
    from thecal.text.orders import sentence

    answer(outcome.reply, consent, lambda reply: sentence(reply, order.facts["calibration"], NAMES.get(order.kind, "bolus")))


def unsent(planned: Order | list[Order], as_json: bool) -> None:
    """Print the order that a dry run did not send."""
    talk(UNSENT)
    if as_json:
        emit_json([described(order) for order in planned] if isinstance(planned, list) else described(planned))


def described(order: Order) -> dict[str, object]:
    return {"dry_run": True, "method": order.method, "params": order.params}
