"""stop: always acts, whatever the state, and tells where the pump stands."""

from app.pump import Pump


def stop(pump: Pump, params: dict) -> dict:
    """The position after the halt, in steps, by the guard's count."""
    position = pump.stop("host")
    return {"state": pump.state(), "delivered_steps": position}
