"""Programs for the scenarios: rates are nl per hour unless the example's prescription says otherwise."""

from functools import cache
from pathlib import Path

import thecal
from pumpcore import program
from thecal.prescription.compiler import Compiled, compile_prescription
from thecal.prescription.file import load

MONDAY_UTC_S = 1_767_571_200  # 2026-01-05 00:00 UTC
MINUTES_PER_DAY = 1440


def constant(rate_nl: int, after_power_loss: str = "stop") -> program.Program:
    """One rate for ever."""
    made = program.Program("constant", "water", 3600, [(0, rate_nl)])
    made.after_power_loss = after_power_loss
    return made


def every_day(*entries: tuple[int, int], after_power_loss: str = "stop") -> program.Program:
    """A schedule of (minute of day, rate_nl) that is the same on all seven days."""
    rows = [(day * MINUTES_PER_DAY + minute, rate_nl) for day in range(7) for minute, rate_nl in entries]
    made = program.Program("every day", "water", 3600, rows)
    made.mode, made.after_power_loss = program.SCHEDULE, after_power_loss
    return made


@cache
def example_day() -> Compiled:
    """The prescription that `make demo` uploads."""
    file = Path(thecal.__file__).parent / "data" / "example-day.toml"
    return compile_prescription(load(file), file.name)
