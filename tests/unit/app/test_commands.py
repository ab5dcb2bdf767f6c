"""Every command: its answer, and every reason for a refusal."""

import base64

import pytest

from app.wire.handlers.program import program_activate
from pumpcore.faults.faults import Refusal
from pumpcore.program import packing as programs
from pumpcore.wire.messages import METHODS
from support.programs import MONDAY_UTC_S, constant, day
from support.pump.running import UnitPump, Watched, ready, running


def staged(pump: Watched, made: programs.Program) -> str:
    return pump.stage(programs.pack(made))["digest"]


def test_hello_says_who_this_is() -> None:
    pump = ready(constant(900_000))
    hello = pump.call("hello")
    assert hello["protocol"] == [1, 1] and hello["capabilities"] == [*sorted(METHODS), "protocol"]
    assert hello["unique_id"] == "0123456789abcdef" and hello["bench"] == "unit" and len(hello["release"]) == 64
    assert hello["calibration_state"] == "UNCALIBRATED" and hello["program_digest"] == programs.digest(programs.pack(constant(900_000)))
    assert "never" in hello["thecal"]


def test_status_of_a_pump_that_never_ran() -> None:
    status = ready().call("status")
    assert status["state"] == "stopped" and status["entry"] is None and status["bolus"] is None
    assert status["delivered_steps"] == status["ordered_steps"] == status["leased_steps"] == status["uncertain_steps"] == 0
    assert status["program_digest"] == status["program_name"] == "" and status["alarms"] == []
    pair = status["calibration"]
    assert (pair["volume_nl"], pair["steps"], pair["state"], pair["id"]) == (1_000_003, 99_991, "UNCALIBRATED", "")


def test_status_of_a_pump_that_runs() -> None:
    pump = running(day((0, 0, 3_600_000), (12, 0, 1_800_000)))
    pump.advance(10)
    status = pump.call("status")
    assert (status["state"], status["entry"], status["entry_rate_nl"], status["rate_seconds_s"]) == ("running", 0, 3_600_000, 3600)
    assert abs(status["next_change_s"] - (43_200 - 10)) <= 1 and status["utc_s"] == MONDAY_UTC_S + 10
    assert 990 <= status["delivered_steps"] <= status["ordered_steps"] <= status["leased_steps"]
    assert status["position_uncertain_steps"] == 64 and status["hour_nl"] == status["day_nl"] > 0


# --- programs -----------------------------------------------------------------------------------------------------------------


def test_a_program_is_staged_activated_and_read_back() -> None:
    pump = ready()
    made = constant(1_234_567)
    packed = programs.pack(made)
    assert pump.call("program.read") == {"digest": "", "program": None}
    answer = pump.stage(packed)
    assert base64.b64decode(answer["program"]) == packed and answer["bytes"] == len(packed)
    assert pump.call("program.read")["program"] is None  # staging changes nothing
    assert pump.call("program.activate", digest=answer["digest"]) == {"digest": programs.digest(packed)}
    assert base64.b64decode(pump.call("program.read")["program"]) == packed
    assert pump.records("program_activated") == [{"digest": bytes.fromhex(answer["digest"])}]


def test_activating_again_is_harmless_also_while_running() -> None:
    pump = running(constant(900_000))
    digest = pump.call("status")["program_digest"]
    assert pump.call("program.activate", digest=digest) == {"digest": digest}
    assert len(pump.records("program_activated")) == 1 and pump.state() == "running"


def test_a_program_is_kept_over_a_reset() -> None:
    pump = ready(constant(900_000))
    again = UnitPump(pump.image())
    again.advance(0.05)
    assert again.call("status")["program_digest"] == pump.call("status")["program_digest"]


@pytest.mark.rule("R10")
def test_what_was_not_staged_is_not_activated() -> None:
    pump = ready(constant(900_000))
    before = pump.call("status")["program_digest"]
    assert pump.fault("program.activate", digest="0" * 64) == "not_staged"
    first, second, third = staged(pump, constant(1)), staged(pump, constant(2)), staged(pump, constant(3))
    assert pump.fault("program.activate", digest=first) == "not_staged"  # two are kept
    assert pump.call("status")["program_digest"] == before
    assert pump.call("program.activate", digest=second)["digest"] == second
    assert pump.call("program.activate", digest=third)["digest"] == third


def test_a_staged_program_is_void_at_reset() -> None:
    pump = ready()
    digest = staged(pump, constant(1))
    again = ready(image=pump.image())
    assert again.fault("program.activate", digest=digest) == "not_staged"


def test_activating_waits_for_the_start_of_a_resume() -> None:
    pump = ready(constant(900_000))
    digest = staged(pump, constant(1))
    pump.pump.start_wanted = True  # ordered, but not begun
    with pytest.raises(Refusal, match="not_stopped"):
        program_activate(pump.pump, {"digest": digest})
    pump.call("stop")
    assert pump.call("program.activate", digest=digest)["digest"] == digest


@pytest.mark.rule("R10")
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("AAAA", "program_format"),
        ("A", "bad_params"),
        ("AB", "bad_params"),
        ("\u00e4\u00e4\u00e4\u00e4", "bad_params"),
        ("A" * 5600, "program_size"),
    ],
)
def test_what_is_no_program_is_not_staged(text: str, fault: str) -> None:
    assert ready().fault("program.stage", program=text) == fault


@pytest.mark.rule("R5")
@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (constant(700_000_001), "rate_above_ceiling"),
        (constant(650_000_000), "hour_above_ceiling"),
        (constant(630_000_000), "day_above_ceiling"),
    ],
)
def test_a_program_above_the_bench_is_refused_with_the_nearest(made: programs.Program, fault: str) -> None:
    reply = ready().judge(programs.pack(made))
    data = reply["error"]["data"]
    assert data["fault"] == fault and data["nearest_nl"] == data["limit_nl"] < data["asked_nl"]


# --- start, stop, clock, maintenance ------------------------------------------------------------------------------------------


def test_start_needs_a_program_a_stop_and_no_alarm() -> None:
    pump = ready()
    assert pump.fault("start") == "no_program"
    pump.upload(constant(900_000))
    pump.call("start")
    assert pump.fault("start") == "not_stopped"
    pump.call("stop")
    pump.pump.delivery.safe_state("underrun")
    assert pump.fault("start") == "alarm_active"
    pump.call("ack", fault=615)
    pump.call("start")


@pytest.mark.rule("R8")
def test_stop_always_acts_and_tells_the_guard_s_count() -> None:
    pump = ready()
    assert pump.call("stop") == {"state": "stopped", "delivered_steps": 0}
    pump = running(constant(3_600_000))
    pump.advance(60)
    answer = pump.call("stop")
    assert answer == {"state": "stopped", "delivered_steps": pump.plant_steps()}
    assert not pump.board.stepper.enabled
    pump.advance(30)
    assert pump.call("stop")["delivered_steps"] == answer["delivered_steps"] == pump.plant_steps()
    assert len(pump.records("stopped")) == 1


@pytest.mark.rule("R8")
def test_a_stop_sent_right_behind_a_start_wins() -> None:
    pump = ready(constant(900_000))
    assert b"overtaken" in pump.line(pump.request("start") + b"stop\n")
    pump.advance(10)
    assert pump.plant_steps() == 0 and pump.records("started") == [] and pump.state() == "stopped"
    assert b"overtaken" not in pump.line(pump.request("hello") + b"stop\n" + pump.request("start"))
    pump.advance(10)
    assert pump.state() == "running"  # this start came after the stop


def test_start_and_stop_many_times_carry_the_remainder_and_the_position() -> None:
    pump = ready(constant(900_000))
    for _ in range(5):
        pump.call("start")
        pump.advance(33)
        position = pump.call("stop")["delivered_steps"]
        pump.advance(7)
    started = [row["position_steps"] for row in pump.records("started")]
    stopped = [row["delivered_steps"] for row in pump.records("stopped")]
    assert started == [0] + stopped[:-1] and stopped[-1] == position == pump.plant_steps()


@pytest.mark.rule("R9")
def test_another_program_drops_the_remainder_and_says_so() -> None:
    pump = running(constant(900_001))
    pump.advance(20)
    pump.call("stop")
    pump.upload(constant(800_001))
    pump.call("start")
    pump.advance(1)
    dropped = pump.records("remainder_dropped")
    assert len(dropped) == 1 and dropped[0]["remainder"] > 0
    assert pump.pump.delivery.span.basal.accumulator.remainder < 10**10


def test_the_clock_is_set_kept_and_journaled() -> None:
    pump = ready(utc_s=0)
    answer = pump.call("clock.set", utc_s=MONDAY_UTC_S, offset_s=7200)
    assert (answer["old_utc_s"], answer["utc_s"], answer["offset_s"], answer["clock_set_utc_s"]) == (0, MONDAY_UTC_S, 7200, MONDAY_UTC_S)
    assert pump.records("clock_set") == [{"old_utc_s": 0, "new_utc_s": MONDAY_UTC_S, "offset_s": 7200}]
    assert ready(image=pump.image()).call("status")["offset_s"] == 7200


def test_a_zone_that_was_set_is_kept_without_the_time_and_utc_is_one() -> None:
    pump = ready(utc_s=0)
    assert pump.call("status")["zone_known"] is False
    assert pump.call("clock.set", utc_s=MONDAY_UTC_S, offset_s=0)["zone_known"] is True
    status = ready(image=pump.image(), utc_s=0).call("status")
    assert (status["zone_known"], status["utc_s"], status["offset_s"]) == (True, 0, 0)


@pytest.mark.rule("R10")
@pytest.mark.parametrize(
    "values",
    [
        {"offset_s": 86_400}, {"offset_s": -86_400}, {"offset_s": 64_801}, {"utc_s": 4_102_444_800}, {"utc_s": (1 << 32) - 1},
        {"utc_s": 1 << 32}, {"transition_offset_s": -86_400}, {"transition_utc_s": 1 << 32},
    ],
    ids=str,
)  # fmt: skip
def test_a_clock_takes_no_offset_of_a_day_and_no_time_that_a_chip_can_t_hold(values: dict) -> None:
    pump = ready(utc_s=0)
    asked = {"utc_s": MONDAY_UTC_S, "offset_s": 3600, "transition_utc_s": MONDAY_UTC_S + 9_000, "transition_offset_s": 7200}
    assert pump.fault("clock.set", **{**asked, **values}) == "bad_params"
    assert pump.call("status")["utc_s"] == 0 and pump.records("clock_set") == []
    assert pump.call("clock.set", **asked)["offset_s"] == 3600


@pytest.mark.rule("R11")
def test_the_clock_moves_by_at_most_two_seconds_while_running() -> None:
    pump = running(constant(900_000))
    now_s = pump.board.clock.utc_s()
    for utc_s, offset_s in ((now_s + 3, 0), (now_s - 3, 0), (now_s, 3600)):
        assert pump.fault("clock.set", utc_s=utc_s, offset_s=offset_s) == "clock_step"
    for by_s in (2, -2, 0):
        pump.call("clock.set", utc_s=pump.board.clock.utc_s() + by_s, offset_s=0)
    pump.call("stop")
    pump.call("clock.set", utc_s=now_s + 3600, offset_s=3600)


def test_maintenance_waits_for_the_stop() -> None:
    pump = running(constant(900_000))
    assert pump.fault("maintenance") == "not_stopped" and not pump.board.system.maintenance_requested
    pump.call("stop")
    pump.call("maintenance")
    assert pump.board.system.maintenance_requested and pump.records("maintenance") == [{"reason": 0}]


# --- alarms -------------------------------------------------------------------------------------------------------------------


def test_alarms_are_listed_with_what_to_do_and_acknowledged() -> None:
    pump = ready()
    pump.board.buttons.stop = True
    pump.advance(1)
    (row,) = pump.call("alarms")["alarms"]
    assert (row["fault"], row["name"], row["severity"], row["count"]) == (609, "stop_button", "warning", 1) and row["do"] and row["text"]
    assert pump.board.buzzer.pattern == "low"
    assert pump.fault("ack", fault=601) == "not_active_alarm"
    assert pump.call("ack", fault=609) == {"alarms": []}
    assert pump.board.buzzer.pattern == "off"
    changes = [(row["fault"], row["change"], row["count"]) for row in pump.records("alarm", ring="faults")]
    assert changes == [(609, 0, 1), (609, 1, 1)]


def test_an_alarm_whose_cause_stays_is_not_acknowledged() -> None:
    pump = ready()
    pump.pump.alarms.raise_fault("firmware_incomplete")
    assert pump.fault("ack", fault=608) == "alarm_stays"
    assert pump.board.buzzer.pattern == "high"


def test_a_fault_that_comes_again_within_a_minute_is_counted_and_not_journaled() -> None:
    pump = ready()
    for _ in range(5):
        pump.pump.alarms.raise_fault("stop_button")
    pump.advance(61)
    pump.pump.alarms.raise_fault("stop_button")
    pump.advance(1)
    assert [(row["change"], row["count"]) for row in pump.records("alarm", ring="faults")] == [(0, 1), (2, 6)]
    assert pump.call("status")["counters"]["faults_suppressed"] == 4


# --- journal.read -------------------------------------------------------------------------------------------------------------


def test_the_journal_is_read_in_blocks_of_whole_records() -> None:
    pump = ready()
    for count in range(300):
        pump.pump.journal.append("total", (count, 0, 0, 0))
    assert [row["ordered_steps"] for row in pump.records("total")] == list(range(300))
    answer = pump.call("journal.read", ring="events", from_sequence=0)
    assert 4000 < answer["bytes"] <= 4096 and answer["first_sequence"] == 1 and answer["last_sequence"] == 301
    assert pump.call("journal.read", ring="events", from_sequence=302)["bytes"] == 0
    assert pump.fault("journal.read", ring="events", from_sequence=303) == "sequence_ahead"
    assert pump.call("journal.read", ring="faults", from_sequence=1)["bytes"] == 0


@pytest.mark.rule("R9")
def test_stop_passes_between_the_blocks_of_a_download() -> None:
    pump = running(constant(3_600_000))
    for count in range(300):
        pump.pump.journal.append("total", (count, 0, 0, 0))
    line = pump.request("journal.read", ring="events", from_sequence=0)
    answers = pump.line(line * 5 + b"stop\n")
    assert answers.index(b'"delivered_steps"') < 400  # the stop was answered first
