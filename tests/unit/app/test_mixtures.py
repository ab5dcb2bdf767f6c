"""Several drugs in one reservoir on a pump: what is in the line, the bridge between two mixtures, and its limits."""

from fractions import Fraction

import pytest

from pumpcore.fluid import front
from pumpcore.program import packing as programs
from support.mixtures import in_library, mixed
from support.pump.bridges import PAIR, RATE, bridge, bridged, changed, drug, line, prime
from support.pump.running import power_cut, ready
from support.replies import refusal_of

LITRE = 1_000_000  # nl in a ml: concentrations below are ng per ml
DAY_NL = RATE * 24


def of(dye: int, marker: int, name: str = "marker", rate_nl: int = RATE, **own: int) -> programs.Program:
    """Return a program of two drugs with a line; `own`: the limits of the second."""
    made = drug(dye, rate_nl)
    if own:
        in_library(made, **{field: limit for field, limit in own.items() if not field.endswith("_ng")})
    return mixed(made, (name, marker, LITRE), own=(own,) if own else ())


@pytest.mark.rule("R7")
@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (of(500, 250), of(500, 250, rate_nl=RATE + 1), ""),
        (of(500, 250), of(500, 200), "bridge_needed"),
        (of(500, 250), of(300, 250), "bridge_needed"),
        (of(500, 250), of(500, 250, "salt"), "bridge_impossible"),
        (of(500, 250), drug(500), "bridge_impossible"),
        (drug(500), of(500, 250), "bridge_impossible"),
    ],
)
def test_what_each_change_of_a_mixture_asks_for(old: programs.Program, new: programs.Program, fault: str) -> None:
    pump = changed(old, new)
    reply = pump.ask("start")
    assert ("result" in reply) if not fault else refusal_of(reply)["fault"] == fault
    if fault != "bridge_needed":
        assert refusal_of(bridge(pump))["fault"] == (fault or "not_stopped")


def test_the_status_and_the_refusal_name_every_drug() -> None:
    pump = changed(of(500, 250), of(300, 200))
    held = line(pump)
    assert held["old_drugs"] == [{"name": "marker", "ng": 250, "nl": LITRE}] and held["new_drugs"][0]["ng"] == 200
    assert [row["name"] for row in pump.call("status")["drugs"]] == ["dye", "marker"]
    told = pump.refusal("start")
    assert told["limit"] == "dye 500 ng in 1000000 nl and marker 250 ng in 1000000 nl"


def test_the_drugs_of_the_line_are_told_in_the_order_of_the_program() -> None:
    """Otherwise a host would take the dose of the second drug for the leading one's."""
    pump = changed(of(500, 250), mixed(drug(200, fluid="marker"), ("dye", 300, LITRE)))
    held = line(pump)
    assert (held["old_fluid"], held["old_ng"], held["old_drugs"][0]["name"]) == ("marker", 250, "dye")
    (record,) = pump.records("line_changed")
    assert (record["old_ng"], record["new_ng"]) == (250, 200)
    answer = bridged(pump)
    assert Fraction(answer["numerator"], answer["denominator"]) == Fraction(200, 250)


@pytest.mark.rule("R4")
def test_a_bridge_keeps_the_dose_of_the_first_drug_and_the_front_survives_a_cut() -> None:
    pump = changed(of(500, 250), of(300, 600))
    answer = bridged(pump)
    assert Fraction(answer["numerator"], answer["denominator"]) == Fraction(3, 5)
    pump.advance(30)
    again = power_cut(pump, 5)
    again.advance(150)
    status = again.call("status")
    assert (status["state"], line(again)["old_drugs"]) == ("running", [{"name": "marker", "ng": 250, "nl": LITRE}])
    assert line(again)["phase"] == "old"
    again.advance(1500)
    assert [row["way"] for row in again.records("front_passed")] == [0] and again.alarms() == ["power_lost"]


@pytest.mark.rule("R9")
def test_a_running_pump_does_not_change_its_second_drug() -> None:
    pump = ready(of(500, 250))
    pump.call("start")
    pump.advance(10)
    for other in (of(500, 251), of(500, 250, "salt"), drug(500)):
        digest = pump.stage(programs.pack(other))["digest"]
        assert pump.refusal("program.activate", digest=digest)["fault"] == "drug_running"
    pump.upload(of(500, 250, rate_nl=RATE - 1))
    pump.advance(120)
    assert len(pump.records("program_changed")) == 1


@pytest.mark.rule("R5")
@pytest.mark.parametrize(
    ("limits", "fault", "limited"),
    [
        ({"hard_rate_nl": 2 * RATE}, "", ""),
        ({"hard_rate_nl": 2 * RATE - 1}, "library_hard", "rate"),
        ({"soft_rate_nl": 2 * RATE - 1}, "library_soft", "rate"),
        ({"hard_day_nl": DAY_NL + DAY_NL // 100}, "", ""),
        ({"hard_day_nl": DAY_NL + 100_000}, "library_hard", "day"),
    ],
)
def test_a_bridge_that_doses_another_drug_above_its_limit_is_refused(limits: dict[str, int], fault: str, limited: str) -> None:
    """The first drug's dose stays as it is; the old content has twice as much of the second one."""
    pump = changed(of(500, 500), of(500, 250, **limits))
    reply = bridge(pump)
    if not fault:
        assert "result" in reply, reply
        return
    told = refusal_of(reply)
    assert (told["fault"], told["drug"], told["limited"], told["rule"]) == (fault, "marker", limited, "R7")
    assert told["asked_nl"] > told["limit_nl"] == next(iter(limits.values()))
    before = pump.plant_steps()
    pump.advance(60)
    assert pump.plant_steps() == before and not pump.records("bridge_started")


@pytest.mark.rule("R5")
def test_a_bridge_that_is_too_fast_names_the_drug_whose_rate_it_is() -> None:
    told = refusal_of(bridge(changed(of(100, 500), of(300, 500, hard_rate_nl=2 * RATE))))
    assert (told["fault"], told["drug"], told["nearest_nl"]) == ("library_hard", "marker", 2 * RATE // 3)


@pytest.mark.rule("R5")
def test_the_rest_of_the_old_content_bounds_what_a_day_gets_more() -> None:
    """At most 372,900 nl of the old content are in the line, with twice the marker: as much again, and not a whole day of it."""
    for more_nl, passes in ((373_000, True), (372_800, False)):
        pump = changed(of(500, 500), of(500, 250, hard_day_nl=DAY_NL + more_nl), run_s=10)
        assert ("result" in bridge(pump)) == passes


@pytest.mark.rule("R7")
def test_another_mixture_is_known_after_a_priming_and_a_reordered_one_is_the_same() -> None:
    pump = changed(of(500, 250), of(500, 250, "salt"))
    prime(pump)
    assert line(pump) is None
    pump.upload(mixed(drug(250, fluid="salt"), ("dye", 500, LITRE)))
    assert "result" in pump.ask("start")
    kept = front.unpack(pump.pump.setup.store.load("line"))
    assert kept.new == (("salt", 250, LITRE), ("dye", 500, LITRE)) or kept.new == (("dye", 500, LITRE), ("salt", 250, LITRE))
    assert PAIR.steps
