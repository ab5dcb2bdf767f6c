"""The chip itself: identity, resets, memory."""

import gc
import os
import sys

import machine
from machine import mem32

from hal.rp2 import registers as reg

# What the last program left in a register that only the loss of power clears.
_RUNNING, _RESET, _MAINTENANCE = 0x74680001, 0x74680002, 0x74680003


class System:
    """`reset_cause` is "power", "watchdog" or "soft"; `maintenance_requested`: asked for before the last reset."""

    def __init__(self) -> None:
        left = mem32[reg.WATCHDOG_SCRATCH0]
        self.maintenance_requested = left == _MAINTENANCE
        self.reset_cause = _cause(left)
        self._leave(_RUNNING)
        self.unique_id = machine.unique_id().hex()
        self.implementation = {
            "name": sys.implementation.name,
            "version": list(sys.implementation.version[:3]),
            "machine": sys.implementation._machine,
            "mpy": sys.implementation._mpy,
        }

    def _leave(self, word: int) -> None:
        mem32[reg.WATCHDOG_SCRATCH0] = word

    def seed(self) -> int:
        """u32 from the noise of the ring oscillator, another one after every reset."""
        return int.from_bytes(os.urandom(4), "little")

    def reset(self) -> None:
        """Restarts the chip; does not return."""
        if mem32[reg.WATCHDOG_SCRATCH0] != _MAINTENANCE:
            self._leave(_RESET)
        machine.reset()

    def request_maintenance(self) -> None:
        """Survives the next reset, not a power cut."""
        self._leave(_MAINTENANCE)

    def ended(self) -> None:
        """The program ends without a watchdog: what restarts it is somebody at the REPL."""
        self._leave(_RESET)

    def collect(self) -> None:
        """Once per turn, while the hardware steps by itself: a collection in the middle of a turn stays rare."""
        gc.collect()

    def free_memory_bytes(self) -> int:
        return gc.mem_free()


def _cause(left: int) -> str:
    if left == _RUNNING and mem32[reg.WATCHDOG_REASON] & reg.BITTEN:
        return "watchdog"
    return "soft" if left in (_RUNNING, _RESET, _MAINTENANCE) else "power"
