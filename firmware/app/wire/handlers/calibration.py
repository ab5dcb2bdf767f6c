"""calibration.check, read, set."""

from app.pump import Pump

# --- calibration_check -------------------------------------------------------------------------------------------------------
# calibration.check: whether the pump would take these bytes, and how it reads them; changes nothing.

LENT = ("app.programs.calibrating", "app.programs.programs", "pumpcore.bench.weighed", "pumpcore.limits.limits", "pumpcore.program.packing")


def calibration_check(pump: Pump, params: dict) -> dict:
    """Refusals of the 35x family."""
    return lent(pump, "check", params)


def lent(pump: Pump, name: str, params: dict) -> dict:
    """One function of app.programs.calibrating, whose code stays no longer than the handler: it is seldom asked for."""
    from app.programs import calibrating

    try:
        return getattr(calibrating, name)(pump, params)
    finally:
        pump.board.system.forget(*LENT)


# --- calibration_read --------------------------------------------------------------------------------------------------------
# calibration.read: the calibration that counts, what it was weighed against, and those before it.


def calibration_read(pump: Pump, params: dict) -> dict:
    """Refusal `alarm_active` without a bench."""
    return lent(pump, "read", params)


# --- calibration_set ---------------------------------------------------------------------------------------------------------
# calibration.set: makes a weighed calibration the one that counts; without bytes the bench's nominal pair.


def calibration_set(pump: Pump, params: dict) -> dict:
    """Refusal `not_stopped`, and those of calibration.check; journaled before it is stored."""
    return lent(pump, "put", params)
