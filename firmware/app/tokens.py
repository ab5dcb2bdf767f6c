"""One-shot tokens for boluses: issued by the pump, valid 60 s, void at reset, numbered from the boot counter (R8)."""

import binascii
import struct

from pumpcore.faults import Refusal

VALID_MS = 60_000
_KEPT = 8
MOST_TOKENS = (1 << 20) - 1


class Tokens:
    """A token is, in hex, a bit that is 1 (those of older firmware began with a boot of 16 bits), 23 bits of the boot number, 20 bits of
    its own number, 20 bits of a mixed seed: never the same twice on one pump. Kept as bytes: making a text takes MicroPython long."""

    def __init__(self, boot: int, seed: int) -> None:
        self._head = 0x80000000 | (boot & 0x7FFFFF) << 8
        self._mix = seed & 0xFFFFFFFF
        self._number = 0
        self._issued: list[tuple[bytes, int]] = []

    def issue(self, now_ms: int) -> bytes:
        """A new token. Refusal `tokens_spent` when this boot has no number left."""
        if self._number >= MOST_TOKENS:
            raise Refusal("tokens_spent", limit=MOST_TOKENS)
        number = self._number = self._number + 1
        mix = self._mix = (self._mix * 1_664_525 + 1_013_904_223) & 0xFFFFFFFF
        token = binascii.hexlify(struct.pack(">II", self._head | number >> 12, (number & 0xFFF) << 20 | mix >> 12))
        issued = self._issued
        issued.append((token, now_ms))
        if len(issued) > _KEPT:
            issued.pop(0)
        return token

    def check(self, token: str, now_ms: int) -> None:
        """Refusals `token_unknown`, `token_expired`."""
        asked = token.encode()
        for issued, at_ms in self._issued:
            if issued == asked:
                if now_ms - at_ms > VALID_MS:
                    raise Refusal("token_expired", age_ms=now_ms - at_ms, limit_ms=VALID_MS)
                return
        raise Refusal("token_unknown", token=token)

    def use(self, token: str) -> None:
        """Takes the token away: it orders nothing any more."""
        self._issued = [row for row in self._issued if row[0] != token.encode()]
