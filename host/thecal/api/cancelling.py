"""End a dose or a temporary rate before its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thecal.api.review import Order
    from thecal.api.session import Session
    from thecal.pump.client import Client

TEMPORARY = "temporary"


def cancel(session: Session, client: Client, token: str, kind: str | None) -> Order:
    """Cancel what has this token; return the answer. The pump is asked for the `kind` if it is None. Raises BadInput, Refused, Unknown."""
    from thecal.api.review import Order
    from thecal.api.typed import check_token
    from thecal.text.orders import sentence

    check_token(token)
    if kind == TEMPORARY:
        return ended_temporary(client, token)
    status = session.recent_facts(client).status
    session.forget()
    if kind is None and (status.get("temporary") or {}).get("token") == token:
        return ended_temporary(client, token)
    reply = client.bolus_cancel(token)
    text = sentence(reply, status["calibration"])
    return Order("cancel", token, str(status.get("program_digest") or ""), reply, text, {"calibration": status["calibration"]})


def ended_temporary(client: Client, token: str) -> Order:
    """End a temporary rate. Raises Refused, Unknown."""
    from thecal.api import temporary
    from thecal.api.review import Order
    from thecal.pump.orders import cancel_temporary

    reply = cancel_temporary(client, token)
    return Order("cancel", token, "", reply, temporary.sentence(reply, True))
