"""program.stage: the pump checks a program by itself and answers what it holds; nothing changes yet."""

import binascii

from app import programs
from app.pump import Pump
from pumpcore.faults import Refusal


def program_stage(pump: Pump, params: dict) -> dict:
    """Digest, the staged bytes, read back, and what they would find in the line. Refusals of the 3xx family."""
    try:
        packed = binascii.a2b_base64(params["program"])
    except ValueError:
        raise Refusal("bad_params", parameter="program")
    digest = programs.stage(pump.setup, packed)
    told = {"digest": digest, "bytes": len(packed), "program": binascii.b2a_base64(pump.setup.staged(digest)).decode().strip()}
    new, told["line"] = programs.unpack(packed), None
    if new.line_nl():
        pump.setup.load_lines()
        from app import lines

        told["line"] = lines.told(pump, new)
    return told
