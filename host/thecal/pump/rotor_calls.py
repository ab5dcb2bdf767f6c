"""The methods of a client about the pump's rotor: its table, and where it stands."""

from __future__ import annotations

import base64

from thecal.errors import BadAnswer, LinkLost, NoPump, PortBusy, Refused
from thecal.pump.exchange import Exchange, Reply


class RotorCalls(Exchange):
    """A packed table is that of `pumpcore.bench.learned`; `zero_steps` is the motor's position at which its first bin begins."""

    def rotor_check(self, packed: bytes) -> Reply:
        """Have the pump check and read a packed table; change nothing."""
        return self.ask("rotor.check", {"rotor": base64.b64encode(packed).decode()})

    def rotor_read(self) -> Reply:
        """Return the stored table, and by which law the pump would dose."""
        return self.ask("rotor.read", {})

    def rotor_set(self, packed: bytes, zero_steps: int = -1) -> Reply:
        """Store a packed table; `b""` forgets it. With `zero_steps` -1 nobody knows where the rotor stands. Raises Refused, or Unknown if
        the outcome stays unknown."""
        params = {"rotor": base64.b64encode(packed).decode(), "zero_steps": zero_steps}
        return self.command("rotor.set", params, lambda: self._settle_rotor(packed, zero_steps))

    def rotor_phase(self, zero_steps: int) -> Reply:
        """Tell the pump where the rotor stands. Raises Refused, or Unknown if the outcome stays unknown."""
        return self.command("rotor.phase", {"zero_steps": zero_steps}, lambda: self._settle_rotor(None, zero_steps))

    def _settle_rotor(self, packed: bytes | None, zero_steps: int) -> Reply | None:
        """`packed`: the table that must be stored, None: any."""
        try:
            reply = self.rotor_read()
        except (LinkLost, NoPump, PortBusy, Refused, BadAnswer):
            return None
        stored, status = base64.b64decode(reply["rotor"] or ""), reply["status"]
        return {**status, "settled": True} if packed in (None, stored) and zero_steps in (-1, status["zero_steps"]) else None
