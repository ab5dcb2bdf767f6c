"""The generator of hal/rp2 on the emulated chip: the place of every edge, the count at a halt, the capacity of the queue."""

import itertools
import os
import random
from fractions import Fraction

import pytest

from support.emulator.motor_bench import CYCLE_NS, ENABLE, STEP, MotorBench

TORTURE = os.environ.get("THECAL_HYPOTHESIS") == "torture"
PULSE_NS = 3_088
WORST_NS = 500
US = 1_000


def make(bench: MotorBench, sends: list[list[tuple[int, int]]], meanwhile: str = "") -> list[int]:
    """Send lists of (steps, duration_us) one after the other and a dwell, wait for the end; return the rising edges in ns."""
    steps = sum(count for items in sends for count, _ in items)
    sends = [*sends[:-1], [*sends[-1], (0, 400)]]
    bench.run(f"ready({steps})\ndry = stepper.underruns()")
    bench.clear()
    bench.run(
        f"for items in {sends!r}:\n for item in items: stepper.queue(*item)\n stepper.send()\n{meanwhile}\ndrain()\ntime.sleep_us(10)",
        timeout_s=sum(duration_us for items in sends for _, duration_us in items) / 1e6 + 60,
    )
    assert bench.ask("(stepper.steps_done() - guard.count(), stepper.underruns() - dry)") == (0, 0)
    return bench.rises()


def check_edges(rises: list[int], items: list[tuple[int, int]]) -> Fraction:
    """Check each item's last step exactly at its end, every other within 0.5 us; return the worst error in ns."""
    assert len(rises) == sum(steps for steps, _ in items)
    planned, start_us = [], 0
    for steps, duration_us in items:
        planned += [(Fraction(start_us * US) + Fraction(duration_us * US * k, steps), k == steps) for k in range(1, steps + 1)]
        start_us += duration_us
    first_exact = next(index for index, (_, exact) in enumerate(planned) if exact)
    origin_ns = rises[first_exact] - planned[first_exact][0]
    errors = [rise - origin_ns - at_ns for rise, (at_ns, _) in zip(rises, planned)]
    assert all(error == 0 for error, (_, exact) in zip(errors, planned) if exact)
    worst_ns = max(abs(error) for error in errors)
    assert worst_ns <= WORST_NS
    return worst_ns


MIXED = [(20, 1_003), (0, 37), (7, 9_001), (250, 10_007), (1, 41), (0, 12_345), (1, 5), (3, 401), (997, 40_001)]


@pytest.mark.quick
@pytest.mark.rule("R4")
@pytest.mark.parametrize("meanwhile", ["", "for i in range(3000): pass", "time.sleep_ms(60)"], ids=["looking", "busy", "asleep"])
def test_every_edge_is_where_the_plan_puts_it(bench: MotorBench, meanwhile: str, record_property) -> None:
    worst_ns = check_edges(make(bench, [MIXED], meanwhile), MIXED)
    falls = bench.board.pins.falls(STEP)
    assert {fall - rise for rise, fall in zip(bench.rises(), falls)} == {PULSE_NS}
    record_property("figure", f"emulated: worst step {float(worst_ns):.0f} ns from its place, slice ends 0 ns, STEP high {PULSE_NS} ns")


@pytest.mark.quick
@pytest.mark.long
@pytest.mark.rule("R4")
def test_slices_sent_one_by_one_join_without_a_gap(bench: MotorBench) -> None:
    """A send takes as long as a slice: some lengthen an armed transfer, some come just when it begins."""
    items = [(100, 40_000)] + [(1 + number % 3, 1_000 + 41 * (number % 17)) for number in range(120)]
    check_edges(make(bench, [[item] for item in items]), items)


RACE = """
from hal.rp2.feed import Feed
seen = set()
extend = Feed.extend
def noted(self, count):
    took = extend(self, count)
    seen.add((took, self._armed))
    return took
Feed.extend = noted
def race(after_us):
    ready(100)
    for i in range(8): stepper.queue(1, 4000 + i)
    t = time.ticks_us()
    stepper.send()
    for i in range(2): stepper.queue(1, 2000 + i)
    stepper.send()
    while time.ticks_diff(time.ticks_us(), t) < after_us: pass
    for i in range(2): stepper.queue(1, 500 + i)
    stepper.send()
    time.sleep_ms(40)
"""


@pytest.mark.rule("R1")
def test_a_send_at_any_moment_neither_loses_nor_repeats_a_word(bench: MotorBench) -> None:
    """Even if the armed channel begins just while it is lengthened."""
    items = [(1, 4_000 + i) for i in range(8)] + [(1, 2_000), (1, 2_001), (1, 500), (1, 501)]
    bench.run(RACE)
    for after_us in range(10_300, 11_800, 29):
        bench.clear()
        bench.run(f"race({after_us})")
        check_edges(bench.rises(), items)
    seen = set(bench.ask("list(seen)"))
    assert (True, True) in seen, "made longer in time"
    assert len(seen) > 1, "it never began meanwhile: this test has not met what it is for"


def test_slices_join_around_the_end_of_the_ring(bench: MotorBench) -> None:
    items = [(2, 2 * (90 + number % 7)) for number in range(1_400)]
    sends = [items[at : at + 200] for at in range(0, len(items), 200)]
    bench.run("ready(10000)")
    bench.clear()
    for send in sends:
        bench.run(f"for item in {send!r}: stepper.queue(*item)\nstepper.send()")
    bench.run("drain()\ntime.sleep_us(10)")
    assert bench.ask("stepper.halt() - guard.count()") == 0
    assert len(bench.rises()) == 2_800


def test_a_full_queue_refuses_and_keeps_what_it_has(bench: MotorBench) -> None:
    bench.run("ready(100000)")
    bench.clear()
    bench.run("""
taken = 0
try:
    while True:
        stepper.queue(1, 45 + taken % 2); taken += 1
except ValueError as error: said = str(error)
stepper.send()
drain()
time.sleep_us(10)
""")
    assert bench.ask("said") == "more than the queue holds"
    assert bench.ask("taken") == len(bench.rises()) > 2_000


@pytest.mark.parametrize("item", [(-1, 100), (1, 0), (1, -1), (3, 119), (2, 79)])
def test_what_the_driver_can_not_do_is_refused(bench: MotorBench, item: tuple[int, int]) -> None:
    bench.run(f"ready(10)\ntry: stepper.queue(*{item})\nexcept ValueError: refused = True\nelse: refused = False")
    assert bench.ask("(refused, stepper.queued_us())") == (True, 0)


# --- halts -------------------------------------------------------------------------------------------------------------

RATES_HZ = (25, 200, 997, 2_000, 20_000, 25_000)


def halts(seed: int, count: int) -> list[tuple[list[tuple[int, int]], int]]:
    """(items, microseconds until the halt): long and short items, dwells, and halts after the end."""
    chance, trials = random.Random(seed), []
    for _ in range(count):
        rate_hz = chance.choice(RATES_HZ)
        lasts_us = max(1_000_000 // rate_hz, chance.randrange(2_000, 9_000))
        steps = max(1, lasts_us * rate_hz // 1_000_000)
        items = [(steps, lasts_us), (0, chance.randrange(4, 900)), (steps, lasts_us), (1, 77), (0, 500)]
        longest_us = 12_000 if rate_hz >= 200 else 60_000
        trials.append((items[chance.randrange(2) :], chance.randrange(60, longest_us)))
    return trials


HALTS = """
def trial(items, after_us):
    ready(100000)
    before = stepper.steps_done()
    for item in items: stepper.queue(*item)
    stepper.send()
    time.sleep_us(after_us)
    machine = stepper.generator.machine
    machine.run(False)
    pc = machine.pc()
    machine.run(True)
    made = stepper.halt() - before
    counted = guard.count() - first
    mark.toggle()
    return made, counted, pc, machine.level()
"""


@pytest.mark.torture
@pytest.mark.rule("R3")
def test_random_halts_count_exactly(bench: MotorBench, record_property) -> None:
    """Generator, guard and pins agree; the FIFO is empty; the next run begins clean."""
    trials = halts(seed=3, count=1_000 if TORTURE else 100)
    bench.run(HALTS + "ready(0)\nfirst = guard.count()")
    bench.clear()
    phases: dict[int, int] = {}
    total = 0
    for items, after_us in trials:
        made, counted, pc, level = bench.ask(f"trial({items}, {after_us})")
        total += made
        assert (counted, level) == (total, 0), (items, after_us, pc)
        assert bench.steps_between_marks()[-1] == made, (items, after_us, pc)
        phases[pc] = phases.get(pc, 0) + 1
    assert len(bench.rises()) == total
    assert max(fall - rise for rise, fall in zip(bench.rises(), bench.board.pins.falls(STEP))) < 1_000_000
    text = f"emulated: {len(trials)} halts, {total} steps: guard = generator = pins; halts by instruction {sorted(phases.items())}"
    record_property("figure", text)


ONE_HALT = """
def halt_us():
    ready(9999)
    stepper.queue(9999, 999900)
    stepper.send()
    time.sleep_ms(7)
    before = time.ticks_us()
    stepper.halt()
    return time.ticks_diff(time.ticks_us(), before)
"""


@pytest.mark.quick
def test_a_halt_takes_less_than_a_millisecond(bench: MotorBench, record_property) -> None:
    """The median of nine: a USB interrupt during a halt adds its 0.1 ms."""
    bench.run(ONE_HALT)
    took_us = sorted(bench.ask("halt_us()") for _ in range(9))
    assert took_us[4] < 1_000, took_us
    record_property("figure", f"emulated: a halt takes {took_us[4]} us, at most {took_us[-1]}")


# --- what the registers tell while it runs -----------------------------------------------------------------------------


@pytest.mark.rule("R3")
def test_looking_never_shows_a_difference_that_is_not_there(bench: MotorBench) -> None:
    for steps, duration_us in ((30, 30_000), (500, 20_000), (250, 10_000), (1, 15_000)):
        bench.run("ready(100000)\nbad = []; looks = 0; last = 0\ndry = stepper.underruns()")
        bench.run(f"for i in range(4): stepper.queue({steps}, {duration_us})\nstepper.queue(0, 900)\nstepper.send()")
        bench.run("""
while stepper.busy():
    steps, counted, underruns, tripped = stepper.look()
    looks += 1
    if steps != counted or underruns != dry or tripped or steps < last: bad.append((steps, counted, underruns, tripped, last))
    last = steps
""")
        looks = bench.ask("looks")
        assert bench.ask("bad") == []
        assert looks > 20


@pytest.mark.rule("R3")
def test_a_guard_that_counts_otherwise_shows_while_it_runs_and_at_the_halt(bench: MotorBench) -> None:
    """While it runs, one step may be the one just being made; at the halt it is not."""
    for error, while_running in ((1, {0, 1}), (3, {1, 2, 3}), (-1, {0, -1}), (-2, {-1, -2})):
        bench.run("ready(100000)\nold = guard.count() - stepper.steps_done()\nfor i in range(40): stepper.queue(1, 1000)\nstepper.send()")
        bench.board.pins.disturb(STEP, error)
        bench.run("seen = set()\nfor i in range(12):\n time.sleep_us(700)\n look = stepper.look()\n seen.add(look[1] - look[0] - old)")
        bench.run("running = stepper.busy()\nlast = stepper.halt()")
        assert bench.ask("running")
        seen = set(bench.ask("list(seen)"))
        assert seen <= while_running
        assert error == 1 or seen - {0}
        assert bench.ask("guard.count() - last - old") == error
        bench.run("ready(100)\nstepper.queue(5, 5000)\nstepper.send()\ntime.sleep_ms(2)\nsteps, counted, _, _ = stepper.look()")
        assert bench.ask("counted - steps - old") == error, "an old difference must not show as a new one"


# --- ends ----------------------------------------------------------------------------------------------------------------


@pytest.mark.quick
@pytest.mark.rule("R6")
@pytest.mark.parametrize(("items", "dry"), [([(5, 1_000)], 1), ([(5, 1_000), (0, 500)], 0), ([(0, 500)], 0)])
def test_a_queue_that_ends_behind_a_step_ran_dry_once(bench: MotorBench, items: list[tuple[int, int]], dry: int) -> None:
    bench.run("ready(100)\nbefore = stepper.underruns()")
    bench.run(f"for item in {items}: stepper.queue(*item)\nstepper.send()\ntime.sleep_ms(3)")
    assert [bench.ask("stepper.underruns() - before") for _ in range(2)] == [dry, dry]
    bench.run("stepper.queue(0, 2000)\nstepper.send()\ntime.sleep_ms(3)")
    assert bench.ask("stepper.underruns() - before") == dry


@pytest.mark.rule("R6")
def test_a_queue_that_runs_dry_just_before_it_is_fed_is_told(bench: MotorBench) -> None:
    """At every moment of a send: before, while and after the words change hands."""
    for wait_us in range(300, 1_900, 100):
        bench.run("ready(100)\nbefore = stepper.underruns()\nstepper.queue(2, 2000)")
        bench.run(f"stepper.send()\ntime.sleep_us({wait_us})\nstepper.queue(1, 1000)\nstepper.send()\ntime.sleep_ms(3)")
        _, second, third = bench.rises()[-3:]
        late = third - second != 1_000_000
        assert bench.ask("stepper.underruns() - before") == 1 + late, wait_us


@pytest.mark.rule("R1")
def test_with_the_cpu_stuck_what_was_queued_is_made_and_nothing_more(bench: MotorBench) -> None:
    """A DMA chain to a spent channel would begin again, with nobody there to stop it."""
    bench.run("ready(100000)")
    bench.clear()
    bench.run("""
import machine
for i in range(3):
    stepper.queue(40, 4000); stepper.send()
state = machine.disable_irq()
for i in range(9000): pass
machine.enable_irq(state)
""")
    assert len(bench.rises()) == 120
    assert bench.ask("(stepper.busy(), stepper.halt() - guard.count())") == (False, 0)


@pytest.mark.rule("R4")
@pytest.mark.parametrize("erase_ms", [45, 400])
def test_a_flash_erase_moves_no_edge(bench: MotorBench, erase_ms: int) -> None:
    bench.run("file = open('/stall', 'wb')\nfile.write(b'x' * 4096)\nfile.flush()")
    bench.board.flash.erase_ns = erase_ms * 1_000_000
    erased = bench.board.flash.erases
    items = [(997, 997_003)]
    check_edges(make(bench, [items], "file.write(b'y' * 4096)\nfile.flush()"), items)
    assert bench.board.flash.erases > erased
    bench.board.flash.erase_ns = 0


@pytest.mark.rule("R12")
def test_disabled_it_steps_for_the_self_test_and_the_enable_line_never_moves(bench: MotorBench) -> None:
    bench.run("stepper.halt()\nstepper.enable(False)\nguard.rearm()\nguard.allow(guard.count() + 64)\nbefore = stepper.steps_done()")
    bench.clear()
    bench.run("stepper.queue(64, 16000)\nstepper.queue(0, 1000)\nstepper.send()\ndrain()")
    assert bench.ask("(stepper.steps_done() - before, stepper.halt() - guard.count())") == (64, 0)
    assert len(bench.rises()) == 64
    assert bench.board.pins.edges(ENABLE) == []
    assert not bench.enabled()


@pytest.mark.rule("R12")
def test_the_direction_is_set_long_before_the_first_step(bench: MotorBench) -> None:
    assert bench.board.pins.level(4) == 1
    bench.attach(forward=False)
    assert bench.board.pins.level(4) == 0


def test_intervals_are_whole_cycles(bench: MotorBench) -> None:
    rises = make(bench, [[(100, 100 * 40)]])
    assert {(after - before) % CYCLE_NS for before, after in itertools.pairwise(rises)} == {0}
    assert {after - before for before, after in itertools.pairwise(rises)} == {40_000}
