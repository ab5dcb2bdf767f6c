"""The bolus button on the emulated chip: one press is one press, whatever contact and CPU do meanwhile."""

from __future__ import annotations

import pytest

from support.emulator.motor_bench import BOLUS, STOP, MotorBench

_MS = 1_000_000
_ATTACHED_ANEW = "board.make_safe()\nboard = Board()\nboard.attach(Bench)\nbuttons = board.buttons"


def play(bench: MotorBench, levels: list[tuple[float, int]]) -> None:
    """Set the line by (ms from now, level): it is low while the contact is closed."""
    for at_ms, level in levels:
        bench.board.at(round(at_ms * _MS), lambda level=level: bench.board.set_pin(BOLUS, level))


def bouncing(from_ms: float, level: int) -> list[tuple[float, int]]:
    """Return a contact that chatters for 5 ms before it stays at `level`."""
    return [(from_ms + number, level if number % 2 == 0 else 1 - level) for number in range(5)]


def presses(bench: MotorBench, duration_ms: int) -> int:
    """Return how many presses the firmware sees if it looks every 10 ms."""
    bench.run(f"told = 0\nfor _ in range({duration_ms // 10}):\n time.sleep_ms(10)\n told += buttons.bolus_pressed()", 60)
    return bench.ask("told")


@pytest.mark.quick
@pytest.mark.rule("R10")
def test_a_press_is_told_once_however_long_it_is_held_and_however_it_bounces(bench: MotorBench) -> None:
    play(bench, [*bouncing(30, 0), *bouncing(600, 1)])
    assert presses(bench, 900) == 1
    play(bench, [*bouncing(30, 0), *bouncing(130, 1), *bouncing(300, 0), *bouncing(400, 1)])
    assert presses(bench, 600) == 2


@pytest.mark.rule("R10")
def test_a_spike_and_a_touch_of_less_than_20_ms_order_nothing(bench: MotorBench) -> None:
    spikes = [at for number in range(50) for at in ((10 + 8 * number, 0), (10.05 + 8 * number, 1))]
    play(bench, [*spikes, (450, 0), (466, 1)])
    assert presses(bench, 600) == 0


def test_a_press_while_the_flash_is_erased_is_not_lost(bench: MotorBench) -> None:
    bench.board.flash.erase_ns = 400 * _MS
    bench.run("begun = time.ticks_ms()")
    play(bench, [(60, 0), (160, 1)])
    bench.run("f = open('/x', 'wb'); f.write(b'x' * 9000); f.close()\ntook = time.ticks_diff(time.ticks_ms(), begun)", 60)
    assert bench.ask("took") > 400
    assert bench.ask("(buttons.bolus_pressed(), buttons.bolus_pressed())") == (True, False)


def test_a_press_wakes_the_loop_once_and_a_stop_is_told_beside_it(bench: MotorBench) -> None:
    play(bench, [(50, 0), (150, 1)])
    bench.run("t = time.ticks_ms()\nboard.link.wait(3000)\nt = time.ticks_diff(time.ticks_ms(), t)")
    assert bench.ask("t") < 200
    bench.run("t = time.ticks_ms()\nboard.link.wait(300)\nt = time.ticks_diff(time.ticks_ms(), t)")
    assert bench.ask("t") >= 300, "nobody asked about the press, and it keeps the loop from its sleep"
    bench.board.set_pin(STOP, 1)
    bench.board.run_for(0.01)
    bench.board.set_pin(STOP, 0)
    assert bench.ask("(buttons.bolus_pressed(), buttons.stop_pressed())") == (True, True)
    bench.run("buttons.clear_stop()")
    assert bench.ask("(buttons.bolus_pressed(), buttons.stop_pressed())") == (False, False)


def test_a_button_held_at_power_up_is_no_press_before_it_is_let_go(bench: MotorBench) -> None:
    """A wire shorted to ground orders nothing."""
    bench.board.set_pin(BOLUS, 0)
    bench.run(_ATTACHED_ANEW)
    assert presses(bench, 300) == 0
    play(bench, [(20, 1), (120, 0), (220, 1)])
    assert presses(bench, 300) == 1
