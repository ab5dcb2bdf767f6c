"""One-shot tokens for boluses: issued by the pump, valid 60 s, void at reset, numbered from the boot counter (R8)."""

from pumpcore.faults import Refusal

VALID_MS = 60_000
_KEPT = 8


class Tokens:
    """A token is boot u16, number u16, mixed seed u32 in hex: never the same twice on one pump."""

    def __init__(self, boot: int, seed: int) -> None:
        self._boot = boot & 0xFFFF
        self._mix = seed & 0xFFFFFFFF
        self._number = 0
        self._issued = []

    def issue(self, now_ms: int) -> str:
        """A new token."""
        self._number += 1
        self._mix = (self._mix * 1_664_525 + 1_013_904_223) & 0xFFFFFFFF
        token = "%04x%04x%08x" % (self._boot, self._number & 0xFFFF, self._mix)
        self._issued = self._issued[1 - _KEPT :] + [(token, now_ms)]
        return token

    def check(self, token: str, now_ms: int) -> None:
        """Refusals `token_unknown`, `token_expired`."""
        for issued, at_ms in self._issued:
            if issued == token:
                if now_ms - at_ms > VALID_MS:
                    raise Refusal("token_expired", age_ms=now_ms - at_ms, limit_ms=VALID_MS)
                return
        raise Refusal("token_unknown", token=token)

    def use(self, token: str) -> None:
        """Takes the token away: it orders nothing any more."""
        self._issued = [row for row in self._issued if row[0] != token]
