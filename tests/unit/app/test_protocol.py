"""Protocols on a running pump: the staircase within one step, their end, hold, start, cut and resume, and what is on top of them."""

from fractions import Fraction
from itertools import accumulate, chain, islice, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.delivery.course import Course
from pumpcore.flash import ledger
from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.orders.bolus import Temporary
from pumpcore.program.plan import Program
from pumpcore.program.protocol import AFTER, HOLD, WAITS
from support.models import protocols as reference
from support.programs import constant
from support.protocols import RAMP, UL_S, at_time, in_words, protocols, slope, staged
from support.pump.running import BENCH, UnitPump, again, bench_with, ready, running

PAIR = Calibration(BENCH["calibration"]["volume_nl"], BENCH["calibration"]["steps"])
STEPS_PER_NL = Fraction(PAIR.steps, PAIR.volume_nl)
WIDE = bench_with(rate_nl=2**47, hour_nl=2**48, day_nl=2**48)


class Plan:
    """The steps of the reference by any moment of a protocol."""

    def __init__(self, made: Program, longest_s: int = 4000) -> None:
        stages, loops, held = in_words(made)
        rates = [rate * STEPS_PER_NL for rate in islice(chain(reference.rates(stages, loops, held), repeat(Fraction(0))), longest_s)]
        self._rates, self._sums = rates, [Fraction(0), *accumulate(rates)]

    def at(self, second: Fraction) -> Fraction:
        if second <= 0:
            return Fraction(0)
        whole = int(second)
        return self._sums[whole] + (second - whole) * self._rates[whole]


def follow(pump: UnitPump, made: Program, seconds: float, wait_s: int = 0) -> None:
    """Let time pass and compare the plant with the reference at every turn of the loop."""
    plan, span, before = Plan(made), pump.pump.delivery.span, pump.plant_steps()
    compared = 0

    def look() -> None:
        nonlocal compared
        now_us = pump.board.clock.now_us
        exact = plan.at(Fraction(now_us, 1_000_000) - Fraction(span.origin_ms, 1000) - wait_s)
        made_steps = pump.plant_steps() - before
        assert exact - 1 - Fraction(1, 50) < made_steps <= exact + Fraction(1, 50), (now_us, made_steps, float(exact))
        compared += 1

    pump.each_turn(seconds, look)
    assert compared > seconds / 10


# --- delivered ----------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R4")
@pytest.mark.parametrize("made", [slope(), slope(loops=((0, 3, 2),)), staged((17, UL_S, UL_S), (13, 13 * 130_000, 0), loops=((0, 2, 0),))])
def test_every_moment_is_within_one_step_of_the_staircase(made: Program) -> None:
    pump = running(made)
    follow(pump, made, 290)


@pytest.mark.rule("R4")
@settings(max_examples=25, deadline=None)
@given(protocols(most_times=3))
def test_a_drawn_protocol_is_within_one_step_and_ends_with_its_volume(made: Program) -> None:
    made.rate_seconds_s = 60
    pump = UnitPump.running(made, bench=WIDE)
    end_s = min(made.protocol.end_s(), 400)
    follow(pump, made, end_s + 1)
    if made.protocol.end_s() < 400 and made.protocol.then != HOLD:
        pump.advance(5)
        total = Fraction(made.protocol.total_nl_s(), made.rate_seconds_s)
        assert pump.state() == "stopped"
        assert pump.plant_steps() == int(total * STEPS_PER_NL)


@pytest.mark.rule("R2")
def test_a_lease_runs_across_the_seconds_of_a_ramp_and_never_across_a_stage() -> None:
    pump = running(staged((45, 0, 90 * UL_S // 60), (200, 400 * 9_000, 400 * 18_000), (30, 0, 0)))
    seen: list[tuple[int, int]] = []

    def look() -> None:
        record = pump.on_flash()
        if record.state == ledger.RUNNING and (not seen or seen[-1][0] != record.sequence):
            seen.append((record.sequence, record.protocol_s))

    pump.each_turn(270, look)
    ends = [at_s for _, at_s in seen]
    assert ends == sorted(ends) and {45, 245} <= set(ends) and ends[-1] == 275
    assert len(ends) <= 9, "a ramp takes a lease a minute"


@pytest.mark.rule("R3")
def test_the_end_delivers_every_step_that_was_ordered() -> None:
    pump = running(staged((10, UL_S, UL_S)))
    pump.advance(15)
    stopped = pump.records("stopped")[-1]
    assert (stopped["by"], stopped["ordered_steps"], stopped["delivered_steps"]) == (5, 999, 999)
    assert pump.plant_steps() == 999


def test_a_protocol_ends_by_itself_and_the_journal_says_so() -> None:
    pump = running(slope())
    pump.advance(204)
    assert pump.state() == "stopped" and pump.call("status")["protocol"] is None
    assert [row["by"] for row in pump.records("stopped")] == [5]
    assert [(row["entry"], row["rate_nl"]) for row in pump.records("entry")] == [(0, 0), (1, 60_000), (2, 2 * UL_S), (3, 2 * UL_S - 60_000)]
    assert not pump.board.stepper.enabled
    assert pump.on_flash().state == ledger.IDLE and not pump.alarms()
    pump.call("start")
    pump.advance(100)
    assert pump.call("status")["protocol"]["stage"] == 2


@pytest.mark.rule("R4")
def test_the_last_rate_is_held() -> None:
    made = staged((10, 0, 0), RAMP, then=HOLD)
    pump = running(made)
    follow(pump, made, 300)
    told = pump.call("status")
    assert told["state"] == "running" and told["entry_rate_nl"] == RAMP[2]
    assert (told["protocol"]["stage"], told["protocol"]["left_s"], told["protocol"]["stage_left_s"]) == (2, None, None)
    assert pump.records("entry")[-1]["entry"] == 2


def test_status_knows_stage_loop_time_left_and_what_comes_next() -> None:
    pump = running(slope(loops=((1, 3, 4),)))
    pump.advance(30 + 170 + 75 - 0.002)
    told = pump.call("status")
    assert told["protocol"] == {
        "stage": 2, "stages": 4, "pass": 2, "passes": 4, "second_s": 14, "stage_left_s": 36, "left_s": 36 + 60 + 2 * 170, "waits_s": 0,
        "rate_nl": 2 * UL_S, "next_rate_nl": 2 * UL_S - 60_000,
    }
    assert (told["entry"], told["entry_rate_nl"], told["next_change_s"]) == (2, 2 * UL_S, 36)
    assert "protocol" in pump.call("hello")["capabilities"]


def test_a_start_in_a_time_waits_so_many_powered_on_seconds() -> None:
    made = slope()
    made.protocol.start, made.protocol.start_value = AFTER, 90
    pump = running(made)
    follow(pump, made, 80, 90)
    told = pump.call("status")["protocol"]
    assert (told["stage"], told["waits_s"], told["next_rate_nl"]) == (None, 10, 0)
    follow(pump, made, 150, 90)
    assert [row["entry"] for row in pump.records("entry")] == [WAITS, 0, 1, 2, 3]


@pytest.mark.rule("R11")
def test_a_start_at_a_time_needs_a_known_clock() -> None:
    pump = ready(at_time(2), utc_s=0)
    assert pump.fault("start") == "clock_unknown"
    pump = running(at_time(2))
    follow(pump, at_time(2), 200, 120)


# --- journal ------------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R9")
def test_repeats_take_no_more_flash_than_one_pass() -> None:
    made = staged((10, UL_S, UL_S), (10, 0, 0), loops=((0, 2, 1000),))
    pump = running(made)
    pump.advance(3_000)
    entries = pump.records("entry")
    assert [row["entry"] for row in entries] == [0, 1]
    totals = [row for row in pump.records("total") if "pass" in row]
    assert [row["pass"] for row in totals] == [15 * number for number in range(1, 11)] or len(totals) == 10
    assert all(row["pass"] == -(-row["powered_on_s"] // 20) or row["pass"] == row["powered_on_s"] // 20 + 1 for row in totals)
    assert len(pump.journal()) < 20


@pytest.mark.rule("R5")
def test_windows_are_rebuilt_from_the_totals_of_a_protocol() -> None:
    pump = UnitPump.running(staged((30, UL_S, UL_S), (30, 0, 0), loops=((0, 2, 0),)))
    pump.advance(7_300)
    pump.call("stop")
    counted_nl = pump.call("status")["hour_nl"]
    booted = again(pump)
    assert counted_nl * 9 // 10 < booted.call("status")["hour_nl"] <= counted_nl + 5 * 30_000 < PAIR.nl_for_steps(pump.plant_steps())


# --- on top -------------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R4")
def test_boluses_come_on_top_and_delay_nothing() -> None:
    made = slope(loops=((1, 3, 2),))
    pump = running(made)
    pump.advance(50)
    token = pump.order(20_000, UL_S)
    pump.advance(200)
    extended = pump.token()
    pump.call("bolus.extended", token=extended, volume_nl=60_000, duration_s=600)
    pump.advance(160)
    assert pump.state() == "running", "the extended bolus is not over"
    told = pump.call("status")
    assert (told["protocol"]["stage"], told["protocol"]["rate_nl"], told["protocol"]["left_s"]) == (4, 0, 0)
    pump.advance(500)
    assert pump.state() == "stopped" and (pump.bolus(token)["state"], pump.bolus(extended)["state"]) == ("done", "done")
    whole = int(Fraction(made.protocol.total_nl_s(), 3600) * STEPS_PER_NL)
    assert pump.plant_steps() == whole + PAIR.steps_for_nl(20_000) + PAIR.steps_for_nl(60_000)


@pytest.mark.rule("R4")
@settings(max_examples=25, deadline=None)
@given(protocols(most_times=3, endless=False), st.integers(0, 60), st.integers(1_000, 90_000), st.integers(0, 90))
def test_drawn_protocols_with_boluses_on_top_make_the_sum(made: Program, first_s: int, dose_nl: int, then_s: int) -> None:
    made.rate_seconds_s, made.protocol.then = 60, 0
    pump = UnitPump.running(made, bench=WIDE)
    doses = 0
    for wait_s, method, values in (
        (first_s, "bolus.start", {"volume_nl": dose_nl, "rate_nl": dose_nl * 2}),
        (then_s, "bolus.extended", {"volume_nl": dose_nl // 9 + 500, "duration_s": 600}),
    ):
        pump.advance(wait_s)
        reply = pump.ask(method, token=pump.token(), **values)
        doses += reply["result"]["ordered_steps"] if "result" in reply else 0
    pump.advance(made.protocol.end_s() + 1300)
    assert pump.state() == "stopped"
    assert pump.plant_steps() == int(Fraction(made.protocol.total_nl_s(), 60) * STEPS_PER_NL) + doses


@pytest.mark.rule("R4")
@pytest.mark.parametrize(("rate_nl", "pair"), [(UL_S, (0, 0)), (0, (1, 3)), (0, (5, 4))])
def test_a_temporary_rate_takes_its_place_for_a_time(rate_nl: int, pair: tuple[int, int]) -> None:
    made = slope()
    pump = running(made)
    pump.advance(31)
    begins = pump.call("temporary.start", token=pump.token(), rate_nl=rate_nl, numerator=pair[0], denominator=pair[1], duration_s=60)
    pump.advance(180)
    assert pump.state() == "stopped"
    plan = Plan(made)
    from_s = round(Fraction(begins["begins_at_ms"], 1000))
    replaced = plan.at(Fraction(from_s + 60)) - plan.at(Fraction(from_s))
    instead = Fraction(rate_nl, 3600) * 60 * STEPS_PER_NL if rate_nl else replaced * pair[0] / pair[1]
    exact = plan.at(Fraction(300)) - replaced + instead
    assert exact - 2 < pump.plant_steps() <= exact


@settings(max_examples=60, deadline=None)
@given(protocols(), st.integers(0, 300), st.integers(1, 300), st.integers(0, 3), st.integers(60, 200))
def test_skip_and_plan_agree_with_seconds_laid_end_to_end(made: Program, from_s: int, time_s: int, n: int, temporary_s: int) -> None:
    def course() -> Course:
        basal = Course(made, Accumulator(made.rate_seconds_s, PAIR), None)
        basal.begin(0, None, -20)
        temporary = Temporary("t", 50 if n == 3 else 0, n % 3, 7 if n < 3 else 0, temporary_s)
        temporary.end_s = from_s + temporary_s
        basal.begin_temporary(temporary)
        return basal

    whole, parts = course(), course()
    planned = whole.plan_steps(from_s, time_s)
    assert planned == whole.skip(from_s, time_s)
    steps, at_s = 0, from_s
    while at_s < from_s + time_s:
        part_s = min(parts.until_change_s(at_s), 37, from_s + time_s - at_s)
        steps += parts.skip(at_s, part_s)
        at_s += part_s
    assert steps == planned and parts.accumulator.remainder == whole.accumulator.remainder


@pytest.mark.rule("R5")
def test_a_pause_at_a_ceiling_goes_on_in_the_protocol_s_own_time() -> None:
    made = staged((300, 2 * UL_S, 2 * UL_S), (60, 2 * UL_S, 0), (3_600, 360_000, 360_000), then=HOLD)
    pump = running(made, bench=bench_with(hour_nl=1_200_000))
    pump.order(500_000, 10 * UL_S)
    pump.advance(400)
    told = pump.call("status")
    assert told["state"] in ("limited", "running") and told["protocol"]["stage"] == 2
    assert pump.call("status")["hour_nl"] <= 1_200_000


# --- another program ----------------------------------------------------------------------------------------------------------


def test_a_protocol_takes_over_from_a_running_program_with_its_first_second() -> None:
    pump = running(constant(360_000))
    pump.advance(30)
    pump.upload(slope())
    pump.advance(60)
    span = pump.pump.delivery.span
    told = pump.call("status")
    assert told["protocol"]["stage"] is not None and told["protocol"]["left_s"] > 100
    pump.advance(250)
    assert pump.state() == "stopped" and span.basal.over(400)


def test_another_program_takes_over_from_a_protocol() -> None:
    pump = running(slope())
    pump.advance(100)
    pump.upload(constant(360_000))
    pump.advance(300)
    told = pump.call("status")
    assert (told["state"], told["protocol"], told["entry_rate_nl"]) == ("running", None, 360_000)


def test_nothing_is_ordered_once_it_has_ended() -> None:
    pump = running(staged((10, UL_S, UL_S)))
    pump.advance(8.5)
    assert pump.pump.delivery.ends()
    token = pump.token()
    assert pump.fault("bolus.start", token=token, volume_nl=20_000, rate_nl=UL_S) == "not_running"
    pump.advance(5)
    assert pump.state() == "stopped"


def test_a_stored_protocol_is_active_after_power_up() -> None:
    pump = again(ready(slope(loops=((0, 2, 30),))))
    told = pump.call("status")
    assert pump.pump.setup.program.peaks and told["program_name"] == "protocol"
    pump.call("start")
    pump.advance(100)
    told = pump.call("status")["protocol"]
    assert (told["stage"], told["pass"], told["passes"]) == (0, 2, 30)
