"""calibration.read: the calibration that counts, what it was weighed against, and those before it."""

from app.handlers.calibration_check import lent
from app.pump import Pump


def calibration_read(pump: Pump, params: dict) -> dict:
    """Refusal `alarm_active` without a bench."""
    return lent(pump, "read", params)
