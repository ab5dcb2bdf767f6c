"""Temporary rates: exact, for their time, checked, ended by a cut, and never resumed into more."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.delivery.basal import Basal
from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.orders.bolus import Temporary
from pumpcore.program.schedule import Week, Zone
from support.programs import MONDAY_UTC_S, constant, day, resuming, with_settings
from support.pump.running import BENCH, Watched, power_cut, running
from support.replies import refusal_of

PAIR = Calibration(BENCH["calibration"]["volume_nl"], BENCH["calibration"]["steps"])
RATE = 3_600_000  # 1 ul a second


def ask(pump: Watched, duration_s: int = 600, rate_nl: int = 0, pair: tuple = (0, 0), token: str = "") -> dict:
    token = token or pump.token()
    numerator, denominator = pair
    values = {"rate_nl": rate_nl, "numerator": numerator, "denominator": denominator, "duration_s": duration_s}
    return pump.ask("temporary.start", token=token, **values)


def ordered(pump: Watched, *what: object, **more: object) -> dict:
    reply = ask(pump, *what, **more)
    assert "result" in reply, reply
    return reply["result"]


def steps_of(volume_nl: Fraction) -> Fraction:
    return volume_nl * PAIR.steps / PAIR.volume_nl


# --- exact --------------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R4")
@given(st.integers(0, 10**7), st.integers(0, 10_000), st.integers(1, 10_000), st.integers(1, 5000), st.integers(1, 5000))
def test_a_part_of_the_basal_is_exact_and_goes_back_without_drift(rate_nl: int, n: int, d: int, before_s: int, during_s: int) -> None:
    basal = Basal(constant(rate_nl), Accumulator(3600, PAIR), None)
    steps = basal.accumulator.advance(basal.rate_nl(0), before_s)
    made = Temporary("t", 0, n, d, during_s)
    made.end_s = before_s + during_s
    basal.begin_temporary(made)
    exact = steps_of(Fraction(rate_nl, 3600) * before_s)
    assert Fraction(basal.accumulator.remainder, basal.accumulator.modulus) == exact - steps
    steps += basal.accumulator.advance(basal.rate_nl(0), during_s)
    exact += steps_of(Fraction(rate_nl * n, 3600 * d) * during_s)
    assert Fraction(basal.accumulator.remainder, basal.accumulator.modulus) == exact - steps
    modulus = basal.accumulator.modulus
    lost = basal.end_temporary()
    assert basal.accumulator.modulus == 3600 * PAIR.volume_nl and basal.end_temporary() == 0
    assert Fraction(basal.accumulator.remainder, basal.accumulator.modulus) + Fraction(lost, modulus) == exact - steps


@settings(deadline=None)
@given(st.integers(0, 200_000), st.integers(1, 90_000), st.integers(0, 3), st.integers(60, 80_000), st.integers(0, 100_000))
def test_skip_and_plan_agree_with_seconds_laid_end_to_end(from_s: int, time_s: int, n: int, temporary_s: int, week_s: int) -> None:
    def made() -> Basal:
        basal = Basal(day((0, 0, 300_000), (6, 30, 900_001), (18, 0, 0)), Accumulator(3600, PAIR), Week(345_600 + week_s, Zone(0)))
        temporary = Temporary("t", 0, n, 7, temporary_s)
        temporary.end_s = from_s + temporary_s
        basal.begin_temporary(temporary)
        return basal

    whole, parts = made(), made()
    kept = (whole.accumulator.remainder, whole.accumulator.modulus, whole.temporary)
    planned = whole.plan_steps(from_s, time_s)
    assert (whole.accumulator.remainder, whole.accumulator.modulus, whole.temporary) == kept
    assert planned == whole.skip(from_s, time_s)
    steps, at_s = 0, from_s
    while at_s < from_s + time_s:
        part_s = min(parts.until_change_s(at_s), 997, from_s + time_s - at_s)
        steps += parts.skip(at_s, part_s)
        at_s += part_s
    assert steps == planned and parts.accumulator.remainder == whole.accumulator.remainder
    assert (parts.temporary is None) == (time_s >= temporary_s)


@pytest.mark.rule("R4")
@pytest.mark.parametrize(
    ("rate_nl", "pair"), [(0, (0, 1)), (0, (1, 3)), (0, (7, 3)), (1_234_567, (0, 0)), (0, (0, 0)), (9_000_000, (0, 0))]
)
def test_the_plant_makes_the_temporary_rate_for_its_time_and_the_basal_around_it(rate_nl: int, pair: tuple) -> None:
    pump = running(constant(RATE))
    pump.advance(100)
    answer = ordered(pump, 600, rate_nl, pair)
    begun_s = (answer["begins_at_ms"] - pump.pump.delivery.span.origin_ms) // 1000
    assert answer["ends_at_ms"] == answer["begins_at_ms"] + 600_000
    pump.advance((answer["ends_at_ms"] - pump.board.clock.uptime_ms()) / 1000 + 50)
    assert pump.call("status")["temporary"] is None
    span = pump.pump.delivery.span
    inside = Fraction(RATE * pair[0], pair[1]) if pair[1] else Fraction(rate_nl)
    plan = Fraction(RATE) * (span.planned_s - 600) + inside * 600
    begun = steps_of(Fraction(RATE * begun_s, 3600))
    assert span.ordered_steps == steps_of(plan / 3600).__floor__(), begun
    (ended,) = pump.records("temporary_ended")
    assert ended["reason"] == 0 and ended["ordered_steps"] == steps_of((Fraction(RATE) * begun_s + inside * 600) / 3600).__floor__()


def test_it_does_not_move_the_schedule() -> None:
    pump = running(day((0, 0, RATE), (0, 10, 2 * RATE), (0, 20, RATE)), MONDAY_UTC_S)
    pump.advance(60)
    answer = ordered(pump, 900, 0, (1, 2))
    pump.advance(1300)
    begun_s = (answer["begins_at_ms"] - pump.pump.delivery.span.origin_ms) // 1000
    span = pump.pump.delivery.span

    def plan(second: int) -> Fraction:
        rate = 2 * RATE if 600 <= (span.basal.week.begin_s + second) % 86_400 < 1200 else RATE
        return Fraction(rate, 2) if begun_s <= second < begun_s + 900 else Fraction(rate)

    total = sum([plan(second) for second in range(span.planned_s)])
    assert span.ordered_steps == steps_of(total / 3600).__floor__()


# --- ending -------------------------------------------------------------------------------------------------------------------


def test_a_cancelled_one_ends_with_the_next_slice() -> None:
    pump = running(constant(RATE))
    pump.advance(10)
    token = ordered(pump, 3600, 0, (0, 1))["token"]
    pump.advance(100)
    assert pump.call("status")["temporary"]["rest_s"] in range(3480, 3510)
    assert pump.fault("temporary.cancel", token="0" * 16) == "no_temporary"
    ends_ms = pump.call("temporary.cancel", token=token)["ends_at_ms"]
    assert ends_ms - pump.board.clock.uptime_ms() <= 7000
    pump.advance(60)
    assert [row["reason"] for row in pump.records("temporary_ended")] == [1] and pump.call("status")["temporary"] is None
    assert pump.fault("temporary.cancel", token=token) == "no_temporary"
    before = pump.plant_steps()
    pump.advance(60)
    assert pump.plant_steps() - before in range(5990, 6010)


def test_one_that_has_not_begun_can_be_cancelled() -> None:
    pump = running(constant(RATE))
    pump.advance(10)
    token = pump.token()
    lines = pump.request("temporary.start", token=token, rate_nl=0, numerator=0, denominator=0, duration_s=60)
    pump.line(lines + pump.request("temporary.cancel", token=token))
    pump.advance(60)
    assert [row["reason"] for row in pump.records("temporary_ended")] == [1] and pump.call("status")["temporary"] is None


def test_a_stop_ends_it_and_the_next_start_is_the_program() -> None:
    pump = running(constant(RATE))
    pump.advance(10)
    ordered(pump, 3600, 0, (1, 3))
    pump.advance(100)
    pump.call("stop")
    assert [row["reason"] for row in pump.records("temporary_ended")] == [3]
    pump.call("start")
    pump.advance(1)
    before = pump.plant_steps()
    pump.advance(60)
    assert pump.plant_steps() - before in range(5990, 6010)


@pytest.mark.rule("R11")
@pytest.mark.parametrize(
    ("rate_nl", "pair", "resumes"), [(0, (1, 2), False), (0, (0, 0), False), (0, (3, 2), True), (9_000_000, (0, 0), True)]
)
def test_a_cut_ends_it_and_resumes_only_into_less(rate_nl: int, pair: tuple, resumes: bool) -> None:
    pump = running(resuming(constant(RATE)))
    pump.advance(10)
    ordered(pump, 3600, rate_nl, pair)
    pump.advance(100)
    again = power_cut(pump, 3)
    again.advance(150)
    assert again.state() == ("running" if resumes else "stopped") and again.call("status")["temporary"] is None
    assert "temporary_cut" in again.alarms() and ("not_resumed" in again.alarms()) is not resumes
    assert [row["reason"] for row in again.records("temporary_ended")] == [2]
    if resumes:
        before = again.plant_steps()
        again.advance(60)
        assert again.plant_steps() - before in range(5990, 6010)


@pytest.mark.rule("R11")
def test_a_rate_that_is_lower_only_later_does_not_resume_either() -> None:
    pump = running(resuming(day((0, 0, RATE), (0, 20, 3 * RATE))), MONDAY_UTC_S)
    pump.advance(10)
    ordered(pump, 3600, 2 * RATE)
    pump.advance(100)
    again = power_cut(pump, 3)
    again.advance(150)
    assert again.state() == "stopped"


# --- refusing -----------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R7")
@pytest.mark.parametrize(
    ("values", "fault", "nearest"),
    [
        ({"duration_s": 59}, "temporary_time", 60),
        ({"duration_s": 86_401}, "temporary_time", 86_400),
        ({"rate_nl": 1, "pair": (1, 2)}, "temporary_pair", None),
        ({"pair": (1, 0)}, "temporary_pair", None),
        ({"pair": (10_001, 10_000)}, "temporary_pair", None),
        ({"rate_nl": 700_000_001}, "rate_above_ceiling", None),
        ({"pair": (10_000, 1)}, "rate_above_ceiling", None),
        ({"rate_nl": 639_000_000, "duration_s": 86_400}, "day_above_ceiling", None),
        ({"rate_nl": 690_000_000, "duration_s": 3600}, "hour_above_ceiling", None),
    ],
)
def test_what_can_t_be_is_refused(values: dict, fault: str, nearest: int | None) -> None:
    pump = running(constant(RATE))
    told = refusal_of(ask(pump, **values))
    assert told["fault"] == fault and told["rule"] in ("R5", "R7")
    assert nearest is None or told["nearest_s"] == nearest
    nearest_nl = told.get("nearest_rate_nl", told.get("nearest_nl"))
    if nearest_nl is not None and "rate_nl" in values:
        assert refusal_of(ask(pump, **{**values, "rate_nl": nearest_nl + 25}))["fault"] == fault
        ordered(pump, **{**values, "rate_nl": nearest_nl})


@pytest.mark.rule("R7")
def test_it_leaves_room_for_the_bolus_that_runs() -> None:
    made = constant(RATE)
    made.max_rate_nl = 8_000_000
    pump = running(made)
    pump.order(120_000, 3_600_000)
    told = refusal_of(ask(pump, 600, 4_400_001))
    assert (told["fault"], told["nearest_nl"], told["limit_nl"]) == ("rate_above_ceiling", 4_400_000, 8_000_000)
    ordered(pump, 600, 4_400_000)


@pytest.mark.rule("R7")
def test_a_bolus_is_judged_beside_it() -> None:
    made = constant(RATE)
    made.max_rate_nl = 8_000_000
    pump = running(made)
    ordered(pump, 600, 0, (2, 1))
    pump.advance(10)
    token = pump.token()
    assert pump.refusal("bolus.start", token=token, volume_nl=60_000, rate_nl=800_001)["nearest_nl"] == 800_000
    assert "result" in pump.ask("bolus.start", token=token, volume_nl=60_000, rate_nl=800_000)


@pytest.mark.rule("R7")
def test_the_library_s_rates_bind_it() -> None:
    library = {"library": "bench", "library_version": 1, "soft_rate_nl": 4_000_000, "hard_rate_nl": 5_000_000}
    pump = running(with_settings(constant(RATE), **library))
    assert refusal_of(ask(pump, 600, 4_000_001))["fault"] == "library_soft"
    assert refusal_of(ask(pump, 600, 5_000_001))["fault"] == "library_hard"
    pump = running(with_settings(constant(RATE), **library, overrides=2))
    assert refusal_of(ask(pump, 600, 5_000_001))["fault"] == "library_hard"
    ordered(pump, 600, 5_000_000)


@pytest.mark.rule("R8")
def test_a_token_orders_one_and_there_is_one_at_a_time() -> None:
    pump = running(constant(RATE))
    token = pump.token()
    first = ordered(pump, 60, 5, token=token)
    pump.advance(20)
    assert ordered(pump, 60, 5, token=token) == first
    assert refusal_of(ask(pump, 61, 5, token=token))["fault"] == "token_used"
    assert refusal_of(ask(pump, 60, 5))["fault"] == "temporary_active"
    assert refusal_of(ask(pump, 60, 5, token="0" * 16))["fault"] == "token_unknown"
    pump.advance(100)
    assert ordered(pump, 60, 5, token=token) == first and len(pump.records("temporary_ordered")) == 1
    ordered(pump, 60, 5)


def test_a_stopped_pump_has_none() -> None:
    pump = running(constant(RATE))
    pump.call("stop")
    assert refusal_of(ask(pump, 60, 5))["fault"] == "not_running"
