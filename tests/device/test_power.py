"""Power cuts, resets, the stop button and a guard that miscounts: the pump's books against the motor's true steps."""

import pytest

from pumpcore.units import ceil_div
from support.programs import MONDAY_UTC_S, constant, every_day, resuming
from support.replies import fault_of
from support.rig.benches import NO_CLOCK
from support.rig.device import Device
from support.rig.target import Chosen

pytestmark = [pytest.mark.needs("plant", "power_cut", "virtual_time")]
RATE_NL = 1_500_000
# A running chip knows its steps to a word of up to 256: a single step shows only at the halt (pico/test_stepper.py).
ONE_STEP = [pytest.param(steps, marks=pytest.mark.needs("instant_commands")) for steps in (1, -1)]
WITHIN_S = 130
MOST_RESUMES = 3
BROWN_OUTS = 20


def books(device: Device) -> tuple[int, int, int]:
    """Return (confirmed, leased, uncertain) steps of the last boot."""
    fields = device.records("boot")[-1].fields
    return fields["confirmed_steps"], fields["leased_steps"], fields["uncertain_steps"]


def open_limit_steps(device: Device) -> int:
    """Return R2's limit of open steps at RATE_NL: the queue's high water, 60 s of basal, the guard's one step."""
    pair = device.calibration()
    return ceil_div((7 + 60) * RATE_NL * pair.steps, 3600 * pair.volume_nl) + 2


@pytest.mark.rule("R2")
@pytest.mark.rule("R11")
@pytest.mark.parametrize("off_s", [0.05, 3, 45, pytest.param(700, marks=pytest.mark.needs("free_time"))])
def test_after_a_cut_it_resumes_once_the_plan_has_passed_what_is_uncertain(device: Device, off_s: float) -> None:
    device.begin(resuming(constant(RATE_NL)))
    device.run_for(437.3)
    plant_steps = device.power_cycle(off_s)
    confirmed, leased, uncertain = books(device)
    assert uncertain == leased - confirmed
    assert confirmed <= plant_steps <= leased
    assert leased - plant_steps <= open_limit_steps(device)
    assert device.client.status()["uncertain_steps"] == uncertain
    assert device.reaches("running", WITHIN_S)
    device.run_for(60)
    missed = device.records("missed")[-1].fields["missed_steps"]
    resumed = device.records("started")[-1].fields
    assert resumed["position_steps"] == leased
    entry = device.records("entry")
    assert entry[-1].fields["ordered_steps"] == leased
    assert device.same_steps(device.client.status()["delivered_steps"] - leased, device.sim.plant_steps() - plant_steps)
    whole_s = device.records("started")[-1].utc_s - device.records("started")[0].utc_s
    pair = device.calibration()
    planned = whole_s * RATE_NL * pair.steps / (3600 * pair.volume_nl)
    assert abs(confirmed + uncertain + missed - planned) < 2 * 30, "within the second that both times are known to"
    assert device.alarms() == ["power_lost"]


@pytest.mark.rule("R11")
def test_without_a_clock_chip_a_constant_program_resumes_and_the_time_is_unknown() -> None:
    with Device(NO_CLOCK) as device:
        device.begin(resuming(constant(RATE_NL)))
        device.run_for(200)
        plant_steps = device.power_cycle(30)
        confirmed, leased, _ = books(device)
        assert confirmed <= plant_steps <= leased
        assert device.client.status()["utc_s"] == 0
        assert device.reaches("running", WITHIN_S)
        fields = device.records("missed")[-1].fields
        assert (fields["from_utc_s"], fields["to_utc_s"]) == (0, 0)
        device.run_for(60)
        assert device.same_steps(device.client.status()["delivered_steps"] - leased, device.sim.plant_steps() - plant_steps)


@pytest.mark.rule("R11")
@pytest.mark.parametrize(("on_clock_loss", "state"), [("stop", "stopped"), ("lowest", "running")])
def test_without_a_clock_chip_a_schedule_does_what_the_prescription_says(on_clock_loss: str, state: str) -> None:
    schedule = resuming(every_day((0, RATE_NL), (720, 600_000)))
    schedule.on_clock_loss = on_clock_loss
    with Device(NO_CLOCK) as device:
        device.begin(schedule)
        device.run_for(200)
        device.power_cycle(30)
        device.reaches("running", WITHIN_S)
        status = device.client.status()
        assert (status["state"], status["utc_s"]) == (state, 0)
        assert status["entry_rate_nl"] == (600_000 if state == "running" else 0)
        if state == "stopped":
            assert "clock_lost" in device.alarms()
            assert fault_of(device.ask_raw("start")) == "clock_unknown"


@pytest.mark.rule("R11")
def test_with_a_clock_chip_a_schedule_resumes_in_the_entry_of_the_present_hour(device: Device) -> None:
    device.begin(resuming(every_day((0, RATE_NL), (60, 600_000), (120, 900_000))), utc_s=MONDAY_UTC_S + 3000)
    device.run_for(100)
    device.power_cycle(4800)
    assert device.reaches("running", WITHIN_S)
    status = device.client.status()
    assert (status["entry"], status["entry_rate_nl"]) == (2, 900_000)
    pair = device.calibration()
    resumed = device.records("started")[-1]
    since_s = resumed.utc_s - MONDAY_UTC_S
    planned_nl = (3600 - 3000) * RATE_NL + 3600 * 600_000 + (since_s - 7200) * 900_000
    confirmed, leased, uncertain = books(device)
    missed = device.records("missed")[-1].fields["missed_steps"]
    assert abs(confirmed + uncertain + missed - planned_nl * pair.steps / (3600 * pair.volume_nl)) < 60
    assert leased == confirmed + uncertain


@pytest.mark.rule("R11")
def test_by_default_it_stays_stopped_after_a_cut(device: Device) -> None:
    device.begin(constant(RATE_NL))
    device.run_for(100)
    device.power_cycle(10)
    plant_steps = device.sim.plant_steps()
    device.run_for(300)
    assert device.state() == "stopped"
    assert set(device.alarms()) == {"power_lost", "not_resumed"}
    assert device.sim.plant_steps() == plant_steps
    assert device.sim.enable_level() is False
    device.client.start()
    device.run_for(5)
    assert device.state() == "running"


@pytest.mark.rule("R11")
def test_a_cut_bolus_never_resumes(device: Device) -> None:
    device.begin(resuming(constant(RATE_NL)))
    token = device.order(500_000, 6_000_000)
    device.run_for(60)
    device.power_cycle(5)
    assert device.reaches("running", WITHIN_S)
    device.run_for(600)
    bolus = device.client.bolus_status(token)
    assert bolus["state"] == "cut"
    assert bolus["delivered_steps"] < bolus["ordered_steps"]
    assert device.client.status()["bolus"] is None
    assert fault_of(device.ask_raw("bolus.start", token=token, volume_nl=500_000, rate_nl=6_000_000)) == "token_unknown"


def test_a_power_cut_while_stopped_changes_nothing(device: Device) -> None:
    device.begin(resuming(constant(RATE_NL)))
    device.run_for(100)
    device.client.stop()
    before = device.client.status()
    device.power_cycle(3600)
    after = device.client.status()
    for name in ("state", "delivered_steps", "leased_steps", "uncertain_steps", "program_digest"):
        assert after[name] == before[name], name
    assert after["alarms"] == []
    assert books(device)[2] == 0
    device.run_for(300)
    assert device.state() == "stopped"
    assert device.sim.plant_steps() == after["delivered_steps"]


@pytest.mark.rule("R11")
def test_at_most_three_resumes_an_hour(device: Device) -> None:
    device.begin(resuming(constant(RATE_NL)))
    device.run_for(20)
    for _ in range(MOST_RESUMES):
        device.power_cycle(1)
        assert device.reaches("running", WITHIN_S)
        device.run_for(10)
    device.power_cycle(1)
    assert not device.reaches("running", WITHIN_S)
    assert device.state() == "stopped"
    assert "not_resumed" in device.alarms()
    assert len([record for record in device.records("started") if record.fields["by"] == 1]) == MOST_RESUMES


@pytest.mark.rule("R2")
@pytest.mark.long
def test_brown_outs_in_a_row_never_lose_or_double_a_step(device: Device) -> None:
    device.begin(resuming(constant(RATE_NL)))
    device.run_for(100)
    for number in range(BROWN_OUTS):
        device.sim.cut_power()
        device.run_for(0.1)
        device.sim.restore_power()
        device.run_for(Chosen.target.brown_out_s(number))
    device.run_for(Chosen.target.booted_s + 1)
    plant_steps = device.sim.plant_steps()
    status = device.client.status()
    assert status["boot"] <= BROWN_OUTS + 1
    assert status["delivered_steps"] - status["uncertain_steps"] <= plant_steps <= status["delivered_steps"]
    assert status["delivered_steps"] - plant_steps <= 2 * open_limit_steps(device)
    uncertain = {(record.fields["leased_steps"], record.fields["uncertain_steps"]) for record in device.records("boot")}
    opened = sum(steps for _, steps in uncertain)
    assert status["uncertain_steps"] == opened
    sequences = [record.sequence for record in device.records()]
    assert sequences == list(range(1, len(sequences) + 1))


@pytest.mark.rule("R6")
@pytest.mark.parametrize("after_power_loss", ["stop", "resume"])
def test_a_reset_stops_the_motor_at_once_and_is_booked_like_a_cut(device: Device, after_power_loss: str) -> None:
    device.begin(resuming(constant(RATE_NL), after_power_loss))
    device.run_for(100)
    device.sim.reset()
    assert device.sim.enable_level() is False
    plant_steps = device.sim.plant_steps()
    device.run_for(0.5)
    confirmed, leased, _ = books(device)
    assert confirmed <= plant_steps <= leased
    assert device.sim.plant_steps() == plant_steps
    assert device.reaches("running", WITHIN_S) is (after_power_loss == "resume")


@pytest.mark.rule("R1")
@pytest.mark.rule("R6")
def test_the_stop_button_stops_in_hardware_then_is_journaled(device: Device) -> None:
    device.begin(constant(RATE_NL))
    device.run_for(100.4)
    pressed_ms = device.sim.now_ms()
    device.sim.press_stop()
    assert device.sim.enable_level() is False
    device.run_for(10)
    assert device.sim.plant_last_step_ms() <= pressed_ms
    status = device.client.status()
    assert (status["state"], device.alarms()) == ("stopped", ["stop_button"])
    assert device.records("stopped")[-1].fields["by"] == 1
    assert status["delivered_steps"] >= device.sim.plant_steps(), "what the guard counted after the line fell moved nothing"
    device.client.ack(status["alarms"][0])
    device.client.start()
    device.run_for(10)
    assert device.state() == "running"
    assert device.sim.enable_level() is True


@pytest.mark.rule("R3")
@pytest.mark.rule("R6")
@pytest.mark.parametrize("steps", [*ONE_STEP, 300, 5000])
def test_a_guard_that_counts_wrong_is_a_safe_state(device: Device, steps: int) -> None:
    device.begin(resuming(constant(RATE_NL)))
    device.run_for(100)
    assert device.sim.buzzer() == "off"
    device.sim.guard_miscount(steps)
    miscounted_ms = device.sim.now_ms()
    device.run_for(10)
    assert device.sim.enable_level() is False
    assert device.sim.plant_last_step_ms() - miscounted_ms <= 4_000, "one look a slice"
    assert (device.state(), device.sim.buzzer()) == ("alarm", "high")
    assert device.alarms()[0] in ("guard_mismatch", "guard_tripped")
    assert fault_of(device.ask_raw("start")) == "alarm_active"
    assert device.records("stopped")[-1].fields["by"] == 2
    changes = [record.fields["change"] for record in device.records("alarm", ring="faults")]
    assert changes in ([0], [0, 0]), "the trip and, at the halt, the disagreement"


@pytest.mark.rule("R2")
def test_an_allowance_that_is_passed_drops_the_enable_line_without_the_cpu(device: Device) -> None:
    """The guard miscounts by more than the lease: its own comparison stops the motor at the next pulse."""
    device.begin(constant(RATE_NL))
    device.run_for(100)
    before, now_ms = device.sim.plant_steps(), device.sim.now_ms()
    device.sim.guard_miscount(100_000)
    device.sim.advance_by(30)
    assert device.sim.plant_steps() - before <= 1
    device.run_for(10)
    assert device.sim.plant_last_step_ms() <= now_ms + 30
    assert device.state() == "alarm"


@pytest.mark.needs("free_time")
def test_the_watchdog_is_fed_while_running_and_while_stopped(device: Device) -> None:
    device.begin(constant(100_000))
    device.run_for(3600)
    assert device.client.status()["boot"] == 1
    device.client.stop()
    device.run_for(6 * 3600)
    assert (device.client.status()["boot"], device.alarms()) == (1, [])
