"""A whole pump on the emulated chip, and what must not disturb or outlive a dose: stuck code, resets, the line, slow flash."""

import functools
import itertools
import random
import shutil
from pathlib import Path

import pytest

from pumpcore.program.plan import Program
from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.emulator.branches import branch
from support.emulator.flash_bench import BENCH, image_of
from support.programs import MONDAY_UTC_S, constant
from support.rig import benches
from support.rig.device import Device, Figures
from support.rig.real_clients import raw_repl_knock
from thecal.deploy.build import build
from thecal.files.resources import firmware_folder
from thecal.pump.exchange import new_id

RATE_NL = 1_600_000  # 44 steps a second, the most that the day's ceiling allows
WORST_ERASE_NS = 400_000_000
STOPS = 10
FAST_HZ, ROUNDS = 997, 8
DURABLE_NS = 836_000_000  # a lease write at the flash's worst times (design section 5)
MARGIN_NS = 20_000_000
BROKEN_HANDLER = "def alarms(pump, params):\n    raise KeyboardInterrupt\n"


def running(rate_nl: int = RATE_NL) -> Program:
    return constant(rate_nl)


@pytest.fixture
def dosing(device: Device) -> Device:
    device.begin(running())
    device.run_for(6)
    assert device.state() == "running"
    return device


def steps_in(device: Device, duration_s: float) -> int:
    before = device.sim.plant_steps()
    device.run_for(duration_s)
    return int(device.sim.plant_steps() - before)


@pytest.mark.rule("R1")
@pytest.mark.rule("R2")
@pytest.mark.rule("R6")
def test_code_that_is_stuck_ends_in_a_reset_with_the_motor_off_and_within_the_lease(dosing: Device, record_property: Figures) -> None:
    """Interrupts off or asleep for ever: the queue runs to its end, then the watchdog bites."""
    core, chip = dosing.sim.board.chip.mcu.core, dosing.sim.board.chip
    stuck_ns, resets = dosing.sim.board.now_ns(), chip.resets
    core.enabled_interrupts = 0
    core.waiting = True
    assert dosing.sim.board.run_until(lambda: chip.resets > resets, 10), "the watchdog did not bite"
    bitten_ns = dosing.sim.board.now_ns()
    assert not dosing.sim.enable_level()
    last_ns = dosing.sim.motor.last_step_ns
    steps = dosing.sim.plant_steps()
    dosing.run_for(6)
    boot = dosing.records("boot")[-1].fields
    assert dosing.sim.plant_steps() == steps <= boot["leased_steps"]
    assert (dosing.state(), "watchdog" in dosing.alarms()) == ("stopped", True)
    record_property(
        "figure",
        f"CPU dead in mid-dose, emulated: last step after {(last_ns - stuck_ns) / 1e9:.2f} s, watchdog after "
        f"{(bitten_ns - stuck_ns) / 1e9:.2f} s, {boot['leased_steps'] - steps} steps short of the lease",
    )


def booked_behind(device: Device, steps: int) -> dict[str, int]:
    """Return what the boot after a reset reports of the lease; it must include every step that left the pins."""
    device.run_for(8)
    boot: dict[str, int] = device.records("boot")[-1].fields
    assert boot["confirmed_steps"] <= steps <= boot["leased_steps"]
    assert device.sim.plant_steps() == steps, "nothing moves before somebody starts it"
    assert device.state() == "stopped"
    return boot


@pytest.mark.rule("R1")
@pytest.mark.rule("R2")
@pytest.mark.rule("R6")
def test_a_reset_in_mid_dose_leaves_the_motor_disabled_within_the_lease(dosing: Device) -> None:
    dosing.sim.reset()
    steps = dosing.sim.plant_steps()
    assert not dosing.sim.enable_level()
    booked_behind(dosing, steps)


@pytest.mark.rule("R1")
@pytest.mark.rule("R2")
@pytest.mark.rule("R6")
def test_what_no_handler_may_raise_ends_in_a_disabled_motor_and_the_loop_goes_on(tmp_path: Path, record_property: Figures) -> None:
    """A handler raises what our broad catch lets through: safe state, alarm, and the pump answers as before."""
    shutil.copytree(firmware_folder(), tmp_path / "firmware")
    (tmp_path / "firmware/app/wire/handlers/alarms.py").write_text(BROKEN_HANDLER)
    built = build(tmp_path / "firmware")
    with Device(BENCH, image=image_of(built.files, built)) as device:
        device.begin(running())
        device.run_for(6)
        board, asked_ns = device.sim.board, device.sim.board.now_ns()
        device.sim.write(frame.encode(messages.request(new_id(), "alarms", {})))
        assert board.run_until(lambda: not device.sim.enable_level(), 1), "the motor is still enabled"
        steps, off_ns = device.sim.plant_steps(), board.now_ns()
        device.run_for(10)
        assert device.sim.plant_steps() == steps and board.chip.resets == 0
        status = device.client.status()
        assert (status["state"], status["last_error"]) == ("alarm", "KeyboardInterrupt('',)")
    record_property("figure", f"uncaught exception, emulated: motor disabled {(off_ns - asked_ns) / 1e6:.0f} ms after the question")


@pytest.mark.rule("R1")
def test_ctrl_c_and_a_client_that_wants_the_prompt_do_not_disturb_a_dose(dosing: Device) -> None:
    """mpremote's first bytes: Ctrl-C twice, Ctrl-A."""
    before = steps_in(dosing, 4)
    for _ in range(3):
        dosing.say(raw_repl_knock())
    assert abs(steps_in(dosing, 4) - before) <= 3
    dosing.client.close()
    dosing.say(b"\n")
    status = dosing.client.status()
    assert (status["state"], status["boot"], status["alarms"]) == ("running", 1, [])


@pytest.mark.rule("R1")
@pytest.mark.rule("R8")
def test_a_stop_takes_at_most_one_durable_operation_at_the_flashs_worst(dosing: Device, record_property: Figures) -> None:
    """From the last byte at the pump to the last edge, sent at random times, including erases of 400 ms."""
    board, chance = dosing.sim.board, random.Random(3)
    dosing.sim.board.flash.erase_ns = WORST_ERASE_NS

    def live(after_s: float) -> int:
        board.run_for(after_s)
        arrived_ns = board.now_ns()
        board.write(b"stop\n")
        board.run_for(3)
        assert not dosing.sim.enable_level()
        return int(max(0, dosing.sim.motor.last_step_ns - arrived_ns))

    delays = [branch(board, functools.partial(live, chance.uniform(0, 60))) for _ in range(STOPS)]
    record_property(
        "figure", f"stop over serial, emulated, erase 400 ms: last edge at most {max(delays) / 1e6:.1f} ms after it, {STOPS} times"
    )
    assert max(delays) <= DURABLE_NS + MARGIN_NS


@pytest.mark.rule("R1")
@pytest.mark.rule("R3")
@pytest.mark.parametrize("rate_nl", [20_000, 300_000, RATE_NL])
def test_leases_at_the_flashs_worst_times_leave_no_gap(device: Device, rate_nl: int, record_property: Figures) -> None:
    """Two leases and more, every erase 400 ms: the queue never runs dry, and every step is on time."""
    device.sim.board.flash.erase_ns = WORST_ERASE_NS
    device.begin(running(rate_nl), MONDAY_UTC_S)
    device.run_for(140)
    erases = device.sim.board.flash.erases
    stopped = device.client.stop()
    assert device.alarms() == []
    assert stopped["delivered_steps"] == device.sim.plant_steps()
    edges = device.sim.board.pins.rises(device.sim.motor.counted_gpio)[-device.sim.plant_steps() :]
    intervals = [after - before for before, after in itertools.pairwise(edges)]
    pair = device.calibration()
    ideal_ns = 3600e9 * pair.volume_nl / (rate_nl * pair.steps)
    worst_us = max(abs(interval - ideal_ns) for interval in intervals[1:]) / 1e3
    record_property(
        "figure", f"erases of 400 ms, emulated, {rate_nl / 1e6:g} mL/h: worst interval off by {worst_us:.2f} us, {erases} erases"
    )
    assert worst_us < 2  # both ends of an interval are within 1 us of the plan


@pytest.mark.rule("R2")
def test_boluses_and_stops_at_any_moment_of_a_fast_dose_cost_the_guard_no_pulse(record_property: Figures) -> None:
    """Each changes the guard's allowance, and while the guard reads that it must not miss a pulse."""
    chance, steps = random.Random(2), 0
    bench = benches.named(benches.CHIP_BENCH, **benches.HIGH_CEILINGS)
    pair = bench["calibration"]
    fast = constant(FAST_HZ * 3600 * pair["volume_nl"] // pair["steps"])
    with Device(bench) as device:
        for _ in range(ROUNDS):
            device.begin(fast)
            device.order(20_000, 3_600_000)
            device.run_for(chance.uniform(1, 6.5))
            steps = device.client.stop()["delivered_steps"]
            assert device.alarms() == [] and steps == device.sim.plant_steps()
    record_property("figure", f"a bolus and a stop, emulated, {FAST_HZ} steps/s: {ROUNDS} rounds, {steps} steps, none missed by the guard")
