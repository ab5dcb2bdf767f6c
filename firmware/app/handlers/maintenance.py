"""maintenance: gives the board back for deploying; only while stopped. The reset follows after the reply."""

from app.pump import Pump
from pumpcore.faults import Refusal


def maintenance(pump: Pump, params: dict) -> dict:
    """Refusal `not_stopped`. After the reset neither watchdog nor pump is armed."""
    if not pump.idle():
        raise Refusal("not_stopped", state=pump.state())
    pump.journal.append("maintenance", (0,))
    pump.board.system.request_maintenance()
    pump.reset_wanted = True
    return {"state": "maintenance"}
