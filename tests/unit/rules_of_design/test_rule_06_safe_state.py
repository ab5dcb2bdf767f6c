"""R6: if anything cannot be trusted, the motor is disabled with an alarm, and nothing is repaired silently."""

import itertools
import sys
import types
from collections.abc import Callable

import pytest

from pumpcore.flash import slots
from pumpcore.program import packing
from support.programs import constant
from support.pump.main_file import load
from support.pump.running import UnitPump, again, blank_image
from support.replies import number

pytestmark = pytest.mark.rule("R6")


def check_safe(pump: UnitPump, fault: str) -> None:
    """Check that the motor is disabled, the alarm is reported, and a start is refused."""
    assert not pump.board.stepper.enabled
    made = pump.plant_steps()
    assert number(fault) in pump.call("status")["alarms"]
    assert pump.call("status")["state"] == "alarm"
    assert pump.fault("start") == "alarm_active"
    pump.advance(30)
    assert pump.plant_steps() == made


def running() -> UnitPump:
    pump = UnitPump.running(constant(36_000_000))
    pump.advance(20)
    assert pump.board.stepper.enabled
    return pump


def test_a_guard_that_counts_otherwise_ends_in_the_safe_state() -> None:
    pump = running()
    pump.board.stepper.step_error = 1
    pump.advance(5)
    check_safe(pump, "guard_mismatch")


def test_a_tripped_guard_ends_in_the_safe_state() -> None:
    pump = running()
    pump.board.guard.trip()
    pump.advance(5)
    check_safe(pump, "guard_tripped")


def test_a_queue_that_ran_dry_ends_in_the_safe_state() -> None:
    pump = running()
    pump.board.stepper.more_underruns += 1
    pump.advance(5)
    check_safe(pump, "underrun")


def failing(*_: object) -> None:
    raise OSError(5, "flash")


def until_disabled(pump: UnitPump, within_s: float) -> None:
    """Run the loop until the motor is disabled. Raises AssertionError if that takes too long."""
    end_us, turns = pump.board.clock.now_us + round(within_s * 1_000_000), 0
    pump.board.link.horizon_us = end_us
    while pump.board.stepper.enabled and pump.board.clock.now_us < end_us and turns < 5_000:
        pump.pump.turn()
        turns += 1
    assert not pump.board.stepper.enabled


def test_a_journal_that_fails_ends_in_the_safe_state() -> None:
    pump = running()
    pump.pump.journal.rings["events"].append = failing
    until_disabled(pump, 400)
    check_safe(pump, "journal_failed")


def test_a_ledger_that_fails_ends_in_the_safe_state() -> None:
    pump = running()
    pump.pump.delivery.leases.files.write = failing
    until_disabled(pump, 70)
    check_safe(pump, "ledger_failed")


def test_a_stop_disables_the_motor() -> None:
    pump = running()
    pump.line(b"stop\n")
    assert not pump.board.stepper.enabled


def stored(name: str, payload: bytes) -> UnitPump:
    """Return the next boot of a pump whose store holds `payload`."""
    pump = UnitPump.ready(constant(36_000_000))
    for letter in "ab":
        pump.board.flash.write(f"/store/{name}.{letter}", slots.pack(99, payload))
    return again(pump)


def test_a_stored_program_that_this_bench_does_not_allow_is_an_alarm() -> None:
    pump = stored("program", packing.pack(constant(700_000_001)))
    check_safe(pump, "program_invalid")


def test_a_bench_that_is_damaged_is_an_alarm() -> None:
    pump = stored("bench", b'{"name": "unit"}')
    check_safe(pump, "bench_damaged")


def test_a_pump_without_a_bench_does_no_therapy() -> None:
    pump = UnitPump(blank_image())
    pump.board.flash.remove("/store/bench.a")
    check_safe(again(pump), "not_commissioned")


def test_a_bug_of_ours_ends_in_the_safe_state() -> None:
    pump = running()
    pump.answer_with("hello", lambda pump, params: 1 // 0)
    assert pump.fault("hello") == "internal"
    check_safe(pump, "internal")


@pytest.mark.parametrize("end", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_whatever_ends_the_program_the_motor_is_disabled(end: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """main.py itself, on a board whose link breaks the loop."""
    board = UnitPump.ready(constant(36_000_000)).board
    board.stepper.enable(True)

    def broken(timeout_ms: int) -> None:
        board.stepper.enable(True)  # undo what each crash did
        raise end

    def failed(error: BaseException) -> None:
        raise error  # on a chip this resets

    board.link.wait, board.system.fail = broken, failed
    stub = types.ModuleType("stub_board")
    stub.Board = lambda: board
    monkeypatch.setitem(sys.modules, "hal.sim.board", stub)
    monkeypatch.setattr(sys, "platform", "linux")
    main = load(open)
    main.check = lambda: ("0" * 64, b"")
    with pytest.raises(end):
        main.main()
    assert not board.stepper.enabled
    assert board.stepper.queued_us() == 0


STATES = {"stopped": lambda: UnitPump.ready(constant(1_000)), "dwelling": lambda: UnitPump.running(constant(0)), "running": running}


@pytest.mark.parametrize("make", STATES.values(), ids=STATES)
def test_the_watchdog_is_fed_long_before_it_bites(make: Callable[[], UnitPump]) -> None:
    pump, fed = make(), []
    pump.board.watchdog.feed = lambda: fed.append(pump.board.clock.now_us)
    assert pump.board.watchdog.timeout_ms <= 8388
    times_us = [pump.board.clock.now_us]
    pump.each_turn(60, lambda: None)
    times_us += [*fed, pump.board.clock.now_us]
    assert max(after - before for before, after in itertools.pairwise(times_us)) <= 0.75 * pump.board.watchdog.timeout_ms * 1000
