"""The slices of dose steps that a pump hands to its motor: captured from the app, to be laid on a path elsewhere."""

from __future__ import annotations

from typing import Any

from pumpcore.program.plan import Program
from support.models.rotor import dip, prices_of
from support.programs import MONDAY_UTC_S, constant
from support.protocols import staged
from support.pump.by_volume import TurnedPump
from support.pump.running import BENCH

TURN_NL, TURN_STEPS, BINS = 31_600, 3_200, 192
# a motor position that no small number of MicroPython holds
FAR_STEPS = 10**11
PACES_US = (1_250, 40)
_RATE_NL = 10_000_000
# a ramp of 20 minutes; its rates differ by a multiple of twice its seconds
_RAMP = (1_200, 4_000_000, 4_000_000 + 833 * 2_400)
_BOLUS_RATE_NL, _BOLUS_NL = 5_000_000, 900_000
_PAIR_BENCH = BENCH | {"calibration": {"volume_nl": TURN_NL, "steps": TURN_STEPS}}
_SECONDS = 4  # a ramp's slices are one second long; four are as long as the slice of a constant rate
Slice = list[tuple[int, int]]


def prices() -> list[int]:
    """Return the table of a head whose rollers let 35 % of a pitch flow back: dead zones, and bins several times as dear as the mean."""
    return prices_of(dip(0.35), BINS, TURN_STEPS)


def even(count: int) -> list[Slice]:
    """Return slices of 10 mL/h."""
    return _slices(constant(_RATE_NL), count)


def ramp_with_bolus(count: int) -> list[Slice]:
    """Return slices of a protocol's ramp with a bolus on top, 10 mL/h together: two trains of steps, merged."""
    parts = [item for one in _slices(staged(_RAMP), _SECONDS * count, bolus=True) for item in one]
    return [parts[first : first + _SECONDS] for first in range(0, _SECONDS * count, _SECONDS)]


def _slices(program: Program, count: int, bolus: bool = False) -> list[Slice]:
    pump = TurnedPump.ready(program, MONDAY_UTC_S, bench=_PAIR_BENCH)
    pump.give_table(prices())
    found: list[Slice] = []
    motion = pump.pump.delivery.motion
    queue = motion.queue

    def noted(items: Any) -> None:
        one = [(int(steps), int(duration_us)) for steps, duration_us in items]
        found.append(one)
        queue(one)

    pump.call("start")
    pump.advance(20)
    if bolus:
        pump.order(_BOLUS_NL, _BOLUS_RATE_NL)
        pump.advance(20)
    motion.queue = noted
    pump.advance(4 * count + 8)
    assert pump.call("status")["law"] == "volume"
    return found[:count]
