"""The chip itself: identity, resets, memory, the watchdog."""

import gc
import os
import sys
import time

import machine
from machine import mem32
from micropython import const

from hal.rp2.imports import PACK
from hal.rp2.pio import BITTEN, WATCHDOG_REASON, WATCHDOG_SCRATCH0

if 0:  # for the type checker alone
    from hal.ports import Implementation

# --- watchdog ----------------------------------------------------------------------------------------------------------------
# The chip's watchdog: resets the board when nobody feeds it.


class Watchdog:
    def __init__(self) -> None:
        self._dog: machine.WDT | None = None

    def start(self, timeout_ms: int) -> None:
        """1 to 8388 ms; can't be stopped again. ValueError beyond that."""
        self._dog = machine.WDT(timeout=timeout_ms)

    def feed(self) -> None:
        """Nothing before `start`."""
        if self._dog is not None:
            self._dog.feed()

    def started(self) -> bool:
        return self._dog is not None


# --- system ------------------------------------------------------------------------------------------------------------------
# The chip itself: identity, resets, memory.

# Collected only when the heap is full, what lives would lie scattered all over it. While the pump is built that is no harm: nearly all
# of what is in the way then goes when it has been built. With fewer bytes a download of the journal is interrupted more often.
_COLLECT_EVERY_BYTES = const(49_152)
_LITTER_BYTES = const(4_096)
# What the last program left in a register that only the loss of power clears.
_RUNNING = const(0x74680001)
_RESET = const(0x74680002)
_MAINTENANCE = const(0x74680003)
_FAILED = const(0x74680010)  # and how often in a row
_ROW_MS = const(60_000)  # a program that has run for longer begins a new row


class System:
    """`reset_cause` is "power", "watchdog" or "soft"; `maintenance_requested`: asked for before the last reset; `failures`: how many
    programs in a row, the last ones, have ended by an error."""

    def __init__(self) -> None:
        self._free_bytes = (0, 0)  # as seen behind the last two collections
        self._last_free_bytes = 0
        self._begun_ms = time.ticks_ms()
        left = mem32[WATCHDOG_SCRATCH0]
        self.maintenance_requested = left == _MAINTENANCE
        self.failures = left & 15 if left & ~15 == _FAILED else 0
        self.reset_cause = _cause(left)
        self._leave(_RUNNING)
        self.unique_id = machine.unique_id().hex()
        chip: "Implementation" = sys.implementation
        self.implementation: dict[str, str | int | list[int]] = {
            "name": chip.name,
            "version": list(chip.version[:3]),
            "machine": chip._machine,
            "mpy": chip._mpy,
        }

    def _leave(self, word: int) -> None:
        mem32[WATCHDOG_SCRATCH0] = word

    def seed(self) -> int:
        """u32 from the noise of the ring oscillator, another one after every reset."""
        return int.from_bytes(os.urandom(4), "little")

    def reset(self) -> None:
        """Restarts the chip; does not return."""
        if mem32[WATCHDOG_SCRATCH0] != _MAINTENANCE:
            self._leave(_RESET)
        machine.reset()

    def request_maintenance(self) -> None:
        """Survives the next reset, not a power cut."""
        self._leave(_MAINTENANCE)

    def fail(self, error: BaseException) -> None:
        """Restarts the chip behind an error that nothing could handle, and counts it; does not return."""
        self._leave(_FAILED + (min(self.failures + 1, 15) if time.ticks_diff(time.ticks_ms(), self._begun_ms) < _ROW_MS else 1))
        machine.reset()

    def ended(self) -> None:
        """The program ends without a watchdog: what restarts it is somebody at the REPL."""
        self._leave(_RESET)

    def collect(self) -> None:
        """Called when nobody has asked for a while: a collection takes 75 ms, in which the hardware steps on. While somebody asks on and
        on it comes by itself, when a part of the heap has been used (see __init__)."""
        PACK.let_go()
        if gc.mem_free() < self._free_bytes[1] - _LITTER_BYTES:
            self.built()

    def make_room(self) -> None:
        """What is made from here on stays: it shall lie where something has been, and not behind it. What lies scattered over the memory
        leaves no large piece for a long line."""
        gc.collect()

    def loop_begins(self) -> None:
        """Nothing."""

    def between_turns(self) -> bool:
        """False: memory is collected within the turns (see __init__ and collect)."""
        return False

    def built(self) -> None:
        """What building the pump left behind goes at once; from here on it is collected often."""
        PACK.let_go()
        gc.threshold(_COLLECT_EVERY_BYTES)
        gc.collect()
        self._last_free_bytes = gc.mem_free()
        self._free_bytes = (self._free_bytes[1], self._last_free_bytes)

    def forget(self, *modules: str) -> None:
        """Gives back the memory of those of these modules of which nothing is in use any more; an import brings them again."""
        for name in modules:
            if name in sys.modules:
                package, _, own = name.rpartition(".")
                del sys.modules[name]
                if hasattr(sys.modules.get(package), own):  # not yet, when its import failed; and the package may be gone
                    delattr(sys.modules[package], own)

    def free_memory_bytes(self) -> int:
        """The more of what was free behind the last two collections, as far as it was asked since: what commands leave behind until
        the next one is not in use, and a collection in the middle of an answer leaves that answer's. Never more than was free."""
        now_bytes = gc.mem_free()
        if now_bytes > self._last_free_bytes:
            self._free_bytes = (self._free_bytes[1], now_bytes)
        self._last_free_bytes = now_bytes
        return max(self._free_bytes)


def _cause(left: int) -> str:
    if left == _RUNNING and mem32[WATCHDOG_REASON] & BITTEN:
        return "watchdog"
    return "soft" if left in (_RUNNING, _RESET, _MAINTENANCE) or left & ~15 == _FAILED else "power"
