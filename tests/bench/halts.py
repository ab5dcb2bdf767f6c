"""Reported steps against steps on the pin, at random halts."""

from __future__ import annotations

import random

from bench import boards
from bench.table import Peer, Row, at_most, exactly
from support.emulator.board import EmulatedBoard

HALTS = 100
_RATES_HZ = (200, 997, 2_000, 20_000, 25_000)
_PEER_RATES_HZ = (200, 500, 997)
_LONGEST_US = 8_000
_BATCH = 20


def rows() -> list[Row]:
    off, guard_off, seen, halt_us = ours_off()
    return [
        Row(
            f"steps reported - steps on the pin, sum over {HALTS} halts at random times",
            "steps",
            off,
            exactly(0),
            "0",
            (_peer(),),
            remark=f"guard's count off by {guard_off}; {seen}",
        ),
        Row("a halt, from the call to its count, longest", "us", halt_us, at_most(1_000), "8 ns: one register write stops the machine"),
    ]


def trials(rates_hz: tuple[int, ...], seed: int = 3) -> list[tuple[int, int]]:
    """Return (rate_hz, time to the halt in us)."""
    chance = random.Random(seed)
    return [(chance.choice(rates_hz), chance.randrange(60, _LONGEST_US)) for _ in range(HALTS)]


def ours_off() -> tuple[int, int, str, int]:
    """Return (error of the reports, error of the guard, remarks, longest halt in us)."""
    with boards.ours() as ours:
        ours.run(f"trials = ours.Trials(board, {boards.MARK})")
        ours.board.pins.clear()
        made, counted, halts_us = [], [], []
        todo = [(_items(rate_hz, after_us), after_us) for rate_hz, after_us in trials(_RATES_HZ)]
        for at in range(0, HALTS, _BATCH):
            for steps, total, halt_us in ours.ask(f"[trials.halt_after(*trial) for trial in {todo[at : at + _BATCH]}]"):
                made.append(steps)
                counted.append(total)
                halts_us.append(halt_us)
        on_pin = _between_marks(ours.board, None)
    guard_off = sum(abs(total - sum(on_pin[: number + 1])) for number, total in enumerate(counted))
    off = sum(abs(steps - pulses) for steps, pulses in zip(made, on_pin, strict=True))
    return off, guard_off, f"{sum(on_pin)} steps", max(halts_us)


def _items(rate_hz: int, after_us: int) -> list[tuple[int, int]]:
    """Return two slices with a dwell between them; a third of the halts comes after the end of the first."""
    lasts_us = max(1_000_000 // rate_hz, after_us * 4 // 3)
    steps = max(1, lasts_us * rate_hz // 1_000_000)
    return [(steps, lasts_us), (0, after_us // 3 + 4), (steps, lasts_us), (0, 500)]


def _peer() -> Peer:
    files = {**boards.programs("chip/load", "peers/stepper_halts"), **boards.micropython_stepper()}
    with boards.board(files) as board:
        board.exec("import load, stepper_halts\nlog = load.Log()")
        board.exec(f"trials = stepper_halts.Trials({boards.STEP}, {boards.DIR}, {boards.MARK})")
        board.pins.clear()
        made: list[int] = []
        for number, (rate_hz, after_us) in enumerate(trials(_PEER_RATES_HZ)):
            meanwhile = "log.append" if number % 10 == 0 else "load.nothing"
            made.append(int(board.exec(f"print(trials.halt_after({rate_hz}, {after_us}, {meanwhile}))")))
        pulses = _between_marks(board, None)
        moved = _between_marks(board, boards.DIR)
    off = sum(abs(steps - net) for steps, net in zip(made, moved, strict=True))
    back = sum(count - net for count, net in zip(pulses, moved)) // 2
    return Peer(boards.peer_name(), off, remark=f"{sum(pulses)} pulses, {back} of them backwards, behind a stop")


def _between_marks(board: EmulatedBoard, direction: int | None) -> list[int]:
    """Return the pulses of STEP between edges of MARK; with a direction pin, forward ones less reverse ones."""
    turns = board.pins.edges(direction) if direction is not None else []
    counts, before_ns = [], 0
    for mark_ns, _ in board.pins.edges(boards.MARK):
        counts.append(sum(_sign(turns, at_ns) for at_ns in board.pins.rises(boards.STEP) if before_ns < at_ns <= mark_ns))
        before_ns = mark_ns
    return counts


def _sign(turns: list[tuple[int, int]], at_ns: int) -> int:
    level = 1
    for turn_ns, new_level in turns:
        if turn_ns > at_ns:
            break
        level = new_level
    return 1 if level else -1
