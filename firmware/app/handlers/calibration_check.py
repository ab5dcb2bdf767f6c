"""calibration.check: whether the pump would take these bytes, and how it reads them; changes nothing."""

from app.pump import Pump

LENT = ("app.calibrating", "app.programs", "pumpcore.weighed", "pumpcore.limits", "pumpcore.program")


def calibration_check(pump: Pump, params: dict) -> dict:
    """Refusals of the 35x family."""
    return lent(pump, "check", params)


def lent(pump: Pump, name: str, params: dict) -> dict:
    """One function of app.calibrating, whose code stays no longer than the handler: it is seldom asked for."""
    from app import calibrating

    try:
        return getattr(calibrating, name)(pump, params)
    finally:
        pump.board.system.forget(*LENT)
