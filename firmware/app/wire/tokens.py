"""What the pump issues to be used once: tokens for orders, and challenges for signatures."""

import binascii
import struct

from pumpcore.faults.faults import Refusal
from pumpcore.units import const
from pumpcore.wire import messages

if 0:  # for the type checker alone
    from app.types import Challenge, Json, Loader, Pump, Received, Remembered

# --- tokens ------------------------------------------------------------------------------------------------------------------
# The pump issues one-shot tokens for orders: valid 60 s, void at reset, numbered from the boot counter (R8).

VALID_MS = const(60_000)
_KEPT = const(8)
MOST_TOKENS = const((1 << 20) - 1)


class Tokens:
    """A token, in hex: a 1 bit (older firmware began with a boot of 16 bits), 23 bits boot, 20 bits number, 20 bits mixed seed.

    No token comes twice on one pump. They are kept as bytes, because making a text takes MicroPython long.
    """

    def __init__(self, boot: int, seed: int) -> None:
        self.high = 0x8000 | boot >> 8 & 0x7FFF  # in parts that are small integers: larger ones take MicroPython long
        self.low = (boot & 0xFF) << 8
        self.seed = seed & 0xFFFFFFFF
        self.number = 0
        self._issued: list[tuple[bytes, int]] = []

    def issue(self, uptime_ms: int) -> bytes:
        """Return a new token. Refusal `tokens_spent` if this boot has no number left."""
        if self.number >= MOST_TOKENS:
            raise Refusal("tokens_spent", limit=MOST_TOKENS)
        number = self.number = self.number + 1
        self.seed = (self.seed * 1_664_525 + 1_013_904_223) & 0xFFFFFFFF
        mix = self.seed >> 12
        raw = struct.pack(">HHHH", self.high, self.low | number >> 12, (number & 0xFFF) << 4 | mix >> 16, mix & 0xFFFF)
        token = binascii.hexlify(raw)
        issued = self._issued
        issued.append((token, uptime_ms))
        if len(issued) > _KEPT:
            issued.pop(0)
        return token

    def check(self, token: str, uptime_ms: int) -> None:
        """Refusals `token_unknown`, `token_expired`."""
        asked = token.encode()
        for issued, at_ms in self._issued:
            if issued == asked:
                if uptime_ms - at_ms > VALID_MS:
                    raise Refusal("token_expired", age_ms=uptime_ms - at_ms, limit_ms=VALID_MS)
                return
        raise Refusal("token_unknown", token=token)

    def use(self, token: str) -> None:
        """Spend the token: it orders nothing any more."""
        self._issued = [row for row in self._issued if row[0] != token.encode()]


# --- signatures --------------------------------------------------------------------------------------------------------------
# What a pump with keys keeps between two commands. The rest is loaded when asked (app.wire.signed).

_TRIES_MS = const(600_000)


class Signatures:
    """`role` of the key that signed the present command, "" without one; `issued`: the challenges.

    `tries`: commands refused as `unsigned`, `signature` and `role`, not journaled yet.
    """

    def __init__(self, pump: "Pump", loader: "Loader") -> None:
        self.pump = pump
        self.loader = loader
        self.role = ""
        self.issued: "list[Challenge]" = []
        self.number = 0
        self.tries, self.next_ms = [0, 0, 0], 0

    def check(self, identity: bytes, method: str, line: "Received", known: "list[Remembered]") -> bool:
        """Check the signature of a command. Return True if its answer may be remembered: nobody without a key may fill the memory.

        Refusals `unsigned`, `signature`, `role`, `not_loaded`; nothing has happened then. A used challenge counts for an id in `known`
        only, which is answered from there.
        """
        self.role = ""
        locked = self.pump.setup.keys_state() != "none"
        if locked or messages.signature(line[-1] if isinstance(line, list) else line):
            self.aside("check", identity in [row[0] for row in known], method, line)
        return bool(self.role) or not locked

    def aside(self, name: str, *values: "Json | Received") -> bytes:
        """Call a function of the file of signatures, loaded beside the handler in memory. Refusal `not_loaded`.

        After a challenge the file stays, because a check follows. A check gives it back: the command needs the memory.
        """
        again = True
        while True:
            try:
                self.loader.meet("signed")
                from app.wire import signed

                return getattr(signed, name)(self, *values)
            except (ImportError, OSError, MemoryError) as error:
                if not again:
                    raise Refusal("not_loaded", cause=repr(error)[:80])
                again = False
                self.loader.make_room()
            finally:
                if name == "check":
                    forget = self.pump.board.system.forget
                    forget("app.wire.signed")
                    forget("pumpcore.wire.signing")

    def tell(self) -> None:
        """Journal the tries: the first at once, then at most one record in 10 minutes."""
        now_ms = self.pump.board.clock.uptime_ms()
        if any(self.tries) and now_ms >= self.next_ms:
            self.pump.journal.post("keys_refused", tuple(self.tries), "faults")
            self.tries, self.next_ms = [0, 0, 0], now_ms + _TRIES_MS
