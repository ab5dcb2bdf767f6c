"""The errors of a `stop` that had to pass another program's lock, or that the system did not let through."""

from __future__ import annotations

from typing import Any

from thecal.errors import PortBusy, ThecalError, Unknown
from thecal.pump.transport.holders import Holder, described, holders

BY_HAND = "try again, press the stop button, or disconnect the motor's power"
ANSWERED = b'"state":"stopped"'


def is_answer(reply: dict[str, Any]) -> bool:
    """Return True if a reply without an id answers `stop`. Another program's bare `status` or `hello` has none either, but more keys."""
    result = reply.get("result")
    return isinstance(result, dict) and set(result) == {"state", "delivered_steps"}


def unheard(port_url: str, count: int, others: list[Holder], heard: bytes) -> Unknown:
    """Return the error for a `stop` sent while another program used the port, without a complete answer."""
    who = described(others)
    cause = f"`stop` was sent {count} times to {port_url} without an answer: {who} also uses the port"
    cause += " and may have read the answer"
    if ANSWERED in heard.replace(b" ", b""):
        cause += "; part of an answer arrived and reports stopped"
    return Unknown(cause, f"check that the motor has stopped; if not, end that program and {BY_HAND}")


def kept_out(port_url: str, closed: ThecalError) -> ThecalError:
    """Return the error for a port that did not open for `stop`: another program holds it exclusively (TIOCEXCL; on Windows every
    program), or there is none."""
    if not isinstance(closed, PortBusy):
        return closed
    who = described(holders(port_url))
    cause = f"`stop` was not sent: {who} has {port_url} open exclusively, and this system allows no second program"
    return PortBusy(cause, f"end that program and {BY_HAND}")
