"""calibration.set: makes a weighed calibration the one that counts; without bytes the bench's nominal pair."""

from app.handlers.calibration_check import lent
from app.pump import Pump


def calibration_set(pump: Pump, params: dict) -> dict:
    """Refusal `not_stopped`, and those of calibration.check; journaled before it is stored."""
    return lent(pump, "put", params)
