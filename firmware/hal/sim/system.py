"""The simulated chip: identity, resets, memory."""

import array
import gc
import sys

from micropython import const

from hal.sim import panel

if 0:  # for the type checker alone
    from hal.ports import Implementation

_PROBE_WORDS = const(256)
_BEHIND_WORDS = const(65_536)  # larger than any hole that compiling the files has left, so it lies after everything that exists
_BLOCK_BYTES = const(16)
_BEFORE_BYTES = const(262_144)  # more than is allocated before a System is made
_TURNS = const(64)  # in so many turns at most a few hundred kB are allocated


class System:
    """The chip. `reset_cause` is "power", "watchdog" or "soft". `failures` is 0: a program that fails ends the simulator.

    `maintenance_requested`: maintenance was requested before the last reset.

    The collector of this MicroPython does not see the registers of the WebAssembly machine. An object that only C code, or a Python
    function with many variables, holds at that moment is lost. So it never runs by itself, only between two turns of the loop.
    `loop_begins` keeps for ever what exists then, including the frames of `run` and its callers. Later only the frames of `between_turns`
    exist. They are small enough (11 words) to lie in the memory that the collector scans.
    """

    failures = 0

    def __init__(self, board: panel.Device, facts: dict) -> None:
        self.board = board
        self._seed = facts["token_seed"]
        self.unique_id = facts["unique_id"]
        self.reset_cause = facts["reset_cause"]
        self.maintenance_requested = facts["maintenance"]
        chip: "Implementation" = sys.implementation
        self.implementation: dict[str, str | int | list[int]] = {
            "name": chip.name,
            "version": list(chip.version[:3]),
            "machine": chip._machine,
            "mpy": chip._mpy,
        }
        gc.disable()
        self._heap_bytes = facts["heap_bytes"]
        self._origin = _place(_PROBE_WORDS)
        self._collector = facts["collector"]
        self._every_turns = 1 if self._collector == "always" else _TURNS
        self._turns_left = self._every_turns
        self.kept: "array.array[int] | None" = None
        self._over = False

    def seed(self) -> int:
        """Return a u32 from the hardware's noise, different after every reset."""
        return self._seed

    def reset(self) -> None:
        """Restart the chip; does not return."""
        self.board.order(b"R")

    def fail(self, error: BaseException) -> None:
        """End the program after an unhandled error: the simulator's runner reports it."""
        raise error

    def request_maintenance(self) -> None:
        """Request maintenance for after the next reset; a power cut forgets it."""
        self.board.order(b"M")

    def collect(self) -> None:
        """Do nothing: see the class."""

    def built(self) -> None:
        """Do nothing: see the class."""

    def make_room(self, loaded: bool = False) -> None:
        """Do nothing: see the class."""

    def forget(self, *modules: str) -> None:
        """Do nothing: the memory of a module would not come back, and an import would take more."""

    def loop_begins(self) -> None:
        """Keep everything that exists now, by address: the collector takes every word that looks like an address for one."""
        self.kept = array.array("I", range(self._origin - _BEFORE_BYTES, _place(_BEHIND_WORDS), _BLOCK_BYTES))

    def between_turns(self) -> bool:
        """Collect if half of the heap is used. Return True if less than a quarter is free after that: the pump must stop.

        64 turns later, when everything is in the journal, the power-up ends.
        """
        self._turns_left -= 1
        if self._turns_left:
            return False
        self._turns_left = self._every_turns
        return self._tidied()

    def _tidied(self) -> bool:
        if self._over:
            self.board.order(b"E")
        if self._collector == "always" or (self._collector == "needed" and self.free_memory_bytes() < self._heap_bytes // 2):
            gc.collect()
        self._over = self.free_memory_bytes() < self._heap_bytes // 4
        return self._over

    def free_memory_bytes(self) -> int:
        """Return an estimate: how far allocation has come since the last collection. Counting a heap of this size takes long."""
        return self._heap_bytes - (_place(_PROBE_WORDS) - self._origin)


def _place(words: int) -> int:
    """Return an address with so much free memory. A tuple is one piece, and `id` is its beginning.

    A bytearray is two pieces, and the first is so small that it fills a hole anywhere.
    """
    return id((None,) * words)
