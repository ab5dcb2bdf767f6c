"""Virtual time, power, resets, clocks, watchdog, buttons: everything outside the firmware."""

import pytest

from support.rig.small_firmware import CLOCK, NO_CLOCK, ask, pump
from thecal.sim.errors import SimulatorError
from thecal.sim.world.individual import Individual

DAY_MS = 86_400_000


def test_time_stands_still_until_it_is_driven():
    with pump() as sim:
        first = ask(sim, "b.clock.uptime_ms()")
        assert first == Individual(1).boot_ms
        assert ask(sim, "b.clock.uptime_ms()") == first
        sim.advance(5_000)
        assert sim.now_ms() == 5_000
        assert ask(sim, "b.clock.uptime_ms()") == pytest.approx(first + 5_000, abs=1)
        with pytest.raises(SimulatorError, match="back"):
            sim.advance(4_999)


def test_uptime_runs_by_the_crystal_and_never_wraps():
    individual = Individual(3)
    with pump(seed=3) as sim:
        for day in range(5, 31, 5):  # MicroPython's own ticks wrap after 12.4 days
            sim.advance(day * DAY_MS)
            expected = individual.boot_ms + day * DAY_MS * (10**9 + individual.crystal_ppb) // 10**9
            assert ask(sim, "b.clock.uptime_ms()") == pytest.approx(expected, abs=1)


def test_a_sleep_of_micropython_itself_takes_virtual_time():
    with pump() as sim:
        sim.write(b"!time.sleep_ms(250)\n")
        sim.advance(249)
        assert sim.read() == b""
        sim.advance(251)
        assert sim.read() == b"null\n"


def test_the_clock_chip_keeps_true_time_through_a_cut():
    with pump(CLOCK) as sim:
        assert ask(sim, "[b.clock.has_chip, b.clock.utc_s()]") == [True, 0]
        ask(sim, "!b.clock.set_utc_s(1_700_000_000)")
        sim.advance(1_000_000)
        sim.cut_power()
        sim.advance(3_600_000)
        sim.restore_power()
        assert ask(sim, "b.clock.utc_s()") == 1_700_003_600


def test_without_a_clock_chip_a_cut_forgets_the_time():
    with pump(NO_CLOCK) as sim:
        ask(sim, "!b.clock.set_utc_s(1_700_000_000)")
        sim.advance(10_500)
        assert ask(sim, "[b.clock.has_chip, b.clock.utc_s()]") == [False, 1_700_000_010]
        sim.cut_power()
        sim.restore_power()
        assert ask(sim, "b.clock.utc_s()") == 0


def test_a_cut_at_a_time_stops_the_motor_there():
    with pump() as sim:
        ask(sim, "!b.guard.allow(10_000); b.stepper.enable(True); b.stepper.queue(10_000, 10_000_000)")
        sim.cut_power(at_ms=4_000)
        sim.advance(20_000)
        assert (sim.power_is_on(), sim.enable_level(), sim.now_ms()) == (False, False, 20_000)
        assert sim.plant_steps() == pytest.approx(4_000, abs=1)
        assert sim.plant_last_step_ms() in (3_999, 4_000)
        sim.restore_power()
        assert ask(sim, "[b.stepper.steps_done(), b.guard.count(), b.system.reset_cause]") == [0, 0, "power"]
        with pytest.raises(SimulatorError, match="on already"):
            sim.restore_power()


def test_status_of_the_stepper_is_current():
    with pump() as sim:
        ask(sim, "!b.guard.allow(1_000); b.stepper.enable(True); b.stepper.queue(100, 1_000_000); b.stepper.queue(0, 500_000)")
        assert ask(sim, "[b.stepper.busy(), b.stepper.queued_us(), b.stepper.steps_done()]") == [True, 1_500_000, 0]
        sim.advance(600)
        done = ask(sim, "[b.stepper.steps_done(), b.guard.count()]")
        assert done[0] == done[1] == sim.plant_steps() in (59, 60)
        assert ask(sim, "b.stepper.halt()") == done[0]
        sim.advance(5_000)
        assert ask(sim, "[b.stepper.busy(), b.stepper.steps_done(), b.stepper.underruns()]") == [False, done[0], 0]
        assert ask(sim, "b.stepper.max_rate_hz") == 25_000


def shown_ms(sim):
    """Return the pump's own clock."""
    return sim._hardware.crystal.guest_ns(sim._hardware.settle()) // 1_000_000


def test_a_wait_answers_the_look_and_the_time_behind_it_and_an_order_makes_them_old():
    with pump() as sim:
        ask(sim, "!b.guard.allow(1_000); b.stepper.enable(True); b.stepper.queue(100, 1_000_000)")
        sim.advance(600)
        done = sim.plant_steps()
        seen = "[(s.steps_done, s.guard_count, s.underruns, s.tripped, s.stop_pressed) for s in (b.look() for _ in range(2))]"
        assert ask(sim, seen) == [[done, done, 0, False, False]] * 2
        assert ask(sim, "[b.clock.uptime_ms(), b.clock.uptime_ms()]") == [shown_ms(sim)] * 2
        sim.press_stop()
        assert ask(sim, "b.look().stop_pressed") is True
        assert ask(sim, "(b.buttons.clear_stop(), b.look().stop_pressed)[1]") is False
        assert ask(sim, "[b.stepper.halt(), b.look().steps_done, b.stepper.busy()]") == [done, done, False]


def test_counts_and_times_that_32_bits_do_not_hold_are_read_whole():
    with pump() as sim:
        sim.guard_miscount((1 << 33) + 7)
        assert ask(sim, "[b.look().guard_count, b.guard.count()]") == [(1 << 33) + 7] * 2
        for day in range(1, 51):  # 2^32 ms are 49.7 days
            sim.advance(day * 86_400_000)
            assert ask(sim, "[b.clock.uptime_ms(), b.clock.uptime_ms()]") == [shown_ms(sim)] * 2


def test_a_read_of_the_wait_that_is_not_of_its_form_is_refused():
    with pump() as sim:
        assert ask(sim, "open('/dev/wait', 'r+b').readinto(bytearray(8))").startswith("OSError(28,)")


def test_a_guard_that_trips_is_seen_by_the_firmware_and_on_the_line():
    with pump() as sim:
        ask(sim, "!b.guard.allow(10); b.stepper.enable(True); b.stepper.queue(100, 1_000_000)")
        assert sim.enable_level()
        sim.advance(2_000)
        assert ask(sim, "[b.guard.tripped(), b.guard.count()]") == [True, 11]
        assert (sim.enable_level(), sim.plant_steps()) == (False, 11)
        ask(sim, "!b.guard.allow(50); b.guard.rearm()")
        assert sim.enable_level()


def test_a_miscounting_guard_shows():
    with pump() as sim:
        ask(sim, "!b.guard.allow(100); b.stepper.enable(True); b.stepper.queue(10, 1_000_000)")
        sim.guard_miscount(3)
        sim.advance(2_000)
        assert ask(sim, "[b.stepper.steps_done(), b.guard.count()]") == [10, 13]
        assert sim.plant_steps() == 10


def test_the_stop_button_stops_the_motor_without_the_firmware():
    with pump() as sim:
        ask(sim, "!b.guard.allow(1_000); b.stepper.enable(True); b.stepper.queue(1_000, 1_000_000)")
        sim.advance(500)
        sim.press_stop()
        sim.advance(2_000)
        assert not sim.enable_level()
        assert sim.plant_steps() == pytest.approx(500, abs=1)
        assert ask(sim, "b.buttons.stop_pressed()") is True
        ask(sim, "!b.buttons.clear_stop()")
        assert ask(sim, "b.buttons.stop_pressed()") is False


def test_a_press_of_the_bolus_button_wakes_the_firmware_and_is_told_once():
    with pump() as sim:
        assert ask(sim, "[b.look().stop_pressed, b.buttons.bolus_pressed()]") == [False, False]
        sim.press_bolus()
        twice = "[b.look().stop_pressed, b.buttons.bolus_pressed(), b.look().stop_pressed, b.buttons.bolus_pressed()]"
        assert ask(sim, twice) == [False, True, False, False]
        sim.press_bolus()
        sim.cut_power()
        sim.restore_power()
        assert ask(sim, "[b.look().stop_pressed, b.buttons.bolus_pressed()]") == [False, False], "a press ends with the power"


def test_a_watchdog_that_is_not_fed_resets_the_chip():
    with pump() as sim:
        ask(sim, "!b.watchdog.start(3_000)")
        sim.advance(2_000)
        ask(sim, "!b.watchdog.feed()")
        sim.advance(4_900)
        assert ask(sim, "b.system.reset_cause") == "power"
        sim.advance(5_100)
        assert ask(sim, "b.system.reset_cause") == "watchdog"


def test_a_maintenance_request_survives_a_reset_and_not_a_cut():
    with pump() as sim:
        ask(sim, "!b.system.request_maintenance()")
        sim.write(b"!b.system.reset()\n")
        sim.wait_until_idle()
        assert ask(sim, "[b.system.reset_cause, b.system.maintenance_requested]") == ["soft", True]
        ask(sim, "!b.system.request_maintenance()")
        sim.cut_power()
        sim.restore_power()
        assert ask(sim, "b.system.maintenance_requested") is False


def test_a_reset_leaves_the_motor_disabled_and_what_was_queued_undone():
    with pump() as sim:
        ask(sim, "!b.guard.allow(1_000); b.stepper.enable(True); b.stepper.queue(1_000, 1_000_000)")
        sim.advance(300)
        sim.reset()
        assert not sim.enable_level()
        sim.advance(2_000)
        assert sim.plant_steps() == pytest.approx(300, abs=1)


def test_sound_and_light_are_seen_from_outside():
    with pump() as sim:
        ask(sim, "!b.buzzer.sound('high'); b.led.set(True)")
        assert (sim.buzzer(), sim.led()) == ("high", True)
        sim.cut_power()
        assert (sim.buzzer(), sim.led()) == ("off", False)


def short_life(seed):
    with pump(seed=seed) as sim:
        for turn in range(1, 6):
            ask(sim, "!b.flash.write('/l%d' % (b.clock.uptime_ms() % 3), str(b.clock.uptime_ms()).encode())")
            sim.advance(turn * 20_000_000)
        facts = ask(sim, "[b.system.unique_id, b.system.seed()]")
        return sim.flash_image(), facts


def test_same_seed_same_flash_and_another_seed_another():
    first, again, other = short_life(5), short_life(5), short_life(6)
    assert first == again
    assert first[0] != other[0]
    assert first[1][0] != other[1][0]


def test_token_seeds_differ_from_boot_to_boot():
    with pump() as sim:
        first = ask(sim, "b.system.seed()")
        sim.reset()
        assert ask(sim, "b.system.seed()") != first


def test_real_time_follows_the_wall_times_speed():
    with pump(speed=50.0) as sim:
        first_ms = ask(sim, "b.clock.uptime_ms()")
        sim.write(b"!time.sleep_ms(5_000)\n")
        assert sim.read(timeout_s=5.0) == b"null\n"
        passed_ms = ask(sim, "b.clock.uptime_ms()") - first_ms
        assert 5_000 <= passed_ms < 60_000  # two readings of wall time at speed 50 lie between: a loaded machine needs a second
        with pytest.raises(SimulatorError, match="by itself"):
            sim.advance_by(1)
        sim.set_speed(None)
        stands_ms = sim.now_ms()
        sim.advance_by(1_000)
        assert sim.now_ms() == stands_ms + 1_000


def test_a_cut_at_a_time_comes_by_itself_in_real_time_and_power_can_return_at_once():
    with pump(speed=20.0) as sim:
        for _ in range(10):
            assert ask(sim, "1") == 1
            sim.cut_power(at_ms=sim.now_ms() + 200)
            while sim.power_is_on():
                pass
            sim.restore_power()
        assert ask(sim, "b.system.reset_cause") == "power"


def test_a_busy_computer_does_not_make_a_fast_pump_miss_its_watchdog():
    with pump(speed=100.0) as sim:
        # each turn computes for some tenths of a second: tens of seconds of pump time, if time went on meanwhile
        sim.write(
            b"!b.watchdog.start(2_000); for turn in range(4):;  for i in range(20_000): b.stepper.steps_done();"
            b"  b.link.wait(1_000);  b.watchdog.feed(); b.flash.write('/done', b.system.reset_cause)\n"
        )
        assert sim.read(timeout_s=20.0) == b"null\n"
        assert ask(sim, "b.flash.read('/done')") == "power"
