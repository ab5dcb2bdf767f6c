"""The sensor at the rotor in the pump: what it stores, when the phase is known, what it does about a rotor that does not follow."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.delivery.watch import Watch
from support.programs import constant
from support.pump.bench_tables import SENSED
from support.pump.board import RotorSensor
from support.pump.by_volume import rate_nl
from support.pump.calibrations import put as put_calibration
from support.pump.learned_tables import put
from support.pump.running import BENCH, UnitPump

SENSED_BENCH: dict[str, Any] = BENCH | {"sensors": {name: SENSED["sensors"][name] for name in ("bus_hz", "rotor")}}
TURN_STEPS = 3_200
RATE_HZ = 27.0
DEGREE_STEPS = TURN_STEPS / 360


def sensor_of(pump: UnitPump) -> RotorSensor:
    assert pump.board.sensor is not None
    return pump.board.sensor


def watch_of(pump: UnitPump) -> Watch:
    watch = pump.pump.delivery.motion.watch
    assert watch is not None
    return watch


def sensed(rate_hz: float = RATE_HZ, table: bool = True) -> UnitPump:
    """Return a pump with a sensor that runs, by volume if it has a table."""
    pump = UnitPump.ready(constant(rate_nl(rate_hz)), bench=SENSED_BENCH)
    if table:
        put_calibration(pump)
        put(pump, zero_steps=pump.call("status")["motor_steps"])
    pump.call("start")
    pump.advance(1)
    assert pump.call("status")["law"] == ("volume" if table else "angle")
    return pump


def law_of(pump: UnitPump) -> tuple[str, str]:
    status = pump.call("status")
    return status["law"], status["law_cause"]


def off_degrees(pump: UnitPump, zero_angle: float) -> float:
    """Return how far the first bin is from where the pump believes it."""
    motion = pump.pump.delivery.motion
    believed = (motion.motor_steps() - motion.law.zero_steps) * 360 / TURN_STEPS
    true = (sensor_of(pump).angle() - zero_angle) * 360 / 4096
    return (believed - true + 180) % 360 - 180


def bend(angle: float) -> float:
    """One degree of nonlinearity: a tilted magnet off the axis."""
    turn = math.tau * angle / 4096
    return 4096 / 360 * (0.5 * math.sin(turn + 1) + 0.5 * math.sin(2 * turn + 2))


def test_a_run_that_goes_round_takes_out_the_nonlinearity_and_a_cut_keeps_that() -> None:
    pump = UnitPump.ready(constant(rate_nl(RATE_HZ)), bench=SENSED_BENCH)
    put_calibration(pump)
    sensor_of(pump).bent = bend
    pump.call("run.start", token=pump.call("bolus.token")["token"], purpose="calibration", volume_nl=0, steps=3 * TURN_STEPS,
              rate_nl=rate_nl(40.0), rate_seconds_s=3600)  # fmt: skip
    pump.advance(3 * TURN_STEPS / 40 + 20)
    assert pump.state() == "stopped"
    zero_angle = sensor_of(pump).angle() + 777 * 4096 / TURN_STEPS
    put(pump, zero_steps=pump.call("status")["motor_steps"] + 777)
    watch = watch_of(pump)
    assert len(watch.curve) == 16
    errors = [watch.straight(int(at + bend(at) + 1_234.5) % 4096) - at - 1_234 for at in range(0, 4096, 37)]
    errors = [(error + 2048) % 4096 - 2048 for error in errors]
    assert max(errors) - min(errors) < 0.5 * 4096 / 360
    for angle in range(0, 360, 45):
        again = UnitPump(pump.image(), pump.board.clock.utc_s())
        sensor = sensor_of(again)
        sensor.bent, sensor.more_steps = bend, angle * DEGREE_STEPS
        again.advance(0.1)
        assert law_of(again)[0] == "volume"
        again.call("start")
        again.advance(1)
        assert abs(off_degrees(again, zero_angle)) < 0.4


def test_a_table_without_a_zero_or_another_table_has_no_phase_by_the_sensor() -> None:
    pump = sensed()
    pump.call("stop")
    put(pump, zero_steps=-1, deviation_nl=26)
    assert law_of(pump) == ("angle", "phase_power")
    booted = UnitPump(pump.image(), pump.board.clock.utc_s())
    booted.advance(0.1)
    assert watch_of(booted).zero == -1 and law_of(booted) == ("angle", "phase_power")


@pytest.mark.parametrize("degrees", [3.0, -3.0])
def test_a_shift_of_three_degrees_is_a_warning_and_one_lease_later_mended(degrees: float) -> None:
    pump = sensed()
    zero_angle = sensor_of(pump).angle() - (pump.pump.delivery.motion.motor_steps() - pump.pump.setup.law.zero_steps) * 4096 / TURN_STEPS
    pump.advance(20)
    sensor_of(pump).more_steps = degrees * DEGREE_STEPS
    seen = []
    for _ in range(60):
        pump.advance(4)
        seen.append(law_of(pump))
    assert ("angle", "phase_shift") in seen and seen[-1] == ("volume", "")
    assert seen.count(("angle", "phase_shift")) <= 32
    assert "rotor_shifted" in pump.alarms() and pump.state() == "running"
    (record,) = pump.records("rotor_off")
    assert (record["kind"], record["slipped_steps"]) == (0, pytest.approx(-degrees * DEGREE_STEPS, abs=2))
    assert abs(off_degrees(pump, zero_angle)) < 0.2


@pytest.mark.parametrize("degrees", [1.8, -1.8])
def test_up_to_two_degrees_are_nothing(degrees: float) -> None:
    pump = sensed()
    pump.advance(20)
    sensor_of(pump).more_steps = degrees * DEGREE_STEPS
    pump.advance(200)
    assert law_of(pump) == ("volume", "") and pump.alarms() == [] and pump.records("rotor_off") == []


def test_one_wrong_reading_is_not_believed() -> None:
    pump = sensed()
    for wrong in (0, 1_000, 2_000, 3_000, 4_000):
        sensor_of(pump).shown = [wrong]
        pump.advance(10)
    assert law_of(pump) == ("volume", "") and pump.alarms() == []


@pytest.mark.rule("R1")
def test_a_sensor_that_fails_is_asked_ever_more_seldom_and_freed_each_time() -> None:
    pump = sensed()
    sensor = sensor_of(pump)
    before, sensor.fails = sensor.reads, True
    asked = []
    for second in range(1_500):
        pump.advance(1)
        if sensor.reads > before:
            asked.append(second)
            assert sensor.reads == before + 1
            before = sensor.reads
    waits = [later - sooner for sooner, later in itertools.pairwise(asked)]
    assert [round(wait / 10) for wait in waits[:5]] == [1, 2, 4, 8, 16] and max(waits) <= 303
    assert sensor.freed == len(asked)
    assert law_of(pump) == ("angle", "phase_sensor") and "rotor_sensor" in pump.alarms() and pump.state() == "running"
    assert pump.call("status")["rotor_sensor"] == "no_answer"
    sensor.fails = False
    pump.advance(370)
    assert law_of(pump) == ("volume", "") and pump.call("status")["rotor_sensor"] == "ok"


def test_a_magnet_that_is_lost_is_a_warning_and_no_angle() -> None:
    pump = sensed()
    sensor_of(pump).status = 0x10
    pump.advance(130)
    assert law_of(pump) == ("angle", "phase_sensor") and pump.call("status")["rotor_sensor"] == "magnet_lost"
    assert "rotor_sensor" in pump.alarms() and pump.state() == "running"


def test_a_sensor_that_answers_counts_no_uncertain_steps() -> None:
    pump = sensed(table=False)
    assert pump.call("status")["position_uncertain_steps"] == 0
    pump.call("stop")
    sensor_of(pump).fails = True
    pump.call("start")
    pump.advance(5)
    pump.call("stop")
    pump.call("start")
    pump.advance(1)
    assert pump.call("status")["position_uncertain_steps"] == 64


@pytest.mark.rule("R12")
def test_a_slip_ends_dosing_by_volume_until_the_next_start() -> None:
    pump = sensed(270.0)
    pump.advance(20)
    sensor = sensor_of(pump)
    sensor.stands_at = float(pump.plant_steps())
    while pump.plant_steps() - sensor.stands_at < 6 * DEGREE_STEPS:
        pump.advance(0.02)
    sensor.more_steps, sensor.stands_at = sensor.stands_at - pump.plant_steps(), None
    pump.advance(130)
    assert "rotor_slipped" in pump.alarms() and pump.state() == "running" and pump.board.buzzer.pattern == "high"
    assert law_of(pump) == ("angle", "phase_slip")
    (record,) = [one for one in pump.records("rotor_off") if one["kind"] == 1]
    assert record["slipped_steps"] == pytest.approx(-sensor.more_steps, abs=3)
    pump.call("stop")
    assert law_of(pump) == ("angle", "phase_slip")
    pump.call("start")
    pump.advance(1)
    assert law_of(pump) == ("volume", "")


@pytest.mark.rule("R6")
@pytest.mark.parametrize("rate_hz", [0.5, 27.0, 277.0])
def test_a_rotor_that_stands_stops_the_pump_within_ten_degrees_of_the_motor(rate_hz: float) -> None:
    pump = sensed(rate_hz, table=False)
    pump.advance(max(10.0, 40 / rate_hz))
    sensor = sensor_of(pump)
    sensor.stands_at = pump.plant_steps()
    pump.advance(10.1 * DEGREE_STEPS / rate_hz + 2.1)
    assert "rotor_stalled" in pump.alarms() and pump.state() == "alarm" and not pump.board.stepper.enabled
    (record,) = [one for one in pump.records("rotor_off") if one["kind"] == 2]
    assert record["motor_steps"] == pump.call("status")["motor_steps"] or rate_hz > 100


@pytest.mark.rule("R2")
@pytest.mark.rule("R4")
@given(shown=st.lists(st.integers(0, 4095), max_size=60), shifts=st.lists(st.integers(-60, 60), max_size=20))
@settings(max_examples=40, deadline=None)
def test_whatever_a_sensor_shows_it_never_adds_a_step(shown: list[int], shifts: list[int]) -> None:
    pump, plain = sensed(table=False), UnitPump.running(constant(rate_nl(RATE_HZ)))
    plain.advance(1)
    sensor_of(pump).shown = list(shown)
    for shift in [*shifts, 0]:
        sensor_of(pump).more_steps += shift
        for one in (pump, plain):
            one.advance(3)
        assert pump.plant_steps() <= plain.plant_steps() + 1
        if pump.state() == "running":
            assert abs(pump.plant_steps() - plain.plant_steps()) <= 1
