"""The wish to forget the keys, at power-up."""

from app.records.store import StoreError
from pumpcore.units import const

if 0:  # for the type checker alone
    from app.types import Pump

_FORGET_PATH = const("/store/keys.forget")
_REMOVED, _BY_MAINTENANCE = const(1), const(2)  # as in record_types


def forget(pump: "Pump") -> None:
    """Remove the keys, journaled first, if somebody at the prompt asked for it: they held the stop button, or had the program key."""
    flash, setup = pump.board.flash, pump.setup
    if not flash.exists(_FORGET_PATH):
        return
    pump.journal.append("keys_changed", (_REMOVED, _BY_MAINTENANCE))
    try:
        setup.store.save("keys", b"")
        flash.remove(_FORGET_PATH)
    except (OSError, StoreError):
        pump.alarms.raise_fault("store_failed")
        return
    setup.keys = b""
    setup.mended("keys", pump.alarms.clear_name)
