"""A bolus ordered by token: at most once, whole, and always reported with the steps delivered."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.programs import constant, resuming
from support.pump.running import Watched, power_cut, ready, running

BASAL = 360_000  # 10 steps a second
VOLUME, RATE = 120_000, 3_600_000  # 11,998 steps in 120 s
STEPS = 11_998
BASAL_STEPS_PER_S = 360_000 * 99_991 / 1_000_003 / 3600


def running_with_bolus(after_s: float = 10) -> tuple[Watched, str]:
    pump = running(constant(BASAL))
    pump.advance(after_s)
    return pump, pump.order(VOLUME, RATE)


@pytest.mark.rule("R8")
def test_a_bolus_is_delivered_in_whole_on_top_of_the_basal() -> None:
    pump, token = running_with_bolus()
    assert pump.bolus(token)["state"] in ("ordered", "delivering")
    pump.advance(150)
    told = pump.bolus(token)
    assert (told["state"], told["ordered_steps"], told["delivered_steps"]) == ("done", STEPS, STEPS)
    pump.advance(20)
    position = pump.call("stop")["delivered_steps"]
    assert abs(position - STEPS - 180 * BASAL_STEPS_PER_S) <= 2
    names = [record.name for record in pump.journal() if record.name.startswith("bolus")]
    assert names == ["bolus_ordered", "bolus_started", "bolus_ended"]
    assert pump.records("bolus_ended") == [{"token": bytes.fromhex(token), "reason": 0, "delivered_steps": STEPS}]


def test_the_reply_tells_when_it_begins_and_how_long_it_takes() -> None:
    pump = running(constant(BASAL))
    token = pump.token()
    answer = pump.call("bolus.start", token=token, volume_nl=VOLUME, rate_nl=RATE)
    assert answer["ordered_steps"] == STEPS and answer["duration_s"] == 120
    pump.advance(130)
    (begun,) = [record.uptime_ms for record in pump.journal() if record.name == "bolus_started"]
    assert begun == answer["begins_at_ms"]
    assert pump.bolus(token)["state"] == "done"


@pytest.mark.rule("R3")
def test_what_is_told_while_it_runs_grows_with_the_plant() -> None:
    pump, token = running_with_bolus(0)
    before, plant_before = 0, 0
    for _ in range(26):
        pump.advance(5)
        told = pump.bolus(token)["delivered_steps"]
        plant = pump.plant_steps()
        assert before <= told <= min(plant, STEPS)
        assert told - before <= plant - plant_before + 1
        before, plant_before = told, plant
    assert before == STEPS


# --- tokens -------------------------------------------------------------------------------------------------------------------


def ordered(pump: Watched, token: str, volume_nl: int = VOLUME, rate_nl: int = RATE) -> dict:
    return pump.ask("bolus.start", token=token, volume_nl=volume_nl, rate_nl=rate_nl)


@pytest.mark.rule("R8")
def test_a_token_orders_once_however_often_it_is_sent() -> None:
    pump, token = running_with_bolus()
    first = ordered(pump, token)["result"]
    for _ in range(3):
        pump.advance(70)
        assert ordered(pump, token)["result"] == first
    assert len(pump.records("bolus_ordered")) == 1 and pump.bolus(token)["state"] == "done"


@pytest.mark.rule("R8")
def test_a_token_with_another_dose_is_refused() -> None:
    pump, token = running_with_bolus()
    assert ordered(pump, token, VOLUME + 1)["error"]["data"]["fault"] == "token_used"
    assert ordered(pump, token, VOLUME, RATE + 1)["error"]["data"]["fault"] == "token_used"


@pytest.mark.rule("R8")
def test_tokens_expire_are_not_invented_and_are_void_at_reset() -> None:
    pump = running(constant(BASAL))
    assert ordered(pump, "0" * 16)["error"]["data"]["fault"] == "token_unknown"
    tokens = [pump.token() for _ in range(3)]
    assert len(set(tokens)) == 3
    pump.advance(60)
    assert ordered(pump, tokens[0])["result"]["token"] == tokens[0]  # 60 s old: valid
    pump.advance(1)
    assert ordered(pump, tokens[1])["error"]["data"]["fault"] == "token_expired"
    again = ready(image=pump.image())
    again.call("start")
    again.advance(1)
    for token in tokens:
        assert ordered(again, token)["error"]["data"]["fault"] == "token_unknown"
    assert again.token() not in tokens


@pytest.mark.rule("R8")
def test_a_token_stays_used_when_its_bolus_is_forgotten() -> None:
    pump = running(constant(BASAL))
    tokens = []
    for _ in range(9):
        tokens.append(pump.order(5_000, 900_000))
        pump.advance(30)
    assert ordered(pump, tokens[0], 5_000, 900_000)["error"]["data"]["fault"] == "token_unknown"
    assert pump.bolus(tokens[0])["state"] == "done"  # from the journal
    assert len(pump.records("bolus_ordered")) == 9


# --- refusals -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("volume_nl", "rate_nl", "fault"),
    [
        (10, 1, "bolus_too_small"),
        (19, 1, "dose_rounded"),
        (310, 100, "dose_rounded"),
        (19_000, 3_600_000, "bolus_too_short"),
        (10_000_000, 700_000_000, "rate_above_ceiling"),
        (649_000_000, 690_000_000, "hour_above_ceiling"),
    ],
)
@pytest.mark.rule("R7")
def test_a_bolus_that_can_t_be_is_refused_with_what_can(volume_nl: int, rate_nl: int, fault: str) -> None:
    pump = running(constant(9_000_000))
    pump.advance(600)
    reply = ordered(pump, pump.token(), volume_nl, rate_nl)
    assert reply["error"]["data"]["fault"] == fault
    assert any(name.startswith("nearest") for name in reply["error"]["data"])
    assert pump.records("bolus_ordered") == []


@pytest.mark.rule("R7")
def test_the_nearest_that_is_named_is_allowed() -> None:
    pump = running(constant(9_000_000))
    token = pump.token()
    refused = ordered(pump, token, 649_500_000, 690_000_000)["error"]["data"]
    assert refused["fault"] == "hour_above_ceiling"
    assert ordered(pump, token, refused["nearest_nl"] - 20, 690_000_000)["result"]["token"] == token  # a step is 10 nl
    rate = running(constant(9_000_000))
    token = rate.token()
    refused = ordered(rate, token, 100_000_000, 695_000_000)["error"]["data"]
    assert refused["nearest_nl"] == 691_000_000
    assert ordered(rate, token, 100_000_000, refused["nearest_nl"])["result"]


def test_a_stopped_pump_gives_no_bolus_and_there_is_one_at_a_time() -> None:
    pump = ready(constant(BASAL))
    assert ordered(pump, pump.token())["error"]["data"]["fault"] == "not_running"
    pump, _ = running_with_bolus()
    assert ordered(pump, pump.token())["error"]["data"]["fault"] == "bolus_active"
    pump.advance(60)
    assert ordered(pump, pump.token())["error"]["data"]["fault"] == "bolus_active"
    pump.advance(80)
    pump.order(VOLUME, RATE)


# --- ends ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R3")
@settings(max_examples=25)
@given(st.integers(0, 145_000), st.booleans())
def test_a_stop_at_any_time_tells_what_the_plant_made(after_ms: int, button: bool) -> None:
    pump, token = running_with_bolus(20)
    pump.advance(after_ms / 1000)
    if button:
        pump.board.buttons.stop = True
        pump.advance(0.001)
    else:
        pump.call("stop")
    told = pump.bolus(token)
    basal = (pump.board.clock.now_us / 1e6 - 0.05) * BASAL_STEPS_PER_S
    if told["state"] == "cut":
        (ended,) = pump.records("bolus_ended")
        assert ended["reason"] == 3  # stopped
        assert ended["delivered_steps"] == told["delivered_steps"] < STEPS
    assert abs(pump.plant_steps() - told["delivered_steps"] - basal) <= 4 * BASAL_STEPS_PER_S + 2
    pump.call("start")
    pump.advance(200)
    assert pump.bolus(token) == told  # a cut bolus never goes on


@pytest.mark.rule("R2")
@settings(max_examples=25)
@given(st.integers(0, 119_000))
def test_a_cancelled_bolus_ends_soon_and_the_basal_goes_on(after_ms: int) -> None:
    pump, token = running_with_bolus(20)
    pump.advance(after_ms / 1000)
    before = pump.bolus(token)["delivered_steps"]
    planned = pump.call("bolus.cancel", token=token)["planned_steps"]
    pump.advance(300)
    told = pump.bolus(token)
    assert told["state"] in ("cancelled", "done")
    assert before <= told["delivered_steps"] == planned <= before + 12 * 100
    span_s = pump.pump.delivery.span.ordered_steps - planned
    assert abs(span_s - pump.pump.delivery.span.planned_s * BASAL_STEPS_PER_S) <= 2
    assert pump.state() == "running"
    pump.order(VOLUME, RATE)


def test_only_what_waits_or_runs_is_cancelled() -> None:
    pump, token = running_with_bolus()
    assert pump.fault("bolus.cancel", token="0" * 16) == "no_bolus"
    pump.call("stop")
    assert pump.fault("bolus.cancel", token=token) == "no_bolus"


@pytest.mark.rule("R11")
@settings(max_examples=25)
@given(st.integers(0, 140_000))
def test_a_bolus_that_the_power_cut_never_goes_on_and_is_not_made_small(after_ms: int) -> None:
    pump = running(resuming(constant(BASAL)))
    token = pump.order(VOLUME, RATE)
    pump.advance(after_ms / 1000)
    state = pump.bolus(token)["state"]
    plant = pump.plant_steps()
    again = power_cut(pump, 600)
    again.advance(1)
    told = again.bolus(token)
    assert told["state"] == ("done" if state == "done" else "cut")
    basal = (pump.board.clock.now_us / 1e6) * BASAL_STEPS_PER_S
    assert told["delivered_steps"] >= plant - basal - 3  # what may have been delivered counts as delivered
    before = again.plant_steps()
    again.advance(200)
    assert again.plant_steps() - before <= 201 * BASAL_STEPS_PER_S
    assert ordered(again, token)["error"]["data"]["fault"] == "token_unknown"


def test_what_was_never_ordered_is_told_so() -> None:
    assert ready().bolus("0123456789abcdef") == {"token": "0123456789abcdef", "state": "never_ordered"}


@pytest.mark.rule("R8")
@pytest.mark.parametrize("after_ms", range(115_000, 130_000, 500))
def test_a_cut_around_its_end_does_not_deny_what_was_delivered(after_ms: int) -> None:
    """Someone who reads "nothing was delivered" and orders again would give the dose twice."""
    pump = running(constant(0))
    token = pump.order(VOLUME, RATE)
    pump.advance(after_ms / 1000)
    again = power_cut(pump, 10)
    again.advance(1)
    assert pump.plant_steps() <= again.bolus(token)["delivered_steps"] <= STEPS


@pytest.mark.rule("R2")
@pytest.mark.parametrize("after_ms", range(6_000, 16_000, 700))
def test_a_cancelled_bolus_leaves_no_lease_behind(after_ms: int) -> None:
    """With a basal of one step in hours, steps leased for the bolus would stay open for days."""
    pump = running(constant(7))
    token = pump.order(VOLUME, RATE)
    pump.advance(after_ms / 1000)
    pump.call("bolus.cancel", token=token)
    pump.advance(20)
    assert pump.bolus(token)["state"] == "cancelled"
    open_steps = pump.pump.delivery.leases.files.record.leased_steps - pump.delivered_steps()
    assert open_steps <= 2


@pytest.mark.rule("R4")
@pytest.mark.parametrize("basal_nl", [0, 22_753, 40_000, 3_600_000])
@pytest.mark.parametrize("ordered_s", [96.2, 97.1, 98.3, 99.7])
def test_no_step_of_a_bolus_comes_before_the_moment_that_was_told(basal_nl: int, ordered_s: float) -> None:
    """Even if the last step of a slow basal came well before the end of its slice."""
    pump = running(constant(basal_nl))
    pump.advance(ordered_s)
    token = pump.token()
    begins_ms = pump.call("bolus.start", token=token, volume_nl=2_000_000, rate_nl=180_000_000)["begins_at_ms"]
    for _ in range(20):
        pump.advance((begins_ms - pump.board.clock.uptime_ms()) / 1000 if not _ else 0.1)
        second = (pump.board.clock.uptime_ms() - pump.pump.delivery.span.origin_ms) / 1000
        due = basal_nl * second / 3600 + 50_000 * (pump.board.clock.uptime_ms() - begins_ms) / 1000
        assert abs(pump.plant_steps() - due * 99_991 / 1_000_003) < 2 + 5000 * 0.001
