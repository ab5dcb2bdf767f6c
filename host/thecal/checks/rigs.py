"""The ceilings, motor and calibration against which the host checks a program or an order."""

from __future__ import annotations

from typing import Any

from pumpcore.motion.dose import Calibration
from pumpcore.program.packing import MAX_RATE_NL
from thecal.pump.facts import PumpFacts
from thecal.pump.layers import Bench, of_greeting


class Rig:
    """A bench's ceilings and motor, as attributes that `pumpcore.limits.limits` reads, and the calibration in use."""

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
        self.bench: Bench | None = None


# no bench known: the check finds only contradictions within the prescription
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
    """Return the rig of an open pump after `hello`; ANY_RIG if the pump does not report one."""
    ceilings = facts.hello.get("ceilings")
    if not ceilings:
        return ANY_RIG
    pair = facts.pair()
    rig = Rig(ceilings, Calibration(pair["volume_nl"], pair["steps"]))
    rig.bench = of_greeting(facts.hello)
    return rig


def of_bench(bench: Any, source: str = "its bench file") -> Rig:
    """Return the rig of a `pumpcore.bench.bench.Bench` from this file."""
    rig = Rig(dict(vars(bench)), bench.calibration)
    rig.bench = Bench(bench.name, bench.rate_nl, bench.rate_seconds_s, bench.hour_nl, bench.day_nl, source)
    return rig


def rig_of(bench: str | None) -> Rig:
    """Return the rig of a bench file or bench name. Without one, only contradictions within the prescription are found."""
    from thecal.files.bench import bench_file, checked, read_bench

    if not bench:
        return ANY_RIG
    path = bench_file(bench, "*")
    return of_bench(checked(read_bench(path)), path.name)
