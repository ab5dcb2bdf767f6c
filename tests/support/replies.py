"""Refusals in decoded replies of the pump."""

import json
from typing import Any

from pumpcore.faults import faults


def refusal_of(reply: dict[str, Any]) -> dict[str, Any]:
    """Return the data of the refusal. Raises AssertionError if the command was done."""
    assert "error" in reply, json.dumps(reply)
    data: dict[str, Any] = reply["error"]["data"]
    return data


def fault_of(reply: dict[str, Any]) -> str:
    """Return the name of the refusal. Raises AssertionError if the command was done."""
    return str(refusal_of(reply)["fault"])


def number(name: str) -> int:
    """Return the number of a fault."""
    return faults.by_name(name).number
