"""program.read: the active program's bytes."""

import binascii

from app.pump import Pump


def program_read(pump: Pump, params: dict) -> dict:
    """`program` is null when none is active."""
    packed = pump.setup.packed
    text = binascii.b2a_base64(packed).decode().strip() if packed else None
    return {"digest": pump.setup.digest, "program": text}
