"""Format the pump's answer to an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thecal.pump.exchange import Reply


def sentence(reply: Reply, what: str = "bolus") -> str:
    """Format the answer about a bolus: ordered (steps, seconds), cancelled (steps that may still come), or its state."""
    if "duration_s" in reply:
        text = f"ordered: {reply['ordered_steps']} steps in {reply['duration_s']} s"
    elif "planned_steps" in reply:
        text = f"cancelled: at most {reply['planned_steps']} steps of it are delivered"
    elif "delivered_steps" in reply:
        text = f"{reply['state']}: {reply['delivered_steps']} of {reply['ordered_steps']} steps"
    else:
        text = str(reply.get("state")).replace("_", " ")
    return f"{what} {text} (token {reply.get('token')})"
