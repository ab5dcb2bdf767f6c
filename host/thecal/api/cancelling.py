"""End a dose or a temporary rate before its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thecal.api.review import Order
    from thecal.pump.client import Client

TEMPORARY = "temporary"


def cancel(client: Client, token: str, kind: str | None = None) -> Order:
    """Cancel what has this token; return the answer. Raises BadInput, Refused, Unknown."""
    from thecal.api import temporary
    from thecal.api.review import Order
    from thecal.api.typed import check_token
    from thecal.pump.orders import cancel_temporary
    from thecal.text.orders import sentence

    check_token(token)
    status = client.status()
    if kind is None and (status.get("temporary") or {}).get("token") == token:
        kind = TEMPORARY
    if kind == TEMPORARY:
        reply = cancel_temporary(client, token)
        text = temporary.sentence(reply, True)
    else:
        reply = client.bolus_cancel(token)
        text = sentence(reply, status["calibration"])
    return Order("cancel", token, str(status.get("program_digest") or ""), reply, text, {"calibration": status["calibration"]})
