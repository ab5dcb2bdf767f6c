"""What a decoded reply of the pump says of a refusal."""

import json
from typing import Any

from pumpcore.faults import faults


def refusal_of(reply: dict[str, Any]) -> dict[str, Any]:
    """The data of the refusal; AssertionError when the command was done."""
    assert "error" in reply, json.dumps(reply)
    data: dict[str, Any] = reply["error"]["data"]
    return data


def fault_of(reply: dict[str, Any]) -> str:
    """The name of the refusal; AssertionError when the command was done."""
    return str(refusal_of(reply)["fault"])


def number(name: str) -> int:
    """The number of a fault."""
    return faults.by_name(name).number
