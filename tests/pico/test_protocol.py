"""Protocols on the chip: every edge of a ramp and a loop where the reference has it, and a check that comes in short parts."""

import ast
from fractions import Fraction
from itertools import islice

import pytest

from pumpcore.limits.limits import DAY_BUCKETS
from pumpcore.program.protocol import Protocol
from support.emulator.board import EmulatedBoard
from support.models import protocols as reference
from support.models.weekly import step_times_us
from support.programs import constant
from support.protocols import in_words, program, staged
from support.rig.device import Device

WITHIN_US = Fraction(1, 2)
LONGEST_PART_MS = 300
STAGES = [(10, (1 << 40) + 700 * index, (1 << 40) + 700 * index + 20 * (index % 3)) for index in range(64)]
SLOW = [(10, 700 * index, 700 * index + 20 * (index % 3)) for index in range(64)]
MOST_BYTES = 7_000
LOOPS = [(2 * index, 2, 4_000_000) for index in range(32)]
BUILD = f"""
import time
from pumpcore.limits import windows
from pumpcore.program.packing import pack, unpack
from pumpcore.program.plan import Program
from pumpcore.program.protocol import Protocol
made = Program("n" * 80, "f" * 80, 3600, [])
made.mode, made.protocol = 3, Protocol({STAGES!r}, {LOOPS!r})
packed = pack(made)
took = []
def part(*call):
    t = time.ticks_ms()
    found = call[0](*call[1:])
    took.append(time.ticks_diff(time.ticks_ms(), t))
    return found
"""
UNPACK = "made = part(unpack, packed)\nstate = part(windows.begin_peak, made.protocol, %d)"
WALK = "part(windows.go_on, made.protocol, state, 150)\npart(windows.go_on, made.protocol, state, 150)"


def test_the_check_of_the_largest_protocol_comes_in_short_parts(chip: EmulatedBoard, record_property) -> None:
    chip.exec(BUILD)
    chip.exec(UNPACK % DAY_BUCKETS)
    chip.exec(WALK)
    took_ms = ast.literal_eval(chip.exec("print(took)"))
    free = ast.literal_eval(chip.exec("import gc\ngc.collect()\nprint(gc.mem_free())"))
    record_property("figure", f"emulated: unpack, begin, 2 x 150 moves of a search take {took_ms} ms; {free} B free")
    assert took_ms[0] + max(took_ms[1:]) < LONGEST_PART_MS
    assert len(Protocol(STAGES, LOOPS).parts()) == 32 and program(Protocol(STAGES, LOOPS))


@pytest.mark.rule("R4")
def test_every_edge_of_a_ramp_and_a_loop_is_where_the_plan_has_it(device: Device, record_property) -> None:
    per_hour = 720_000  # 20 steps a second, with 10 nl a step
    ramp = (12, 0, per_hour - per_hour % 24)
    made = staged((10, 36_000, 36_000), ramp, (10, per_hour, per_hour), (11, 0, 0), (12, ramp[2], 0), loops=((2, 2, 2),))
    pair = device.calibration()
    stages, loops, held = in_words(made)
    rates = [(rate, 1) for rate in islice(reference.rates(stages, loops, held), 200)]
    wanted = step_times_us(rates, Fraction(pair.steps, pair.volume_nl), Fraction(0))
    before = device.sim.plant_steps()
    device.begin(made)
    device.run_for(made.protocol.end_s() + 6)
    assert device.state() == "stopped" and device.alarms() == []
    edges_ns = device.sim.board.pins.rises(device.sim.motor.counted_gpio)[-(device.sim.plant_steps() - before) :]
    assert len(edges_ns) == len(wanted)
    off_us = [Fraction(at_ns, 1000) - due_us for at_ns, due_us in zip(edges_ns, wanted, strict=True)]
    spread_us = (max(off_us) - min(off_us)) / 2
    record_property("figure", f"emulated: {len(wanted)} edges of a protocol within {float(spread_us):.3f} us of the plan")
    assert spread_us <= WITHIN_US


def free_bytes(device: Device) -> int:
    """Return the free memory after a quiet time."""
    for _ in range(3):
        device.run_for(0.5)
        told = int(device.client.status()["free_memory_bytes"])
    return told


def test_a_protocol_takes_little_memory_and_a_constant_program_almost_none(device: Device, record_property) -> None:
    device.begin(constant(36_000))
    device.run_for(3)
    plain = free_bytes(device)
    device.client.stop()
    found = []
    for made in (staged((30, 36_000, 36_000), (10, 0, 0), loops=((0, 2, 0),)), program(Protocol(SLOW, LOOPS))):
        device.begin(made)
        device.run_for(3)
        found.append(plain - free_bytes(device))
        device.client.stop()
    record_property("figure", f"emulated: a protocol of 2 stages takes {found[0]} B more than a constant program, the largest {found[1]} B")
    assert found[0] <= MOST_BYTES, found
