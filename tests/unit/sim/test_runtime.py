"""Real MicroPython on our WASI calls: files, errors, memory, and how its end is reported."""

import pytest

from support.rig.small_firmware import MAIN, ask, image, pump
from thecal.sim.errors import SimulatorError
from thecal.sim.guest import runtime
from thecal.sim.guest.flash import IMAGE_BYTES


@pytest.fixture(scope="module")
def sim():
    with pump() as running:
        yield running


def test_it_is_micropython(sim):
    assert ask(sim, "b.system.implementation['name']") == "micropython"
    assert {"/", "/lib"} <= set(ask(sim, "__import__('sys').path"))


def test_files_behave_as_the_hal_says(sim):
    ask(sim, "!b.flash.make_folder('/t'); b.flash.make_folder('/t')")
    assert ask(sim, "b.flash.names('/nowhere')") == []
    ask(sim, "!b.flash.write('/t/b', b'12345'); b.flash.write('/t/a', b''); b.flash.write('/t/b', b'123')")
    assert ask(sim, "b.flash.names('/t')") == ["a", "b"]
    assert ask(sim, "[b.flash.size('/t/b'), b.flash.exists('/t/b'), b.flash.exists('/t/c')]") == [3, True, False]
    ask(sim, "!h = b.flash.append('/t/b'); h.write(b'45'); h.close()")
    assert ask(sim, "b.flash.read('/t/b')") == "12345"
    ask(sim, "!b.flash.remove('/t/a'); b.flash.remove('/t/b')")
    assert ask(sim, "b.flash.names('/t')") == []


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("b.flash.read('/nowhere')", "OSError(44,)"),
        ("b.flash.size('/nowhere')", "OSError(44,)"),
        ("b.flash.remove('/nowhere')", "OSError(44,)"),
        ("b.flash.write('/hal', b'')", "OSError(31,)"),
        ("b.flash.make_folder('/no/where')", "OSError(44,)"),
        ("b.watchdog.start(8389)", "OSError(28,)"),
        ("b.buzzer.sound('loud')", "ValueError"),
        ("b.stepper.queue(-1, 1)", "ValueError"),
        ("b.stepper.queue(25_001, 1_000_000)", "ValueError"),
        ("open('/dev/nothing', 'r+b')", "OSError(44,)"),
    ],
)
def test_errors_arrive_as_micropython_knows_them(sim, expression, error):
    assert ask(sim, expression).startswith(error)


def test_enoent_has_the_name_that_the_firmware_uses(sim):
    assert ask(sim, "__import__('errno').ENOENT") == 44


def test_a_full_flash_is_an_error_and_the_pump_goes_on(sim):
    assert ask(sim, "b.flash.write('/big', bytes(1_500_000))") == "OSError(51,)"
    ask(sim, "!b.flash.remove('/big')")
    assert ask(sim, "1 + 1") == 2


def test_the_collector_can_not_run_by_itself(sim):
    assert ask(sim, "__import__('gc').isenabled()") is False
    before = ask(sim, "b.system.free_memory_bytes()")
    assert 30_000_000 < before < 32 << 20
    assert ask(sim, "b.system.collect()") is None


def test_a_firmware_that_fails_is_told_to_who_drives_it(capfd):
    with pump(main=b"raise ValueError('broken on purpose')") as sim:
        with pytest.raises(SimulatorError, match="broken on purpose"):
            sim.advance(1000)
        assert "exit code 1" in sim.guest_error()
        assert sim.power_is_on()
    assert "broken on purpose" in capfd.readouterr().err


def test_a_firmware_that_just_ends_is_told_too(capfd):
    with pump(main=b"1") as sim, pytest.raises(SimulatorError, match="exit code 0"):
        sim.advance(1000)
    capfd.readouterr()


def test_end_of_input_ends_the_firmware_by_itself():
    with pump() as sim:
        sim.hang_up()
        sim.wait_until_idle()
        assert sim.guest_error() is None
        sim.reset()
        assert ask(sim, "2 + 2") == 4


def test_a_loop_that_reads_the_clock_without_waiting_is_ended(monkeypatch, capfd):
    monkeypatch.setattr("thecal.sim.hardware.READS_WITHOUT_WAIT_LIMIT", 1_000)
    with pump(main=MAIN + b"\n") as sim:
        sim.write(b"!while True: b.clock.uptime_ms()\n")
        with pytest.raises(SimulatorError, match="without waiting"):
            sim.wait_until_idle()
    capfd.readouterr()


def test_an_image_without_a_file_system_is_refused(capfd):
    with pump(image=b"\xff" * IMAGE_BYTES) as sim, pytest.raises(SimulatorError, match="no file system"):
        sim.wait_until_idle()
    capfd.readouterr()


def test_both_ways_to_define_an_import_run_the_guest(monkeypatch):
    monkeypatch.setattr(runtime, "bindings", object())
    with pump() as sim:
        ask(sim, "!b.flash.write('/x', b'123')")
        assert ask(sim, "b.flash.read('/x')") == "123"
        sim.cut_power()
        assert not sim.power_is_on()


def test_equal_images_are_made_equal():
    assert image() == image()


def test_many_power_ups_in_one_process_give_their_memory_back():
    with pump() as sim:
        for _ in range(30):
            sim.reset()
        assert ask(sim, "3 + 3") == 6
