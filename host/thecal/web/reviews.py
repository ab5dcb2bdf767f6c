"""The two steps of every order: a review that sent nothing, and its confirmation, once and in time."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thecal.web.orders import ROLES, PumpOfPage
from thecal.web.refusals import WebError
from thecal.web.shapes import Ask, Confirmed, Kind, ReviewPart, ReviewView
from thecal.web.turn import OrderTurn

if TYPE_CHECKING:
    from thecal.api.review import Review
    from thecal.web.pump import WebPump
    from thecal.web.sessions import Session

VALID_S = 120
MOST_WAITING = 200
AGAIN = "make a new review"


@dataclass(frozen=True)
class Waiting:
    """A review until its confirmation. `session`: only the same login may confirm it."""

    pump: str
    kind: Kind
    review: Review
    turn: OrderTurn
    session: str
    until_s: float


class Reviews:
    """All reviews that wait. A review is void after 120 s, after its use, and when the pump's state changed."""

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = {}
        self._lock = threading.Lock()

    def make(self, pump: WebPump, asked: Ask, session: Session | None) -> ReviewView:
        """Check an order and return its review. Nothing is sent that changes the pump."""
        api, turn = opened(pump, session)
        review = api.prepare(asked)
        number = secrets.token_urlsafe(16)
        with self._lock:
            self._forget_old()
            while len(self._waiting) >= MOST_WAITING:
                self._waiting.pop(next(iter(self._waiting)))
            until_s = time.monotonic() + VALID_S
            self._waiting[number] = Waiting(pump.id, asked.kind, review, turn, session.token if session else "", until_s)
        return ReviewView(
            review=number,
            kind=asked.kind,
            question=review.question or "Send this?",
            rows=[list(map(str, row)) for row in review.rows],
            parts=[ReviewPart.model_validate({"kind": part.kind, "rows": part.rows}) for part in review.parts],
            text=review.text,
            digest=review.digest or None,
            expires_s=VALID_S,
        )

    def carry_out(self, pump: WebPump, number: str, session: Session | None) -> Confirmed:
        """Send a reviewed order. Raises WebError 409 for a review that is void, Refused, Unknown, Failed after a STOP meanwhile."""
        with self._lock:
            self._forget_old()
            found = self._waiting.get(number)
            if found is None or found.pump != pump.id or found.session != (session.token if session else ""):
                raise WebError(409, "review_void", "this review is used, too old, or of another login; nothing was sent", AGAIN)
            del self._waiting[number]
        found.turn.arm()
        try:
            order = found.review.carry_out()
        finally:
            pump.wake()
        return Confirmed(reply=dict(order.reply), digest=order.digest or None, text=order.text)

    def cancel(self, pump: WebPump, token: str, session: Session | None) -> Confirmed:
        """End an order by its token."""
        api, _ = opened(pump, session)
        try:
            order = api.cancel(token)
        finally:
            pump.wake()
        return Confirmed(reply=dict(order.reply), digest=order.digest or None, text=order.text)

    def _forget_old(self) -> None:
        now_s = time.monotonic()
        for number in [number for number, one in self._waiting.items() if one.until_s < now_s]:
            del self._waiting[number]


def opened(pump: WebPump, session: Session | None) -> tuple[PumpOfPage, OrderTurn]:
    """Return the pump for one order, and its turn: nothing is sent after a STOP. It signs with the keys of this login only."""
    client = pump.new_client(signer=session.signer(pump.unique_id) if session is not None else None)
    turn = OrderTurn(pump.turn, pump.port_url)
    client.turn = turn
    return PumpOfPage(client), turn


def role_of(asked: Ask) -> str:
    """Return the role that an order needs."""
    return ROLES[asked.kind]
