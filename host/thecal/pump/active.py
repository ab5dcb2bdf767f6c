"""Read the active program and calibration of a pump."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, NamedTuple

from thecal.errors import Failed, NoKey

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.pump.client import Client

Calibration = dict[str, Any]


class Drug(NamedTuple):
    """A drug and its concentration as a program has it: `mass_ng` in `volume_nl`; 0 in 0 for a fluid in volumes."""

    name: str
    mass_ng: int
    volume_nl: int


def pair_of(status: dict[str, Any]) -> Calibration:
    """Return the calibration of a status. Raises Failed if the pump has none, because it has no bench."""
    pair: Calibration | None = status["calibration"]
    if not pair:
        raise Failed("the pump has no bench, and no calibration", "flash it with its bench: thecal flash --bench NAME")
    return pair


def read_back(reply: dict[str, Any]) -> Program | None:
    """Unpack the program of a reply with the pump's own decoder; return None if there is none."""
    from pumpcore.program.packing import unpack

    packed = reply.get("program")
    return unpack(base64.b64decode(packed)) if packed else None


def program_if_allowed(client: Client) -> dict[str, Any]:
    """Return the reply of `program_read`; {} if the pump has keys and this computer has none that may read the program."""
    try:
        return client.program_read()
    except NoKey:
        return {}


def content_of(line: dict[str, Any], which: str) -> tuple[Drug, ...]:
    """Return each drug in the `old` or `new` content of a line, the leading one first."""
    first = Drug(line[f"{which}_fluid"], line[f"{which}_ng"], line[f"{which}_nl"])
    return (first, *(Drug(drug["name"], drug["ng"], drug["nl"]) for drug in line.get(f"{which}_drugs") or ()))
