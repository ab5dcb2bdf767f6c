"""A short protocol in real MicroPython, with the power cut at its flash operations; it goes on and delivers nothing twice."""

from fractions import Fraction

import pytest

from pumpcore.program.plan import Program
from support.programs import resuming
from support.protocols import staged
from support.rig.device import Device, Figures
from thecal.errors import ThecalError

pytestmark = [pytest.mark.needs("flash_operations", "plant", "virtual_time", "power_cut")]
RATE = 1_000_000  # 28 steps a second
CHUNKS = 2  # `make test` cuts at every second operation, whole and torn in turn
OFF_S, LONG_S = 30, 150


def short() -> Program:
    """Return twice a stage, a ramp up, and a pause: a minute."""
    return resuming(staged((12, RATE, RATE), (10, 0, 20 * (2 * RATE // 20)), (10, 0, 0), loops=((0, 3, 2),)))


def whole_steps(device: Device, made: Program) -> int:
    pair = device.calibration()
    return int(Fraction(made.protocol.total_nl_s() * pair.steps, made.rate_seconds_s * pair.volume_nl))


@pytest.fixture(scope="module")
def operations(target: object) -> tuple[int, int]:
    """Return the numbers of the first flash operation after a start and of the last before the end."""
    with Device() as device:
        device.upload(short())
        device.client.clock_set(1_767_571_200, 0)
        first = device.sim.flash_ops()
        device.client.start()
        device.run_for(80)
        assert device.state() == "stopped" and device.sim.plant_steps() == whole_steps(device, short())
        return first, device.sim.flash_ops()


@pytest.mark.rule("R2")
@pytest.mark.rule("R11")
@pytest.mark.parametrize("chunk", [0, *(pytest.param(chunk, marks=pytest.mark.long) for chunk in range(1, CHUNKS))])
def test_a_cut_at_a_flash_operation_goes_on(operations: tuple[int, int], chunk: int, record_property: Figures) -> None:
    first, last = operations
    made, went_on, chosen = short(), 0, range(first + 1 + chunk, last + 1, CHUNKS)
    for number in chosen:
        with Device() as device:
            device.upload(made)
            device.client.clock_set(1_767_571_200, 0)
            whole = whole_steps(device, made)
            device.sim.cut_power(at_flash_op=number, torn=number // CHUNKS % 2 > 0)
            try:
                device.client.start()
            except ThecalError:  # the power failed while it answered
                device.client.close()
            device.run_for(80)
            cut_steps = device.sim.plant_steps()
            device.run_for(OFF_S)
            device.sim.restore_power()
            device.run_for(LONG_S)
            status, boot = device.client.status(), device.records("boot")[-1].fields
            assert status["state"] == "stopped" and status["last_error"] == ""
            more = device.sim.plant_steps() - cut_steps
            assert status["delivered_steps"] - boot["leased_steps"] == more
            assert cut_steps <= boot["leased_steps"], "what was made was leased"
            if more:
                went_on += 1
                assert whole - 1 <= status["delivered_steps"] <= max(whole, boot["leased_steps"]) + 1
    record_property("figure", f"a protocol cut at {len(chosen)} flash operations in real MicroPython, part {chunk + 1}: {went_on} went on")
