"""A run that lies is refused by name; an honest one yields evaporation, pulsation and the pump's own share."""

import dataclasses
import math

import pytest

from support.host.weighed_runs import facts, run_of, sample, swinging_run, swinging_ug
from thecal.errors import Failed
from thecal.weighing.balance import BalanceError
from thecal.weighing.characterise.analysis import analyse
from thecal.weighing.characterise.run import END, RUN, STILL, Run


def masses(count=2400):
    return [swinging_ug(index * 500) for index in range(count)]


def refused(run):
    with pytest.raises(BalanceError) as caught:
        analyse(run)
    assert caught.value.do
    return caught.value


def test_an_honest_run_passes():
    assert analyse(run_of(masses())).whole_percent == pytest.approx(1.0, abs=0.2)


def test_a_tare_in_mid_run():
    honest = masses()
    error = refused(run_of(honest[:1200] + [mass_ug - honest[1200] for mass_ug in honest[1200:]]))
    assert error.kind == "tared"
    assert "10.00 min" in error.cause
    assert "-0.0" in error.raw or "0.0" in error.raw


def test_a_tare_while_the_pump_stands():
    run = run_of(masses())
    run.samples[10:20] = [dataclasses.replace(one, mass_ug=one.mass_ug - 300_000) for one in run.samples[10:20]]
    assert refused(run).kind == "tared"


def test_a_knock_or_a_falling_drop():
    honest = masses()
    honest[700:] = [mass_ug + 30_000 for mass_ug in honest[700:]]
    assert refused(run_of(honest)).kind == "jump"


def test_a_frozen_balance():
    honest = masses()
    honest[800:] = [honest[800]] * len(honest[800:])
    error = refused(run_of(honest))
    assert error.kind == "frozen"
    assert "6.67 min" in error.cause


@pytest.mark.parametrize("phase", [STILL, END])
def test_never_stable_at_rest(phase):
    run = run_of(masses())
    run.samples = [dataclasses.replace(one, stable=False) if one.phase == phase else one for one in run.samples]
    assert refused(run).kind == "unstable"


def test_a_gap_in_the_record():
    run = run_of(masses())
    run.samples = [one for one in run.samples if not 300_000 < one.time_ms < 400_000]
    with pytest.raises(Failed, match="nothing was recorded for 100 s"):
        analyse(run)


def test_too_little():
    with pytest.raises(Failed, match="5 samples"):
        analyse(run_of(masses(5)))


def with_pump(samples, steps_per_s, uptime_factor=1.0):
    return [
        dataclasses.replace(
            one,
            pump_steps=round(one.time_ms / 1000 * steps_per_s),
            steps_at_ms=one.time_ms,
            pump_uptime_ms=round(777 + one.time_ms * uptime_factor),
        )
        if one.time_ms and one.time_ms % 10_000 == 0
        else one
        for one in samples
    ]


def test_clocks_that_go_apart_are_a_simulator_at_another_speed():
    run = run_of(masses(), rests=False)
    run.samples = with_pump(run.samples, 100, 60.0)
    with pytest.raises(Failed, match="clock"):
        analyse(run)


def test_the_error_is_shared_out_between_motor_and_tube():
    """0.5 % too few steps, and more volume per step: the two are told apart."""
    planned_per_s = 5_000_000 / 3600 * 99_991 / 1_000_003
    run = run_of([round(5_000_000 / 3600 / 2 * index * 1.03) for index in range(14_400)], rests=False)
    run.samples = with_pump(run.samples, planned_per_s * 0.995)
    motor = analyse(run).motor
    assert float(motor.steps_percent) == pytest.approx(-0.5, abs=0.002)
    assert float(motor.calibration_percent) == pytest.approx(100 * (1.03 / 0.995 - 1), abs=0.002)


def test_evaporation_is_measured_before_the_start_and_taken_out():
    lost_ug_per_h = 6_000.0
    pumped = [round(5_000_000 / 7200 * index - lost_ug_per_h * index / 7200) for index in range(14_401)]
    still = [sample(-600_000 + index * 500, round(-lost_ug_per_h * (index - 1200) / 7200), STILL, True) for index in range(1200)]
    ran = [sample(index * 500, mass_ug) for index, mass_ug in enumerate(pumped)]
    uncorrected = analyse(Run(facts(), ran))
    assert float(uncorrected.whole_percent) == pytest.approx(-0.12, abs=0.002)
    found = analyse(Run(facts(evaporation_ug_per_h=""), still + ran))
    assert float(found.evaporation_ug_per_h) == pytest.approx(lost_ug_per_h, rel=0.01)
    assert float(found.whole_percent) == pytest.approx(0.0, abs=0.002)
    assert found.evaporation_source.startswith("measured")
    given = analyse(Run(facts(evaporation_ug_per_h="6000"), ran))
    assert float(given.whole_percent) == pytest.approx(0.0, abs=0.002)


@pytest.mark.parametrize("swing", [0.05, 0.3, 0.9])
def test_the_rollers_are_found_with_their_swing(swing):
    roller_hz = 5_000_000 / 3600 * 99_991 / 1_000_003 * 3 / 3200
    wobble = [((index * 7919) % 101 - 50) for index in range(14_401)]
    run = run_of([swinging_ug(index * 500, swing, 1 / roller_hz) + wobble[index] for index in range(14_401)])
    found = analyse(run).pulsation
    assert found.roller_hz == pytest.approx(roller_hz)
    assert found.found_hz == pytest.approx(roller_hz, rel=0.001)
    assert found.found_percent == pytest.approx(100 * swing, rel=0.05)
    assert found.at_roller_percent == pytest.approx(100 * swing, rel=0.05)


def test_without_a_swing_no_line_stands_out():
    import random

    noise = random.Random(5)
    run = run_of([swinging_ug(index * 500, 0.0) + round(noise.gauss(0, 60)) for index in range(14_401)])
    found = analyse(run).pulsation
    assert found.found_hz is None
    assert found.at_roller_percent < 1.0


def test_a_roller_that_is_too_quick_for_the_interval_is_not_claimed():
    run = swinging_run(2.0, 30_000)
    found = analyse(run).pulsation
    assert not found.visible
    assert math.isclose(found.at_roller_percent, 0.0)
    assert run.phase(RUN)


def test_frozen_limits_follow_rate_and_resolution():
    from thecal.weighing.characterise.checks import frozen_limit_ms

    assert frozen_limit_ms(facts(), 1) == 2_000.0, "never below two seconds"
    slow = facts(rate_nl=1_000, rate_seconds_s=3600)
    assert frozen_limit_ms(slow, 100) == pytest.approx(25 * 100 / (1_000 / 3_600_000))
