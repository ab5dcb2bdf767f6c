"""A bolus alone, for priming or calibration: exact, counted, ended by the pump, and without a trace in the program."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpcore.orders.bolus import ENDS
from pumpcore.wire import messages
from support.programs import constant, resuming
from support.pump.running import BENCH, UnitPump, Watched, bench_with, blank_image, power_cut, ready, running
from support.replies import refusal_of

SHORT, FAST = 5_000, 3_600_000  # 50 s at 100 steps a second
BENCH_NL, BENCH_STEPS = BENCH["calibration"]["volume_nl"], BENCH["calibration"]["steps"]


def asked(**changed: object) -> dict:
    return {"purpose": "calibration", "volume_nl": 0, "steps": SHORT, "rate_nl": FAST, "rate_seconds_s": 3600} | changed


def run(pump: UnitPump, **changed: object) -> dict:
    """Return the reply to an order with a fresh token."""
    return pump.ask("run.start", token=pump.token(), **asked(**changed))


def fault_of(reply: dict) -> str:
    return refusal_of(reply)["fault"]


@pytest.mark.rule("R3")
@pytest.mark.parametrize("steps", [SHORT, SHORT + 1, 99_991, 123_457])
def test_a_calibration_run_makes_exactly_its_steps_and_stops(steps: int) -> None:
    pump = ready()
    told = run(pump, steps=steps)["result"]
    assert told["ordered_steps"] == steps and pump.state() == "calibrating"
    pump.advance(told["duration_s"] - 3)
    assert pump.state() == "calibrating" and pump.plant_steps() < steps
    for _ in range(12):  # looks while the last slice is made
        pump.advance(0.5)
        assert pump.state() == "calibrating" or pump.plant_steps() == steps
    assert pump.plant_steps() == steps and pump.state() == "stopped" and pump.alarms() == []
    assert not pump.board.stepper.enabled
    done = pump.bolus(told["token"])
    assert (done["purpose"], done["state"], done["delivered_steps"]) == ("calibration", "done", steps)
    names = [record.name for record in pump.journal() if record.name not in ("boot", "total", "remainder_dropped")]
    assert names == ["run_ordered", "bolus_started", "bolus_ended", "stopped"]
    (stopped,) = pump.records("stopped")
    assert (stopped["by"], stopped["delivered_steps"], stopped["ordered_steps"]) == (5, steps, steps)
    assert pump.turns_watched > 0


@pytest.mark.rule("R7")
def test_priming_makes_its_volume_rounded_down() -> None:
    pump = ready()
    told = run(pump, purpose="priming", volume_nl=300_007, steps=0)["result"]
    assert told["ordered_steps"] == 300_007 * BENCH_STEPS // BENCH_NL
    assert pump.state() == "priming"
    pump.advance(told["duration_s"] + 5)
    assert pump.plant_steps() == told["ordered_steps"]


@pytest.mark.rule("R2")
def test_a_very_slow_run_ends_too() -> None:
    pump = ready()
    told = run(pump, steps=3, rate_nl=7, rate_seconds_s=60)["result"]
    pump.advance(told["duration_s"] + 5)
    assert pump.plant_steps() == 3 and pump.state() == "stopped"


# --- what it must leave alone -------------------------------------------------------------------------------------------------


@pytest.mark.rule("R4")
def test_program_remainder_and_schedule_are_untouched() -> None:
    def life(with_run: bool) -> tuple:
        pump = running(constant(777_777))
        pump.advance(100)
        pump.call("stop")
        before = pump.plant_steps()
        if with_run:
            told = run(pump)["result"]
            pump.advance(told["duration_s"] + 5)
            assert pump.plant_steps() - before == SHORT
            before += SHORT
        kept = pump.pump.book.last_record().basal_remainder
        pump.call("start")
        pump.advance(100)
        pump.call("stop")
        return kept, pump.plant_steps() - before, pump.call("status")["program_digest"], pump.records("remainder_dropped")

    plain, other = life(False), life(True)
    assert plain[0] == other[0] > 0 and plain[2:] == (other[2], [])
    assert abs(plain[1] - other[1]) <= 1 and len(other[3]) <= 1  # the run's own remainder, if it left one


@pytest.mark.rule("R5")
def test_what_it_delivers_counts_in_the_windows() -> None:
    pump = UnitPump(blank_image(bench_with(hour_nl=100_000)), 0)
    pump.advance(0.05)
    told = run(pump, steps=6_000)["result"]
    pump.advance(told["duration_s"] + 5)
    assert abs(pump.call("status")["hour_nl"] - 60_000) < 20
    told = refusal_of(run(pump, steps=6_000))
    assert told["fault"] == "hour_above_ceiling" and told["limit_nl"] < 100_001
    assert run(pump, steps=told["nearest_nl"] // 11)["result"]
    pump.advance(3_700)
    assert run(pump, steps=6_000)["result"]  # powered-on time also passes while stopped


def small(earlier_steps: int, waited_s: int, **limits: int) -> Watched:
    """Return a pump with low ceilings that has delivered so much, so long ago."""
    pump = Watched(blank_image(bench_with(**limits)), 0)
    pump.advance(0.05)
    if earlier_steps:
        told = run(pump, steps=earlier_steps)["result"]
        pump.advance(told["duration_s"] + 5 + waited_s)
    return pump


@pytest.mark.rule("R5")
@pytest.mark.parametrize(
    ("rate_nl", "hours", "earlier_steps", "waited_s", "accepted"),
    [
        (98_000, 4, 0, 0, True),  # 61 minutes hold 99,634 nl
        (98_400, 4, 0, 0, False),  # 100,040 nl
        (98_000, 4, 5_000, 3_700, True),
        (98_000, 4, 2_500, 0, False),
        (50_000, 4, 5_000, 0, False),
        (49_000, 4, 5_000, 0, True),  # earlier deliveries drop out while it runs
        (90_000, 1, 6_000, 3_000, True),
        (90_000, 1, 6_000, 1_000, False),
        (300_000, 1, 0, 0, False),
    ],
)
def test_a_long_run_is_judged_by_the_fullest_hour_that_it_makes(
    rate_nl: int, hours: int, earlier_steps: int, waited_s: int, accepted: bool
) -> None:
    """An accepted run never meets the ceiling; a refused one would."""
    pump = small(earlier_steps, waited_s, hour_nl=100_000)
    order = {"steps": rate_nl * hours * BENCH_STEPS // BENCH_NL, "rate_nl": rate_nl}
    reply = run(pump, **order)
    assert ("result" in reply) == accepted, reply
    if not accepted:
        assert refusal_of(reply)["fault"] == "hour_above_ceiling" and refusal_of(reply)["asked_nl"] > refusal_of(reply)["limit_nl"]
        pump.pump.delivery.leases.windows.full, kept = lambda *_: "", pump.pump.delivery.leases.windows.full
        assert "result" in run(pump, **order)
        pump.pump.delivery.leases.windows.full = kept
    fullest = 0
    for _ in range(hours * 60 + 1):
        pump.advance(60)
        fullest = max(fullest, pump.pump.delivery.leases.windows.hour_steps)
    assert ENDS[pump.records("bolus_ended")[-1]["reason"]] == ("done" if accepted else "limit")
    assert fullest <= 100_000 * BENCH_STEPS // BENCH_NL


@pytest.mark.rule("R5")
@pytest.mark.parametrize(("rate_nl", "accepted"), [(9_990, True), (10_000, False)])
def test_a_run_of_more_than_a_day_is_judged_by_its_fullest_day(rate_nl: int, accepted: bool) -> None:
    """24 h and a minute hold 239,926 nl at 9,990 nl an hour."""
    reply = run(small(0, 0, hour_nl=100_000, day_nl=240_000), steps=rate_nl * 48 * BENCH_STEPS // BENCH_NL, rate_nl=rate_nl)
    assert ("result" in reply) == accepted
    assert accepted or refusal_of(reply)["fault"] == "day_above_ceiling"


@pytest.mark.rule("R7")
def test_priming_is_refused_where_whole_steps_change_it_and_a_run_of_steps_is_not() -> None:
    pump = ready()
    told = refusal_of(run(pump, purpose="priming", steps=0, volume_nl=29, rate_nl=1_000))
    assert (told["fault"], told["asked_nl"], told["nearest_nl"], told["nearest_more_nl"]) == ("dose_rounded", 29, 0, 101)
    assert run(pump, purpose="priming", steps=0, volume_nl=101, rate_nl=1_000)["result"]["ordered_steps"] == 10
    pump.call("stop")
    assert run(pump, steps=1, rate_nl=1_000)["result"]["ordered_steps"] == 1


@pytest.mark.rule("R5")
@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"steps": 600_000, "rate_nl": 700_000_001}, "rate_above_ceiling"),
        ({"steps": 65_000_000, "rate_nl": 699_000_000}, "hour_above_ceiling"),
        ({"steps": 100}, "bolus_too_short"),
        ({"purpose": "priming", "steps": 0, "volume_nl": 1, "rate_nl": 1}, "bolus_too_small"),
        ({"volume_nl": 1}, "bad_params"),
        ({"steps": 0}, "bad_params"),
        ({"purpose": "priming"}, "bad_params"),
        ({"purpose": "manual"}, "bad_params"),
    ],
)
def test_what_can_t_be_is_refused_and_nothing_moves(changed: dict, fault: str) -> None:
    pump = ready()
    assert fault_of(run(pump, **changed)) == fault
    pump.advance(30)
    assert pump.plant_steps() == 0 and pump.records("run_ordered") == [] and pump.state() == "stopped"


def test_it_needs_a_bench_that_is_stopped_and_no_alarm() -> None:
    pump = running()
    assert fault_of(run(pump)) == "not_stopped"
    pump.call("stop")
    assert "result" in run(pump)
    for method in ("start", "maintenance"):
        said = pump.ask(method)["error"]
        assert said["data"]["fault"] == "not_stopped"
        assert said["message"] == "the pump is not stopped" and said["data"]["state"] in ("priming", "calibrating")
    assert fault_of(run(pump)) == "not_stopped"
    assert pump.fault("bolus.start", token=pump.token(), volume_nl=10_000, rate_nl=900_000) == "not_running"
    alarmed = ready()
    alarmed.pump.delivery.safe_state("internal")
    assert fault_of(run(alarmed)) == "alarm_active"


# --- once ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R8")
def test_a_token_orders_one_run_however_often_it_is_sent() -> None:
    pump = ready()
    token = pump.token()
    first = pump.ask("run.start", token=token, **asked())["result"]
    for _ in range(3):
        pump.advance(40)
        assert pump.ask("run.start", token=token, **asked()).get("result") == first
    assert fault_of(pump.ask("run.start", token=token, **asked(steps=SHORT + 1))) == "token_used"
    assert fault_of(pump.ask("run.start", token=token, **asked(purpose="priming", steps=0, volume_nl=50_000))) == "token_used"
    assert pump.plant_steps() == SHORT and len(pump.records("run_ordered")) == 1


@pytest.mark.rule("R8")
def test_a_run_s_token_is_void_after_a_reset() -> None:
    pump = ready()
    token = pump.token()
    again = power_cut(pump, 5)
    again.advance(0.05)
    assert again.fault("run.start", token=token, **asked()) == "token_unknown"


# --- ends ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R1")
@settings(max_examples=25)
@given(st.integers(0, 55_000), st.booleans())
def test_a_stop_at_any_time_ends_it_and_tells_what_was_made(after_ms: int, button: bool) -> None:
    pump = ready()
    token = run(pump)["result"]["token"]
    pump.advance(after_ms / 1000)
    if button:
        pump.board.buttons.stop = True
        pump.advance(0.001)
    else:
        pump.call("stop")
    made = pump.plant_steps()
    told = pump.bolus(token)
    assert pump.state() == "stopped" and told["delivered_steps"] == made
    assert told["state"] == ("done" if made == SHORT else "cut")
    (ended,) = pump.records("bolus_ended")
    assert ended["delivered_steps"] == made
    pump.advance(100)
    assert pump.plant_steps() == made


@pytest.mark.rule("R1")
def test_a_stop_right_behind_the_order_is_obeyed() -> None:
    pump = ready()
    token = pump.token()
    reply = pump.line(pump.request("run.start", token=token, **asked()) + b"stop\n")
    kinds = {messages.decode(line)["id"] is None: messages.decode(line) for line in reply.split(b"\n") if line}
    assert kinds[True]["result"]["state"] == "stopped" and fault_of(kinds[False]) == "overtaken"
    pump.advance(100)
    assert pump.plant_steps() == 0


@pytest.mark.rule("R1")
def test_a_stop_before_it_begins_is_obeyed_also_in_the_self_test() -> None:
    pump = Watched(ready().image())
    token = pump.pump.tokens.issue(0).decode()
    from app.wire.handlers.run import run_start

    run_start(pump.pump, {"token": token, **asked()})
    assert not pump.pump.selftest.done and pump.pump.stop("host") == 0
    pump.advance(100)
    assert pump.plant_steps() == 0 and pump.state() == "stopped" and pump.bolus(token)["state"] == "cut"
    assert pump.records("bolus_ended") == [{"token": bytes.fromhex(token), "reason": 3, "delivered_steps": 0}]


@pytest.mark.rule("R2")
@settings(max_examples=20)
@given(st.integers(0, 49_000))
def test_cancelling_ends_it_with_its_lease(after_ms: int) -> None:
    pump = ready()
    token = run(pump)["result"]["token"]
    pump.advance(after_ms / 1000)
    planned = pump.call("bolus.cancel", token=token)["planned_steps"]
    pump.advance(15)
    told = pump.bolus(token)
    assert pump.state() == "stopped" and pump.plant_steps() == told["delivered_steps"] == planned
    assert told["state"] == ("done" if planned == SHORT else "cancelled")


@pytest.mark.rule("R11")
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 56_000), st.booleans())
def test_a_cut_run_never_goes_on_and_is_not_made_small(after_ms: int, with_program: bool) -> None:
    pump = ready(resuming(constant(360_000)) if with_program else None)
    token = run(pump)["result"]["token"]
    pump.advance(after_ms / 1000)
    state, made = pump.bolus(token)["state"], pump.plant_steps()
    again = power_cut(pump, 600)
    again.advance(1)
    assert again.state() == "stopped" and set(again.alarms()) <= {"power_lost"}
    told = again.bolus(token)
    assert told["state"] == ("done" if state == "done" else "cut") and made <= told["delivered_steps"] <= SHORT
    again.advance(200)
    assert again.plant_steps() == 0
    assert again.delivered_steps() >= made
    assert again.fault("run.start", token=token, **asked()) == "token_unknown"
    if with_program:
        again.call("start")


@pytest.mark.rule("R6")
def test_a_guard_that_miscounts_brings_the_safe_state() -> None:
    pump = ready()
    token = run(pump)["result"]["token"]
    pump.advance(10)
    pump.board.stepper.step_error = 1
    pump.advance(1)
    assert pump.state() == "alarm" and not pump.board.stepper.enabled
    assert pump.bolus(token)["state"] == "cut"


@pytest.mark.rule("R6")
def test_a_generator_that_makes_less_than_was_queued_is_an_alarm_and_no_run_without_end() -> None:
    pump = ready()
    run(pump)
    pump.advance(20)
    span = pump.pump.delivery.span
    span.ordered_steps += 1  # queued steps that never came
    pump.advance(60)
    assert pump.state() == "alarm" and "underrun" in pump.alarms()


@pytest.mark.rule("R9")
def test_its_end_is_on_flash_before_the_ledger_forgets_it() -> None:
    """Cut right after a stop: someone who reads "nothing was delivered" would order the dose again."""
    pump = ready()
    token = run(pump)["result"]["token"]
    pump.advance(30)
    made = pump.pump.stop("host")  # no turn of the loop follows
    again = power_cut(pump, 5)
    again.advance(1)
    assert again.bolus(token)["delivered_steps"] == made > 2_000
