"""The tables that somebody weighed for a pump: its calibration, and what each angle of its rotor delivers. Check, read, set."""

from __future__ import annotations

import base64
from collections.abc import Callable

from thecal.errors import BadAnswer, LinkLost, NoPump, PortBusy, Refused
from thecal.pump.exchange import Exchange, Reply


class Tables(Exchange):
    """The part of a client that checks, reads and sets them. Each command raises Refused, or Unknown if the outcome stays unknown."""

    def calibration_check(self, packed: bytes) -> Reply:
        """Have the pump check and read a packed calibration (`pumpcore.bench.weighed`); change nothing."""
        return self.ask("calibration.check", {"calibration": base64.b64encode(packed).decode()})

    def calibration_read(self) -> Reply:
        """Return the calibration in use, the bench's nominal one, and the earlier ones."""
        return self.ask("calibration.read", {})

    def rotor_check(self, packed: bytes) -> Reply:
        """Have the pump check and read a packed table of the rotor (`pumpcore.bench.learned`); change nothing."""
        return self.ask("rotor.check", {"rotor": base64.b64encode(packed).decode()})

    def rotor_read(self) -> Reply:
        """Return the stored table of the rotor, and whether it counts."""
        return self.ask("rotor.read", {})

    def calibration_set(self, packed: bytes) -> Reply:
        """Activate a packed calibration; `b""` returns to the bench's nominal one."""
        params = {"calibration": base64.b64encode(packed).decode()}
        return self.command("calibration.set", params, lambda: self._settle_calibration(packed))

    def rotor_set(self, packed: bytes, zero_steps: int = -1) -> Reply:
        """Store a packed table of the rotor; `b""` takes it away. `zero_steps`: the motor's position at its first bin, -1: unknown."""
        params = {"rotor": base64.b64encode(packed).decode(), "zero_steps": zero_steps}
        return self.command("rotor.set", params, lambda: self._settle_rotor(packed, zero_steps))

    def rotor_phase(self, zero_steps: int) -> Reply:
        """Note the motor's position at which the first bin of the rotor's table begins."""
        return self.command("rotor.phase", {"zero_steps": zero_steps}, lambda: self._settle_rotor(None, zero_steps))

    def _settle_calibration(self, packed: bytes) -> Reply | None:
        reply = self._still_there(self.calibration_read)
        current = reply["calibration"] if reply else None
        same = reply is not None and (base64.b64decode(current["packed"]) if current else b"") == packed
        return {**reply["status"], "settled": True} if reply and same else None

    def _settle_rotor(self, packed: bytes | None, zero_steps: int) -> Reply | None:
        reply = self._still_there(self.rotor_read)
        if reply is None or (packed is not None and base64.b64decode(reply["rotor"] or "") != packed):
            return None
        same = zero_steps < 0 or packed == b"" or reply["status"]["zero_steps"] == zero_steps
        return {**reply["status"], "settled": True} if same else None

    def _still_there(self, question: Callable[[], Reply]) -> Reply | None:
        """Return the answer to a question that may settle a command; None if there is none."""
        try:
            return question()
        except (LinkLost, NoPump, PortBusy, Refused, BadAnswer):
            return None
