"""Programs for the tests. Rates are nl per hour, unless the example's prescription or `rate_seconds_s` says otherwise."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pumpcore.program.plan import SCHEDULE, Program
from pumpcore.program.settings import Settings

if TYPE_CHECKING:
    from thecal.prescription.compiler import Compiled

MONDAY_UTC_S = 1_767_571_200  # 2026-01-05 00:00 UTC
MINUTES_PER_DAY = 1440


def constant(rate_nl: int, rate_seconds_s: int = 3600) -> Program:
    """Return a program with one rate."""
    return Program("constant", "water", rate_seconds_s, [(0, rate_nl)])


def every_day(*entries: tuple[int, int]) -> Program:
    """Return a schedule of (minute of day, rate_nl), the same on all seven days."""
    rows = [(day * MINUTES_PER_DAY + minute, rate_nl) for day in range(7) for minute, rate_nl in entries]
    made = Program("every day", "water", 3600, sorted(rows))
    made.mode = SCHEDULE
    return made


def day(*entries: tuple[int, int, int]) -> Program:
    """Return a schedule that repeats every day: (hour, minute, rate_nl)."""
    return every_day(*[(hour * 60 + minute, rate_nl) for hour, minute, rate_nl in entries])


def resuming(made: Program, after_power_loss: str = "resume") -> Program:
    """Return the program with this action after a power cut: by default it resumes."""
    made.after_power_loss = after_power_loss
    return made


def with_settings(made: Program, **values: object) -> Program:
    """Return the program with these settings."""
    if made.settings is None:
        made.settings = Settings()
    for name, value in values.items():
        setattr(made.settings, name, value)
    return made


@cache
def example_day() -> "Compiled":
    """Return the prescription that `make demo` uploads."""
    import thecal
    from thecal.prescription.compiler import compile_prescription
    from thecal.prescription.file import load

    file = Path(thecal.__file__).parent / "data" / "example-day.toml"
    return compile_prescription(load(file), file.name)
