"""bolus.token: a one-shot token; without one no bolus can be ordered."""

from app.pump import Pump
from app.tokens import VALID_MS

_VALID = b'","valid_ms":%d}' % VALID_MS


def bolus_token(pump: Pump, params: dict) -> bytes:
    """A token that is valid for 60 s and void at reset."""
    return b'{"token":"' + pump.tokens.issue(pump.board.clock.uptime_ms()) + _VALID
