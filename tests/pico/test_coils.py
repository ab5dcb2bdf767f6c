"""Four coils from the unmodified adafruit_motor.stepper by PIO: the same sequence as its own `onestep`, on the pins."""

from __future__ import annotations

import itertools

import pytest
from adafruit_motor import stepper as library

from pumpcore.bench.bench import Bench
from support.emulator.motor_bench import COIL_A1, ENABLE, STROBE, MotorBench
from support.rig.benches import named
from thecal.files.bench import for_pump

STYLES = {"single": library.SINGLE, "double": library.DOUBLE, "interleave": library.INTERLEAVE}
DIRECTIONS = {True: library.FORWARD, False: library.BACKWARD}


class Coil:
    value = 0


def onesteps(style: str, forward: bool, count: int) -> list[int]:
    """Return the library's four outputs, a1 in the lowest bit, after each of its own steps."""
    coils = [Coil(), Coil(), Coil(), Coil()]
    motor, patterns = library.StepperMotor(*coils, microsteps=None), []
    for _ in range(count):
        motor.onestep(direction=DIRECTIONS[forward], style=STYLES[style])
        patterns.append(sum(bool(coil.value) << bit for bit, coil in enumerate(coils)))
    return patterns


def at_strobes(bench: MotorBench) -> list[int]:
    """Return the pattern on the pins at each rising edge of the strobe; every change of a coil comes with such an edge."""
    edges = [(at_ns, bit, level) for bit in range(4) for at_ns, level in bench.board.pins.edges(COIL_A1 + bit)]
    patterns, state = [], 0
    for rise in bench.rises():
        for at_ns, bit, level in sorted(edges):
            if at_ns <= rise:
                state = state | 1 << bit if level else state & ~(1 << bit)
        edges = [edge for edge in edges if edge[0] > rise]
        patterns.append(state)
    return patterns


def levels(bench: MotorBench) -> int:
    return sum(bench.board.pins.level(COIL_A1 + bit) << bit for bit in range(4))


@pytest.mark.parametrize("off_level", [0, 1])
@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("style", list(STYLES))
def test_the_sequence_is_the_librarys_at_every_rate_and_over_halts(
    bench: MotorBench, style: str, forward: bool, off_level: int, record_property
) -> None:
    bench.attach("coils", style, forward, off_level)
    runs = [(5, 50_000), (40, 20_000), (3, 1_500), (1, 90_000), (21, 31_000)]
    total = sum(steps for steps, _ in runs)
    bench.clear()
    for steps, duration_us in runs:
        bench.run(f"ready({steps})\nstepper.queue({steps}, {duration_us})\nstepper.queue(0, 500)\nstepper.send()\ndrain()")
        assert bench.ask("stepper.halt() - guard.count()") == 0
    assert bench.ask("guard.count()") == total
    expected = onesteps(style, forward, total)
    assert at_strobes(bench) == expected
    rises = bench.rises()
    assert {after - before for before, after in itertools.pairwise(rises[5:45])} == {500_000}
    assert {fall - rise for rise, fall in zip(rises, bench.board.pins.falls(STROBE))} == {3_088}
    record_property("figure", f"emulated: {style}, {'forward' if forward else 'backward'}: {total} steps at 11 to 2,000/s equal onestep")


@pytest.mark.quick
@pytest.mark.long
@pytest.mark.rule("R6")
def test_a_halt_takes_the_coils_off_and_an_enable_holds_the_rotor_where_it_stands(bench: MotorBench) -> None:
    bench.attach("coils", "double")
    assert levels(bench) == 0
    bench.run("ready(100)\nstepper.queue(6, 6000)\nstepper.queue(0, 60000)\nstepper.send()\ntime.sleep_ms(8)")
    last = onesteps("double", True, 6)[-1]
    assert levels(bench) == last, "a dwell holds the rotor"
    bench.run("stepper.halt()")
    assert levels(bench) == 0
    bench.run("guard.rearm()\nstepper.enable(True)")
    assert levels(bench) == last
    assert bench.rises()[-1] < bench.board.now_ns()
    assert len(bench.rises()) == 6
    bench.run("board.make_safe()")
    assert (levels(bench), bench.enabled()) == (0, False)


@pytest.mark.rule("R3")
def test_random_halts_keep_count_and_phase(bench: MotorBench) -> None:
    bench.attach("coils", "interleave")
    bench.run("ready(0)\nbegin = guard.count()")
    bench.clear()
    for after_us in (700, 1_234, 1_999, 2_001, 2_500, 3_777, 5_001, 8_888, 60, 9_999):
        bench.run("ready(100000)\nfor item in ((9, 4500), (0, 700), (7, 4700)): stepper.queue(*item)")
        bench.run(f"stepper.send()\ntime.sleep_us({after_us})")
        assert bench.ask("stepper.halt() - guard.count()") == 0
        assert bench.ask("guard.count() - begin") == len(bench.rises())
    assert at_strobes(bench) == onesteps("interleave", True, len(bench.rises()))


@pytest.mark.rule("R2")
def test_the_lease_guard_counts_the_strobe_and_cuts_the_coils_driver(bench: MotorBench) -> None:
    bench.attach("coils", "single")
    bench.run("ready(4)")
    bench.clear()
    bench.run("stepper.queue(20, 20000)\nstepper.send()\ntime.sleep_ms(25)")
    assert len(bench.rises()) == 5
    assert not bench.enabled()
    assert levels(bench) == 0, "the generator stopped for good and took its coils off"
    assert bench.ask("(board.look().tripped, stepper.halt() - guard.count())") == (True, 0)


@pytest.mark.rule("R12")
def test_the_self_test_leaves_the_phase_as_it_was(bench: MotorBench) -> None:
    bench.attach("coils", "single")
    bench.run("stepper.halt()\nguard.allow(guard.count() + 4)\nstepper.queue(4, 2000)\nstepper.queue(0, 1000)\nstepper.send()\ndrain()")
    assert bench.ask("(stepper.steps_done(), stepper.halt() - guard.count())") == (4, 0)
    assert [level for _, level in bench.board.pins.edges(ENABLE) if level] == []
    bench.clear()
    bench.run("ready(5)\nstepper.queue(5, 5000)\nstepper.send()\ndrain()")
    assert at_strobes(bench) == onesteps("single", True, 5)


def test_what_is_captured_is_one_cycle_of_the_library(bench: MotorBench) -> None:
    bench.attach("coils", "single")
    bench.run("from hal.rp2.motors import patterns")
    for style, forward in itertools.product(STYLES, (True, False)):
        cycle = bench.ask(f"patterns({style!r}, {forward})")
        assert list(cycle) * 3 == onesteps(style, forward, 3 * len(cycle))


@pytest.mark.rule("R4")
def test_the_first_step_comes_after_the_driver_has_woken(bench: MotorBench, record_property) -> None:
    """The DRV8833 ignores its inputs in the first millisecond: a pulse then would be counted and not made."""
    for wake_us in (0, 1_000):
        bench.attach("coils", "single", off_level=0, wake_us=wake_us)
        bench.run("stepper.queue(4, 4000)\nguard.rearm(); stepper.enable(True); guard.allow(guard.count() + 10); stepper.send(); drain()")
        (enabled_ns,) = bench.rises(ENABLE)
        first_us = (bench.rises()[0] - enabled_ns) / 1000
        assert first_us >= wake_us + 990 and len(bench.rises()) == 4
    record_property("figure", f"emulated: from enable to the first step of a DRV8833, planned 1 ms after the start: {first_us:.0f} us")


def test_a_drv8833_says_how_long_it_takes_to_wake() -> None:
    named_by_the_bench = [Bench(for_pump(named(name))).wake_us for name in ("drv8833-coils", "tmc2209-peristaltic01")]
    assert named_by_the_bench == [1_000, 0]
