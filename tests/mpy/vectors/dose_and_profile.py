"""Accumulators, step times and ramps: wide products, remainders, rates from a step in hours to thousands a second."""

from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.motion.profile import Ramp, Train, isqrt

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
        made.append([list(item) for item in train.merged(17, end_us + 4_000_000, 4)])
    return made


def _ramps() -> list:
    """Up, down, up and down, from a higher rate, from rest behind a wait; and what is too short for a ramp."""
    made = []
    for start_hz, hz_per_s, rate_hz in ((3_200, 50_000, 25_000), (100, 1_000, 590), (5_000, 500_000, 24_999), (1_000, 7_777, 4_000)):
        ramp, rate_hz4 = Ramp(start_hz, hz_per_s, rate_hz * 6 // 5), rate_hz * 10_000
        slices = ((777, rate_hz4, 4_000_777), (0, rate_hz4 // 2, 3_000_000), (0, rate_hz4, 2_999_983), (0, 0, 4_000_000))
        for wait_us, next_hz4, duration_us in slices:
            even = [(rate_hz * (duration_us - wait_us) // 1_000_000, duration_us)]
            items = ramp.items(even, wait_us, rate_hz4, next_hz4)
            made.append([[list(item) for item in items], str(ramp.rate_hz4)])
        try:
            ramp.items([(rate_hz // 100, 10_000)], 0, rate_hz4, rate_hz4)
        except ValueError as error:
            made.append([str(error)])
    return made


def _roots() -> list:
    numbers = (0, 1, 3, 4, 10**21 - 1, (1 << 90) - 1, 25 * 10**20)
    return [str(isqrt(number, guess)) for number in numbers for guess in (1, 50_000_000_000, 1 << 70)]


def run() -> list:
    pairs = [Calibration(volume_nl, steps) for volume_nl, steps in PAIRS]
    volumes = [[str(pair.steps_for_nl(nl)), str(pair.nl_for_steps(nl))] for pair in pairs for nl in (0, 1, 10, 10**9, 10**18)]
    sums = [_sums(pair, seconds_s) for pair in pairs for seconds_s in (1, 3600, 86_400, 4_294_967_295)]
    return [sums, _trains(), volumes, _ramps(), _roots()]
