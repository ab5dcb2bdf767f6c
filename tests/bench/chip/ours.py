"""hal/rp2 on the benchmark's rig, driven without the app."""

import time

from machine import Pin

from hal.rp2.board import Board

LOW_WATER_US = 2_500_000
PLENTY_STEPS = 10_000_000


class Bench:
    """The bench attributes that hal/rp2 needs: a driver disabled by a high enable line, or coils disabled by a low one."""

    target, clock_chip, forward, sensor_hz = "rp2", False, True, 0
    kind, coil_style, disabled_level, max_rate_hz = "step_dir", "", 1, 25_000
    wake_us = 0
    pins = {"step": 2, "dir": 3, "enable": 4, "stop_button": 14}


class Coils(Bench):
    kind, coil_style, disabled_level, max_rate_hz = "coils", "double", 0, 2_000
    pins = {"coil_a1": 6, "coil_a2": 7, "coil_b1": 8, "coil_b2": 9, "strobe": 10, "enable": 4, "stop_button": 14}


def attached(bench: object) -> Board:
    board = Board()
    board.attach(bench)
    return board


def ready(board: Board, steps: int) -> None:
    """Enable the motor, with `steps` allowed from here."""
    board.stepper.halt()
    board.guard.rearm()
    board.stepper.enable(True)
    board.guard.allow(board.guard.count() + steps)


class Feeder:
    """Fill the queue up to its low water with slices of (steps, duration_us), like the app before each write to flash."""

    def __init__(self, board: Board, steps: int, duration_us: int) -> None:
        self._board = board
        self._slice = (steps, duration_us)
        self.slices = 0
        self.disagreed = 0

    def turn(self) -> None:
        state = self._board.look()
        self.disagreed += state.steps_done != state.guard_count
        while self._board.stepper.queued_us() < LOW_WATER_US:
            self._board.stepper.queue(*self._slice)
            self._board.stepper.send()
            self.slices += 1


def encode_us(board: Board, steps: int, duration_us: int) -> int:
    """Return Python's time to queue and send a slice, in us; the slice is dropped again."""
    ready(board, PLENTY_STEPS)
    begin_us = time.ticks_us()
    board.stepper.queue(steps, duration_us)
    board.stepper.send()
    taken_us = time.ticks_diff(time.ticks_us(), begin_us)
    board.stepper.halt()
    return taken_us


class Trials:
    """Halt at a given time after the start; MARK toggles after each trial."""

    def __init__(self, board: Board, mark: int) -> None:
        self._board = board
        self._mark = Pin(mark, Pin.OUT, value=0)
        ready(board, 0)
        self._first = board.guard.count()

    def halt_after(self, items: list, after_us: int) -> tuple:
        """Return (steps reported, guard's count since the first trial, length of the halt in us)."""
        board = self._board
        ready(board, PLENTY_STEPS)
        before = board.stepper.steps_done()
        for item in items:
            board.stepper.queue(*item)
        board.stepper.send()
        time.sleep_us(after_us)
        begun_us = time.ticks_us()
        made = board.stepper.halt()
        halt_us = time.ticks_diff(time.ticks_us(), begun_us)
        self._mark.toggle()
        return made - before, board.guard.count() - self._first, halt_us
