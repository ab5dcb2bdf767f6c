"""Python's time for a slice by volume: dose steps become motor steps and words, on the emulated chip, 10^11 steps from the start."""

from __future__ import annotations

from bench import boards
from bench.table import Row, at_most
from support.emulator import volume_bench
from support.pump import slices

LIMIT_MS = 60.0
_SLICES = 9


def rows() -> list[Row]:
    """The motor stands far away, where numbers of MicroPython are no small ones; the head has dead zones."""
    with boards.ours() as ours:
        volume_bench.define(ours)
        found = [
            ("a slice of 4 s at 10 mL/h by volume", slices.even(_SLICES)),
            ("a slice of 4 s of a protocol's ramp with a bolus on top, by volume", slices.ramp_with_bolus(_SLICES)),
        ]
        return [_row(name, [one / 1000 for one in volume_bench.slice_times_us(ours, laid)]) for name, laid in found]


def _row(name: str, took_ms: list[float]) -> Row:
    told = f"{slices.BINS} bins, worst of {len(took_ms)}; median {sorted(took_ms)[len(took_ms) // 2]:.0f} ms"
    return Row(f"{name}: Python's time", "ms", max(took_ms), at_most(LIMIT_MS), "0: DMA and PIO need no CPU", remark=told)
