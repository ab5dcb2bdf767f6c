"""The chip itself: identity, resets, memory."""

import array
import gc
import sys

from micropython import const

from hal.sim import panel

if 0:  # for the type checker alone
    from hal.ports import Implementation

_PROBE_WORDS = const(256)
_BEHIND_WORDS = const(65_536)  # larger than any hole that compiling the files has left: what is so large lies behind all that exists
_BLOCK_BYTES = const(16)
_BEFORE_BYTES = const(262_144)  # more than is allocated before a System is made
_TURNS = const(64)  # at most a few hundred kB are allocated in so many


class System:
    """The collector of this MicroPython does not see the registers of the WebAssembly machine. What only C code, or a Python function with
    many variables, holds at that moment is lost. So it never runs by itself, but only between two turns of the loop: `loop_begins`
    keeps for ever what exists then, the frames of `run` and of its callers among it. Later only the frames of `between_turns` exist, which
    are small enough (11 words) to lie in the memory that the collector looks through.

    `reset_cause` is "power", "watchdog" or "soft"; `maintenance_requested`: asked for before the last reset; `failures`: none,
    since here a program that fails ends the simulator."""

    failures = 0

    def __init__(self, board: panel.Device, facts: dict) -> None:
        self._board = board
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
        self._kept: "array.array[int] | None" = None
        self._over = False

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

    def make_room(self) -> None:
        """Nothing: see __init__."""

    def forget(self, *modules: str) -> None:
        """Nothing: their memory would not come back, and an import would take more."""

    def loop_begins(self) -> None:
        """Keeps all that exists now, by its addresses: the collector takes every word for an address that looks like one."""
        self._kept = array.array("I", range(self._origin - _BEFORE_BYTES, _place(_BEHIND_WORDS), _BLOCK_BYTES))

    def between_turns(self) -> bool:
        """Collects when half of the heap is used. True when that leaves less than a quarter: the pump must stop, and 64 turns later, when
        all is in the journal, the power-up ends."""
        self._turns_left -= 1
        if self._turns_left:
            return False
        self._turns_left = self._every_turns
        return self._tidied()

    def _tidied(self) -> bool:
        if self._over:
            self._board.order(b"E")
        if self._collector == "always" or (self._collector == "needed" and self.free_memory_bytes() < self._heap_bytes // 2):
            gc.collect()
        self._over = self.free_memory_bytes() < self._heap_bytes // 4
        return self._over

    def free_memory_bytes(self) -> int:
        """An estimate from how far allocation has come since the last collection: to count a heap of this size takes long."""
        return self._heap_bytes - (_place(_PROBE_WORDS) - self._origin)


def _place(words: int) -> int:
    """Where so much memory is free. A tuple is one piece of memory, of which `id` is the begin; a bytearray is two, of which the first is
    so small that it fills a hole anywhere."""
    return id((None,) * words)
