"""A review: what an order would do, checked but not sent; and the order after it was sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from thecal.errors import Failed, ThecalError
from thecal.terminal.console import columns, headed

if TYPE_CHECKING:
    from thecal.api.session import Session
    from thecal.pump.clock import Reading
    from thecal.pump.exchange import Reply
    from thecal.pump.facts import PumpFacts
    from thecal.pump.orders import Order as WireOrder

Rows = list[tuple[str, ...]]
LINES, COLUMNS, HEADED = "lines", "columns", "headed"


class NotConfirmed(ThecalError):
    """`confirm` returned False: nothing was sent."""


def not_confirmed() -> NotConfirmed:
    """Return the error for a `confirm` that returned False."""
    return NotConfirmed("not confirmed, nothing was changed", "confirm it, or leave `confirm` out")


class Stale(Failed):
    """The pump is not in the state that was reviewed: nothing was sent."""


class Part(NamedTuple):
    """Rows of a review. `kind`: "lines", "columns" (labels and values), or "headed" (the first row has the heads)."""

    rows: Rows
    kind: str = COLUMNS

    def text(self) -> str:
        """Return the rows as the command line prints them."""
        if self.kind == LINES:
            return "\n".join(": ".join(row) for row in self.rows)
        return headed(self.rows) if self.kind == HEADED else columns(self.rows)


def clock_part(reading: Reading) -> Part:
    """Return the error of the pump's clock, and its remedy if it needs one."""
    return Part([(text,) for text in (f"clock {reading.text()}", reading.warning()) if text], LINES)


@dataclass(frozen=True)
class Order:
    """An order that the pump has accepted.

    `kind` is "run", "bolus", "demand", "extended", "prime", "temporary", "start" or "program". `token` names a dose, "" for the others.
    `digest` is the active program's after the order, read back from the pump. `reply` is the pump's answer. `text` says it in words.
    `facts` has what `Pump.wait` needs to follow the order.
    """

    kind: str
    token: str
    digest: str
    reply: Reply
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Draft:
    """An order that was checked: what is shown, what would be sent, and how."""

    kind: str
    question: str
    parts: tuple[Part, ...]
    orders: tuple[WireOrder, ...]
    send: Callable[[PumpFacts], Order]
    digest: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


class Review:
    """An order that was checked and not yet sent.

    `kind` is that of the `Order` that follows. `question` asks for the consent. `digest` is that of the program that would be active
    afterwards, "" for a dose. A review can be carried out once, and only while the pump is as it was reviewed.
    """

    def __init__(self, session: Session, seen: PumpFacts, draft: Draft) -> None:
        self.kind, self.question, self.digest = draft.kind, draft.question, draft.digest
        self.parts = draft.parts
        self._session, self._seen, self._draft = session, seen, draft
        self._once = threading.Lock()

    @property
    def rows(self) -> Rows:
        """Return the rows of all parts, as the command line prints them."""
        return [row for part in self.parts for row in part.rows]

    @property
    def text(self) -> str:
        """Return the review as the command line prints it."""
        return "\n".join(part.text() for part in self.parts)

    @property
    def orders(self) -> list[dict[str, Any]]:
        """Return the commands that would be sent, as `--dry-run --json` prints them."""
        return [{"dry_run": True, "method": order.method, "params": order.params} for order in self._draft.orders]

    @property
    def data(self) -> dict[str, Any]:
        """Return the review for JSON: `kind`, `question`, `rows`, `digest`, `orders`, and the facts of this kind of order."""
        whole = {"kind": self.kind, "question": self.question, "rows": self.rows, "digest": self.digest, "orders": self.orders}
        return {**whole, **self._draft.data}

    def carry_out(self, at_once: bool = False) -> Order:
        """Send the order and return it. `at_once`: nobody was asked since the review, so that what the pump said less than two seconds ago
        still counts. Raises Stale if the review was used before, or the pump is in another state than the reviewed one; Refused if the pump
        refuses; Unknown if the answer was lost."""
        if not self._once.acquire(blocking=False):
            raise Stale("this review was carried out already; nothing was sent again", "make a new review")
        with self._session.opened() as client:
            now = self._session.recent_facts(client) if at_once else self._session.facts(client)
            check_unchanged(self._seen, now)
            self._session.forget()
            return self._draft.send(now)


def check_unchanged(seen: PumpFacts, now: PumpFacts) -> None:
    """Raise Stale unless the board, its state, program, calibration and doses are those that were reviewed."""
    before, after = seen_state(seen), seen_state(now)
    changed = [what for what, value in before.items() if value != after[what]]
    if changed:
        raise Stale(f"{changed[0]} changed after the review; nothing was sent", "see what the pump does: thecal status; then order again")


def seen_state(facts: PumpFacts) -> dict[str, Any]:
    """Return what a review relies on, by its name in a message."""
    from thecal.pump.client import RUNNING_STATES

    status, state = facts.status, facts.status["state"]
    doses = [(status.get(name) or {}).get("token") for name in ("bolus", "extended", "temporary")]
    return {
        "the pump on this port": facts.hello.get("unique_id"),
        "the pump's power-up": status.get("boot"),
        "the pump's state": RUNNING_STATES[0] if state in RUNNING_STATES else state,
        "the active program": status.get("program_digest"),
        "the calibration": status.get("calibration"),
        "the pump's last dose": doses,
    }
