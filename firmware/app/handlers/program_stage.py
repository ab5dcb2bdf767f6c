"""program.stage: the pump reads a program and answers what it holds; nothing changes yet, and program.check follows."""

import binascii

from app import programs
from app.handlers import packed
from app.pump import Pump
from pumpcore.faults import Refusal


def program_stage(pump: Pump, params: dict) -> list:
    """Digest, the staged bytes, read back, and what they would find in the line. Refusals `program_...`."""
    try:
        sent = binascii.a2b_base64(params.pop("program"))
    except ValueError:
        raise Refusal("bad_params", parameter="program")
    new = programs.stage(pump.setup, sent)
    kept = pump.setup.newest_staged()
    told = {"digest": kept.digest, "bytes": len(sent), "line": None}
    if new.line_nl():
        pump.setup.load_lines()
        from app import lines

        told["line"] = lines.told(pump, new)
    return packed.with_program(told, kept.packed)
