"""Pace the PIO blocks by alarms of the emulated clock: each instruction runs at its own cycle, CPU busy or asleep.

The emulator runs at most one PIO instruction per CPU instruction or idle jump. Here the batch loop sees both blocks as stopped. One alarm
is set for the next due instruction of either block, and DMA, which refills by alarms too, gets its turn in between. Delay loops (`jmp x--`
onto themselves) are skipped at once, for as many rounds as fit.
"""

from __future__ import annotations

from typing import Any

NEVER = 1 << 62
CYCLE_NS = 8
_JMP_ALWAYS, _JMP_X, _JMP_Y = 0, 2, 4


class Parked:
    """The batch loop's view of a block: stopped, and otherwise the block itself."""

    stopped = True

    def __init__(self, block: Any) -> None:
        self._block = block

    def __getattr__(self, name: str) -> Any:
        return getattr(self._block, name)


class Registers:
    """The block's registers on the bus: up to date before an access, with a new schedule after it."""

    def __init__(self, pace: Pace, block: Any) -> None:
        self._pace = pace
        self._block = block

    def __getattr__(self, name: str) -> Any:
        return getattr(self._block, name)

    def read_uint32(self, offset: int) -> int:
        self._pace.catch_up()
        value: int = self._block.read_uint32(offset)
        self._pace.arm()
        return value

    def write_uint32(self, offset: int, value: int) -> None:
        self._pace.catch_up()
        self._block.write_uint32(offset, value)
        self._pace.changed()

    def write_uint32_atomic(self, offset: int, value: int, kind: int) -> None:
        self._pace.catch_up()
        self._block.write_uint32_atomic(offset, value, kind)
        self._pace.changed()


class Pace:
    """Both blocks of `mcu`. `now_ns` is the time of the PIO instruction being executed, for dating edges."""

    def __init__(self, mcu: Any) -> None:
        self._clock = mcu.clock
        self._core = mcu.core
        self._blocks = list(mcu.pio)
        self._running: list[tuple[Any, Any]] = []
        self._alarm = mcu.clock.create_alarm(self._due)
        self._inside = False
        self._at = 0
        for index, page in enumerate((0x50200, 0x50300)):
            mcu.peripherals[page] = Registers(self, self._blocks[index])
            mcu.pio[index] = Parked(self._blocks[index])

    def now_ns(self) -> int:
        return (self._at >> 8) * CYCLE_NS if self._inside else int(self._clock.nanos)

    def changed(self) -> None:
        """After a register write: update which machines run, and the pins that their `exec` changed."""
        self._running = [(block, machine) for block in self._blocks for machine in block.machines if machine.enabled]
        if not self._inside:
            for block in self._blocks:
                block.check_changed_pins()
        self.arm()

    def catch_up(self) -> None:
        """Bring counters and delay loops to the clock's present. Due instructions are left to the alarm."""
        if not self._inside:
            self._move((int(self._clock.nanos) // CYCLE_NS) << 8)

    def arm(self) -> None:
        if self._inside:
            return
        due = self._next()
        if due >= NEVER:
            self._alarm.cancel()
        else:
            self._alarm.schedule(max(0.0, (due >> 8) * CYCLE_NS - self._clock.nanos))

    def _next(self) -> int:
        due = NEVER
        for block, machine in self._running:
            if machine.enabled and not machine.waiting:
                at = _leaves_loop(block, machine)
                if at < due:
                    due = at
        return due

    def _due(self) -> None:
        """Run what is due now; with the CPU asleep also what follows, up to the next foreign alarm."""
        at = (int(self._clock.nanos) // CYCLE_NS) << 8
        self._inside = True
        while True:
            self._step(at)
            due = self._next()
            if due >= NEVER or not self._core.waiting:
                break
            if (due >> 8) * CYCLE_NS >= self._clock.nanos + self._clock.nanos_to_next_alarm:
                break
            at = due
        self._inside = False
        self.arm()

    def _step(self, at: int) -> None:
        self._move(at)
        for block in self._blocks:
            block.recompute_due()
            if block.next_due_fp <= at:
                block.advance(0)

    def _move(self, at: int) -> None:
        """Set both blocks' clocks; machines in a delay loop run the rounds that fit."""
        self._at = at
        for block in self._blocks:
            if block.cycle_fp < at:
                block.cycle_fp = at
        for block, machine in self._running:
            if machine.enabled and not machine.waiting and machine.next_due_fp <= at:
                _run_loop(block, machine, at)


def _loop(block: Any, machine: Any) -> tuple[int, int]:
    """Return (condition, cycles_fp of a round) if the machine's next instruction jumps onto itself, else (-1, 0)."""
    opcode = block.instructions[machine.pc]
    if opcode >> 13 or (opcode & 31) != machine.pc:
        return -1, 0
    side_set = machine.pin_ctrl >> 29
    delay = (opcode >> 8) & ((1 << (5 - side_set)) - 1)
    return (opcode >> 5) & 7, (1 + delay) * machine.div_fp


def _leaves_loop(block: Any, machine: Any) -> int:
    condition, round_fp = _loop(block, machine)
    due: int = machine.next_due_fp
    if condition == _JMP_X:
        return due + machine.x * round_fp
    if condition == _JMP_Y:
        return due + machine.y * round_fp
    return NEVER if condition == _JMP_ALWAYS else due


def _run_loop(block: Any, machine: Any, at: int) -> None:
    condition, round_fp = _loop(block, machine)
    if condition not in (_JMP_ALWAYS, _JMP_X, _JMP_Y):
        return
    rounds = (at - machine.next_due_fp) // round_fp + 1
    if condition == _JMP_X:
        rounds = min(rounds, machine.x)
        machine.x -= rounds
    elif condition == _JMP_Y:
        rounds = min(rounds, machine.y)
        machine.y -= rounds
    machine.next_due_fp += rounds * round_fp
