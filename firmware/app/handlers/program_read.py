"""program.read: the active program's bytes."""

from app.handlers import packed
from app.pump import Pump


def program_read(pump: Pump, params: dict) -> list:
    """`program` is null when none is active."""
    return packed.with_program({"digest": pump.setup.digest}, pump.setup.packed)
