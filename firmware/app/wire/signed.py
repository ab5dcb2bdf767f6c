"""The signature of a command, on a pump with keys: whether it counts, and the challenge for the next one."""

import binascii
import hashlib

from pumpcore.faults.faults import Refusal
from pumpcore.units import const
from pumpcore.wire import messages

if 0:  # for the type checker alone
    from app.types import Received, Signatures

_VALID_MS = const(60_000)
_CHALLENGES = const(4)  # the newest ones are kept
_CHALLENGE_BYTES = const(16)
_END_BYTES = const(9)  # `*` and the CRC of a frame
_TRIES = ("unsigned", "signature", "role")  # in the order of Signatures.tries


def challenge(kept: "Signatures") -> bytes:
    """Return a challenge from the hardware's noise. With boot and number none comes twice on one pump, whatever the noise is."""
    pump, seed = kept.pump, kept.pump.board.system.seed
    kept.number += 1
    raw = b"%d %d %d %d %d %d" % (pump.journal.boot, kept.number, seed(), seed(), seed(), seed())
    made = binascii.hexlify(hashlib.sha256(raw).digest()[:_CHALLENGE_BYTES])
    kept.issued = kept.issued[1 - _CHALLENGES :] + [[made, pump.board.clock.uptime_ms(), True]]
    return b'{"challenge":"%s","valid_ms":%d}' % (made, _VALID_MS)


def check(kept: "Signatures", known: bool, method: str, line: "Received") -> None:
    """Check the signature of a command that needs a role, and keep the role. `known`: its id is remembered.

    Refusals `unsigned`, `signature`, `role`, all counted.
    """
    try:
        _check(kept, known, method, line)
    except Refusal as refused:
        kept.tries[_TRIES.index(refused.fault.name)] += 1
        kept.tell()
        raise


def _check(kept: "Signatures", known: bool, method: str, line: "Received") -> None:
    setup, needed, now_ms = kept.pump.setup, messages.METHODS[method][2], kept.pump.board.clock.uptime_ms()
    pieces: "list[bytes | memoryview]" = list(line) if isinstance(line, list) else [line]
    end = bytes(pieces.pop()).rstrip(b"\r")
    state, sent = setup.keys_state(), messages.signature(end)
    if not needed or (method == "key.set" and not sent):  # the stop button decides about the latter
        return
    if state == "none":
        if sent:
            raise Refusal("signature", cause="no keys are set")
        return
    if state == "damaged":
        raise Refusal("signature")
    if not sent:
        raise Refusal("unsigned")
    from pumpcore.wire import signing

    kept.issued = [row for row in kept.issued if now_ms - row[1] <= _VALID_MS]
    pieces.append(memoryview(end)[: -_END_BYTES - len(sent)])
    kept.role, fresh = signing.check(setup.keys, kept.issued, needed, sent, pieces)
    if not fresh and not known:  # else it is answered from memory, or refused as `id_reused`
        raise Refusal("signature")
