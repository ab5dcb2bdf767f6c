"""What puts the pump in its safe state: guard, generator, button, self test, damaged images. It stays there until acknowledged."""

import json

import pytest

from app.delivery.motion import SelfTest
from app.startup import boot, loading
from pumpcore.flash import slots
from pumpcore.program import packing
from support.programs import constant, resuming
from support.pump.bench_tables import SENSED
from support.pump.board import Board
from support.pump.running import BENCH, Watched, blank_image, power_cut, ready, running
from thecal.files.bench import payload, read_bench
from thecal.files.resources import hardware_folder


def halted(pump: Watched, *alarms: str) -> None:
    """Check that the motor is disabled, nothing moves any more, and exactly these alarms are active."""
    assert not pump.board.stepper.enabled and pump.alarms() == list(alarms)
    before = pump.plant_steps()
    pump.advance(100)
    assert pump.plant_steps() == before


@pytest.mark.rule("R3")
@pytest.mark.rule("R6")
@pytest.mark.parametrize("error", [1, -1])
def test_a_generator_that_reports_other_steps_than_the_guard_counts_stops_the_pump(error: int) -> None:
    pump = running()
    pump.advance(10)
    pump.board.stepper.step_error = error
    pump.advance(5)
    halted(pump, "guard_mismatch")
    (stopped,) = pump.records("stopped")
    assert stopped["by"] == 2 and stopped["delivered_steps"] == pump.plant_steps()
    assert pump.fault("start") == "alarm_active"
    pump.call("ack", fault=601)
    pump.call("start")
    pump.advance(5)
    assert pump.state() == "running" and pump.alarms() == []  # the acknowledgement accepted the guard's count


@pytest.mark.rule("R2")
def test_a_guard_that_cut_the_motor_stops_the_pump() -> None:
    pump = running()
    pump.advance(10)
    pump.board.guard.trip()
    pump.advance(5)
    halted(pump, "guard_tripped")
    pump.call("ack", fault=602)
    pump.call("start")
    pump.advance(20)
    assert pump.state() == "running"


@pytest.mark.rule("R1")
@pytest.mark.parametrize("begin_s", [4, 10, 57, 58.1, 59.9])
@pytest.mark.parametrize("stall_s", [2.6, 5, 7.9, 30])
def test_a_loop_that_stood_still_runs_out_of_steps_and_stops(begin_s: float, stall_s: float) -> None:
    pump = running()
    pump.advance(begin_s)
    pump.board.clock.now_us += round(stall_s * 1e6)
    pump.advance(1)
    if stall_s > 6.5 or pump.state() != "running":
        halted(pump, "underrun")
    assert pump.plant_steps() <= pump.pump.delivery.leases.files.record.leased_steps


@pytest.mark.rule("R1")
@pytest.mark.parametrize("stall_s", [3, 8, 40])
def test_a_loop_that_stood_still_at_a_slow_rate_makes_no_step_too_early(stall_s: float) -> None:
    """Between slow steps the queue ends with a dwell: late is no fault of the generator, and nothing is caught up in a burst."""
    pump = running(constant(36_000))  # a step a second
    pump.advance(58)
    before = pump.plant_steps()
    pump.board.clock.now_us += round(stall_s * 1e6)
    pump.advance(20)
    assert pump.plant_steps() - before <= stall_s + 21
    assert pump.state() in ("running", "alarm")


@pytest.mark.rule("R8")
def test_the_stop_button_stops_and_letting_go_resumes_nothing() -> None:
    pump = running()
    pump.advance(10)
    pump.board.buttons.stop = True
    pump.advance(0.001)
    halted(pump, "stop_button")
    assert not pump.board.buttons.stop and pump.state() == "stopped"
    (stopped,) = pump.records("stopped")
    assert stopped["by"] == 1 and stopped["delivered_steps"] == pump.plant_steps()
    pump.call("start")  # a warning does not forbid it
    pump.advance(1)
    assert pump.state() == "running"


@pytest.mark.rule("R8")
def test_the_stop_button_ends_a_start_that_has_not_begun() -> None:
    pump = ready(constant(900_000))
    pump.pump.start_wanted = True
    pump.board.buttons.stop = True
    pump.advance(10)
    halted(pump, "stop_button")
    assert pump.records("started") == []


# --- the self test ------------------------------------------------------------------------------------------------------------


def fresh(image: bytes | None = None) -> Watched:
    """Return a pump in its self test; no time has passed."""
    return Watched(image if image is not None else ready(constant(900_000)).image())


@pytest.mark.rule("R12")
def test_the_self_test_makes_whole_cycles_with_the_motor_disabled_and_is_no_dose() -> None:
    pump = fresh()
    enabled = []
    pump.board.stepper.enable = enabled.append
    pump.advance(1)
    assert pump.board.guard.count() == 64 == 4 * BENCH["motor"]["microsteps"]
    assert enabled == [] and pump.call("status")["delivered_steps"] == 0 and pump.alarms() == []


@pytest.mark.rule("R12")
def test_a_start_during_the_self_test_begins_behind_it() -> None:
    pump = fresh()
    assert pump.call("start")["position_steps"] == 0
    assert pump.call("hello") and pump.call("status")["delivered_steps"] == 0
    pump.advance(10)
    assert pump.state() == "running" and pump.records("started")[-1]["position_steps"] == 0


@pytest.mark.rule("R12")
@pytest.mark.parametrize("error", [1, -1])
def test_a_self_test_that_fails_forbids_every_motion(error: int) -> None:
    pump = fresh()
    pump.call("start")
    pump.board.stepper.step_error = error
    pump.advance(1)
    halted(pump, "self_test")
    assert pump.fault("start") == "alarm_active" and pump.fault("ack", fault=616) == "alarm_stays"
    assert pump.records("started") == []


@pytest.mark.rule("R12")
def test_a_self_test_that_fails_forbids_the_resume() -> None:
    cut = power_cut(running(resuming(constant(900_000))), 100)
    cut.board.stepper.step_error = 1
    cut.advance(100)
    assert cut.plant_steps() == 0 and set(cut.alarms()) == {"power_lost", "not_resumed", "self_test"}


def test_the_self_test_waits_for_its_time() -> None:
    pump = ready()
    test = SelfTest(pump.pump.delivery.motion, 16, pump.board.clock.uptime_ms())
    test.tick(test.due_ms() - 1, 0)
    assert not test.done


# --- images -------------------------------------------------------------------------------------------------------------------


def damaged(image: bytes, *paths: str) -> Watched:
    """Return the next boot of `image` with these files damaged."""
    pump = Watched(image)
    for path in paths:
        if pump.board.flash.exists(path):
            raw = bytearray(pump.board.flash.read(path))
            raw[len(raw) // 2] ^= 0x10
            pump.board.flash.write(path, bytes(raw))
    again = Watched(pump.image())
    again.advance(0.05)
    return again


def two_programs() -> Watched:
    pump = ready(constant(900_000))
    pump.upload(constant(800_000))
    return pump


@pytest.mark.rule("R6")
def test_a_damaged_older_slot_changes_nothing_and_the_newest_one_is_an_alarm() -> None:
    pump = two_programs()
    older = damaged(pump.image(), "/store/program.a")
    assert older.call("status")["program_digest"] == packing.digest(packing.pack(constant(800_000))) and older.alarms() == []
    newest = damaged(pump.image(), "/store/program.b")
    assert newest.call("status")["program_digest"] == "" and newest.alarms() == ["program_damaged"]


@pytest.mark.rule("R6")
def test_two_damaged_slots_are_an_alarm_and_no_therapy() -> None:
    pump = damaged(two_programs().image(), "/store/program.a", "/store/program.b")
    assert pump.alarms() == ["program_damaged"] and pump.fault("start") == "alarm_active"
    assert pump.fault("ack", fault=630) == "alarm_stays"
    pump.upload(constant(700_000))
    again = Watched(pump.image())
    again.advance(0.05)
    assert again.alarms() == []
    again.call("start")


@pytest.mark.rule("R6")
def test_a_pump_without_a_bench_or_with_a_damaged_one_does_nothing() -> None:
    pump = damaged(blank_image(), "/store/bench.a")
    assert pump.alarms() == ["bench_damaged"] and pump.call("hello")["bench"] == ""
    pump = Watched(blank_image())
    pump.board.flash.remove("/store/bench.a")
    bare = Watched(pump.image())
    bare.advance(0.05)
    assert bare.alarms() == ["not_commissioned"] and bare.call("status")["calibration"] is None
    assert bare.fault("start") == "alarm_active" and bare.fault("ack", fault=607) == "alarm_stays"
    assert bare.fault("program.stage", program="VFBSMQ==") == "alarm_active"


@pytest.mark.rule("R6")
def test_a_pump_with_the_bench_of_another_target_says_so_and_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Board, "targets", ("sim",))
    pump = ready(constant(900_000))
    other = payload(read_bench(hardware_folder() / "tmc2209-peristaltic01.toml"))
    pump.board.flash.write("/store/bench.a", slots.pack(9, other))
    again = Watched(pump.image())
    again.advance(0.05)
    assert again.alarms() == ["not_commissioned"] and again.call("hello")["bench"] == ""
    assert again.fault("start") == "alarm_active" and again.fault("ack", fault=607) == "alarm_stays"


@pytest.mark.rule("R6")
def test_a_pump_whose_bench_names_sensors_says_so_and_does_nothing_until_it_gets_another_bench() -> None:
    pump = ready(constant(900_000))
    pump.board.flash.write("/store/bench.a", slots.pack(9, json.dumps(BENCH | {"sensors": SENSED["sensors"]}).encode()))
    again = Watched(pump.image())
    again.advance(0.05)
    halted(again, "sensor_unsupported")
    assert again.fault("start") == "alarm_active" and again.fault("ack", fault=639) == "alarm_stays"
    assert again.call("hello")["bench"] == "" and again.call("status")["motor_supply_high_mv"] is None
    (told,) = again.call("alarms")["alarms"]
    assert "sensors" in told["text"] and "thecal flash" in told["do"]
    again.board.flash.write("/store/bench.b", slots.pack(10, json.dumps(BENCH).encode()))
    cured = Watched(again.image())
    cured.advance(0.05)
    assert cured.alarms() == []
    cured.call("start")


@pytest.mark.rule("R5")
@pytest.mark.rule("R6")
def test_a_stored_program_that_a_new_bench_does_not_allow_is_not_run() -> None:
    pump = ready(constant(900_000))
    narrow = BENCH | {"ceilings": BENCH["ceilings"] | {"rate_nl": 100_000}}
    pump.board.flash.write("/store/bench.a", slots.pack(9, json.dumps(narrow).encode()))
    again = Watched(pump.image())
    again.advance(0.05)
    assert again.alarms() == ["program_invalid"] and again.call("status")["program_digest"] == ""
    again.upload(constant(90_000))
    assert again.alarms() == []
    again.call("start")


@pytest.mark.rule("R6")
@pytest.mark.parametrize("table", [[], {}, dict(BENCH, more=1), dict(BENCH, clock_chip=1), dict(BENCH, motor={"driver": "sim"})], ids=repr)
def test_a_bench_that_is_none_is_an_alarm(table: object) -> None:
    pump = Watched(blank_image())
    pump.board.flash.write("/store/bench.a", slots.pack(2, json.dumps(table).encode()))
    again = Watched(pump.image())
    again.advance(0.05)
    assert again.alarms() == ["bench_damaged"]


@pytest.mark.rule("R6")
def test_a_ledger_that_can_t_be_read_is_an_alarm() -> None:
    pump = running()
    pump.advance(200)
    again = damaged(pump.image(), "/ledger/0", "/ledger/1", "/ledger/2")
    assert "ledger_damaged" in again.alarms() and again.fault("start") == "alarm_active"


def test_a_reset_by_the_watchdog_is_an_alarm_and_the_boot_record_says_so() -> None:
    pump = ready(constant(900_000))
    pump.board.system.reset_cause = "watchdog"
    pump.pump = boot.build(pump.board, loading.load(pump.board), "0" * 64)
    pump.advance(0.1)
    assert set(pump.alarms()) == {"watchdog"}
    assert pump.records("boot")[-1]["cause"] == 1


@pytest.mark.rule("R6")
def test_a_reset_does_not_end_an_alarm_that_nobody_acknowledged() -> None:
    pump = running()
    pump.advance(10)
    pump.board.stepper.step_error = 1
    pump.advance(1)
    halted(pump, "guard_mismatch")
    pump.advance(1)
    again = power_cut(pump, 10)
    again.advance(1)
    assert "guard_mismatch" in again.alarms() and again.fault("start") == "alarm_active"
    again.call("ack", fault=601)
    later = power_cut(again, 10)
    later.advance(1)
    assert later.alarms() == []
    later.call("start")


@pytest.mark.rule("R6")
def test_a_motor_whose_supply_is_gone_stops_the_pump_and_its_last_steps_are_uncertain() -> None:
    pump = running()
    pump.advance(10)
    assert pump.call("status")["motor_supply_mv"] == 12_000
    trusted = pump.pump.supervisor.known
    pump.board.supply.now_mv = 9_999
    pump.board.clock.now_us += 300_000  # the supply fails while the loop sleeps
    pump.advance(5)
    halted(pump, "motor_supply")
    status = pump.call("status")
    (told,) = pump.records("supply_low")
    lost = pump.board.guard.count() - trusted
    assert 0 < lost <= 5 * 28 and status["uncertain_steps"] == told["uncertain_steps"] == lost
    assert told["position_steps"] == status["delivered_steps"] and told["motor_supply_mv"] == 9_999
    (stopped,) = pump.records("stopped")
    assert stopped["by"] == 2


@pytest.mark.rule("R6")
def test_a_motor_without_a_supply_does_not_start() -> None:
    pump = ready(constant(1_000_000))
    pump.board.supply.now_mv = 400
    assert pump.fault("start") == "supply_off"
    pump.advance(5)
    assert not pump.board.stepper.enabled and pump.state() == "stopped" and pump.records("started") == []
    pump.board.supply.now_mv = 12_000
    pump.call("start")
    pump.advance(5)
    assert pump.state() == "running"


@pytest.mark.rule("R6")
def test_a_motor_whose_supply_is_too_high_stops_the_pump_with_a_fault_of_its_own() -> None:
    pump = running()
    pump.advance(10)
    trusted = pump.pump.supervisor.known
    pump.board.supply.now_mv = 14_000
    pump.board.clock.now_us += 300_000
    pump.advance(5)
    halted(pump, "motor_supply_high")
    found = pump.records("supply_high")
    assert len(found) == 1
    told = found[0]
    lost = pump.board.guard.count() - trusted
    assert 0 < lost == told["uncertain_steps"] == pump.call("status")["uncertain_steps"]
    assert told["motor_supply_mv"] == 14_000 and pump.records("supply_low") == []
    assert [alarm["name"] for alarm in pump.call("alarms")["alarms"]] == ["motor_supply_high"]
    assert pump.fault("start") == "alarm_active"


@pytest.mark.rule("R6")
def test_a_motor_with_too_much_supply_does_not_start_and_one_at_the_limit_below_does() -> None:
    pump = ready(constant(1_000_000))
    pump.board.supply.now_mv = 14_000
    assert pump.fault("start") == "supply_high"
    run = {"purpose": "priming", "volume_nl": 60_000, "steps": 0, "rate_nl": 3_600_000, "rate_seconds_s": 3600}
    assert pump.fault("run.start", token=pump.token(), **run) == "supply_high"
    pump.advance(5)
    assert not pump.board.stepper.enabled and pump.state() == "stopped" and pump.records("started") == []
    pump.board.supply.now_mv = 13_999
    pump.call("start")
    pump.advance(5)
    assert pump.state() == "running"


def test_where_nobody_measures_the_supply_none_is_told() -> None:
    pump = running()
    pump.board.supply.now_mv = None
    pump.advance(5)
    status = pump.call("status")
    assert pump.state() == "running" and status["motor_supply_mv"] is None and status["motor_supply_high_mv"] is None
