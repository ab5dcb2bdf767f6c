"""Handler of key.set: the keys of the three roles. Journaled without a byte of them."""

import binascii

from app.pump import Pump
from app.wire.handlers import held
from pumpcore.faults.faults import Refusal
from pumpcore.units import const
from pumpcore.wire.messages import is_hex

_DIGITS = const(192)
_KEY_BYTES = const(32)
_SET = const(0)  # as in record_types
_REMOVED = const(1)
_BY_BUTTON = const(0)
_BY_KEY = const(1)


def key_set(pump: Pump, params: dict) -> dict:
    """Set the keys, or remove them with "", journaled before they are stored.

    Signed by the present program key, or confirmed by the stop button: then ask again until `done`. Refusals `bad_params`,
    `in_maintenance`, `not_stopped`, `button_not_held` after 60 s.
    """
    setup, signature = pump.setup, pump.session.signature
    keys = _checked(params["keys"])
    if pump.board.system.maintenance_requested:
        raise Refusal("in_maintenance")
    if not pump.idle():
        raise Refusal("not_stopped", state=pump.state())
    if not keys and setup.keys_state() == "none":
        return held.answer(True)
    if signature.role != "program":
        waiting = held.wait(pump, params["keys"])
        if waiting:
            return waiting
    by = _BY_KEY if signature.role == "program" else _BY_BUTTON
    pump.journal.append("keys_changed", (_SET if keys else _REMOVED, by))
    setup.store.save("keys", keys)
    setup.keys = keys
    signature.issued = []
    setup.mended("keys", pump.alarms.clear_name)
    return held.answer(True)


def _checked(digits: str) -> bytes:
    """Return the three keys as bytes. Two that are equal would make one role of two, and one byte alone is a key that nobody drew."""
    if not digits:
        return b""
    if not is_hex(digits, _DIGITS):
        raise Refusal("bad_params", parameter="keys")
    keys = binascii.unhexlify(digits)
    each = [keys[at : at + _KEY_BYTES] for at in range(0, len(keys), _KEY_BYTES)]
    if len(set(each)) < len(each) or any([len(set(key)) == 1 for key in each]):
        raise Refusal("bad_params", parameter="keys")
    return keys
