"""Read a ring of the pump's journal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from thecal.history.rows import row
from thecal.terminal.console import Progress, talk

if TYPE_CHECKING:
    from thecal.pump.client import Client

Note = Callable[[str], None]


def download(client: Client, ring: str, from_sequence: int = 0, raw: bytearray | None = None, note: Note = talk) -> list[dict[str, Any]]:
    """Return all records from a sequence number on; `note` receives a line about missing ones (default: stderr). `raw` receives their
    bytes (PROTOCOL.md)."""
    progress, rows, expected = Progress("journal"), [], from_sequence or None
    for reply, decoded in client.journal(ring, from_sequence):
        for record in decoded:
            if expected is not None and record.sequence != expected:
                note(lost_text(ring, expected, record.sequence - 1))
            expected = record.sequence + 1
            rows.append(row(ring, record))
        if raw is not None:
            raw += reply["raw"]
        progress.update(reply["next_sequence"] - reply["first_sequence"], reply["last_sequence"] - reply["first_sequence"] + 1)
    if expected is not None and expected <= reply["last_sequence"]:
        note(lost_text(ring, expected, reply["last_sequence"]))
    progress.close()
    return rows


def lost_text(ring: str, first: int, last: int) -> str:
    """Return the line that names missing records."""
    which = f"record {first} is" if first == last else f"records {first} to {last} are"
    return f"{ring}: {which} damaged or no longer in the pump"
