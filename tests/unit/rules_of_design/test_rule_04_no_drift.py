"""R4: no drift. Less than one step from the rational plan, over any uninterrupted span."""

from fractions import Fraction

import pytest

from pumpcore.motion.dose import Accumulator, Calibration
from support.programs import constant, day
from support.pump.running import BENCH, UnitPump

pytestmark = pytest.mark.rule("R4")
STEPS, VOLUME_NL = BENCH["calibration"]["steps"], BENCH["calibration"]["volume_nl"]
TOLERANCE_US = 2


def plan_steps(rate_nl: int, duration_us: int) -> int:
    return int(Fraction(rate_nl * STEPS, 3600 * VOLUME_NL) * Fraction(max(0, duration_us), 1_000_000))


def passed_us(pump: UnitPump) -> int:
    """Return the time since the span began."""
    return pump.board.clock.now_us - pump.pump.delivery.span.origin_ms * 1000


@pytest.mark.parametrize("rate_nl", [701, 9_007, 901_111, 36_000_007, 500_000_000])
def test_every_step_comes_when_the_plan_passes_it(rate_nl: int) -> None:
    pump = UnitPump.running(constant(rate_nl))
    pump.advance(0.01)
    for _ in range(700):
        pump.advance(0.173)
        now_us, made = passed_us(pump), pump.plant_steps()
        assert plan_steps(rate_nl, now_us - TOLERANCE_US) <= made <= plan_steps(rate_nl, now_us + TOLERANCE_US)


def test_the_sum_over_changing_rates_is_exact() -> None:
    rows = ((0, 0, 1_234_567), (0, 1, 7_654_321), (0, 3, 0), (0, 4, 123_457), (0, 9, 45_678_901))
    pump = UnitPump.running(day(*rows))
    pump.advance(0.01)
    begun_s = pump.pump.delivery.span.basal.week.begin_s
    pump.advance(600)
    changes = [minute * 60 for _, minute, _ in rows][1:] + [begun_s + passed_us(pump) // 1_000_000]
    planned, at_s = Fraction(0), begun_s
    for (_, _, rate_nl), until_s in zip(rows, changes):
        planned += Fraction(rate_nl * STEPS * (until_s - at_s), 3600 * VOLUME_NL)
        at_s = until_s
    assert abs(pump.plant_steps() - planned) < 1 + Fraction(45_678_901 * STEPS, 3600 * VOLUME_NL)
    assert pump.pump.delivery.span.ordered_steps >= pump.plant_steps()


@pytest.mark.parametrize("rate_nl", [1, 7_777_777_777, (1 << 40) + 1])
def test_whole_steps_and_remainder_are_exact_for_numbers_that_no_float_holds(rate_nl: int) -> None:
    calibration = Calibration((1 << 32) - 5, (1 << 31) - 1)
    source, made, passed_s = Accumulator(86_400, calibration), 0, 0
    slope = Fraction(rate_nl * calibration.steps, 86_400 * calibration.volume_nl)
    for duration_s in [1, 4, 4, 60, 3, 4, 86_399] * 30:
        made += source.advance(rate_nl, duration_s)
        passed_s += duration_s
        assert made == int(slope * passed_s)
        assert Fraction(source.remainder, source.modulus) == slope * passed_s - made


@pytest.mark.parametrize("whole", [1_000, 10_000_000, (1 << 40) + 1])
def test_a_hair_below_a_whole_step_is_none(whole: int) -> None:
    calibration = Calibration((1 << 32) - 5, (1 << 31) - 1)
    source = Accumulator(86_400, calibration)
    rate_nl = whole * source.modulus // calibration.steps
    source.remainder = (-1 - rate_nl * calibration.steps) % source.modulus
    total = source.remainder + rate_nl * calibration.steps
    assert source.advance(rate_nl, 1) == int(Fraction(total, source.modulus))
    assert source.remainder == source.modulus - 1


def test_the_remainder_is_stored_with_the_lease() -> None:
    pump = UnitPump.running(constant(36_000_007))
    for _ in range(5):
        pump.advance(63)
        end_s = pump.pump.delivery.span.lease_end_s
        part = Fraction(36_000_007 * STEPS * end_s, 3600 * VOLUME_NL) % 1
        assert Fraction(pump.on_flash().basal_remainder, 3600 * VOLUME_NL) == part


def test_a_stop_and_a_start_carry_the_remainder() -> None:
    pump = UnitPump.running(constant(900_000))
    pump.advance(31)
    kept = pump.pump.delivery.span.basal.accumulator.remainder
    pump.call("stop")
    assert pump.on_flash().basal_remainder == kept > 0
    pump.call("start")
    pump.advance(0.01)
    part_s = pump.pump.delivery.span.planned_s
    source = pump.pump.delivery.span.basal.accumulator
    assert source.remainder == (kept + 900_000 * STEPS * part_s) % source.modulus


def test_a_bolus_adds_its_own_steps_to_the_basal() -> None:
    pump = UnitPump.running(constant(36_000_007))
    pump.order(600_000, 60_000_000)
    pump.advance(300)
    basal = plan_steps(36_000_007, passed_us(pump))
    assert abs(pump.plant_steps() - basal - 600_000 * STEPS // VOLUME_NL) <= 1
