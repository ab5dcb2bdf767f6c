"""What a program or an order is checked against: a bench's ceilings and motor, and the calibration in use."""

from __future__ import annotations

from typing import Any

from pumpcore.calibration import Calibration
from pumpcore.program import MAX_RATE_NL
from thecal.pump.facts import PumpFacts


class Rig:
    """A bench's ceilings and motor, as attributes that `pumpcore.limits` reads, and the calibration in use."""

    rate_nl: int
    rate_seconds_s: int
    hour_nl: int
    day_nl: int
    max_rate_hz: int
    start_rate_hz: int
    acceleration_hz_per_s: int

    def __init__(self, ceilings: dict[str, int], calibration: Calibration | None = None) -> None:
        self.__dict__.update(ceilings)
        self.calibration = calibration or Calibration(1, 1)


# no bench known: only what the prescription says against itself is found
ANY_RIG = Rig(
    {
        "rate_nl": MAX_RATE_NL,
        "rate_seconds_s": 1,
        "hour_nl": MAX_RATE_NL,
        "day_nl": MAX_RATE_NL,
        "max_rate_hz": MAX_RATE_NL,
        "start_rate_hz": 0,
        "acceleration_hz_per_s": 0,
    },
    Calibration(1, 1),
)


def of_pump(facts: PumpFacts) -> Rig:
    """The rig of a pump; ANY_RIG when it does not tell its ceilings."""
    ceilings = facts.hello.get("ceilings")
    if not ceilings:
        return ANY_RIG
    pair = facts.pair()
    return Rig(ceilings, Calibration(pair["volume_nl"], pair["steps"]))


def of_bench(bench: Any) -> Rig:
    """The rig of a `pumpcore.bench.Bench`."""
    return Rig(dict(vars(bench)), bench.calibration)


def rig_of(bench: str | None) -> Rig:
    """The rig of a bench file or of a bench's name; without one, only what the prescription says against itself is found."""
    from pumpcore.bench import Bench
    from thecal.files.bench import bench_file, for_pump, read_bench

    return of_bench(Bench(for_pump(read_bench(bench_file(bench, "*"))))) if bench else ANY_RIG
