"""Handlers of calibration.check, read and set."""

from app.pump import Pump

# --- calibration_check -------------------------------------------------------------------------------------------------------


def calibration_check(pump: Pump, params: dict) -> dict:
    """Check calibration bytes and return how the pump reads them; change nothing.

    Refusals `calibration_format`, `calibration_far`, `calibration_date`, `calibration_unfit`.
    """
    return lent(pump, "check", params)


def lent(pump: Pump, name: str, params: dict) -> dict:
    """Call one function of app.programs.calibrating and free its module again: it is seldom needed."""
    from app.programs import calibrating

    try:
        return getattr(calibrating, name)(pump, params)
    finally:
        pump.session.loader.give_back()


# --- calibration_read --------------------------------------------------------------------------------------------------------


def calibration_read(pump: Pump, params: dict) -> dict:
    """Return the calibration in force, the nominal one, and the earlier ones. Refusal `alarm_active` without a bench."""
    return lent(pump, "read", params)


# --- calibration_set ---------------------------------------------------------------------------------------------------------


def calibration_set(pump: Pump, params: dict) -> dict:
    """Put a weighed calibration in force, or without bytes the nominal one. Journaled before it is stored.

    Refusal `not_stopped`, and those of calibration.check.
    """
    return lent(pump, "put", params)
