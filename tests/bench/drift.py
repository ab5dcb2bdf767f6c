"""A million steps, or a day, at 25 rates: the words that would be queued, summed without the emulator."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from fractions import Fraction

import numpy

from app.delivery.span import SLICE_S
from bench import boards
from bench.table import COMPUTED, Peer, Row, at_most, exactly, number
from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.motion.profile import Train
from support.pump.rp2_modules import load

words = load("words")

MOST_STEPS, MOST_S = 1_000_000, 86_400
RATES = 25
_SLOWEST_NL, _FASTEST_NL = 10, 896_000_000  # per hour: one step an hour to 24,886 a second
_OVERHEAD_CYCLES = 394
_SHORTEST_US = 40  # at 25 000 steps a second
_CALIBRATION = Calibration(1_000_003, 99_991)
_PEER_STEPS = 1_000


@dataclass
class Sums:
    """All slices of one rate: steps, cycles of the words, and the worst distance of a step from its place."""

    steps: int = 0
    cycles: int = 0
    planned_us: int = 0
    worst_cycles: float = 0.0


def rows() -> list[Row]:
    sums = [run(rate_nl) for rate_nl in rates_nl()]
    off = max(abs(one.cycles - one.planned_us * words.CYCLES_PER_US) for one in sums)
    worst_us = max(one.worst_cycles for one in sums) / words.CYCLES_PER_US
    seen = f"{number(sum(one.steps for one in sums))} steps at {len(sums)} rates from 1/h to 25 000/s"
    span = "10^6 steps or 24 h, whichever is less, at 25 rates"
    return [
        Row(f"{span}: cycles of the words - duration_us x 125", "cycles", off, exactly(0), "0", source=COMPUTED, remark=seen),
        Row(
            f"{span}: largest distance of a step from the rational plan",
            "us",
            worst_us,
            at_most(1),
            "8 ns; then the crystal, about 30 ppm",
            _peers(),
            source=COMPUTED,
            remark="peers: after 1 000 steps at 997/s, nothing else to do",
        ),
    ]


def rates_nl() -> list[int]:
    """Return rates in nl per hour, evenly spaced on a logarithmic scale."""
    factor = (_FASTEST_NL / _SLOWEST_NL) ** (1 / (RATES - 1))
    return [round(_SLOWEST_NL * factor**number) for number in range(RATES)]


def run(rate_nl: int) -> Sums:
    """Plan and encode slice by slice, like app and hal/rp2."""
    source, train, sums = Accumulator(3600, _CALIBRATION), Train(_SHORTEST_US), Sums()
    plan = Fraction(source.modulus * 1_000_000 * words.CYCLES_PER_US, source.flow(rate_nl))  # cycles from step to step
    end_s, owed = 0, 0
    while sums.steps < MOST_STEPS and end_s < MOST_S:
        end_s += SLICE_S
        _, items = train.single(source, rate_nl, end_s * 1_000_000, SLICE_S)
        for steps, duration_us in items:
            sums.planned_us += duration_us
            cycles = duration_us * words.CYCLES_PER_US - owed
            # an item of 1 to 3 us takes the generator's shortest time, and the next one less (hal/rp2/stepper.py)
            longer = max(cycles, _OVERHEAD_CYCLES) if steps <= 1 else cycles
            owed = longer - cycles
            _make(sums, plan, steps, longer)
    sums.cycles -= owed
    return sums


def _make(sums: Sums, plan: Fraction, steps: int, cycles: int) -> None:
    """Sum the words of one item and check the place of each step."""
    behind = words.encode(_memory, 0, steps, cycles, _OVERHEAD_CYCLES)
    if steps == 0:
        sums.cycles += sum(((word >> 9) + _OVERHEAD_CYCLES) * ((word >> 1 & 255) + 1) for word in _memory[:behind])
        return
    taken = numpy.frombuffer(_memory, dtype=numpy.uint32)[:behind].astype(numpy.int64)
    repeats = (taken >> 1 & 255) + 1
    ends = numpy.cumsum(numpy.repeat((taken >> 9) + _OVERHEAD_CYCLES, repeats))
    of_steps = ends[numpy.repeat(taken & 1, repeats) == 1]
    begin = float(sums.cycles - sums.steps * plan)  # exact, then small
    error = numpy.abs(begin + of_steps - numpy.arange(1, steps + 1) * float(plan))
    sums.worst_cycles = max(sums.worst_cycles, float(error.max()))
    sums.cycles += int(ends[-1])
    sums.steps += steps


_memory = array("I", bytes(4 * words.WORDS))


def _peers() -> tuple[Peer, ...]:
    return (_peer("deadline_loop", "`ticks_us` deadline loop"), _peer("sleep_loop", "`sleep_us` loop"))


def _peer(loop: str, name: str) -> Peer:
    with boards.board(boards.programs("chip/load", "peers/loops")) as board:
        board.exec(f"import load, loops\nloops.{loop}({boards.STEP}, {boards.RATE_HZ}, {_PEER_STEPS}, load.nothing, {_PEER_STEPS})")
        edges_ns = board.pins.rises(boards.STEP)
    mean_us = (edges_ns[-1] - edges_ns[0]) / 1000 / (len(edges_ns) - 1)
    percent = 100 * (mean_us * boards.RATE_HZ / 1e6 - 1)
    return Peer(name, boards.largest_error_us(edges_ns, boards.RATE_HZ), remark=f"period {percent:+.2g} %")
