"""Protocols through a power cut: stopped, or gone on with at the end of the broken lease; and while they wait for their start."""

import json
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpcore.flash import slots
from pumpcore.motion.dose import Calibration
from pumpcore.program.plan import Program
from pumpcore.program.protocol import AFTER, AT
from support.programs import resuming
from support.protocols import UL_S, at_time, protocols, slope, staged
from support.pump.flash import images_at_each_operation
from support.pump.running import BENCH, UnitPump, again, bench_with, power_cut, running

PAIR = Calibration(BENCH["calibration"]["volume_nl"], BENCH["calibration"]["steps"])
STEPS_PER_NL = Fraction(PAIR.steps, PAIR.volume_nl)
WIDE = bench_with(rate_nl=2**47, hour_nl=2**48, day_nl=2**48)


@pytest.mark.rule("R11")
def test_a_cut_stops_a_protocol_unless_it_says_resume() -> None:
    pump = running(slope())
    pump.advance(60)
    booted = again(pump, 120)
    booted.advance(100)
    assert booted.state() == "stopped" and "not_resumed" in booted.alarms()


@pytest.mark.rule("R11")
@pytest.mark.parametrize("cut_s", [5, 29.5, 61.2, 85, 120, 199])
def test_it_resumes_at_the_end_of_the_broken_lease(cut_s: float) -> None:
    made = resuming(slope())
    pump = running(made)
    pump.advance(cut_s)
    record = pump.on_flash()
    leased = record.leased_steps
    booted = again(pump, 500)
    booted.advance(1)
    boot = booted.records("boot")[-1]
    assert boot["uncertain_steps"] == leased - boot["confirmed_steps"]
    before = booted.delivered_steps() - booted.plant_steps()
    assert before == leased
    booted.advance(300)
    assert booted.state() == "stopped" and booted.records("stopped")[-1]["by"] == 5
    whole = int(Fraction(made.protocol.total_nl_s(), made.rate_seconds_s) * STEPS_PER_NL)
    assert whole - 1 <= booted.delivered_steps() <= max(whole, leased), "nothing is made twice and nothing is caught up"
    assert [row["missed_steps"] for row in booted.records("missed")] == [0]


@pytest.mark.rule("R2")
def test_cuts_at_every_flash_operation_of_a_short_protocol() -> None:
    made = resuming(staged((12, UL_S, UL_S), (10, 0, 20 * 90_000), (10, 0, 0), loops=((0, 2, 2),)))
    whole = int(Fraction(made.protocol.total_nl_s(), made.rate_seconds_s) * STEPS_PER_NL)
    first = UnitPump.ready(made)
    image = first.image()
    first.board.chip.record(lambda: (first.plant_steps(), first.board.clock.utc_s(), first.pump.delivery.span is not None))
    first.call("start")
    first.advance(60)
    assert first.plant_steps() == whole and first.state() == "stopped"
    ran = 0
    for _, _, cut_image, (made_steps, utc_s, _) in images_at_each_operation(image, first.board.chip.log):
        booted = UnitPump(cut_image, utc_s + 30)
        booted.advance(130)
        assert booted.state() == "stopped"
        boot = booted.records("boot")[-1]
        assert booted.pump.book.position_steps >= made_steps
        if booted.plant_steps():
            ran += 1
            assert whole - 1 <= booted.delivered_steps() <= max(whole, boot["leased_steps"]) + 1
    assert ran > 10


@pytest.mark.rule("R11")
def test_a_lost_clock_does_not_keep_a_protocol_that_has_begun_from_resuming() -> None:
    pump = running(resuming(at_time(1)))
    pump.advance(100)
    booted = power_cut(pump, known=False)
    booted.advance(100)
    assert booted.state() == "running"
    waiting = running(resuming(at_time(60)))
    waiting.advance(10)
    booted = power_cut(waiting, known=False)
    booted.advance(100)
    assert booted.state() == "stopped" and "clock_lost" in booted.alarms()


@pytest.mark.rule("R11")
@pytest.mark.parametrize(("start", "off_s", "waits_s"), [(AFTER, 600, 3_000), (AT, 600, 2_400), (AT, 9_000, 0)])
def test_a_cut_while_it_waits_counts_by_the_clock_or_not_at_all(start: int, off_s: int, waits_s: int) -> None:
    made = resuming(slope())
    made.protocol.start, made.protocol.start_value = start, 3_060 if start == AFTER else 51
    pump = running(made)
    pump.advance(55)
    booted = again(pump, off_s + 5)
    booted.advance(1)
    told = booted.call("status")["protocol"]
    assert abs(told["waits_s"] - waits_s) <= 2


@pytest.mark.rule("R2")
@settings(max_examples=25, deadline=None)
@given(protocols(most_times=3, endless=False), st.integers(1, 200_000), st.booleans(), st.integers(0, 4_000))
def test_a_drawn_protocol_cut_at_any_moment_goes_on_at_the_lease_s_end(made: Program, cut_ms: int, known: bool, off_s: int) -> None:
    made.rate_seconds_s, made.protocol.then = 60, 0
    pump = UnitPump.running(resuming(made), bench=WIDE)
    pump.advance(cut_ms / 1000)
    runs, leased, made_steps = pump.pump.delivery.span is not None, pump.on_flash().leased_steps, pump.plant_steps()
    booted = power_cut(pump, off_s, known)
    booted.advance(made.protocol.end_s() + 70)
    whole = int(Fraction(made.protocol.total_nl_s(), 60) * STEPS_PER_NL)
    assert booted.state() == "stopped" and made_steps <= leased
    if runs:
        assert booted.delivered_steps() - booted.plant_steps() == leased
        assert whole - 1 <= booted.delivered_steps() <= max(whole, leased)


@pytest.mark.rule("R5")
@pytest.mark.rule("R6")
def test_a_stored_protocol_whose_fullest_hour_a_new_bench_does_not_allow_is_not_run() -> None:
    pump = UnitPump.ready(staged((1_800, UL_S, UL_S), (1_800, 0, 0), loops=((0, 2, 0),)))
    narrow = bench_with(hour_nl=1_000_000)
    pump.board.flash.write("/store/bench.a", slots.pack(9, json.dumps(narrow).encode()))
    booted = UnitPump(pump.image())
    booted.advance(0.05)
    assert booted.alarms() == ["program_invalid"] and booted.call("status")["program_digest"] == ""
