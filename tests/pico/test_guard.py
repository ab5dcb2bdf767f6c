"""The lease guard and the stop machine on the emulated chip: how they cut the enable line without the CPU, and what they count."""

import pytest

from support.emulator.motor_bench import ENABLE, STEP, STOP, MotorBench

DEBOUNCE_NS = 50_000
SECOND_NS = 1_000_000_000


@pytest.fixture(params=[pytest.param(1, id="off_high"), pytest.param(0, marks=pytest.mark.long, id="off_low")], autouse=True)
def driver(request: pytest.FixtureRequest, bench: MotorBench) -> None:
    """Drivers of both polarities after a step and direction generator."""
    if request.param != bench.off_level:
        bench.attach(off_level=request.param)


def cut_at(bench: MotorBench) -> int:
    """Return when the enable line went off last."""
    return [at_ns for at_ns, level in bench.board.pins.edges(ENABLE) if level == bench.off_level][-1]


@pytest.mark.rule("R6")
def test_attaching_never_enables_and_never_steps(bench: MotorBench) -> None:
    """The line is off by its resistor, then by the chip."""
    assert not bench.enabled()
    assert [level for _, level in bench.board.pins.edges(ENABLE) if level != bench.off_level] == []
    assert bench.rises() == []
    bench.board.pins.resistors.pop(ENABLE)
    bench.run("pass")
    assert not bench.enabled(), "the chip drives it"


@pytest.mark.quick
@pytest.mark.rule("R2")
@pytest.mark.parametrize("leased", [0, 1, 15])
def test_one_step_beyond_the_lease_the_line_is_cut_and_stays_so(bench: MotorBench, leased: int, record_property) -> None:
    bench.run(f"ready({leased})\nbegin = guard.count()")
    bench.clear()
    bench.run("stepper.queue(30, 6000)\nstepper.send()\ntime.sleep_ms(8)\nseen = board.look()")
    rises = bench.rises()
    assert len(rises) == leased + 1
    assert 0 <= cut_at(bench) - rises[-1] <= 100
    steps, counted, tripped = bench.ask("(seen.steps_done, seen.guard_count, seen.tripped)")
    assert (tripped, steps) == (True, counted)
    assert bench.ask("guard.count() - begin") == leased + 1
    assert bench.ask("stepper.halt() - guard.count()") == 0
    assert not bench.enabled()
    record_property("figure", f"emulated: lease of {leased} steps, line cut {cut_at(bench) - rises[-1]} ns after the one beyond it")


@pytest.mark.rule("R2")
def test_a_stuck_cpu_is_stopped_by_the_lease(bench: MotorBench) -> None:
    bench.run("ready(25)")
    bench.clear()
    bench.run("""
import machine
stepper.queue(200, 20000)
stepper.send()
state = machine.disable_irq()
for i in range(9000): pass
machine.enable_irq(state)
""")
    assert len(bench.rises()) == 26
    assert not bench.enabled()


@pytest.mark.quick
def test_allowances_come_one_behind_the_other_while_it_steps(bench: MotorBench) -> None:
    """More of them than the FIFO takes: the rest waits in memory until the next look."""
    bench.run("ready(1)\nbegin = guard.count()")
    bench.clear()
    bench.run("for lease in range(2, 42): guard.allow(begin + lease)\nheld_back = guard._owed")
    bench.run("stepper.queue(41, 41000)\nstepper.send()\nfor i in range(60):\n time.sleep_us(700)\n board.look()")
    assert bench.ask("held_back") > 0
    assert bench.ask("(guard.count() - begin, guard.tripped())") == (41, False)
    bench.run("stepper.halt()\nguard.allow(begin + 41)\nstepper.queue(3, 3000)\nstepper.send()\ntime.sleep_ms(5)")
    assert bench.ask("(guard.count() - begin, guard.tripped())") == (42, True)
    assert len(bench.rises()) == 42


def test_an_allowance_can_shrink_at_rest_but_not_below_the_count(bench: MotorBench) -> None:
    bench.run("ready(50)\nbegin = guard.count()\nstepper.queue(10, 2000)\nstepper.send()\ntime.sleep_ms(3)\nstepper.halt()")
    bench.run("guard.allow(begin + 12)")
    bench.run("try: guard.allow(begin + 9)\nexcept ValueError: refused = True\nelse: refused = False")
    bench.clear()
    bench.run("stepper.queue(10, 2000)\nstepper.send()\ntime.sleep_ms(3)")
    assert bench.ask("(refused, guard.count() - begin, guard.tripped())") == (True, 13, True)
    assert len(bench.rises()) == 3


def test_pulses_beyond_the_lease_are_still_counted(bench: MotorBench) -> None:
    bench.run("ready(2)\nbegin = guard.count()\nstepper.queue(3, 900)\nstepper.send()\ntime.sleep_ms(2)")
    bench.board.pins.disturb(STEP, 5)
    assert bench.ask("(guard.count() - begin, guard.tripped())") == (8, True)
    bench.run("stepper.halt()\nguard.rearm()")
    assert bench.ask("(guard.count() - begin, guard.tripped())") == (8, False)


@pytest.mark.rule("R6")
def test_a_line_that_something_else_takes_off_counts_as_tripped(bench: MotorBench) -> None:
    bench.run("ready(100)\nstepper.queue(50, 50000)\nstepper.send()\nfirst = board.look().tripped")
    bench.run(f"guard.machine.execute(0xE000 | {bench.off_level})\ntime.sleep_ms(2)\nsecond = board.look().tripped")
    assert bench.ask("(first, second)") == (False, True)
    bench.run("stepper.halt()")


# --- the stop button ---------------------------------------------------------------------------------------------------


def press(bench: MotorBench, after_ns: int, lasts_ns: int) -> list[int]:
    """Open the contact in a while, for a while; the list will get the times."""
    pressed: list[int] = []

    def open_it() -> None:
        pressed.append(bench.board.now_ns())
        bench.board.set_pin(STOP, 1)

    bench.board.at(after_ns, open_it)
    bench.board.at(after_ns + lasts_ns, lambda: bench.board.set_pin(STOP, 0))
    return pressed


@pytest.mark.quick
@pytest.mark.rule("R1")
@pytest.mark.parametrize(("steps", "duration_us"), [(1_000, 50_000), (3, 60_000)])
def test_a_press_of_100_us_cuts_the_line_for_good(bench: MotorBench, steps: int, duration_us: int, record_property) -> None:
    bench.run("ready(100000)")
    bench.clear()
    pressed = press(bench, 23_000_000, 100_000)
    bench.run(f"stepper.queue({steps}, {duration_us})\nstepper.send()\ntime.sleep_ms(70)\npressed = board.look().stop_pressed")
    after_ns = cut_at(bench) - pressed[0]
    assert 0 < after_ns < DEBOUNCE_NS
    assert sum(rise > cut_at(bench) for rise in bench.rises()) == 0
    assert bench.ask("pressed") is True
    assert not bench.enabled()
    assert bench.ask("stepper.halt() - guard.count()") == 0
    bench.run("buttons.clear_stop()")
    assert bench.ask("buttons.stop_pressed()") is False
    record_property("figure", f"emulated: stop button to disabled {after_ns / 1000:.1f} us, no step after that")


@pytest.mark.quick
def test_a_glitch_of_10_us_is_no_press(bench: MotorBench) -> None:
    bench.run("ready(100)")
    pressed = press(bench, 1_000_000, 10_000)
    bench.run("time.sleep_ms(5)")
    assert pressed
    assert bench.enabled()
    assert bench.ask("board.look().stop_pressed") is False


@pytest.mark.rule("R1")
def test_as_long_as_it_is_held_nothing_enables_the_motor(bench: MotorBench) -> None:
    bench.run("stepper.halt()\nstepper.enable(False)")
    bench.board.set_pin(STOP, 1)
    bench.run("time.sleep_ms(1)\nbuttons.clear_stop()\nready(50)")
    bench.clear()
    bench.run("stepper.queue(5, 1000)\nstepper.send()\ntime.sleep_ms(4)\npressed = board.look().stop_pressed")
    assert bench.rises() == []
    assert not bench.enabled()
    assert bench.ask("pressed") is True
    assert bench.ask("board.look().stop_pressed") is True
    bench.board.set_pin(STOP, 0)
    bench.run("time.sleep_ms(3)\nready(50)")
    assert bench.ask("board.look().stop_pressed") is False
    assert bench.enabled()


@pytest.mark.rule("R1")
def test_one_press_with_a_bouncing_release_is_told_once(bench: MotorBench) -> None:
    bench.run("ready(50)")
    for after_us in (1_000, 31_050, 31_500):
        press(bench, after_us * 1000, 30_000_000 if after_us == 1_000 else 200_000)
    bench.run("time.sleep_ms(5)\nfirst = buttons.stop_pressed()\nbuttons.clear_stop()\ntime.sleep_ms(35)\nsecond = buttons.stop_pressed()")
    assert bench.ask("(first, second)") == (True, False)


@pytest.mark.rule("R1")
def test_the_button_stops_the_motor_in_the_middle_of_a_flash_erase(bench: MotorBench) -> None:
    bench.run("ready(100000)\nfile = open('/stall', 'wb')\nfile.write(b'x' * 4096)\nfile.flush()")
    bench.board.flash.erase_ns = 400_000_000
    bench.clear()
    pressed = press(bench, 150_000_000, 20_000_000)
    bench.run("stepper.queue(300, 600000)\nstepper.send()\nt = time.ticks_ms()\nfile.write(b'y' * 4096)\nfile.flush()")
    bench.board.flash.erase_ns = 0
    assert bench.ask("time.ticks_diff(time.ticks_ms(), t)") >= 400
    assert cut_at(bench) - pressed[0] < DEBOUNCE_NS
    assert max(bench.rises()) <= cut_at(bench)
    bench.run("stepper.halt()")


# --- the way out ---------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R6")
def test_make_safe_stops_whatever_runs_and_a_new_start_finds_it_off(bench: MotorBench) -> None:
    bench.run("ready(100000)\nstepper.queue(20000, 1000000)\nstepper.send()\ntime.sleep_ms(5)\nboard.make_safe()")
    assert not bench.enabled()
    made = len(bench.rises())
    bench.run("time.sleep_ms(20)\nboard.make_safe()")
    assert len(bench.rises()) == made
    bench.run("board = Board()\nboard.attach(Bench)\nstepper, guard, buttons = board.stepper, board.guard, board.buttons")
    assert not bench.enabled()
    bench.run("ready(7)\nstepper.queue(7, 700)\nstepper.send()\ntime.sleep_ms(2)")
    assert len(bench.rises()) == made + 7
    assert bench.ask("stepper.halt() - guard.count()") == 0


@pytest.mark.rule("R6")
def test_a_forgotten_generator_is_stopped_by_the_next_power_up_of_the_program(bench: MotorBench) -> None:
    """An exception or a soft reset stops neither PIO nor DMA; the next Board does, before it knows any pin."""
    bench.run("ready(100000)\nstepper.queue(25000, 1000000)\nstepper.send()\ntime.sleep_ms(5)")
    assert bench.enabled()
    bench.run("first = Board()")
    made = len(bench.rises())
    assert not bench.enabled()
    bench.run("from machine import mem32\nrunning = (mem32[0x50200000] | mem32[0x50300000]) & 15")
    bench.run("feeding = sum(mem32[0x50000010 + 0x40 * channel] & 1 for channel in range(12))")
    assert bench.ask("(running, feeding)") == (0, 0), "machines of either PIO block, channels of DMA"
    bench.run("time.sleep_ms(20)\nboard = None")
    assert len(bench.rises()) == made
