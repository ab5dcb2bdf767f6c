"""Programs for the scenarios. Rates are nl per hour unless the example's prescription says otherwise."""

from functools import cache
from pathlib import Path

import thecal
from pumpcore.program import packing
from thecal.prescription.compiler import Compiled, compile_prescription
from thecal.prescription.file import load

MONDAY_UTC_S = 1_767_571_200  # 2026-01-05 00:00 UTC
MINUTES_PER_DAY = 1440


def constant(rate_nl: int, after_power_loss: str = "stop") -> packing.Program:
    """Return a program with one rate."""
    made = packing.Program("constant", "water", 3600, [(0, rate_nl)])
    made.after_power_loss = after_power_loss
    return made


def every_day(*entries: tuple[int, int], after_power_loss: str = "stop") -> packing.Program:
    """Return a schedule of (minute of day, rate_nl), the same on all seven days."""
    rows = [(day * MINUTES_PER_DAY + minute, rate_nl) for day in range(7) for minute, rate_nl in entries]
    made = packing.Program("every day", "water", 3600, rows)
    made.mode, made.after_power_loss = packing.SCHEDULE, after_power_loss
    return made


@cache
def example_day() -> Compiled:
    """Return the prescription that `make demo` uploads."""
    file = Path(thecal.__file__).parent / "data" / "example-day.toml"
    return compile_prescription(load(file), file.name)
