"""The journal's identity: drawn once, when a board becomes a pump, and kept by every later flash."""

from __future__ import annotations

import secrets

from pumpcore.flash import slots

PATH = slots.IDENTITY_PATH


def to_write(saved: dict[str, bytes], boots: int) -> bytes | None:
    """Return the file to write, None if the board keeps its own. `saved`: the board's files, `boots`: its boot number, 0 if unknown.

    The pump itself repairs a damaged file from its newest boot record.
    """
    if PATH in saved:
        try:
            held, boots = slots.unpack_identity(saved[PATH])
        except ValueError:
            return None
        if held != slots.NO_IDENTITY:
            return None
    return slots.pack_identity(secrets.token_bytes(len(slots.NO_IDENTITY)), boots)
