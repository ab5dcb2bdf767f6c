"""Priming: the measured volume of the line, once, counted in the ledger, and again only if a person confirms."""

import pytest

from pumpcore.motion.dose import Calibration
from support.programs import MONDAY_UTC_S, constant, with_settings
from support.pump.flash import images_at_each_operation
from support.pump.running import BENCH, UnitPump, Watched, power_cut, ready
from support.replies import refusal_of

PAIR = Calibration(BENCH["calibration"]["volume_nl"], BENCH["calibration"]["steps"])
LINE_NL, RATE = 339_000, 12_204_000  # 100 s
STEPS = PAIR.steps_for_nl(LINE_NL)


def piped(**more: int) -> Watched:
    """Return a stopped pump whose program has a line."""
    return ready(with_settings(constant(360_000), line_day=20_000, tubing_nl=140_000, catheter_nl=199_000, **more))


def prime(pump: UnitPump, again: int = 0) -> dict:
    token = pump.token()
    return pump.ask("bolus.prime", token=token, rate_nl=RATE, again=again)


def test_it_delivers_the_line_and_stops() -> None:
    pump = piped()
    answer = prime(pump)["result"]
    assert (answer["ordered_steps"], answer["duration_s"]) == (STEPS, 100)
    pump.advance(50)
    assert pump.state() == "priming"
    pump.advance(80)
    assert pump.state() == "stopped" and pump.plant_steps() == STEPS
    told = pump.bolus(answer["token"])
    assert (told["state"], told["purpose"], told["delivered_steps"]) == ("done", "priming", STEPS)
    assert pump.pump.delivery.leases.windows.hour_steps >= STEPS  # it counts as delivered (R5)


@pytest.mark.rule("R8")
def test_a_second_one_needs_a_word_also_after_a_reset() -> None:
    pump = piped()
    assert "result" in prime(pump)
    pump.advance(130)
    told = refusal_of(prime(pump))
    assert (told["fault"], told["rule"], told["asked_nl"]) == ("primed_already", "R8", LINE_NL)
    token = pump.token()
    by_hand = {"purpose": "priming", "volume_nl": 1000, "steps": 0, "rate_nl": 180_000, "rate_seconds_s": 3600}
    assert pump.fault("run.start", token=token, **by_hand) == "primed_already"
    again = power_cut(pump, 3)
    again.advance(0.1)
    assert refusal_of(prime(again))["fault"] == "primed_already"
    assert "result" in prime(again, again=1)
    again.advance(130)
    assert refusal_of(prime(again))["fault"] == "primed_already"


@pytest.mark.rule("R8")
def test_a_refill_or_another_program_makes_it_new() -> None:
    reservoir = {"capacity_nl": 20_000_000, "low_nl": 2_000_000, "empty_nl": 500_000, "tolerance_nl": 100_000}
    pump = piped(**reservoir)
    for _ in range(2):
        token = pump.token()
        left_nl = pump.call("status")["therapy"]["reservoir"]["left_nl"] or 0
        pump.call("reservoir.refill", token=token, measured_nl=left_nl, filled_nl=3_000_000)
        assert "result" in prime(pump)
        pump.advance(130)
        assert refusal_of(prime(pump))["fault"] == "primed_already"
    pump.upload(with_settings(constant(360_001), line_day=20_001, tubing_nl=140_000, catheter_nl=199_000))
    assert "result" in prime(pump)


def test_without_a_line_there_is_nothing_to_prime() -> None:
    pump = ready(constant(360_000))
    assert refusal_of(prime(pump))["fault"] == "no_line"
    assert refusal_of(prime(ready()))["fault"] == "no_line"


def test_a_running_pump_does_not_prime() -> None:
    pump = piped()
    pump.call("start")
    pump.advance(1)
    assert refusal_of(prime(pump))["fault"] == "not_stopped" and refusal_of(prime(pump))["state"] == "running"


@pytest.mark.rule("R8")
def test_a_cut_at_any_operation_of_a_priming_never_gives_two() -> None:
    pump = piped()
    image = pump.image()
    pump.board.chip.record(lambda: (pump.plant_steps(), pump.board.clock.utc_s()))
    prime(pump)
    pump.advance(130)
    for _number, _torn, cut_image, (made, utc_s) in images_at_each_operation(image, pump.board.chip.log):
        again = UnitPump(cut_image, utc_s + 3)
        again.advance(0.05)
        told = prime(again)
        assert made == 0 or refusal_of(told)["fault"] == "primed_already"
        assert again.pump.book.position_steps >= made
    assert utc_s > MONDAY_UTC_S


@pytest.mark.rule("R7")
def test_more_than_the_reservoir_holds_is_refused_before_anything_is_marked() -> None:
    pump = piped(capacity_nl=20_000_000, low_nl=2_000_000, empty_nl=500_000, tolerance_nl=100_000)
    pump.call("reservoir.refill", token=pump.token(), measured_nl=0, filled_nl=700_000)
    rest_nl = PAIR.nl_for_steps(200_000 * PAIR.steps // PAIR.volume_nl - 1)  # a lease books one step more than it gives
    told = refusal_of(prime(pump))
    assert (told["fault"], told["rule"]) == ("reservoir_holds_less", "R5")
    assert (told["asked_nl"], told["limit_nl"], told["nearest_nl"]) == (LINE_NL, rest_nl, rest_nl)
    run = {"rate_nl": RATE, "rate_seconds_s": 3600}
    token = pump.token()
    assert pump.fault("run.start", token=token, purpose="calibration", steps=40_000, volume_nl=0, **run) == "reservoir_holds_less"
    refusal = pump.ask("run.start", token=token, purpose="priming", steps=0, volume_nl=rest_nl + 11, **run)
    assert refusal_of(refusal)["nearest_nl"] == rest_nl
    pump.call("run.start", token=token, purpose="priming", steps=0, volume_nl=rest_nl, **run)
    pump.advance(120)
    assert pump.state() == "stopped" and pump.bolus(token)["state"] == "done" and pump.alarms() == ["reservoir_low"]
