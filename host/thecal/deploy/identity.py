"""The journal's identity: drawn once, when a board becomes a pump, and kept by every later flash."""

from __future__ import annotations

import secrets

from pumpcore import journal_identity

PATH = journal_identity.PATH


def to_write(saved: dict[str, bytes], boots: int) -> bytes | None:
    """Return the file to write, None if the board keeps its own. `saved`: the board's files, `boots`: its boot number, 0 if unknown.

    The pump itself repairs a damaged file from its newest boot record.
    """
    if PATH in saved:
        try:
            held, boots = journal_identity.unpack(saved[PATH])
        except ValueError:
            return None
        if held != journal_identity.NONE:
            return None
    return journal_identity.pack(secrets.token_bytes(len(journal_identity.NONE)), boots)
