"""Extended boluses: exact over their time, paused by another bolus and resumed with exactly the rest."""

from fractions import Fraction

import pytest

from pumpcore.motion.dose import Calibration
from support.programs import MONDAY_UTC_S, constant, day, resuming, with_settings
from support.pump.running import BENCH, Watched, power_cut, running
from support.replies import refusal_of

PAIR = Calibration(BENCH["calibration"]["volume_nl"], BENCH["calibration"]["steps"])
VOLUME, DURATION = 500_003, 1800
STEPS = VOLUME * PAIR.steps // PAIR.volume_nl
RATE = 360_000


def ask(pump: Watched, volume_nl: int = VOLUME, duration_s: int = DURATION, token: str = "") -> dict:
    token = token or pump.token()
    return pump.ask("bolus.extended", token=token, volume_nl=volume_nl, duration_s=duration_s)


def ordered(pump: Watched, *what: int, **more: str) -> str:
    reply = ask(pump, *what, **more)
    assert "result" in reply, reply
    return reply["result"]["token"]


def planned(pump: Watched) -> tuple:
    """Return (steps, seconds) planned of the extended bolus."""
    bolus = pump.pump.delivery.orders.extended
    return bolus.planned_steps, bolus.planned_s


def exact(second_s: int) -> int:
    """Return its exact steps after so many seconds."""
    return min(STEPS, (Fraction(VOLUME * second_s, DURATION) * PAIR.steps / PAIR.volume_nl).__floor__())


@pytest.mark.rule("R4")
def test_it_is_exactly_its_volume_over_its_time_beside_the_basal() -> None:
    pump = running(constant(RATE))
    pump.advance(10)
    token = ordered(pump)
    for _ in range(36):
        pump.advance(50)
        steps, second = planned(pump)
        assert steps == exact(second)
    pump.advance(60)
    told = pump.bolus(token)
    assert (told["state"], told["purpose"], told["delivered_steps"], told["ordered_steps"]) == ("done", "extended", STEPS, STEPS)
    position = pump.call("stop")["delivered_steps"]
    basal = Fraction(RATE * 1870, 3600) * PAIR.steps / PAIR.volume_nl
    assert abs(position - STEPS - basal) <= 2
    (dose,) = pump.records("dose")
    assert (dose["purpose"], dose["duration_s"], dose["volume_nl"]) == (4, DURATION, VOLUME)


@pytest.mark.rule("R4")
@pytest.mark.parametrize("after_s", [0.1, 3, 61.5, 700, 1795])
def test_another_bolus_goes_before_it_and_it_goes_on_with_exactly_what_is_left(after_s: float) -> None:
    pump = running(constant(RATE))
    pump.advance(10)
    token = ordered(pump)
    pump.advance(after_s)
    other = pump.order(60_000, 3_600_000)
    pump.advance(15)
    begun = 10 < after_s < 1790
    if begun:
        assert pump.bolus(token)["state"] == "paused" and pump.call("status")["extended"]["state"] == "paused"
        before = planned(pump)
        pump.advance(20)
        assert planned(pump) == before and before[0] == exact(before[1])
    pump.advance(1900)
    assert pump.bolus(other)["delivered_steps"] == 5_999
    told = pump.bolus(token)
    assert (told["state"], told["delivered_steps"]) == ("done", STEPS)
    span = pump.pump.delivery.span
    basal = (Fraction(RATE * span.planned_s, 3600) * PAIR.steps / PAIR.volume_nl).__floor__()
    assert span.ordered_steps == STEPS + 5_999 + basal
    names = [record.name for record in pump.journal() if record.name[:8] in ("extended", "bolus_st", "bolus_en")]
    around = ["extended_paused", "bolus_started", "bolus_ended", "extended_resumed"]
    if begun:
        assert names[-6:] == ["bolus_started", *around, "bolus_ended"]
        paused, resumed = pump.records("extended_paused")[0], pump.records("extended_resumed")[0]
        assert paused == resumed and paused["planned_steps"] == before[0]


def test_one_that_is_ordered_behind_a_bolus_waits_for_it() -> None:
    pump = running(constant(RATE))
    pump.advance(10)
    pump.order(60_000, 3_600_000)
    token = ordered(pump)
    pump.advance(30)
    assert pump.bolus(token)["state"] == "ordered"
    pump.advance(60)
    assert pump.bolus(token)["state"] == "delivering"
    pump.advance(1850)
    assert pump.bolus(token)["delivered_steps"] == STEPS


@pytest.mark.rule("R3")
@pytest.mark.parametrize("stop_s", [0.3, 2.9, 5.5, 7.5, 20, 69, 75])
def test_a_stop_around_a_pause_tells_what_was_made_of_each(stop_s: float) -> None:
    pump = running(constant(0))
    pump.advance(10)
    token = ordered(pump)
    pump.advance(300)
    other = pump.order(60_000, 3_600_000)
    pump.advance(stop_s)
    position = pump.call("stop")["delivered_steps"]
    told = {row["token"].hex(): row["delivered_steps"] for row in pump.records("bolus_ended")}
    assert told[token] + told[other] in (position, position - 1)
    assert pump.bolus(token)["state"] == "cut"


@pytest.mark.rule("R11")
@pytest.mark.parametrize("paused", [False, True])
def test_a_cut_ends_it_tells_what_was_made_and_does_not_resume_it(paused: bool) -> None:
    pump = running(resuming(constant(RATE)))
    pump.advance(10)
    token = ordered(pump)
    pump.advance(300)
    if paused:
        pump.order(60_000, 3_600_000)
        pump.advance(20)
    at_least = pump.pump.delivery.delivered(pump.pump.delivery.orders.extended)
    again = power_cut(pump, 3)
    again.advance(100)
    assert again.state() == "running" and "extended_cut" in again.alarms() and again.call("status")["extended"] is None
    told = again.bolus(token)
    assert (told["state"], told["purpose"]) == ("cut", "extended") and at_least <= told["delivered_steps"] < STEPS
    before = again.plant_steps()
    again.advance(60)
    assert again.plant_steps() - before in range(598, 603)


def test_it_is_cancelled_running_paused_and_before_it_began() -> None:
    for when in ("running", "paused", "wanted"):
        pump = running(constant(RATE))
        pump.advance(10)
        token = pump.token()
        lines = pump.request("bolus.extended", token=token, volume_nl=VOLUME, duration_s=DURATION)
        cancel = pump.request("bolus.cancel", token=token)
        if when == "wanted":
            pump.line(lines + cancel)
        else:
            pump.line(lines)
            pump.advance(200)
            if when == "paused":
                pump.order(60_000, 3_600_000)
                pump.advance(20)
            pump.line(cancel)
        pump.advance(100)
        told = pump.bolus(token)
        assert told["state"] == "cancelled" and (told["delivered_steps"] == 0) is (when == "wanted")
        assert told["delivered_steps"] == planned(pump)[0]
        before = pump.plant_steps()
        pump.advance(60)
        assert pump.plant_steps() - before in range(598, 603)


@pytest.mark.rule("R7")
@pytest.mark.parametrize(("duration_s", "nearest"), [(599, 600), (86_401, 86_400), (0, 600)])
def test_its_time_has_bounds(duration_s: int, nearest: int) -> None:
    told = refusal_of(ask(running(constant(RATE)), VOLUME, duration_s))
    assert (told["fault"], told["asked_s"], told["nearest_s"]) == ("extended_time", duration_s, nearest)


@pytest.mark.rule("R7")
def test_it_is_judged_beside_the_highest_basal_of_the_week_since_it_may_wait() -> None:
    made = day((0, 0, RATE), (12, 0, 2_000_000))
    made.max_rate_nl = 3_000_000
    pump = running(made, MONDAY_UTC_S)
    told = refusal_of(ask(pump, 500_001, 1800))
    assert (told["fault"], told["nearest_nl"], told["limit_nl"]) == ("rate_above_ceiling", 1_000_000, 3_000_000)
    ordered(pump, 500_000, 1800)


@pytest.mark.rule("R5")
def test_the_hour_and_the_day_must_hold_it() -> None:
    made = constant(RATE)
    made.hour_nl, made.day_nl = 1_000_000, 10_000_000
    pump = running(made)
    told = refusal_of(ask(pump, 1_400_000, 7200))
    assert told["fault"] == "hour_above_ceiling"
    assert refusal_of(ask(pump, told["nearest_nl"] + 200, 7200))["fault"] == "hour_above_ceiling"
    assert refusal_of(ask(pump, 1_400_000, 86_400))["fault"] == "day_above_ceiling"
    ordered(pump, told["nearest_nl"] - 200, 7200)


@pytest.mark.rule("R5")
def test_it_counts_among_the_boluses_of_a_day() -> None:
    pump = running(with_settings(constant(RATE), bolus_max_nl=600_000, bolus_day_nl=800_000))
    assert refusal_of(ask(pump, 600_001, 3600))["fault"] == "bolus_above_max"
    ordered(pump, 600_000, 3600)
    token = pump.token()
    assert pump.refusal("bolus.start", token=token, volume_nl=200_001, rate_nl=3_600_000)["fault"] == "bolus_day"


@pytest.mark.rule("R8")
def test_a_token_orders_one_and_there_is_one_at_a_time() -> None:
    pump = running(constant(RATE))
    token = ordered(pump)
    pump.advance(20)
    assert ordered(pump, token=token) == token
    assert refusal_of(ask(pump, VOLUME, 1801, token=token))["fault"] == "token_used"
    assert refusal_of(ask(pump))["fault"] == "extended_active"
    assert refusal_of(ask(pump, token="0" * 16))["fault"] == "token_unknown"
    assert len(pump.records("dose")) == 1
    pump.call("stop")
    assert refusal_of(ask(pump))["fault"] == "not_running"


@pytest.mark.rule("R5")
def test_a_ceiling_ends_it_also_when_it_waits() -> None:
    made = constant(RATE)
    made.hour_nl = 400_000
    pump = running(made)
    pump.pump.setup.ceilings.hour_steps = 12_000  # reached within minutes
    pump.pump.setup.ceilings.hour_nl = 10_000_000
    pump.advance(10)
    bolus = pump.pump.delivery.orders
    pump.pump.setup.ceilings.hour_steps = 60_000
    token = ordered(pump, 40_000, 1800)
    pump.advance(20)
    pump.pump.setup.ceilings.hour_steps = 1_000
    pump.advance(120)
    assert pump.state() == "limited" and pump.bolus(token)["state"] == "cut" and bolus.live() == []


@pytest.mark.rule("R3")
@pytest.mark.parametrize("then", ["nothing", "bolus", "temporary", "stop"])
def test_a_cancel_tells_the_most_that_it_will_have_made_and_the_journal_what_it_made(then: str) -> None:
    """It ends with its lease, and another order or a stop ends that sooner."""
    pump = running(constant(0))
    pump.advance(3)
    one, other = ordered(pump), ""
    pump.advance(70)
    told = pump.call("bolus.cancel", token=one)["planned_steps"]
    if then == "bolus":
        other = pump.order(60_000, 3_600_000)
    elif then == "temporary":
        token = pump.token()
        pump.call("temporary.start", token=token, rate_nl=0, numerator=0, denominator=0, duration_s=60)
    elif then == "stop":
        pump.advance(3)
        pump.call("stop")
    pump.advance(120)
    made = pump.plant_steps() - (pump.bolus(other)["delivered_steps"] if other else 0)
    (ended,) = [row["delivered_steps"] for row in pump.records("bolus_ended") if row["token"].hex() == one]
    assert ended == pump.bolus(one)["delivered_steps"] == made
    assert made == told if then == "nothing" else made < told
