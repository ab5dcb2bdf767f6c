"""Handlers of rotor.check, read, set and phase: what each angle of the pump head brings, and where it stands."""

from app.pump import Pump


def _lent(pump: Pump, name: str, params: dict) -> dict:
    """Call one function of app.programs.turning and free its module again: it is seldom needed."""
    from app.programs import turning

    try:
        return getattr(turning, name)(pump, params)
    finally:
        pump.session.loader.give_back()


def rotor_check(pump: Pump, params: dict) -> dict:
    """Check a table and return how the pump reads it; change nothing.

    Refusals `rotor_format`, `rotor_other` (another bench, tube or lot, or no calibration that counts), `calibration_date`.
    """
    return _lent(pump, "check", params)


def rotor_read(pump: Pump, params: dict) -> dict:
    """Return the stored table, and whether it counts."""
    return _lent(pump, "read", params)


def rotor_set(pump: Pump, params: dict) -> dict:
    """Store a table, or without bytes none; with `zero_steps` from 0 on, the motor's position at its first bin, -1: unknown.

    Refusal `not_stopped`, and those of rotor.check.
    """
    return _lent(pump, "put", params)


def rotor_phase(pump: Pump, params: dict) -> dict:
    """Note the motor's position `zero_steps` at which the first bin begins. Refusals `not_stopped`, `no_rotor`."""
    return _lent(pump, "find", params)
