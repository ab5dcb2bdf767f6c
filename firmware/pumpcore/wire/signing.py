"""Signatures of commands: HMAC-SHA256 over a challenge of the pump, the role and the object. Loaded when a pump with keys needs it."""

import binascii
import hashlib

from pumpcore.faults.faults import Refusal
from pumpcore.units import const

if 0:  # for the type checker alone
    from pumpcore.shapes import Challenge

ROLES = const(("look", "operate", "program"))  # each may do what those before it may
KEY_BYTES = const(32)
KEYS_BYTES = const(96)  # one of each role, in this order
CHALLENGE_DIGITS = const(32)
FORGET_PATH = const("/store/keys.forget")  # a host that has the prompt makes this file: the next start forgets the keys
_BLOCK_BYTES = const(64)  # of SHA-256
_INNER = const(0x36)
_OUTER = const(0x5C)
_HEX = const(b"0123456789abcdef")


def key_of(keys: bytes, role: str) -> bytes:
    """Return the key of `role`."""
    at = ROLES.index(role) * KEY_BYTES
    return keys[at : at + KEY_BYTES]


def mac(key: bytes, parts: "list[bytes | memoryview]") -> bytes:
    """Return HMAC-SHA256 (RFC 2104) of the parts, one after the other, as 64 hex digits. `key` has 32 bytes. Copies no part."""
    key = key + bytes(_BLOCK_BYTES - len(key))
    inner = hashlib.sha256(bytes([byte ^ _INNER for byte in key]))
    for part in parts:
        inner.update(part)
    outer = hashlib.sha256(bytes([byte ^ _OUTER for byte in key]))
    outer.update(inner.digest())
    return binascii.hexlify(outer.digest())


def signature(key: bytes, role: str, challenge: bytes, parts: "list[bytes | memoryview]") -> bytes:
    """Return what follows the CRC of a frame. `challenge` is as the pump sent it, `parts` are the bytes of the object."""
    name = role.encode()
    first: "list[bytes | memoryview]" = [binascii.unhexlify(challenge), name, b"\n"]
    signed = mac(key, first + parts)
    return b"*" + name + b"*" + challenge + b"*" + signed


def same(first: bytes, second: bytes) -> bool:
    """Return True if both are equal. Its time depends on their lengths only, so that nobody can guess a MAC digit by digit."""
    wrong = len(first) ^ len(second)
    for one, other in zip(first, second):
        wrong |= one ^ other
    return not wrong


def check(keys: bytes, issued: "list[Challenge]", needed: str, sent: bytes, parts: "list[bytes | memoryview]") -> tuple[str, bool]:
    """Return (role, whether its challenge was fresh) of an object that carries the signature `sent`. Refusals `signature`, `role`.

    `issued`: the challenges that are still valid. Any use spends one, a wrong use too. `needed`: the least role that may give the command.
    """
    name, challenge, _ = sent[1:].split(b"*")
    rank = [role for role in ROLES if role.encode() == name]
    if not rank or len(challenge) != CHALLENGE_DIGITS or challenge.strip(_HEX):
        raise Refusal("signature")
    right = same(signature(key_of(keys, rank[0]), rank[0], challenge, parts), sent)
    fresh = False
    for row in issued:
        if row[0] == challenge:
            fresh, row[2] = row[2], False
    if not right:
        raise Refusal("signature")
    if ROLES.index(rank[0]) < ROLES.index(needed):
        raise Refusal("role", role=rank[0], needed=needed)
    return rank[0], fresh
