"""The chip itself: identity, resets, memory."""

import gc
import sys

from hal.sim import panel

_HEAP_BYTES = 524_000_000
_PROBE_BYTES = 1024


class System:
    """`reset_cause` is "power", "watchdog" or "soft"; `maintenance_requested`: asked for before the last reset; `failures`: none, since
    here a program that fails ends the simulator."""

    failures = 0

    def __init__(self, board: panel.Device, facts: dict) -> None:
        self._board = board
        self._seed = facts["token_seed"]
        self.unique_id = facts["unique_id"]
        self.reset_cause = facts["reset_cause"]
        self.maintenance_requested = facts["maintenance"]
        self.implementation = {
            "name": sys.implementation.name,
            "version": list(sys.implementation.version[:3]),
            "machine": sys.implementation._machine,
            "mpy": sys.implementation._mpy,
        }
        # A collection in this MicroPython loses live objects; a full heap must fail instead.
        gc.disable()
        self._origin = id(bytearray(_PROBE_BYTES))

    def seed(self) -> int:
        """u32 from the hardware's noise, another one after every reset."""
        return self._seed

    def reset(self) -> None:
        """Restarts the chip; does not return."""
        self._board.order(b"R")

    def fail(self, error: BaseException) -> None:
        """Ends the program behind an error that nothing could handle: the runner tells it."""
        raise error

    def request_maintenance(self) -> None:
        """Survives the next reset, not a power cut."""
        self._board.order(b"M")

    def collect(self) -> None:
        """Nothing: see __init__."""

    def built(self) -> None:
        """Nothing: see __init__."""

    def forget(self, *modules: str) -> None:
        """Nothing: their memory would not come back, and an import would take more."""

    def free_memory_bytes(self) -> int:
        """An estimate from how far allocation has come: counting a heap of this size takes a quarter of a second."""
        return _HEAP_BYTES - (id(bytearray(_PROBE_BYTES)) - self._origin)
