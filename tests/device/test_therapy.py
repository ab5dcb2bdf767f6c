"""Program, start, bolus, stop, alarms, journal and maintenance by serial, against the motor's true steps."""

import pytest

from pumpcore.program import packing as programs
from support.programs import MONDAY_UTC_S, constant, every_day, example_day
from support.replies import fault_of
from support.rig.device import Device
from support.rig.target import Chosen
from thecal.errors import InAlarm, Refused

ONE_ML_PER_HOUR_NL, HALF_ML_NL = 1_000_000, 500_000


def refusal(error: pytest.ExceptionInfo[Refused]) -> str:
    assert error.value.do, "a refusal says what to do"
    return error.value.fault


@pytest.mark.needs("new")
def test_what_is_uploaded_is_read_back_byte_for_byte(device: Device) -> None:
    import base64

    packed = example_day().packed
    staged = device.client.program_stage(packed)
    assert base64.b64decode(staged["program"]) == packed
    assert device.client.program_read()["program"] is None, "staging changes nothing"
    device.client.program_activate(staged["digest"])
    assert base64.b64decode(device.client.program_read()["program"]) == packed
    activated = device.records("program_activated")
    assert [record.fields["digest"].hex() for record in activated] == [programs.digest(packed)]


@pytest.mark.needs("new")
@pytest.mark.rule("R8")
def test_staging_and_activating_twice_is_harmless(device: Device) -> None:
    for _ in range(2):
        device.upload(example_day().packed)
    assert len(device.records("program_activated")) == 1


@pytest.mark.needs("power_cut")
def test_a_program_survives_a_power_cut(device: Device) -> None:
    digest = device.upload(example_day().packed)
    device.power_cycle(5)
    status = device.client.status()
    assert (status["program_digest"], status["state"], status["boot"]) == (digest, "stopped", 2)


@pytest.mark.needs("new")
@pytest.mark.rule("R5")
@pytest.mark.rule("R7")
def test_the_pump_itself_refuses_what_its_bench_forbids(device: Device) -> None:
    for rate_nl, fault in ((10_000_001, "rate_above_ceiling"), (5_000_000, "hour_above_ceiling"), (2_000_000, "day_above_ceiling")):
        with pytest.raises(Refused, match="nearest") as error:
            device.client.program_stage(programs.pack(constant(rate_nl)))
        assert refusal(error) == fault
    wider = constant(ONE_ML_PER_HOUR_NL)
    wider.day_nl = 40_000_001
    with pytest.raises(Refused) as error:
        device.client.program_stage(programs.pack(wider))
    assert refusal(error) == "limit_wider"


@pytest.mark.needs("plant")
@pytest.mark.rule("R3")
def test_start_pumps_and_stop_ends_it(device: Device) -> None:
    device.upload(constant(ONE_ML_PER_HOUR_NL))
    assert device.sim.enable_level() is False
    device.client.clock_set(MONDAY_UTC_S, 3600)
    device.client.start()
    device.run_for(60)
    status = device.client.status()
    assert (status["state"], status["entry"], status["entry_rate_nl"]) == ("running", 0, ONE_ML_PER_HOUR_NL)
    assert device.sim.enable_level() is True
    assert device.same_steps(status["delivered_steps"], device.sim.plant_steps())
    assert abs(status["delivered_steps"] - 60 * 27.78) < 10
    with pytest.raises(Refused) as error:
        device.client.start()
    assert refusal(error) == "not_stopped"
    stopped = device.client.stop()
    assert (stopped["state"], stopped["delivered_steps"]) == ("stopped", device.sim.plant_steps())
    assert device.sim.enable_level() is False
    device.run_for(600)
    assert device.client.status()["delivered_steps"] == device.sim.plant_steps() == stopped["delivered_steps"]
    names = [record.name for record in device.records()]
    assert names == ["boot", "program_activated", "clock_set", "started", "entry", "stopped", "total", "total"]


@pytest.mark.parametrize("word", ["bare", "frame"])
@pytest.mark.rule("R8")
def test_stop_is_never_answered_from_memory(device: Device, word: str) -> None:
    from pumpcore.wire import messages
    from pumpcore.wire import messages as frame

    line = b"stop\n" if word == "bare" else frame.encode(messages.request("0" * 16, "stop", {}))
    device.upload(constant(ONE_ML_PER_HOUR_NL))
    for _ in range(3):
        assert "result" in device.ask_raw("start")
        device.run_for(5)
        assert device.state() == "running"
        assert frame.decode(device.say(line)[:-1])["result"]["state"] == "stopped"
        assert device.state() == "stopped"


@pytest.mark.needs("new")
@pytest.mark.rule("R11")
def test_a_schedule_needs_the_time_and_the_clock_does_not_jump_while_running(device: Device) -> None:
    device.upload(every_day((0, ONE_ML_PER_HOUR_NL), (720, 600_000)))
    with pytest.raises(Refused) as error:
        device.client.start()
    assert refusal(error) == "clock_unknown"
    device.begin(every_day((0, ONE_ML_PER_HOUR_NL), (720, 600_000)), utc_s=MONDAY_UTC_S + 43_190)
    with pytest.raises(Refused) as error:
        device.client.clock_set(MONDAY_UTC_S, 0)
    assert refusal(error) == "clock_step"
    device.run_for(30)
    assert device.client.status()["entry_rate_nl"] == 600_000
    device.client.stop()
    device.client.clock_set(MONDAY_UTC_S, 0)


@pytest.mark.needs("plant")
@pytest.mark.rule("R8")
def test_a_bolus_adds_to_the_basal_and_is_delivered_once(device: Device) -> None:
    device.begin(constant(600_000))
    pair = device.calibration()
    token = device.client.bolus_token()
    first = device.client.bolus_start(token, HALF_ML_NL, 6_000_000)
    again = device.client.bolus_start(token, HALF_ML_NL, 6_000_000)
    assert again == first
    assert first["ordered_steps"] == pair.steps_for_nl(HALF_ML_NL)
    device.run_for(400)
    device.client.stop()
    bolus = device.client.bolus_status(token)
    assert (bolus["state"], bolus["delivered_steps"]) == ("done", first["ordered_steps"])
    stopped = device.records("stopped")[-1].fields
    assert stopped["delivered_steps"] == device.sim.plant_steps()
    basal_steps = device.sim.plant_steps() - first["ordered_steps"]
    assert abs(basal_steps - 400 * 600_000 * pair.steps / (3600 * pair.volume_nl)) < 20
    names = [record.name for record in device.records() if record.name.startswith("bolus")]
    assert names == ["bolus_ordered", "bolus_started", "bolus_ended"]


@pytest.mark.needs("power_cut")
@pytest.mark.rule("R8")
def test_a_token_is_good_for_one_bolus_for_a_minute_in_one_boot(device: Device) -> None:
    device.begin(constant(600_000))
    used = device.order(100_000, 6_000_000)
    device.run_for(120)
    late = device.client.bolus_token()
    device.run_for(61)
    other = device.client.bolus_token()
    for token, fault in ((used, "token_used"), (late, "token_expired"), ("0" * 16, "token_unknown")):
        assert fault_of(device.ask_raw("bolus.start", token=token, volume_nl=1_000, rate_nl=6_000_000)) == fault
    device.power_cycle(1)
    device.client.start()
    device.sim.wait_until_idle()
    for token in (used, late, other):
        assert fault_of(device.ask_raw("bolus.start", token=token, volume_nl=1_000, rate_nl=6_000_000)) == "token_unknown"
    assert device.client.bolus_status(used)["state"] == "done"
    assert device.client.bolus_status(other) == {"token": other, "state": "never_ordered"}


@pytest.mark.needs("plant")
def test_a_cancelled_bolus_ends_and_the_basal_goes_on(device: Device) -> None:
    device.begin(constant(600_000))
    token = device.order(HALF_ML_NL, 6_000_000)
    device.run_for(60)
    planned_steps = device.client.bolus_cancel(token)["planned_steps"]
    device.run_for(30)
    bolus = device.client.bolus_status(token)
    assert (bolus["state"], bolus["delivered_steps"]) == ("cancelled", planned_steps)
    assert device.state() == "running"
    assert fault_of(device.ask_raw("bolus.cancel", token=token)) == "no_bolus"


@pytest.mark.needs("plant")
def test_stop_cuts_a_bolus_and_tells_how_much_of_it_was_delivered(device: Device) -> None:
    device.begin(constant(600_000))
    token = device.order(HALF_ML_NL, 6_000_000)
    device.run_for(100)
    device.client.stop()
    bolus = device.client.bolus_status(token)
    assert bolus["state"] == "cut"
    assert 0 < bolus["delivered_steps"] < bolus["ordered_steps"]
    basal_steps = device.sim.plant_steps() - bolus["delivered_steps"]
    assert abs(basal_steps - 100 * 16.67) < 20


@pytest.mark.needs("new")
@pytest.mark.rule("R7")
def test_a_bolus_that_would_pass_a_ceiling_is_refused_with_the_nearest(device: Device) -> None:
    device.begin(constant(600_000))
    token = device.client.bolus_token()
    for volume_nl, rate_nl, fault in ((100_000, 9_400_001, "rate_above_ceiling"), (5_000_000, 9_400_000, "hour_above_ceiling")):
        reply = device.ask_raw("bolus.start", token=token, volume_nl=volume_nl, rate_nl=rate_nl)
        assert fault_of(reply) == fault
        assert reply["error"]["data"]["nearest_nl"] < max(volume_nl, rate_nl)
    assert "result" in device.ask_raw("bolus.start", token=token, volume_nl=100_000, rate_nl=9_400_000)


@pytest.mark.needs("plant")
def test_an_alarm_is_told_sounds_keeps_the_pump_from_starting_and_is_acknowledged(device: Device) -> None:
    device.begin(constant(ONE_ML_PER_HOUR_NL))
    device.run_for(10)
    device.sim.guard_miscount(300)  # more than a word of the generator may hold
    device.run_for(5)
    number = device.client.status()["alarms"][0]
    assert (device.state(), device.alarms(), device.sim.buzzer()) == ("alarm", ["guard_mismatch"], "high")
    with pytest.raises(Refused) as error:
        device.client.start()
    assert (refusal(error), error.value.exit_code) == ("alarm_active", InAlarm.exit_code)
    assert device.client.ack(number) == {"alarms": []}
    with pytest.raises(Refused) as error:
        device.client.ack(number)
    assert refusal(error) == "not_active_alarm"
    assert (device.state(), device.sim.buzzer()) == ("stopped", "off")
    device.client.start()
    device.run_for(10)
    assert device.state() == "running"
    assert len(device.records("alarm", ring="faults")) == 2


def test_the_journal_comes_whole_in_blocks_and_from_any_sequence(device: Device) -> None:
    device.upload(example_day().packed)
    for minute in range(60):
        device.client.clock_set(MONDAY_UTC_S + minute * 60, 0)
    raw = device.raw_journal()
    everything = device.records()
    assert len(raw) > 4096 * 0.5
    first = everything[0].sequence
    assert [record.sequence for record in everything] == list(range(first, first + len(everything)))
    reply, _ = device.client.journal_read("events", everything[-1].sequence)
    assert (reply["first_sequence"], reply["next_sequence"]) == (everything[-1].sequence, everything[-1].sequence + 1)
    nothing, block = device.client.journal_read("events", everything[-1].sequence + 1)
    assert (nothing["bytes"], block) == (0, b"")
    with pytest.raises(Refused) as error:
        device.client.journal_read("events", everything[-1].sequence + 2)
    assert refusal(error) == "sequence_ahead"


@pytest.mark.needs("power_cut")
def test_maintenance_is_for_a_stopped_pump_and_ends_with_a_reset(device: Device) -> None:
    device.begin(constant(ONE_ML_PER_HOUR_NL))
    with pytest.raises(Refused) as error:
        device.client.maintenance()
    assert refusal(error) == "not_stopped"
    device.client.stop()
    device.client.maintenance()
    device.run_for(1)
    if "prompt" in Chosen.target.capabilities:
        device.sim.write(b"\r\n")
        device.run_for(1)
        assert b">>>" in device.sim.read()
    else:
        assert device.state() == "maintenance"
        assert fault_of(device.ask_raw("start")) == "in_maintenance"
    device.client.close()  # a reset takes a real port away
    device.sim.reset()
    device.run_for(Chosen.target.booted_s + 1)
    assert device.state() == "stopped"
    assert device.records("maintenance")
