"""The journal's identity: drawn once, when a board becomes a pump, and kept by every later flash."""

from __future__ import annotations

import secrets

from pumpcore import slots

PATH = slots.IDENTITY_PATH


def to_write(saved: dict[str, bytes], boots: int) -> bytes | None:
    """The file to write, None when the board keeps its own. `saved`: the board's files, `boots`: its boot number, 0 when not known.

    A damaged file is left to the pump: its newest boot record says what it was.
    """
    if PATH in saved:
        try:
            held, boots = slots.unpack_identity(saved[PATH])
        except ValueError:
            return None
        if held != slots.NO_IDENTITY:
            return None
    return slots.pack_identity(secrets.token_bytes(len(slots.NO_IDENTITY)), boots)
