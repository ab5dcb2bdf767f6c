"""Dose by volume on the chip: every pulse where fractions have it, Python's time for a slice, and its memory."""

import os
from fractions import Fraction

import pytest

from support.emulator import volume_bench
from support.emulator.motor_bench import MotorBench
from support.models.rotor import oracle_times, times_us
from support.pump import slices

TORTURE = os.environ.get("THECAL_HYPOTHESIS") == "torture"
SLICES, COMPUTED = 50, 1_000
EVEN_US, GENERATOR_US = 1_000, 0.5
SLICE_LIMIT_MS, LEAST_FREE_BYTES = 60, 10_000
RUN = """
motion = moved()
motion.enable()
motion.allow({dose})
for items in {laid}:
    while stepper.queued_us() > 2500000: time.sleep_ms(50)
    motion.queue(items)
motion.rest()
drain()
time.sleep_us(10)
"""


@pytest.mark.rule("R4")
@pytest.mark.parametrize("kind", ["even", "ramp_with_bolus"])
def test_each_pulse_is_where_fractions_have_it(bench: MotorBench, kind: str, record_property) -> None:
    """The motor stands at 10^11 steps. In a dead zone, pulses come at the pace; else within 1 ms and a grain of the plan."""
    count = SLICES if kind == "even" else SLICES // 5
    laid = getattr(slices, kind)(count)
    items = [item for one in laid for item in one]
    volume_bench.define(bench)
    bench.clear()
    dose_steps = volume_bench.DOSE_STEPS + sum(steps for steps, _ in items)
    bench.run(RUN.format(dose=dose_steps, laid=laid), timeout_s=4 * count + 120)
    assert bench.ask("motion.amiss(board.look())") == ""
    edges_ns = bench.rises()
    path, made = volume_bench.path_here(), []
    for item in items:
        made += path.lay(*item)
    planned_us = times_us(made)
    table = slices.prices(), 1, slices.TURN_STEPS
    due = oracle_times(table, slices.FAR_STEPS - volume_bench.ZERO_STEPS, items)
    first = next(count for count, _ in made if count)  # an item's last pulse is on the microsecond
    origin_us = Fraction(edges_ns[first - 1], 1_000) - planned_us[first - 1]
    assert bench.ask("motion.motor_steps()") == slices.FAR_STEPS + len(edges_ns)
    assert bench.ask(f"motion.made({dose_steps})")
    assert len(planned_us) <= len(edges_ns) <= len(planned_us) + 1_100  # behind the last item: what the pace held up
    pace_us, earliest_us, worst_us = slices.PACES_US[0], Fraction(-10**9), Fraction(0)
    for edge_ns, plan_us, (due_us, grain_us) in zip(edges_ns, planned_us, due, strict=False):
        edge_us = Fraction(edge_ns, 1_000) - origin_us
        assert abs(edge_us - plan_us) <= GENERATOR_US
        late_us = earliest_us + pace_us > due_us
        earliest_us = max(earliest_us + pace_us, due_us)
        assert edge_us >= due_us - EVEN_US - grain_us
        assert edge_us <= earliest_us + EVEN_US + grain_us + (2 * pace_us if late_us else 0)  # the end of an item may waste a pace
        if not late_us:
            worst_us = max(worst_us, abs(edge_us - due_us))
    record_property("figure", f"emulated, by volume, {kind}: {len(edges_ns)} pulses, worst {float(worst_us):.0f} us from the plan")


@pytest.mark.parametrize("kind", ["even", "ramp_with_bolus"])
def test_a_slice_of_the_highest_rates_takes_little_time(bench: MotorBench, kind: str, record_property) -> None:
    volume_bench.define(bench)
    took_ms = [one / 1_000 for one in volume_bench.slice_times_us(bench, getattr(slices, kind)(6))]
    record_property("figure", f"emulated, {kind}: a slice of 4 s takes {', '.join(f'{one:.0f}' for one in took_ms)} ms of Python")
    assert max(took_ms) <= SLICE_LIMIT_MS


@pytest.mark.torture
def test_a_thousand_slices_need_no_more_memory_than_a_pump_leaves(bench: MotorBench, record_property) -> None:
    """Positions of 10^11 steps would make big integers of every step."""
    count = COMPUTED if TORTURE else SLICES
    volume_bench.define(bench)
    (one,) = slices.even(1)
    volume_bench.fill_memory(bench)
    bench.run("motion, least = moved(), gc.mem_free()", timeout_s=60)
    bench.run(f"for number in range({count}):\n computed(motion, {one})\n least = min(least, gc.mem_free())", timeout_s=4 * count)
    least = bench.ask("least")
    moved = bench.ask("motion.path.motor_steps()")
    assert isinstance(moved, int)
    assert moved - slices.FAR_STEPS > count * 1_000
    record_property("figure", f"emulated: {count} slices computed at 10^11 steps, at least {least} bytes free before a collection")
