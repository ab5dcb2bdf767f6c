"""Dose by volume: table, inverse, and every motor step against its time in the exact plan."""

import itertools
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pumpcore.motion import rotor
from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.motion.profile import Train
from pumpcore.motion.rotor import PARTS, Path, Rotor, plain
from pumpcore.units import US_PER_S
from support.models.rotor import dip, exact_paid, oracle_times, prices_of, random_prices, sinus, times_us

EVEN_US = 901  # a step that is off an even run by 0.9 ms stays in it; times are rounded up to 1 us
HEADS = (sinus(), dip(0.20), dip(0.35))
HEADS_WITH_GEARS = ((1, 200), (1, 3200), (3, 400), (11, 22_800), (7, 99_991))


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[int], int, int]:
    """Return (prices, turns, turns_steps)."""
    turns, turns_steps = draw(st.sampled_from(HEADS_WITH_GEARS))
    bins = draw(st.sampled_from([1, 2, 3, 7, 96, 97, 192, 384]))
    if draw(st.booleans()):
        return prices_of(draw(st.sampled_from(HEADS)), bins, turns_steps), turns, turns_steps
    free = draw(st.sampled_from([0.0, 0.4, 0.9]))
    return random_prices(draw(st.integers(0, 1 << 32)), bins, turns_steps, free), turns, turns_steps


ROTORS = tables().map(lambda table: Rotor(*table))
FAR = st.integers(0, 1 << 45)
NEAR = st.integers(-(10**6), 10**6)
LONG = st.integers(100, 4_000_000)
LAID = st.lists(st.tuples(st.integers(0, 100), LONG), min_size=1, max_size=6)
PACES = st.sampled_from([(4, 4), (100, 40), (1_250, 500)])


def rotor_of(rate: Callable[[float], float]) -> Rotor:
    return Rotor(prices_of(rate, 192, 3_200), 1, 3_200)


def path_of(rotor: Rotor, dose: int, motor_steps: int, paces: tuple[int, int] = (100, 40), zero_steps: int = 0) -> Path:
    path = Path(rotor, zero_steps, paces)
    path.begin(dose, motor_steps)
    return path


def catch_up(path: Path) -> None:
    """Dwell until nothing is late."""
    for _ in range(5_000):
        if not path.late_us():
            return
        list(path.lay(0, 4_000_000))
    raise AssertionError("still late")


# --- table ---------------------------------------------------------------------------------------------------------


@given(ROTORS, NEAR, st.integers(1, 5))
def test_whole_turns_cost_the_pair_exactly(rotor: Rotor, position: int, times: int) -> None:
    steps = rotor.turns_steps * times
    assert rotor.paid(position + steps) - rotor.paid(position) == rotor.dose_step * steps


@given(tables(), NEAR)
def test_what_is_paid_is_the_exact_sum_rounded_down(table: tuple[list[int], int, int], position: int) -> None:
    assert Rotor(*table).paid(position) == exact_paid(*table, position) // 1


@given(ROTORS, NEAR)
def test_reach_is_the_inverse(rotor: Rotor, position: int) -> None:
    brought = rotor.paid(position)
    last = rotor.reach(brought)
    assert last >= position
    assert rotor.paid(last) == brought < rotor.paid(last + 1)
    assert rotor.paid(position + 1) - brought <= rotor.dearest * rotor.dose_step


@given(ROTORS, st.integers(-(10**9), 10**9))
def test_what_is_reached_is_paid_by_any_sum(rotor: Rotor, grains: int) -> None:
    assert rotor.paid(rotor.reach(grains)) <= grains < rotor.paid(rotor.reach(grains) + 1)


@given(ROTORS, NEAR)
def test_up_to_an_edge_every_step_costs_the_same(rotor: Rotor, position: int) -> None:
    edge = rotor.edge(position)
    assert edge > position
    costs = {rotor.paid(step + 1) - rotor.paid(step) for step in (position + 1, (position + edge) // 2 + 1, edge - 1) if step < edge}
    assert not costs or max(costs) - min(costs) <= 1


@given(st.lists(st.integers(-5_000, 9_000), min_size=2, max_size=40).filter(lambda volumes: sum(volumes) > 0))
def test_a_bin_costs_what_it_adds_to_the_highest_volume_so_far(volumes: list[int]) -> None:
    turn, edges = sum(volumes), [0, *itertools.accumulate(volumes * 3)]
    highest = list(itertools.accumulate(edges, max))[2 * len(volumes) :]
    prices = rotor.prices_of(volumes)
    assert prices == [after - before for before, after in itertools.pairwise(highest)]
    assert sum(prices) == turn and min(prices) >= 0


def test_volumes_that_are_no_turn_have_no_prices() -> None:
    for volumes in ([-1, 0], [-64 * 200, 0], [64 * 200, -1]):
        with pytest.raises(ValueError, match="turn"):
            Rotor(rotor.prices_of(volumes), 1, 200)


@pytest.mark.parametrize("prices", [[], [-1, 64 * 200 + 1], [64 * 200 - 1], [64 * 200, 1], [32 * 200, 64 * 200, -32 * 200]])
def test_a_table_whose_turn_is_not_the_pair_is_refused(prices: list[int]) -> None:
    with pytest.raises(ValueError):
        Rotor(prices, 1, 200)


# --- path ----------------------------------------------------------------------------------------------------------


@given(tables(), LAID, FAR, FAR, PACES)
def test_each_step_comes_when_the_plan_has_paid_it(
    table: tuple[list[int], int, int], laid: list[tuple[int, int]], dose: int, zero_steps: int, paces: tuple[int, int],
) -> None:
    """Never earlier than by the even run's 0.9 ms and a grain, and late by that and what the pace holds up only."""
    assume(len(table[0]) > 1)
    path = path_of(Rotor(*table), dose, zero_steps, paces, zero_steps)
    due, lease = oracle_times(table, path.motor_steps() - path.zero_steps, laid), path.motor(dose + sum(steps for steps, _ in laid))
    made: list[tuple[int, int]] = []
    left_us = 0
    for steps, duration_us in laid:
        before, items = path.motor_steps(), list(path.lay(steps, duration_us))
        left_us += duration_us - sum(took_us for _, took_us in items)
        assert 0 <= left_us <= 300_000
        assert all(took_us > 0 and took_us >= count * paces[0] for count, took_us in items)
        assert path.motor_steps() - before == sum(count for count, _ in items)
        assert path.motor_steps() <= path.motor(path.dose_steps) <= lease
        made += items
    assert path.take_rest() == left_us
    assert path.take_rest() == 0
    earliest = Fraction(-paces[0])
    for time_us, (due_us, grain_us) in zip(times_us(made), due, strict=False):
        earliest = max(earliest + paces[0], due_us)
        even_us = EVEN_US + grain_us
        assert due_us - even_us <= time_us <= earliest + even_us + (paces[0] + 10) * (1 + len(laid))  # the end of an item may waste a pace
    catch_up(path)
    assert path.motor_steps() == lease
    assert path.delivered(lease) == path.dose_steps


@given(ROTORS, st.integers(0, 1 << 40), st.integers(0, 2_000), st.integers(0, 3_000), st.lists(LONG, max_size=3), PACES)
def test_a_halt_anywhere_goes_on_without_loss(
    rotor: Rotor, dose: int, steps: int, back: int, later: list[int], paces: tuple[int, int],
) -> None:
    """What is told is never less than the motor has brought, and its rest is not made twice."""
    path = path_of(rotor, dose, 5_000, paces)
    other = path_of(rotor, dose, 5_000, paces)
    list(path.lay(steps, 4_000_000))
    motor_steps = max(5_000, path.motor_steps() - back)
    brought = rotor.paid(motor_steps) - rotor.paid(5_000)
    told = path.halted(motor_steps)
    assert path.motor_steps() == motor_steps
    assert brought <= (told - dose) * rotor.dose_step
    assert (told - dose) * rotor.dose_step < brought + (1 + rotor.dearest) * rotor.dose_step
    assert path.delivered(motor_steps) == told <= dose + steps
    for duration_us in later:
        list(path.lay(10, duration_us))
    catch_up(path)
    assert path.motor_steps() == other.motor(told + 10 * len(later))


@given(ROTORS, st.integers(0, 1 << 40), st.integers(1, 300), LONG)
def test_what_is_told_never_falls_and_ends_with_the_dose(rotor: Rotor, dose: int, steps: int, duration_us: int) -> None:
    path = path_of(rotor, dose, 777)
    for _ in range(3):
        first = path.motor_steps()
        list(path.lay(steps, duration_us))
        told = [path.delivered(step) for step in range(first, min(first + 2_000, path.motor_steps() + 1))]
        assert told == sorted(told)
    catch_up(path)
    assert path.delivered(path.motor_steps()) == dose + 3 * steps


@given(ROTORS, st.integers(0, 1 << 40), st.integers(0, 600), LONG)
def test_the_step_too_far_of_the_guard_is_told_and_stays_below_the_dearest(rotor: Rotor, dose: int, steps: int, duration_us: int) -> None:
    path = path_of(rotor, dose, 12_345)
    lease = path.motor(dose + steps)
    list(path.lay(steps, duration_us))
    catch_up(path)
    assert dose + steps < path.delivered(lease + 1) <= dose + steps + rotor.dearest
    assert path.halted(lease + 1) == path.delivered(lease + 1)


@given(st.data(), st.integers(0, 1 << 40), st.integers(0, 300), LONG)
def test_another_table_or_zero_keeps_what_is_due_to_a_grain(data: st.DataObject, dose: int, steps: int, duration_us: int) -> None:
    turns, turns_steps = data.draw(st.sampled_from(HEADS_WITH_GEARS))
    seeds = data.draw(st.tuples(st.integers(0, 1 << 32), st.integers(0, 1 << 32)))
    one, two = (Rotor(random_prices(seed, 96, turns_steps, 0.3), turns, turns_steps) for seed in seeds)
    path = path_of(one, dose, 4_000)
    list(path.lay(steps, duration_us))
    other = Path(two, data.draw(FAR), path.paces)
    other.follow(path, 4_000)
    motor_steps = path.motor_steps()
    assert (other.dose_steps, other.motor_steps(), other.due()) == (path.dose_steps, motor_steps, path.due())
    told = [other.delivered(step) for step in range(4_000, motor_steps)]
    assert told == [path.delivered(step) for step in range(4_000, motor_steps)]
    first = other.motor_steps()
    list(other.lay(40, 4_000_000))
    told += [other.delivered(step) for step in range(first, other.motor_steps() + 1)]
    assert told == sorted(told)
    catch_up(other)
    assert other.delivered(other.motor_steps()) == dose + steps + 40


@given(st.data(), st.integers(0, 300), st.integers(1, 3_000))
def test_a_halt_on_the_way_of_the_table_before_keeps_its_grains(data: st.DataObject, steps: int, back: int) -> None:
    one, two = (Rotor(random_prices(data.draw(st.integers(0, 1 << 32)), 96, 3200, 0.3), 1, 3200) for _ in range(2))
    path = path_of(one, 70, 4_000)
    list(path.lay(steps, 4_000_000))
    assume(path.motor_steps() > 4_000)
    motor_steps = max(4_000, path.motor_steps() - back)
    told = path.delivered(motor_steps)
    due = (told - 70) * PARTS - (one.paid(motor_steps) - one.paid(4_000))
    other = Path(two, 99, path.paces)
    other.follow(path, 4_000)
    list(other.lay(20, 1_000_000))
    assert other.halted(motor_steps) == told
    assert (other.motor_steps(), other.due()) == (motor_steps, due)


@given(st.sampled_from(HEADS_WITH_GEARS), LAID, FAR)
def test_by_the_plain_table_items_stay_as_they_are(gear: tuple[int, int], laid: list[tuple[int, int]], dose: int) -> None:
    path = path_of(plain(*gear), dose, 1_000, (1_250, 4))
    assert [item for each in laid for item in path.lay(*each)] == laid
    assert path.motor_steps() - 1_000 == path.dose_steps - dose == sum(steps for steps, _ in laid)


@pytest.mark.parametrize("rate_hz", [0, 100, 790, 2_000])
def test_by_the_plain_table_what_another_has_left_due_is_made_up_at_any_rate(rate_hz: int) -> None:
    """The motor takes one more of 64 steps above the pace; below it, the pace."""
    before = path_of(rotor_of(dip(0.35)), 0, 0, (1_250, 400))
    while before.late_us() < 100 * 1_250:
        list(before.lay(1, 1_250))
    path = Path(plain(1, 3200), 0, (1_250, 400))
    path.follow(before, 0)
    motor_steps, seconds, late = before.motor_steps(), 0, path.due() // PARTS
    while path.late_us():
        items = list(path.lay(rate_hz, 1_000_000))
        assert items[-1][1] == 1_000_000
        count = sum(steps for steps, _ in items)
        assert rate_hz <= count <= max(800, rate_hz + rate_hz // 64)
        seconds += 1
    assert path.motor_steps() - motor_steps == late + seconds * rate_hz
    assert seconds < 30


@pytest.mark.parametrize("rate_nl", [500, 37_000, 100_003, 1_234_567, 9_999_999])
@pytest.mark.parametrize("pair", [(31_607, 3_200), (1_000_003, 99_991)])
def test_bins_of_one_price_are_the_plain_pump_within_1_us_and_the_even_run(pair: tuple[int, int], rate_nl: int) -> None:
    source, train = Accumulator(3600, Calibration(*pair)), Train(100)
    path = path_of(Rotor([PARTS * 32] * 100, 1, 3_200), 12_345, 12_345, (4, 4))
    plan: list[tuple[int, int]] = []
    made: list[tuple[int, int]] = []
    for second in range(4, 80 if rate_nl > 10**6 else 400, 4):
        for item in train.single(source, rate_nl, second * US_PER_S, 4)[1]:
            plan.append(item)
            made += path.lay(*item)
    pairs = list(zip(times_us(plan), times_us(made), strict=True))
    assert all(abs(planned - time_us) <= EVEN_US for planned, time_us in pairs)


def test_positions_far_away_are_laid_in_small_numbers() -> None:
    """MicroPython needs memory for each integer of 2**30 and more: within a slice there is none that grows with the position."""
    path = path_of(rotor_of(dip(0.2)), 10**11, 10**11 + 17, (1_250, 40), 55)
    for _ in range(30):
        list(path.lay(1_111, 4_000_000))
        assert abs(path._end) < 1 << 24
