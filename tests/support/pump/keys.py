"""A pump with keys, and a client that signs for it with Python's own `hmac`: no code of ours makes the signatures of the tests."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.pump.running import PumpKind, UnitPump
from support.replies import fault_of

ROLES = ("look", "operate", "program")
KEYS = b"".join([hashlib.sha256(role.encode()).digest() for role in ROLES])
OTHERS = b"".join([hashlib.sha256(b"other " + role.encode()).digest() for role in ROLES])
WRONG = frozenset({"unsigned", "signature", "role"})


def with_keys(pump: PumpKind, keys: bytes = KEYS) -> PumpKind:
    """Return this pump with keys, as the next power-up would find it."""
    pump.pump.setup.store.save("keys", keys)
    pump.pump.setup.keys = keys
    return pump


def key_of(role: str, keys: bytes = KEYS) -> bytes:
    at = 32 * ROLES.index(role)
    return keys[at : at + 32]


def challenge(pump: UnitPump) -> bytes:
    return str(pump.call("key.challenge")["challenge"]).encode()


def mac(key: bytes, role: bytes, given: bytes, body: bytes) -> bytes:
    return hmac.new(key, bytes.fromhex(given.decode()) + role + b"\n" + body, hashlib.sha256).hexdigest().encode()


def seal(line: bytes, role: str, given: bytes, keys: bytes = KEYS) -> bytes:
    """Return a frame, with its newline, signed for this challenge."""
    framed = line.rstrip(b"\n")
    name = role.encode()
    return b"*".join([framed, name, given, mac(key_of(role, keys), name, given, framed[:-9])]) + b"\n"


def signed(pump: UnitPump, method: str, role: str = "program", /, **params: object) -> bytes:
    """Return the line of a new request with a new challenge."""
    return seal(pump.request(method, **params), role, challenge(pump))


def reply(pump: UnitPump, line: bytes) -> dict[str, Any]:
    """Send a line and return its decoded answer."""
    return frame.decode(pump.line(line).split(b"\n", 1)[0])


def fault(pump: UnitPump, line: bytes) -> str:
    """Send a line and return the name of its refusal; "" if it was done."""
    answer = reply(pump, line)
    return fault_of(answer) if "error" in answer else ""


def press(pump: UnitPump, hold_s: float = 2.1) -> None:
    """Hold the stop button for so long."""
    pump.board.buttons.stop = pump.board.buttons.held_down = True
    pump.advance(0.05)
    pump.board.buttons.stop = False
    pump.advance(hold_s)


def confirmed(pump: UnitPump, keys: bytes) -> dict[str, Any]:
    """Set keys with the stop button, and return the pump's last answer."""
    assert pump.call("key.set", keys=keys.hex()) == {"done": False, "wait_s": 60, "hold_s": 2}
    pump.advance(0.5)
    press(pump)
    assert pump.call("key.set", keys=keys.hex())["hold_s"] == 0
    pump.board.buttons.held_down = False
    return pump.call("key.set", keys=keys.hex())


def least(method: str) -> dict[str, Any]:
    """Return parameters that the schema takes, the least of each."""
    made: dict[str, Any] = {}
    for name, (kind, first, _) in messages.METHODS[method][0].items():
        made[name] = first if kind == "integer" else first[0] if kind == "choice" else ("0" if kind == "hex" else "A") * first
    return made
