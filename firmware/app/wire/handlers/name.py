"""Handler of name.set."""

from app.pump import Pump
from pumpcore.faults.faults import Refusal


def name_set(pump: Pump, params: dict) -> dict:
    """Give the pump a name, journaled first; "" takes it away. Refusal `not_stopped`."""
    if not pump.idle():
        raise Refusal("not_stopped", state=pump.state())
    setup, name = pump.setup, params["name"]
    if name != setup.name:
        pump.journal.append("named", (name.encode(),))
        setup.store.save("name", name.encode())
        setup.name = name
    return {"name": name}
