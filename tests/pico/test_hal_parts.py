"""The rest of hal/rp2 on the emulated chip: link, clock, clock chip, resets, watchdog, memory, and a board without a bench."""

from __future__ import annotations

import ast
import zlib
from collections.abc import Iterator

import pytest

from support.emulator.board import EmulatedBoard
from support.emulator.ds3231 import ClockChip
from support.emulator.motor_bench import STOP, SUPPLY, MotorBench
from support.emulator.usb import DeafHost

MONDAY_UTC_S = 1_767_571_200  # 2026-01-05 00:00 UTC
NO_CTRL_C = "import micropython\nmicropython.kbd_intr(-1)  # the prompt lets it in again for every piece of code\n"


def ask(chip: EmulatedBoard, expression: str) -> object:
    return ast.literal_eval(chip.exec(f"print(repr({expression}))"))


@pytest.fixture
def line(chip: EmulatedBoard) -> EmulatedBoard:
    chip.exec("import time, binascii\nfrom hal.rp2.link import Link\nlink = Link()")
    return chip


# --- link ------------------------------------------------------------------------------------------------------------------


@pytest.mark.quick
def test_bytes_of_every_value_arrive_and_none_blocks(line: EmulatedBoard, record_property) -> None:
    sent = bytes(range(256)) * 8 + b"\x03\x04\x01\r\n"
    line.at(20_000_000, lambda: line.write(sent))
    line.exec(f"""{NO_CTRL_C}
nothing = link.read()
got, reads, t = b"", 0, 0
while len(got) < {len(sent)}:
    link.wait(1000)
    begun = time.ticks_us(); got += link.read(); t += time.ticks_diff(time.ticks_us(), begun); reads += 1
""")
    assert ask(line, "(nothing, len(got), binascii.crc32(got))") == (b"", len(sent), zlib.crc32(sent))
    record_property("figure", f"emulated: reading takes {ask(line, 't') / len(sent):.0f} us a byte")


def test_a_flood_is_taken_in_pieces_of_4_kib(line: EmulatedBoard) -> None:
    line.at(20_000_000, lambda: line.write(b"x" * 9_000))
    line.exec("sizes = []\nwhile sum(sizes) < 9000:\n link.wait(100)\n sizes.append(len(link.read()))")
    assert max(ask(line, "sizes")) <= 4_096


@pytest.mark.quick
def test_a_flood_of_short_lines_is_taken_in_few_reads(line: EmulatedBoard, record_property) -> None:
    sent = b"a\n" * 1_000 + b"\xfe\n\xfe"
    line.at(20_000_000, lambda: line.write(sent))
    line.exec(f"""{NO_CTRL_C}
got, reads, longest = b"", 0, 0
while len(got) < {len(sent)}:
    link.wait(1000)
    begun = time.ticks_us(); got += link.read(); longest = max(longest, time.ticks_diff(time.ticks_us(), begun)); reads += 1
""")
    assert ask(line, "(len(got), binascii.crc32(got))") == (len(sent), zlib.crc32(sent))
    assert ask(line, "reads") <= 10
    longest_ms = ask(line, "longest") / 1000
    record_property("figure", f"emulated: 1,000 lines of 2 bytes in {ask(line, 'reads')} reads, at most {longest_ms:.0f} ms each")


@pytest.mark.quick
def test_waiting_ends_with_input_or_in_time(line: EmulatedBoard) -> None:
    line.exec("t = time.ticks_ms()\nlink.wait(120)\nt = time.ticks_diff(time.ticks_ms(), t)")
    assert ask(line, "t") in (120, 121)
    line.at(60_000_000, lambda: line.write(b"x"))
    line.exec("t = time.ticks_ms()\nlink.wait(2000)\nt = time.ticks_diff(time.ticks_ms(), t)\nlink.read()")
    assert ask(line, "t") < 80


@pytest.mark.rule("R1")
def test_a_host_that_does_not_read_holds_the_pump_up_once_for_half_a_second(line: EmulatedBoard, record_property) -> None:
    host = DeafHost(line)
    line.at(30_000_000, host.close_its_ears)
    line.at(2_000_000_000, host.hear)
    line.exec("""
time.sleep_ms(60)
times = []
for i in range(4):
    t = time.ticks_ms(); link.write(b"y" * 4096); times.append(time.ticks_diff(time.ticks_ms(), t))
time.sleep_ms(2500)
""")
    first_ms, *others_ms = ask(line, "times")
    assert 400 <= first_ms <= 550
    assert max(others_ms) <= 2
    line.at(10_000_000, lambda: line.write(b"z"))
    line.exec("link.wait(500)\nlink.read()\nlink.write(b'heard again')")
    assert ask(line, "link._deaf") is False
    record_property("figure", f"emulated: 4 writes to a host that does not read: {[first_ms, *others_ms]} ms")


@pytest.mark.rule("R1")
@pytest.mark.parametrize(("every_ms", "most_ms"), [(20, 560), (240, 1_000), (450, 1_550)])
def test_a_host_that_takes_one_packet_now_and_then_holds_the_pump_up_once(
    line: EmulatedBoard, every_ms: int, most_ms: int, record_property
) -> None:
    host = DeafHost(line)
    line.at(30_000_000, lambda: host.take_one_packet_every(every_ms * 1_000_000))
    line.at(8_000_000_000, host.hear)
    line.exec("""
time.sleep_ms(60)
times = []
for i in range(3):
    t = time.ticks_ms(); link.write(b"y" * 4096); times.append(time.ticks_diff(time.ticks_ms(), t))
time.sleep_ms(8500)
""")
    first_ms, *others_ms = ask(line, "times")
    assert 500 <= first_ms <= most_ms
    assert max(others_ms) <= 2
    record_property("figure", f"emulated: 3 writes to a host that takes 64 bytes every {every_ms} ms: {[first_ms, *others_ms]} ms")


@pytest.mark.quick
def test_a_large_answer_arrives_whole(line: EmulatedBoard, record_property) -> None:
    line.exec("data = bytes(range(256)) * 16")
    before_ns = line.now_ns()
    assert line.exec("link.write(data.replace(b'\\x04', b'_'))").count("ABCDEFGH") == 16
    record_property("figure", f"emulated: 4 KiB sent in {(line.now_ns() - before_ns) / 1e6:.0f} ms, the prompt's share included")


@pytest.mark.rule("R1")
def test_ctrl_c_on_the_line_is_a_byte_until_the_program_ends(bench: MotorBench) -> None:
    bench.board.at(30_000_000, lambda: bench.board.write(b"\x03"))
    bench.run("board = Board()\ntime.sleep_ms(60)\ngot = board.link.read()")
    assert bench.ask("got") == b"\x03"
    bench.board.at(30_000_000, lambda: bench.board.write(b"\x03"))
    with pytest.raises(RuntimeError, match="KeyboardInterrupt"):
        bench.run("board = Board()\nboard.make_safe()\nboard.hand_over()\ntime.sleep_ms(200)")


def test_a_stop_wakes_the_loop_from_its_wait(bench: MotorBench) -> None:
    bench.board.at(100_000_000, lambda: bench.board.set_pin(STOP, 1))
    bench.run("t = time.ticks_ms()\nboard.link.wait(5000)\nt = time.ticks_diff(time.ticks_ms(), t)")
    assert bench.ask("t") < 200


# --- time ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_clock_chip(chip: EmulatedBoard) -> Iterator[tuple[EmulatedBoard, ClockChip]]:
    clock = ClockChip(chip.now_ns)
    clock.connect(chip.chip.mcu.i2c[0])
    chip.exec("import time\nfrom hal.rp2.clock import Clock\nfrom hal.rp2.clock import Ds3231\nclock = Clock()")
    return chip, clock


@pytest.mark.quick
@pytest.mark.rule("R11")
def test_the_clock_chip_is_believed_only_while_its_oscillator_ran(with_clock_chip: tuple[EmulatedBoard, ClockChip]) -> None:
    chip, clock = with_clock_chip
    chip.exec("clock.attach(Ds3231(0, 1))")
    assert ask(chip, "(clock.has_chip, clock.utc_s())") == (True, 0), "out of the factory it knows nothing"
    chip.exec(f"clock.set_utc_s({MONDAY_UTC_S})")
    chip.run_for(3)
    assert MONDAY_UTC_S + 3 <= ask(chip, "clock.utc_s()") <= MONDAY_UTC_S + 5
    assert int(clock.now().timestamp()) == ask(chip, "clock.utc_s()")
    assert ask(chip, "clock.fraction_ms()") is None, "a chip tells whole seconds"
    clock.stop_oscillator()
    assert ask(chip, "clock.utc_s()") == 0


@pytest.mark.rule("R11")
def test_a_clock_chip_that_does_not_answer_is_none(chip: EmulatedBoard) -> None:
    block = chip.chip.mcu.i2c[0]
    block.on_start = lambda repeated: block.complete_start()
    block.on_connect = lambda address, mode: block.complete_connect(False)
    block.on_stop = lambda: block.complete_stop()
    chip.exec("from hal.rp2.board import Board\nboard = Board()\nboard._attach_clock(0, 1)")
    assert ask(chip, "(board.clock.has_chip, board.clock.utc_s())") == (False, 0)
    chip.exec(f"board.clock.set_utc_s({MONDAY_UTC_S})")
    assert ask(chip, "board.clock.utc_s()") == MONDAY_UTC_S, "without it the crystal counts from what was set"
    assert 0 <= ask(chip, "board.clock.fraction_ms()") < 1000


# --- resets ----------------------------------------------------------------------------------------------------------------


def boots(chip: EmulatedBoard, code: str = "") -> tuple[str, bool]:
    """Return (reset cause, maintenance requested) of the next program; `code` runs in it."""
    chip.exec(f"from hal.rp2.system import System\nsystem = System()\n{code}")
    cause, maintenance = ask(chip, "(system.reset_cause, system.maintenance_requested)")
    return cause, maintenance


def reset(chip: EmulatedBoard, code: str) -> None:
    """Run code that resets the chip, and wait for the prompt."""
    chip.at(60_000_000, lambda: None)
    try:
        chip.exec(code, timeout_s=1.0)
    except (TimeoutError, RuntimeError):
        pass
    chip._repl = None
    chip.run_for(1)


@pytest.mark.quick
@pytest.mark.long
def test_causes_of_a_reset_and_a_maintenance_that_lasts_for_one(chip: EmulatedBoard) -> None:
    assert boots(chip) == ("power", False)
    reset(chip, "system.reset()")
    assert boots(chip) == ("soft", False)
    reset(chip, "import machine\nmachine.WDT(timeout=50)\nwhile True: pass")
    assert boots(chip) == ("watchdog", False)
    reset(chip, "system.request_maintenance()\nsystem.reset()")
    assert boots(chip) == ("soft", True)
    reset(chip, "system.reset()")
    assert boots(chip) == ("soft", False)
    chip.exec("system.request_maintenance()")
    chip.cut_power()
    chip.run_for(1)
    chip.restore_power()
    assert boots(chip) == ("power", False)


def test_who_it_is_and_what_is_left(chip: EmulatedBoard) -> None:
    boots(chip)
    assert len(bytes.fromhex(ask(chip, "system.unique_id"))) == 8
    assert 0 <= ask(chip, "system.seed()") < 1 << 32
    assert ask(chip, "system.implementation")["name"] == "micropython"
    assert ask(chip, "system.free_memory_bytes()") > 100_000


@pytest.mark.rule("R6")
def test_a_bite_leaves_the_motor_disabled_and_nothing_steps_after_it(bench: MotorBench) -> None:
    bench.run("board.watchdog.feed()\nready(100000)\nstepper.queue(25000, 1000000)\nstepper.send()\nboard.watchdog.start(50)")
    bench.board.run_for(0.2)
    assert not bench.enabled()
    made = len(bench.rises())
    bench.board.run_for(1)
    assert len(bench.rises()) == made


# --- board -----------------------------------------------------------------------------------------------------------------


@pytest.mark.quick
@pytest.mark.long
@pytest.mark.rule("R6")
@pytest.mark.parametrize("bench", ["None", "Simulated"])
def test_without_a_bench_of_its_own_it_refuses_to_move_and_drives_no_pin(chip: EmulatedBoard, bench: str) -> None:
    chip.pins.clear()
    chip.exec("from hal.rp2.board import Board\nclass Simulated: target = 'sim'\nboard = Board()")
    chip.exec(f"""
board.attach({bench})
refused = 0
for act in (lambda: board.stepper.queue(1, 1000), lambda: board.stepper.enable(True), lambda: board.guard.allow(1)):
    try: act()
    except OSError: refused += 1
board.buzzer.sound("high"); board.led.set(True)
""")
    chip.exec("seen = board.look()")
    assert ask(chip, "(seen.steps_done, seen.guard_count, seen.underruns, seen.tripped, seen.stop_pressed)") == (0, 0, 0, False, False)
    assert ask(chip, "(refused, board.stepper.halt(), board.link.closed)") == (3, 0, False)
    chip.exec("board.make_safe()")
    assert [gpio for gpio in range(23) if chip.pins.edges(gpio)] == []


def test_a_stop_button_held_at_power_up_asks_for_maintenance(bench: MotorBench) -> None:
    assert bench.ask("(board.system.maintenance_requested, board.link.closed)") == (False, False)
    bench.run("board.make_safe()")
    bench.board.set_pin(STOP, 1)
    bench.run("board = Board()\nboard.attach(Bench)")
    assert bench.ask("(board.system.maintenance_requested, board.link.closed)") == (True, True)
    assert not bench.enabled()


@pytest.mark.rule("R6")
def test_a_board_that_fails_half_built_is_made_safe_all_the_same(bench: MotorBench) -> None:
    bench.run("ready(100000)\nstepper.queue(25000, 1000000)\nstepper.send()\ntime.sleep_ms(2)")
    bench.run("""
class Broken(Bench): pins = {name: gpio for name, gpio in Bench.pins.items() if name != "step"}
board = Board()
try: board.attach(Broken)
except KeyError: failed = True
finally: board.make_safe()
""")
    made = len(bench.rises())
    assert bench.ask("failed") is True
    assert not bench.enabled()
    bench.board.run_for(0.1)
    assert len(bench.rises()) == made


@pytest.mark.quick
@pytest.mark.rule("R6")
def test_the_supply_is_amiss_beyond_its_limits_and_an_open_divider_reaches_every_limit(bench: MotorBench) -> None:
    """The pin reads 0 to 4095; 3.3 V and more are 4095."""
    bench.run("from hal.rp2.signals import Supply")

    def seen(reading: int, low_mv: int, high_mv: int) -> object:
        bench.board.chip.mcu.adc.channel_values[SUPPLY - 26] = reading
        return bench.ask(f"(Supply({SUPPLY}, 16170, {low_mv}, {high_mv}).mv(), Supply({SUPPLY}, 16170, {low_mv}, {high_mv}).amiss())")

    assert seen(0, 10_000, 14_000) == (0, "motor_supply")
    assert seen(2532, 10_000, 14_000) == (9_998, "motor_supply")
    assert seen(2533, 10_000, 14_000) == (10_002, "")
    assert seen(3545, 10_000, 14_000) == (13_998, "")
    assert seen(3546, 10_000, 14_000) == (14_002, "motor_supply_high")
    assert seen(4095, 10_000, 16_170) == (16_170, "motor_supply_high")
    assert seen(4095, 10_000, 0) == (16_170, ""), "without an upper limit nobody watches"


def test_buzzer_patterns_are_on_the_pin_without_the_cpu(chip: EmulatedBoard) -> None:
    chip.exec("from hal.rp2.signals import Buzzer\nbuzzer = Buzzer(16)")
    counts = []
    for pattern in ("off", "low", "high", "off"):
        chip.exec(f"buzzer.sound({pattern!r})")
        chip.pins.clear()
        chip.run_for(0.1)
        counts.append(len(chip.pins.rises(16)))
    assert counts[0] == counts[3] == 0
    assert counts[1] in (99, 100, 101)
    assert counts[2] in (269, 270, 271)


def test_the_heap_that_the_hal_takes(bench: MotorBench, record_property) -> None:
    bench.run("import gc\nboard.make_safe()\ngc.collect()")
    free = bench.ask("gc.mem_free()")
    bench.run("board.look()")  # the first one fills the object that all of them return
    bench.run("gc.collect()\nbefore = gc.mem_free()\nfor i in range(200): board.look()\ngc.collect()\nafter = gc.mem_free()")
    assert bench.ask("before - after") <= 64
    assert free > 170_000
    record_property("figure", f"emulated: {free} bytes of heap free with the hal alone attached to a step and direction driver")
