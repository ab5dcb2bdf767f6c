"""Format minutes of the week."""

from pumpcore.program.schedule import DAY_NAMES


def week_time(minute: int) -> str:
    """Format a minute of the week as "mon 06:00"."""
    return f"{DAY_NAMES[minute // 1440]} {minute % 1440 // 60:02d}:{minute % 60:02d}"
