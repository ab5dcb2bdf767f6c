"""A slice with both ramps, step by step against constant acceleration; the coils against the library's own loop."""

from __future__ import annotations

from decimal import Decimal

from bench import boards
from bench.table import PAPER, Peer, Row, at_most, exactly
from pumpcore.motion.profile import Ramp
from pumpcore.units import HZ4_PER_HZ
from support.models.ramp import Ideal
from support.rig import benches

STEPS, DURATION_US = 12_000, 2_500_000
_STYLES = {"single": 1, "double": 2, "interleave": 3}
_COIL_RATES_HZ = (1, 20, 300, 2_000)
_FULL_STEPS = 23


def rows() -> list[Row]:
    return [_ramp(), _coils()]


def _ramp() -> Row:
    """Measure a slice from the bench's start rate up to its cruise rate and down again, on the pins."""
    motor = benches.named(benches.CHIP_BENCH)["motor"]
    start_hz, hz_per_s = motor["start_rate_hz"], motor["acceleration_hz_per_s"]
    ramp = Ramp(start_hz, hz_per_s, motor["max_rate_hz"])
    items = ramp.items([(STEPS, DURATION_US)], 0, motor["max_rate_hz"] * HZ4_PER_HZ, 0)
    with boards.ours() as ours:
        ours.run("before = stepper.steps_done()")
        ours.run(f"for item in {items}: stepper.queue(*item)\nstepper.queue(0, 1000)\nstepper.send()")
        ours.run(f"time.sleep_ms({DURATION_US // 1000 + 20})")
        made = ours.ask("stepper.halt() - before")
        edges_ns = ours.rises()
    if not made == len(edges_ns) == STEPS:
        raise RuntimeError(f"{STEPS} steps asked, {made} reported, {len(edges_ns)} on the pin")
    ideal = Ideal(STEPS, DURATION_US, Decimal(start_hz), Decimal(start_hz), hz_per_s)
    begin_ns = edges_ns[-1] - DURATION_US * 1000
    worst_us = max(abs(Decimal(at_ns - begin_ns) / 1000 - ideal.time_us(number)) for number, at_ns in enumerate(edges_ns, 1))
    return Row(
        "ramp: largest difference of a step from ideal constant acceleration",
        "us",
        float(worst_us),
        at_most(25),
        "8 ns, one cycle of the PIO",
        (Peer("Klipper's bound (C)", 25, PAPER),),
        remark=f"{start_hz} to {ideal.cruise_hz:.0f} steps/s at {hz_per_s}/s2 and back, {STEPS} steps in {len(items)} items",
    )


def _coils() -> Row:
    """Compare every pattern on the four pins with that of `onestep`: styles, directions, rates, a halt in between."""
    wrong = compared = 0
    with boards.board({**boards.programs("chip/ours", "peers/onestep"), **boards.firmware()}) as board:
        board.exec("import ours, onestep, time")
        for style, code in _STYLES.items():
            for forward in (True, False):
                board.exec(f"ours.Coils.coil_style, ours.Coils.forward = {style!r}, {forward}\nboard = ours.attached(ours.Coils)")
                ours, loop = _our_patterns(board), _loop_patterns(board, code, 1 if forward else 2)
                wrong += sum(mine != theirs for mine, theirs in zip(ours, loop)) + abs(len(ours) - len(loop))
                compared += len(loop)
                board.exec("board.make_safe()")
    rates = f"{_COIL_RATES_HZ[0]} to {_COIL_RATES_HZ[-1]} steps/s"
    remark = f"{compared} steps, 3 styles, both directions, {rates}, a halt after each rate"
    return Row("coil patterns that differ from `onestep`, and steps too many or too few", "steps", wrong, exactly(0), "0", remark=remark)


def _our_patterns(board: boards.EmulatedBoard) -> list[int]:
    """Return the levels of the coils at the strobe's edges."""
    board.pins.clear()
    for rate_hz in _COIL_RATES_HZ:
        steps = 1 if rate_hz == 1 else _FULL_STEPS
        board.exec(
            f"ours.ready(board, {steps})\nboard.stepper.queue({steps}, {steps * 1_000_000 // rate_hz})\nboard.stepper.queue(0, 1000)\n"
            f"board.stepper.send()\ntime.sleep_ms({steps * 1000 // rate_hz + 5})\nboard.stepper.halt()"
        )
    return _sampled(board, [at_ns + 8 for at_ns in board.pins.rises(boards.STROBE)])


def _loop_patterns(board: boards.EmulatedBoard, style: int, direction: int) -> list[int]:
    """Return the pins after each of as many steps of the library's loop."""
    steps = 1 + _FULL_STEPS * (len(_COIL_RATES_HZ) - 1)
    code = f"onestep.patterns({boards.COILS}, {steps}, {direction}, {style})"
    return [int(word) for word in board.exec(f"print(*{code})").split()]


def _sampled(board: boards.EmulatedBoard, times_ns: list[int]) -> list[int]:
    """Return the bits of the four coil pins, lowest first, at each of these times."""
    edges = {gpio: board.pins.edges(gpio) for gpio in boards.COILS}
    found = []
    for at_ns in times_ns:
        levels = [[level for edge_ns, level in edges[gpio] if edge_ns <= at_ns] for gpio in boards.COILS]
        found.append(sum((history[-1] if history else 0) << bit for bit, history in enumerate(levels)))
    return found
