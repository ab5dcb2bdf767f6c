"""A chip with hal/rp2 attached to a bench, driven from its prompt: the code's report against the pins.

`step_dir` is a driver that a high enable line disables, `coils` one that a low line disables. `ask` returns the value of an expression;
`rises` and `steps_between` read the pins. MARK is a spare pin that code can toggle.
"""

from __future__ import annotations

import ast

from support.emulator.board import EmulatedBoard
from support.emulator.image import parts

STEP, ENABLE, DIR, STOP, BOLUS, COIL_A1, STROBE, MARK, SUPPLY = 2, 3, 4, 14, 15, 6, 10, 20, 26
CYCLE_NS = 8

_IMPORTS = """
import time
from machine import Pin
from hal.rp2.board import Board
board = None
def ready(steps):
    stepper.halt(); guard.rearm(); stepper.enable(True); guard.allow(guard.count() + steps)
def drain():
    while stepper.busy(): time.sleep_ms(1)
"""
_ATTACH = """
if board is not None: board.make_safe()
class Bench:
    target, clock_chip, forward, sensor_hz = "rp2", False, {forward}, 0
    kind, coil_style, disabled_level, max_rate_hz = {kind!r}, {style!r}, {off_level}, {max_rate_hz}
    pins, wake_us = {pins!r}, {wake_us}
board = Board()
board.attach(Bench)
stepper, guard, buttons = board.stepper, board.guard, board.buttons
mark = Pin({mark}, Pin.OUT, value=0)
"""


class MotorBench:
    """Booted; call `attach` first. Both take seconds of computing, so they are done once, and each test gets a fork of that process."""

    def __init__(self) -> None:
        self.board = EmulatedBoard(files=parts())
        self.off_level, self.counted = 1, STEP
        self.board.set_pin(STOP, 0)
        self.run(_IMPORTS)

    def attach(self, kind: str = "step_dir", style: str = "", forward: bool = True, off_level: int | None = None, wake_us: int = 0) -> None:
        """Attach the hal anew to this bench, disabled: counts and the log of the pins begin at 0."""
        self.off_level = int(kind == "step_dir") if off_level is None else off_level
        self.counted = STEP if kind == "step_dir" else STROBE
        self.board.set_pin(STOP, 0)
        self.board.set_pin(BOLUS, 1)
        self.board.pins.pull(ENABLE, self.off_level)
        outputs = {"step": STEP, "dir": DIR} if kind == "step_dir" else {"strobe": STROBE, **_coils()}
        facts = {"kind": kind, "style": style, "forward": forward, "off_level": self.off_level, "mark": MARK, "wake_us": wake_us}
        facts["max_rate_hz"] = 25_000 if kind == "step_dir" else 2_000
        self.clear()
        self.run(_ATTACH.format(pins={**outputs, "enable": ENABLE, "stop_button": STOP, "bolus_button": BOLUS}, **facts))

    def run(self, code: str, timeout_s: float = 5.0) -> str:
        return self.board.exec(code, timeout_s)

    def ask(self, expression: str) -> object:
        return ast.literal_eval(self.run(f"print(repr({expression}))"))

    def rises(self, gpio: int | None = None) -> list[int]:
        """Return the times of rising edges in ns."""
        return self.board.pins.rises(self.counted if gpio is None else gpio)

    def clear(self) -> None:
        self.board.pins.clear()

    def enabled(self) -> bool:
        return self.board.pins.level(ENABLE) != self.off_level

    def steps_between_marks(self) -> list[int]:
        """Return the pulses between each edge of MARK and the one before."""
        rises, counts, before = self.rises(), [], 0
        for at_ns, _ in self.board.pins.edges(MARK):
            until = sum(rise <= at_ns for rise in rises)
            counts.append(until - before)
            before = until
        return counts


def booted() -> MotorBench:
    """Return the bench of this process and its forks, newly attached to a step and direction driver that a high line disables."""
    if not _booted:
        _booted.append(MotorBench())
        _booted[0].attach()
    return _booted[0]


_booted: list[MotorBench] = []


def _coils() -> dict[str, int]:
    return {name: COIL_A1 + place for place, name in enumerate(("coil_a1", "coil_a2", "coil_b1", "coil_b2"))}
