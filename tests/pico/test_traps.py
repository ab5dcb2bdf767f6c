"""The traps of stock MicroPython on the RP2040, each shown to exist, and how hal/rp2 avoids it.

Elsewhere: a dropped DMA object (test_guard.py); a print to a host that does not read, and Ctrl-C (test_hal_parts.py); an uncaught exception
and a reset in the middle of a dose (test_pump_hazards.py); texts for `exec` (the halt's time, test_stepper.py).
"""

from __future__ import annotations

import re

import pytest

from app.startup.boot import WATCHDOG_MS
from support.emulator.board import EmulatedBoard
from support.emulator.motor_bench import STOP, MotorBench
from thecal.files.resources import firmware_folder

LONGEST_WATCHDOG_MS = 8_388
HALF_A_WRAP_S = 9 * 60
ERASED = b"\xff"


def test_a_restart_keeps_the_words_of_the_fifo_and_a_halt_empties_it(bench: MotorBench) -> None:
    bench.run("machine = stepper.generator.machine")
    bench.run("for _ in range(3): machine.put(0)\nmachine.sm.restart()")
    assert bench.ask("machine.level()") == 3, "the trap"
    bench.run("ready(100000)\nstepper.queue(20000, 1000000)\nstepper.send()\ntime.sleep_ms(2)\nstepper.halt()")
    assert bench.ask("machine.level()") == 0
    made = len(bench.rises())
    bench.run("ready(10)\nstepper.queue(5, 5000)\nstepper.send()\ndrain()")
    assert len(bench.rises()) == made + 5


def test_the_flags_of_a_machine_are_read_from_its_block(bench: MotorBench) -> None:
    """`StateMachine.irq().flags()` shows the flag of machine 5 under another number; the stop button must not be missed."""
    bench.board.set_pin(STOP, 1)
    bench.board.run_for(0.002)
    assert bench.ask("buttons.machine.flags() & 1") == 1
    assert bench.ask("buttons.stop_pressed()") is True
    bench.board.set_pin(STOP, 0)
    bench.run("time.sleep_ms(5)\nbuttons.clear_stop()")
    assert bench.ask("(buttons.machine.flags(), buttons.stop_pressed())") == (0, False)


@pytest.mark.rule("R4")
def test_a_queue_is_told_right_after_a_rest_longer_than_half_the_range_of_ticks_us(bench: MotorBench) -> None:
    bench.run("ready(100)\nstepper.queue(10, 10000)\nstepper.send()\ndrain()\nend = stepper.end_us")
    bench.board.run_for(HALF_A_WRAP_S)
    assert bench.ask("time.ticks_diff(time.ticks_us(), end)") < 0, "the trap"
    assert bench.ask("(stepper.queued_us(), stepper.busy())") == (0, False)
    bench.run("stepper.queue(20, 2000000)\nstepper.send()\nqueued = stepper.queued_us()\ntime.sleep_ms(2100)")
    assert 1_900_000 < bench.ask("queued") <= 2_000_000
    assert bench.ask("(stepper.queued_us(), stepper.halt(), guard.count())") == (0, 30, 30)


def test_without_a_clock_chip_the_time_is_unknown_though_micropython_tells_one(bench: MotorBench) -> None:
    assert bench.ask("time.gmtime()[0]") == 2021, "the trap"
    assert bench.ask("board.clock.utc_s()") == 0


def test_a_watchdog_that_the_chip_can_not_make_is_refused_and_ours_is_one_that_it_can(bench: MotorBench) -> None:
    with pytest.raises(RuntimeError, match="ValueError"):
        bench.run(f"board.watchdog.start({LONGEST_WATCHDOG_MS + 1})")
    assert bench.ask("board.watchdog.started()") is False
    assert WATCHDOG_MS <= LONGEST_WATCHDOG_MS


@pytest.mark.rule("R6")
def test_a_flash_that_does_not_mount_is_formatted_by_the_stock_boot_and_leaves_no_pump() -> None:
    """`_boot.py` formats on any mount error, firmware included: a prompt is left that drives no pin."""
    with EmulatedBoard(files=ERASED * (352 * 4096)) as board:
        assert board.exec("import os\nprint(os.listdir('/'))").strip() == "[]", "the trap"
        assert [gpio for gpio in range(23) if board.pins.edges(gpio)] == []


SLEEPS = re.compile(r"lightsleep|deepsleep|machine\.(idle|freq)|_thread")


@pytest.mark.quick
def test_nothing_sleeps_so_deep_that_pio_and_dma_stand_still() -> None:
    """`lightsleep` stops PIO and DMA; another system clock stretches every word."""
    for file in sorted(firmware_folder().rglob("*.py")):
        found = [line for line in file.read_text().splitlines() if SLEEPS.search(line)]
        assert found == [], file
