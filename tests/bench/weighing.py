"""The trumpet analysis on this computer: a day at two readings a second, and an hour against the standard's formula in plain loops."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from fractions import Fraction

import numpy

from bench.table import HOST, Peer, Row, at_most, times_better
from thecal.weighing.characterise.analysis import analyse
from thecal.weighing.characterise.run import RUN, Facts, Run, Sample
from thecal.weighing.characterise.trumpet import WINDOWS_MIN, Ideal, Masses, trumpet

INTERVAL_MS, INTERVAL_MIN = 500, 500 / 60_000
RATE_NL_PER_H = 5_000_000
TIMES = 5


def rows() -> list[Row]:
    day = [mass_ug(time_ms) for time_ms in range(0, 24 * 3_600_000 + 1, INTERVAL_MS)]
    recorded = run_of(day)
    hour = day[7_200:14_401]
    ideal = Ideal(Fraction(RATE_NL_PER_H, 3_600_000), Fraction(1000), Fraction(0))
    masses = Masses(0, INTERVAL_MS, numpy.array(hour, dtype=numpy.int64))
    begun_s = time.process_time()
    plain = loops(hour)
    peer_ms = (time.process_time() - begun_s) * 1000
    same = max(abs(float(one.highest_percent) - highest) for one, highest in zip(trumpet(masses, ideal), plain, strict=True))
    return [
        Row(
            "analysis of 24 h at 2 Hz: checks, trumpets, spectrum",
            "ms",
            quickest_ms(lambda: analyse(recorded, Fraction(1, 2))),
            at_most(500),
            "one pass over the masses",
            source=HOST,
            remark="processor time, quickest of five; the record is in memory",
        ),
        Row(
            "trumpet of an hour at 2 Hz, five windows",
            "ms",
            quickest_ms(lambda: trumpet(masses, ideal)),
            times_better(100),
            "one subtraction a window",
            (Peer("the formula in plain loops", peer_ms, HOST),),
            source=HOST,
            remark=f"ours in exact fractions; the loops in floats differ by {same:.1g} %",
        ),
    ]


def mass_ug(time_ms: int) -> int:
    """Return the mass of a pump whose rate swings by a fifth every 47 s."""
    return round(RATE_NL_PER_H / 3600 * (time_ms / 1000 - 1.5 * math.sin(2 * math.pi * time_ms / 47_000)))


def run_of(masses: list[int]) -> Run:
    facts = Facts(RATE_NL_PER_H, 3600, 1_000_003, 99_991, "CALIBRATED", "1000", "0", protocol="plain")
    return Run(facts, [Sample(index * INTERVAL_MS, RUN, mass, False, "0.0001 g") for index, mass in enumerate(masses)])


def loops(masses: list[int]) -> list[float]:
    """Return Ep max of each window, written straight from the standard."""
    rate_ml_per_h = RATE_NL_PER_H / 1e6
    flows = [60 * (masses[i] - masses[i - 1]) / 1e6 / INTERVAL_MIN for i in range(1, len(masses))]
    errors = [100 * (flow - rate_ml_per_h) / rate_ml_per_h for flow in flows]
    highest = []
    for minutes in WINDOWS_MIN:
        samples = minutes * 60_000 // INTERVAL_MS
        highest.append(max(sum(errors[begin : begin + samples]) / samples for begin in range(len(errors) - samples + 1)))
    return highest


def quickest_ms(work: Callable[[], object]) -> float:
    took_s = []
    for _ in range(TIMES):
        begun_s = time.process_time()
        work()
        took_s.append(time.process_time() - begun_s)
    return min(took_s) * 1000
