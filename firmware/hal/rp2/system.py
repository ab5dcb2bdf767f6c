"""The chip: identity, resets, memory, the watchdog."""

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


class Watchdog:
    """The chip's watchdog: it resets the board if it is not fed in time."""
    def __init__(self) -> None:
        self.watchdog: machine.WDT | None = None

    def start(self, limit_ms: int) -> None:
        """Start it with 1 to 8388 ms; it cannot be stopped again. Raises ValueError beyond that."""
        self.watchdog = machine.WDT(timeout=limit_ms)

    def feed(self) -> None:
        """Restart the timeout. Does nothing before `start`."""
        if self.watchdog is not None:
            self.watchdog.feed()

    def started(self) -> bool:
        """Return True after `start`."""
        return self.watchdog is not None


# --- system ------------------------------------------------------------------------------------------------------------------

# If memory is collected only when the heap is full, the live objects lie scattered over it. That is harmless while the pump is built:
# nearly everything in between is freed afterwards. With fewer bytes, a download of the journal is interrupted more often.
_COLLECT_EVERY_BYTES = const(32_768)
_LITTER_BYTES = const(4_096)
# The last program's state, in a register that only the loss of power clears.
_RUNNING = const(0x74680001)
_RESET = const(0x74680002)
_MAINTENANCE = const(0x74680003)
_FAILED = const(0x74680010)  # plus how often in a row
_ROW_MS = const(60_000)  # a failure after a longer run begins a new row


class System:
    """The chip. `reset_cause` is "power", "watchdog" or "soft".

    `maintenance_requested`: maintenance was requested before the last reset. `failures`: how many of the last programs in a row failed.
    """

    def __init__(self) -> None:
        self.free_bytes = (0, 0)  # after the last two collections
        self._last_free_bytes = 0
        self.at_ms = time.ticks_ms()
        left = mem32[WATCHDOG_SCRATCH0]
        self.maintenance_requested = left == _MAINTENANCE
        self.failures = left & 15 if left & ~15 == _FAILED else 0
        self.reset_cause = cause(left)
        self._leave(_RUNNING)
        self.unique_id = machine.unique_id().hex()
        chip: "Implementation" = sys.implementation
        self.implementation: dict[str, str | int | list[int]] = {
            "name": chip.name,
            "version": list(chip.version[:3]),
            "machine": chip._machine,
            "mpy": chip._mpy,
        }

    def _leave(self, value: int) -> None:
        mem32[WATCHDOG_SCRATCH0] = value

    def seed(self) -> int:
        """Return a u32 from the noise of the ring oscillator, different after every reset."""
        return int.from_bytes(os.urandom(4), "little")

    def reset(self) -> None:
        """Restart the chip; does not return."""
        if mem32[WATCHDOG_SCRATCH0] != _MAINTENANCE:
            self._leave(_RESET)
        machine.reset()

    def request_maintenance(self) -> None:
        """Request maintenance for after the next reset; a power cut forgets it."""
        self._leave(_MAINTENANCE)

    def fail(self, error: BaseException) -> None:
        """Count an unhandled error and restart the chip; does not return."""
        self._leave(_FAILED + (min(self.failures + 1, 15) if time.ticks_diff(time.ticks_ms(), self.at_ms) < _ROW_MS else 1))
        machine.reset()

    def ended(self) -> None:
        """Note that the program ends without a watchdog, so somebody at the REPL restarts it."""
        self._leave(_RESET)

    def collect(self) -> None:
        """Collect memory if much was left behind; called when no host asks. A collection takes 75 ms; the hardware steps on.

        While a host asks without a pause, collections come at the threshold (_COLLECT_EVERY_BYTES).
        """
        PACK.let_go()
        if gc.mem_free() < self.free_bytes[1] - _LITTER_BYTES:
            self.built()

    def make_room(self, loaded: bool = False) -> None:
        """Collect before making objects that stay, so that they fill gaps. Scattered ones would leave no large piece for a long line.

        `loaded`: few modules will be loaded from here on; the room for loading is given back too.
        """
        if loaded:
            PACK.let_go()
        gc.collect()

    def loop_begins(self) -> None:
        """Do nothing."""

    def between_turns(self) -> bool:
        """Return False: memory is collected within the turns (see `collect`)."""
        return False

    def built(self) -> None:
        """Collect what building the pump left behind; from here on collect often."""
        PACK.let_go()
        gc.threshold(_COLLECT_EVERY_BYTES)
        gc.collect()
        self._last_free_bytes = gc.mem_free()
        self.free_bytes = (self.free_bytes[1], self._last_free_bytes)

    def forget(self, *modules: str) -> None:
        """Free the memory of modules of which nothing is used any more; an import loads them again."""
        for name in modules:
            if name in sys.modules:
                package, _, own = name.rpartition(".")
                del sys.modules[name]
                if hasattr(sys.modules.get(package), own):  # missing if its import failed; the package may be gone too
                    delattr(sys.modules[package], own)

    def free_memory_bytes(self) -> int:
        """Return the larger of the two last free-heap readings after a collection.

        One reading alone would count the garbage of commands, or of an answer that a collection met in the middle. Never more than was
        free.
        """
        now_bytes = gc.mem_free()
        if now_bytes > self._last_free_bytes:
            self.free_bytes = (self.free_bytes[1], now_bytes)
        self._last_free_bytes = now_bytes
        return max(self.free_bytes)


def cause(left: int) -> str:
    if left == _RUNNING and mem32[WATCHDOG_REASON] & BITTEN:
        return "watchdog"
    return "soft" if left in (_RUNNING, _RESET, _MAINTENANCE) or left & ~15 == _FAILED else "power"
