"""Format the pump's answer to an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thecal.quantities.amounts import made_text, span
from thecal.text.status import made_of

if TYPE_CHECKING:
    from thecal.pump.exchange import Reply


def sentence(reply: Reply, calibration: dict[str, Any] | None, what: str = "bolus") -> str:
    """Format the answer about a bolus: ordered (volume, time), cancelled (volume that may still come), or its state."""
    if "duration_s" in reply:
        text = f"ordered: {made_text(reply['ordered_steps'], calibration)} in {span(reply['duration_s'])}"
    elif "planned_steps" in reply:
        text = f"cancelled: the pump delivers at most {made_text(reply['planned_steps'], calibration)} of it"
    elif "delivered_steps" in reply:
        text = f"{reply['state']}: {made_of(reply, calibration)}"
    else:
        text = str(reply.get("state")).replace("_", " ")
    return f"{what} {text} (token {reply.get('token')})"
