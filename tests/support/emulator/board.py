"""A Raspberry Pi Pico with stock MicroPython: power, time, pins, flash, USB, and the raw REPL to run code on it.

    with EmulatedBoard() as board:
        print(board.exec("print(1 + 1)"))

Time is true time in nanoseconds since the board was made; it goes on while the power is off. Nothing runs by itself: time
passes in `run_for`, `exec`, and in `live.LivePorts`, which serves the serial port from a thread of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.emulator.chip import Chip, firmware_bytes
from support.emulator.flash import FlashChip
from support.emulator.pads import Lines
from support.emulator.repl import RawRepl
from support.rig.uf2 import find_uf2

_BOOT_LIMIT_S = 20.0
QUIET_NS = 3_000_000


class EmulatedBoard:
    """Power is on from the first moment unless `power=False`. `files` is an image of the file system (352 blocks of 4 KiB)."""

    def __init__(self, uf2: Path | None = None, files: bytes | None = None, power: bool = True) -> None:
        found = uf2 or find_uf2()
        if found is None:
            raise RuntimeError("no stock MicroPython UF2: name one by THECAL_UF2")
        self.flash = FlashChip()
        for offset, data in firmware_bytes(found):
            self.flash.contents[offset : offset + len(data)] = data
        if files is not None:
            self.flash.put_files(files)
        self.pins = Lines()
        self.lock = threading.RLock()
        self.on_output: Callable[[bytes], None] = self._collect
        self.before_run: Callable[[], None] = lambda: None
        self.on_power_up: Callable[[Chip], None] = lambda chip: None
        self._output = bytearray()
        self._last_output_ns = 0
        self._chip: Chip | None = None
        self._off_ns = 0
        self._repl: RawRepl | None = None
        if power:
            self.restore_power()

    def __enter__(self) -> EmulatedBoard:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def close(self) -> None:
        if self._chip is not None:
            self.cut_power()

    # -- time

    def now_ns(self) -> int:
        return self._chip.now_ns() if self._chip is not None else self._off_ns

    def run_for(self, duration_s: float) -> None:
        """Let true time pass, with or without power."""
        self.run_until_ns(self.now_ns() + round(duration_s * 1e9))

    def run_until_ns(self, end_ns: int) -> None:
        with self.lock:
            while self.now_ns() < end_ns:
                if self._chip is None:
                    self._off_ns = end_ns
                    return
                self._run(end_ns)

    def run_until(self, reached: Callable[[], bool], limit_s: float) -> bool:
        """Run until `reached`, which is called every few milliseconds of the machine's time. Return False at the limit."""
        end_ns = self.now_ns() + round(limit_s * 1e9)
        with self.lock:
            while not reached():
                if self.now_ns() >= end_ns or self._chip is None:
                    return reached()
                self._run(end_ns)
        return True

    def run_until_quiet(self, limit_s: float = 30.0, quiet_ns: int = QUIET_NS) -> bool:
        """Run until the guest has read its input and has slept without output for `quiet_ns`."""
        end_ns = self.now_ns() + round(limit_s * 1e9)
        with self.lock:
            since_ns = self.now_ns()
            while self._chip is not None and self.now_ns() < end_ns:
                begun_ns = self.now_ns()
                self._run(min(end_ns, begun_ns + quiet_ns // 3))
                if self._chip is None:
                    break
                if self._chip.host.unread() or not self._chip.asleep() or self._last_output_ns >= begun_ns:
                    since_ns = self.now_ns()
                elif self.now_ns() - since_ns >= quiet_ns:
                    return True
        return False

    def at(self, delay_ns: int, act: Callable[[], None]) -> Any:
        """Call `act` when the chip has run for so long; lost with the power."""
        return self.chip.at(delay_ns, act)

    def _run(self, end_ns: int) -> None:
        chip = self.chip
        self.before_run()
        chip.run(end_ns)
        if not chip.powered:
            self._end_power()

    # -- power

    @property
    def chip(self) -> Chip:
        if self._chip is None:
            raise RuntimeError("the board has no power")
        return self._chip

    def has_power(self) -> bool:
        return self._chip is not None

    def restore_power(self) -> None:
        if self._chip is not None:
            raise RuntimeError("the board has power")
        self._repl = None
        self._chip = Chip(self.flash, self.pins, self._off_ns, self._receive)
        self.on_power_up(self._chip)

    def cut_power(self, after_ns: int = 0) -> None:
        """Cut the power now, or when the chip has run for so long, even in a flash operation, which is then torn."""
        if after_ns:
            self.chip.at(after_ns, self.chip.lose_power)
            return
        self.chip.lose_power()
        self._end_power()

    def hard_reset(self) -> None:
        """Press the RUN button."""
        self._repl = None
        self.chip.press_reset()

    def _end_power(self) -> None:
        chip, self._chip = self.chip, None
        self._off_ns = chip.now_ns()
        chip.close()

    # -- pins

    def set_pin(self, gpio: int, level: int | None) -> None:
        """Drive a line from outside; None releases it."""
        self.pins.hold(gpio, level, self.now_ns())

    # -- the serial line

    def write(self, data: bytes) -> None:
        self.chip.host.send(data)

    def read(self) -> bytes:
        """Return the guest's output since the last read."""
        data = bytes(self._output)
        self._output.clear()
        return data

    def await_usb(self, limit_s: float = _BOOT_LIMIT_S) -> None:
        """Run until the board has enumerated."""
        if not self.run_until(lambda: self._chip is not None and self._chip.host.connected, limit_s):
            raise TimeoutError("the board did not appear on USB")

    def _receive(self, data: bytes) -> None:
        self._last_output_ns = self.now_ns()
        self.chip.stop()  # a reader must see the output now, not after the next idle minute
        self.on_output(data)

    def _collect(self, data: bytes) -> None:
        self._output += data

    # -- code

    def exec(self, code: str, timeout_s: float = 60.0) -> str:
        """Run code in the raw REPL and return its output. Raises RuntimeError with the traceback.

        `timeout_s` is emulated time.
        """
        with self.lock:
            if self._repl is None:
                self.await_usb()
                self._repl = RawRepl(self)
            return self._repl.run(code, timeout_s)

    def put_files(self, files: dict[str, bytes]) -> None:
        """Write files onto the mounted file system through the REPL, folders included."""
        self.exec("import os, binascii\ndef _d(p):\n try: os.mkdir(p)\n except OSError: pass")
        for path, data in files.items():
            parts = path.strip("/").split("/")[:-1]
            for depth in range(1, len(parts) + 1):
                self.exec(f"_d({'/' + '/'.join(parts[:depth])!r})")
            self.exec(f"_f = open({path!r}, 'wb')")
            for at in range(0, len(data), 2048):
                self.exec(f"_f.write({data[at : at + 2048]!r})")
            self.exec("_f.close()")
