"""What is active in a pump: its program and its calibration."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from thecal.errors import Failed

if TYPE_CHECKING:
    from pumpcore.program import Program

Calibration = dict[str, Any]


def pair_of(status: dict[str, Any]) -> Calibration:
    """The calibration in a status. Failed when the pump has none, because it has no bench."""
    pair: Calibration | None = status["calibration"]
    if not pair:
        raise Failed("the pump has no bench, and no calibration", "deploy it with its bench: thecal flash --bench NAME")
    return pair


def read_back(reply: dict[str, Any]) -> Program | None:
    """The program in a reply, decoded by the code that the pump runs; None when there is none."""
    from pumpcore.program import unpack

    packed = reply.get("program")
    return unpack(base64.b64decode(packed)) if packed else None
