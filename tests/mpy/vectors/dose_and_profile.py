"""Accumulators and step times: wide products, remainders, rates from a step in hours to thousands a second."""

from pumpcore.calibration import Calibration
from pumpcore.dose import Accumulator
from pumpcore.profile import Train

PAIRS = ((1_000_003, 99_991), (1, 1), (4_294_967_295, 4_294_967_291), (4_294_967_295, 1), (1, 4_294_967_295))
RATES = (0, 1, 7, 999, 360_000, 123_456_789, (1 << 48) - 1)


def _sums(pair: Calibration, seconds_s: int) -> list:
    source, made = Accumulator(seconds_s, pair), []
    for duration_s in (1, 4, 3, 60, 86_400, 34_560_000):
        for rate_nl in RATES:
            peeked = source.peek(rate_nl, duration_s)
            steps = source.advance(rate_nl, duration_s)
            times = [source.until_next_step_us(rate_nl), source.since_last_step_us(rate_nl)] if rate_nl else []
            made.append([str(peeked), str(steps), str(source.remainder), [str(time_us) for time_us in times]])
    return made


def _trains() -> list:
    pair, made = Calibration(1_000_003, 99_991), []
    for rate_nl in (0, 7, 300, 9_001, 40_000, 1_234_567, 600_000_000):
        source, train, end_us = Accumulator(3600, pair), Train(), 0
        for turn in range(12):
            duration_s = 1 + turn % 4
            end_us += duration_s * 1_000_000
            steps, items = train.single(source, rate_nl * (1 + turn // 6), end_us, duration_s)
            made.append([steps, [list(item) for item in items], train.end_us])
        made.append([list(item) for item in train.merged(17, end_us + 4_000_000)])
    return made


def run() -> list:
    pairs = [Calibration(volume_nl, steps) for volume_nl, steps in PAIRS]
    volumes = [[str(pair.steps_for_nl(nl)), str(pair.nl_for_steps(nl))] for pair in pairs for nl in (0, 1, 10, 10**9, 10**18)]
    return [[_sums(pair, seconds_s) for pair in pairs for seconds_s in (1, 3600, 86_400, 4_294_967_295)], _trains(), volumes]
