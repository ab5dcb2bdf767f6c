"""The fullest window of a protocol, against trying every second; the ceilings at staging, and at the leases that follow."""

from fractions import Fraction
from itertools import islice
from random import Random

import pytest

from pumpcore.bench.bench import Bench
from pumpcore.faults.faults import Refusal
from pumpcore.limits import windows
from pumpcore.limits.limits import DAY_BUCKETS, HOUR_BUCKETS, Ceilings, Windows, check_program, highest_window_nl_s
from pumpcore.motion.dose import Accumulator
from pumpcore.program.plan import Program
from pumpcore.program.protocol import HOLD, Protocol
from pumpcore.program.staging import check
from support.models import protocols as reference
from support.programs import with_settings
from support.protocols import program, staged
from support.pump.bench_tables import with_ceilings as bench

LONGEST_S = 4_000


def drawn(draw: Random, most_stages: int = 8, longest_s: int = 90) -> Program:
    """Return a program with a random protocol; half of its stages are ramps."""
    rows, loops, at = [], [], 0
    for _ in range(draw.randint(1, most_stages)):
        lasts_s, begin = draw.randint(10, longest_s), draw.choice((0, draw.randint(0, 5_000), 1_000))
        end = draw.choice((begin, begin + 2 * lasts_s * draw.randint(-begin // (2 * lasts_s), 40)))
        rows.append((lasts_s, begin, max(end, begin % (2 * lasts_s))))
    while at < len(rows):
        size = draw.randint(1, min(3, len(rows) - at))
        if draw.random() < 0.6:
            loops.append((at, size, draw.choice((0, 1, 3, 30)) if at + size == len(rows) else draw.randint(1, 25)))
        at += size
    made = Protocol(rows, loops)
    if rows[-1][2] and not (loops and not loops[-1][2]):
        made.then = draw.choice((0, HOLD))
    check(made)
    return program(made, 1)


def every_second(made: Program) -> list:
    """Return the rate of each second by the reference; of a protocol without end, more than any window needs."""
    protocol = made.protocol
    stages = [(lasts_s, Fraction(begin), Fraction(end)) for lasts_s, begin, end in protocol.stages]
    loops = [(first, size, times or None) for first, size, times in protocol.loops]
    rates = list(islice(reference.rates(stages, loops, protocol.then == HOLD), 3 * LONGEST_S))
    assert all(rate.denominator == 1 for rate in rates)
    return [int(rate) for rate in rates]


@pytest.mark.rule("R5")
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 10))])
def test_the_fullest_window_is_that_of_every_second_of_1000_protocols(seed: int) -> None:
    draw = Random(seed)
    for _ in range(100):
        made = drawn(draw)
        rates = every_second(made)
        for minutes in (1, draw.randint(2, 12)):
            assert highest_window_nl_s(made, minutes) == reference.most_in_window(rates, 60 * minutes), made.describe()


@pytest.mark.rule("R5")
def test_the_fullest_window_of_two_ramps_lies_between_their_ends() -> None:
    made = staged((100, 0, 20_000), (100, 20_000, 0))
    assert highest_window_nl_s(made, 1) == reference.most_in_window(every_second(made), 60) == made.protocol.between_nl_s(70, 130)


@pytest.mark.rule("R5")
def test_the_last_repeat_is_looked_at() -> None:
    made = staged((10, 0, 0), (20, 900, 900), (3_000, 50, 50), (1_000, 950, 950), loops=((0, 2, 40),))
    assert highest_window_nl_s(made, 20) == reference.most_in_window(every_second(made), 1_200)
    made = staged((10, 0, 0), (20, 900, 900), (10, 0, 0), (30, 900, 900), loops=((0, 2, 40), (2, 2, 40)))
    for minutes in range(1, 21):
        assert highest_window_nl_s(made, minutes) == reference.most_in_window(every_second(made), 60 * minutes)


@pytest.mark.rule("R5")
def test_repeats_are_skipped_and_the_search_can_be_made_in_parts() -> None:
    draw = Random(5)
    for _ in range(60):
        made = drawn(draw)
        state = windows.begin_peak(made.protocol, 9)
        calls = 1
        while windows.go_on(made.protocol, state, 3):
            calls += 1
        assert state[-1] == highest_window_nl_s(made, 9)
        assert calls < 400


@pytest.mark.rule("R5")
@pytest.mark.parametrize(
    "made",
    [
        staged((120, 6_000_000, 6_000_000), (1080, 0, 0), loops=((0, 2, 0),)),
        staged((10, 100, 100), (10, 0, 0), (20, 50, 50), (10, 0, 0), loops=((0, 2, 1_000_000), (2, 2, 1_000_000))),
        staged(*[(10 + index % 3, index, index) for index in range(64)], loops=((0, 64, 0),)),
        staged(*[(10, 7 * index, 7 * index) for index in range(64)], loops=tuple((2 * index, 2, 4_000_000) for index in range(32))),
        staged((21_600, 0, 4_320_000), (21_600, 4_320_000, 0), loops=((0, 2, 0),)),
    ],
)
def test_years_of_short_stages_take_few_moves(made: Program) -> None:
    check(made.protocol)
    for minutes in (HOUR_BUCKETS, DAY_BUCKETS):
        state = windows.begin_peak(made.protocol, minutes)
        assert windows.go_on(made.protocol, state, 4_000) == 0


def test_loops_without_a_common_measure_are_refused_with_the_most_that_is_checked() -> None:
    lengths = (83, 89, 97, 101, 103, 107, 109, 113)
    rows = [row for length in lengths for row in [(10, 5, 5), (10, 0, 0)] * 3 + [(10, 7, 7), (length - 70, 0, 0)]]
    made = staged(*rows, loops=tuple((8 * index, 8, 100_000) for index in range(len(lengths))))
    with pytest.raises(Refusal) as caught:
        highest_window_nl_s(made, DAY_BUCKETS)
    detail = caught.value.detail
    assert (caught.value.fault.name, detail["limit"]) == ("program_protocol", windows.MOST_MOVES) and detail["asked"] > detail["nearest"]


def refused(made: Program, rig: Bench) -> str:
    try:
        check_program(made, rig, rig.calibration)
    except Refusal as error:
        return error.fault.name
    return ""


def runs_without_pause(made: Program, rig: Bench, bucket_s: int, seconds_s: int) -> bool:
    """Make the leases of a protocol with the pump's own windows; it begins `bucket_s` after a bucket does."""
    ceilings, running, source = Ceilings(rig, rig.calibration, made), Windows(), Accumulator(made.rate_seconds_s, rig.calibration)
    source.remainder = source.modulus - 1
    at_s = 0
    while at_s < seconds_s:
        lasts_s = min(made.protocol.place(at_s).left_s, 60 - (at_s + bucket_s) % 60)
        steps = source.advance(made.protocol.between_nl_s(at_s, at_s + lasts_s), 1)
        running.move_to((at_s + bucket_s) // 60)
        if running.full(ceilings, steps):
            return False
        running.add(steps)
        at_s += lasts_s
    return True


@pytest.mark.rule("R5")
@pytest.mark.parametrize("seed", range(12))
def test_what_passes_staging_never_pauses_and_what_is_refused_would(seed: int) -> None:
    draw, pair = Random(seed), bench().calibration
    made = drawn(draw, 5, 900)
    while not made.highest_rate_nl():
        made = drawn(draw, 5, 900)
    made.rate_seconds_s = 60
    steps = highest_window_nl_s(made, HOUR_BUCKETS) * pair.steps // (60 * pair.volume_nl) + 1
    just_nl = -(-steps * pair.volume_nl // pair.steps)
    longest_s = min(made.protocol.end_s(), 40_000)
    fits, tight = bench(just_nl, 1 << 40, 1 << 40), bench(just_nl - 11, 1 << 40, 1 << 40)
    assert refused(made, fits) == "" and refused(made, tight) == "hour_above_ceiling"
    assert all(runs_without_pause(made, fits, bucket_s, longest_s) for bucket_s in (0, 17, 59))


@pytest.mark.rule("R5")
def test_a_rate_at_the_ceiling_itself_passes_both() -> None:
    rig = bench(hour_nl=654_321)
    low_nl, high_nl = 0, 10_000_000
    while low_nl + 1 < high_nl:
        middle_nl = (low_nl + high_nl) // 2
        made = staged((7200, middle_nl, middle_nl))
        low_nl, high_nl = (middle_nl, high_nl) if refused(made, rig) == "" else (low_nl, middle_nl)
    highest, above = staged((7200, low_nl, low_nl)), staged((7200, low_nl + 1, low_nl + 1))
    assert runs_without_pause(highest, rig, 33, 7200) and refused(above, rig) == "hour_above_ceiling"
    as_constant = Program("n", "f", 3600, [(0, low_nl)])
    assert refused(as_constant, rig) == "" and refused(Program("n", "f", 3600, [(0, low_nl + 1)]), rig) == "hour_above_ceiling"


@pytest.mark.rule("R5")
def test_the_highest_rate_of_a_ramp_is_checked_and_demand_comes_on_top_of_it() -> None:
    rig = bench(rate_nl=2_000_000)
    assert refused(staged((100, 0, 2_000_000)), rig) == ""
    assert refused(staged((100, 0, 2_000_200)), rig) == "rate_above_ceiling"
    demand = {"demand_on": 1, "demand_per_day": 1, "demand_s": 3600, "lockout_s": 86_400, "demand_nl": 1_000_000}
    assert refused(with_settings(staged((100, 0, 1_000_000)), **demand), rig) == ""
    assert refused(with_settings(staged((100, 0, 1_000_200)), **demand), rig) == "demand_rate"
    tight = bench(hour_nl=2_000_000, rate_nl=2_000_000)
    assert refused(with_settings(staged((3600, 900_000, 900_000), (3600, 0, 0)), **demand), tight) == ""
    assert refused(with_settings(staged((3600, 999_999, 999_999), (60, 999_999, 999_999)), **demand), tight) == "demand_volume"
