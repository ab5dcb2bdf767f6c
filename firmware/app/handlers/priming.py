"""Whether the line was primed already: kept in the store, for this program and this filling of the reservoir (R8)."""

from app.pump import Pump
from app.store import StoreError

_NAME = "primed"


def line_nl(pump: Pump) -> int:
    """Volume of the line by the active program; 0 when it says none."""
    return pump.setup.program.line_nl() if pump.setup.program else 0


def _filling(pump: Pump) -> bytes:
    """Differs when another program is active or the reservoir was refilled."""
    tank = pump.setup.tank
    return bytes.fromhex(pump.setup.digest) + (tank.token if tank is not None else bytes(8))


def primed(pump: Pump) -> bool:
    """Also when the store can't tell: then somebody has to say that it is meant."""
    try:
        return pump.setup.store.load(_NAME) == _filling(pump)
    except StoreError:
        return True


def mark(pump: Pump) -> None:
    """Before the first step: a cut in between costs the priming and does not give two. OSError and StoreError pass."""
    pump.setup.store.save(_NAME, _filling(pump))
