"""Every refusal of the therapy: its details, and the same words on host and pump."""

from collections.abc import Callable

import pytest

from pumpcore.faults import fault_texts, faults
from pumpcore.program import packing as programs
from support.programs import MONDAY_UTC_S, constant, with_settings
from support.protocols import staged
from support.pump.running import Watched, ready, running
from thecal.pump import refusals
from thecal.pump.exchange import refused

RATE = 360_000
DEMAND = {"demand_on": 1, "demand_nl": 60_000, "demand_s": 60, "lockout_s": 120, "demand_per_day": 2}
RESERVOIR = {"capacity_nl": 20_000_000, "low_nl": 2_000_000, "empty_nl": 500_000, "tolerance_permille": 50, "tolerance_nl": 100_000}
LINE = {"line_day": 20_000, "tubing_nl": 140_000, "catheter_nl": 199_000}
PAIR = {"numerator": 0, "denominator": 0}
Reply = dict


def therapy_refusals() -> list:
    numbers = faults.NUMBERS[faults.REFUSAL]
    return [name for name, number in numbers.items() if (310 <= number < 380 and not 351 <= number < 360) or 408 <= number < 470]


def ask(pump: Watched, method: str, **params: object) -> Reply:
    return pump.ask(method, token=pump.token(), **params)


def done(pump: Watched, method: str, **params: object) -> None:
    reply = ask(pump, method, **params)
    assert "result" in reply, reply


def stage(new: programs.Program) -> Reply:
    return ready().judge(programs.pack(new))


def minimum() -> Reply:
    new = with_settings(constant(1), **LINE)
    new.mode = programs.MINIMUM
    return stage(new)


def library(**limits: int) -> Reply:
    new = with_settings(constant(RATE), library_version=1, **limits)
    new.settings.library = "bench fluids"
    return stage(new)


def drug() -> Reply:
    return _activate(running(constant(RATE)), "dye")


def _activate(pump: Watched, fluid: str) -> Reply:
    new = constant(RATE + 1)
    new.fluid = fluid
    digest = pump.stage(programs.pack(new))["digest"]
    return pump.ask("program.activate", digest=digest)


def waits() -> Reply:
    pump = running(constant(RATE))
    pump.advance(5)
    assert "result" in _activate(pump, "water")
    return ask(pump, "bolus.start", volume_nl=60_000, rate_nl=3_600_000)


def filled(**other: int) -> Watched:
    pump = ready(with_settings(constant(RATE), **RESERVOIR, **other), MONDAY_UTC_S)
    done(pump, "reservoir.refill", measured_nl=0, filled_nl=5_000_000)
    return pump


def refill_blocks() -> Reply:
    pump = filled()
    done(pump, "reservoir.refill", measured_nl=4_000_000, filled_nl=0)
    return pump.ask("start")


def of_reservoir(left_nl: int, dose_nl: int) -> Reply:
    pump = ready(with_settings(constant(RATE), **{**RESERVOIR, "low_nl": 600_000}), MONDAY_UTC_S)
    done(pump, "reservoir.refill", measured_nl=0, filled_nl=left_nl)
    pump.call("start")
    pump.advance(1)
    return ask(pump, "bolus.start", volume_nl=dose_nl, rate_nl=3_600_000)


def primed_twice() -> Reply:
    pump = ready(with_settings(constant(RATE), **LINE), MONDAY_UTC_S)
    done(pump, "bolus.prime", rate_nl=36_000_000, again=0)
    pump.advance(60)
    return ask(pump, "bolus.prime", rate_nl=36_000_000, again=0)


def temporary(**params: int) -> Reply:
    return ask(running(constant(RATE)), "temporary.start", **{"rate_nl": 0, "duration_s": 60, **PAIR, **params})


def temporary_twice() -> Reply:
    pump = running(constant(RATE))
    done(pump, "temporary.start", rate_nl=5, duration_s=600, **PAIR)
    return ask(pump, "temporary.start", rate_nl=6, duration_s=600, **PAIR)


def demands(waits_s: tuple) -> Reply:
    pump = running(with_settings(constant(RATE), **DEMAND))
    pump.advance(5)
    for wait_s in waits_s:
        done(pump, "bolus.demand")
        pump.advance(wait_s)
    return ask(pump, "bolus.demand")


def boluses(volume_nl: int, **limits: int) -> Reply:
    pump = running(with_settings(constant(RATE), **limits))
    pump.advance(5)
    return ask(pump, "bolus.start", volume_nl=volume_nl, rate_nl=3_600_000)


def extended(*durations_s: int) -> Reply:
    pump = running(constant(RATE))
    for duration_s in durations_s[:-1]:
        done(pump, "bolus.extended", volume_nl=60_000, duration_s=duration_s)
    return ask(pump, "bolus.extended", volume_nl=60_000, duration_s=durations_s[-1])


def two(mass_ng: int, fluid: str = "water", first_ng: int = 500) -> Watched:
    """Return a stopped pump with `first_ng` in 1 mL in its line; the active program follows it."""
    pump = ready()
    for ng, name in ((first_ng, "water"), (mass_ng, fluid)):
        new = with_settings(constant(RATE), **LINE)
        new.fluid, new.concentration = name, (ng, 1_000_000)
        pump.upload(new)
    return pump


def bridge_running() -> Reply:
    pump = two(300)
    done(pump, "bridge.start")
    pump.advance(1)
    return ask(pump, "bolus.start", volume_nl=60_000, rate_nl=3_600_000)


SCENES: dict[str, Callable[[], Reply]] = {
    "minimum_rate": minimum,
    "demand_rate": lambda: stage(with_settings(constant(RATE), **{**DEMAND, "demand_nl": 20_000_000})),
    "demand_volume": lambda: stage(with_settings(constant(620_000_000), **{**DEMAND, "demand_nl": 1_200_000, "demand_per_day": 20})),
    "program_settings": lambda: stage(with_settings(constant(RATE), **{**DEMAND, "demand_per_day": 97})),
    "library_hard": lambda: library(hard_rate_nl=RATE - 1),
    "library_soft": lambda: library(soft_rate_nl=RATE - 1),
    "drug_running": drug,
    "program_protocol": lambda: stage(staged((9, 1, 1))),
    "program_waits": waits,
    "refill_blocks": refill_blocks,
    "refill_unknown": lambda: ready(with_settings(constant(RATE), **RESERVOIR)).ask("start"),
    "reservoir_is_low": lambda: of_reservoir(599_000, 60_000),
    "reservoir_holds_less": lambda: of_reservoir(700_000, 200_001),
    "refill_volume": lambda: ask(filled(), "reservoir.refill", measured_nl=4_999_999, filled_nl=20_000_000),
    "no_reservoir": lambda: ask(ready(constant(RATE)), "reservoir.refill", measured_nl=0, filled_nl=1),
    "no_refill_blocks": lambda: filled().ask("reservoir.acknowledge", reason="none"),
    "primed_already": primed_twice,
    "no_line": lambda: ask(ready(constant(RATE)), "bolus.prime", rate_nl=36_000_000, again=0),
    "temporary_active": temporary_twice,
    "no_temporary": lambda: ask(running(constant(RATE)), "temporary.cancel"),
    "temporary_time": lambda: temporary(duration_s=59),
    "temporary_pair": lambda: temporary(numerator=10_001, denominator=1),
    "demand_off": lambda: ask(running(constant(RATE)), "bolus.demand"),
    "demand_locked": lambda: demands((70,)),
    "demand_count": lambda: demands((130, 130)),
    "bolus_above_max": lambda: boluses(60_001, bolus_max_nl=60_000),
    "bolus_day": lambda: boluses(60_001, bolus_day_nl=60_000),
    "extended_active": lambda: extended(600, 600),
    "extended_time": lambda: extended(86_401),
    "bolus_too_long": lambda: ask(running(constant(RATE)), "bolus.start", volume_nl=60_000, rate_nl=2_499),
    "bridge_needed": lambda: two(300).ask("start"),
    "bridge_impossible": lambda: two(300, "dye").ask("start"),
    "bridge_running": bridge_running,
    "no_bridge": lambda: ask(two(500), "bridge.start"),
    "bridge_ratio": lambda: ask(two((1 << 59) + 1, first_ng=1 << 59), "bridge.start"),
}


def test_there_is_a_scene_for_each() -> None:
    assert set(SCENES) == set(therapy_refusals())


@pytest.mark.rule("R7")
@pytest.mark.parametrize("name", SCENES)
def test_it_names_rule_limit_asked_and_nearest_in_the_same_words_on_both_sides(name: str) -> None:
    reply = SCENES[name]()
    assert "error" in reply, reply
    error = reply["error"]
    data = error["data"]
    assert data["fault"] == name, data
    detail = {key: value for key, value in data.items() if key not in ("fault", "do")}
    assert detail["rule"] in ["R%d" % number for number in range(1, 13)]
    for part in () if "cause" in detail else ("asked", "limit", "nearest"):
        assert any(key.split("_")[0] == part for key in detail), (part, detail)
    told = faults.Refusal(name, **detail)
    assert (error["code"], error["message"], data["do"]) == (told.fault.number, *fault_texts.told(name))
    assert refused(error).cause == refusals.sentence(told)
    said = refusals.with_rates(refused(error), 3600).cause
    assert said == refusals.sentence(told, 3600)
    assert " ng in " in said or " nl" not in said  # a concentration is a pair of numbers


@pytest.mark.rule("R7")
def test_what_waits_for_another_to_end_says_how_long() -> None:
    twice = temporary_twice()["error"]["data"]
    assert 600 <= twice["wait_s"] <= 604  # what is queued goes before it
    pump = running(constant(RATE))
    done(pump, "temporary.start", rate_nl=5, duration_s=600, **PAIR)
    pump.advance(100)
    wait_s = ask(pump, "temporary.start", rate_nl=6, duration_s=600, **PAIR)["error"]["data"]["wait_s"]
    assert 500 <= wait_s <= 504
    pump.advance(wait_s + 3)
    done(pump, "temporary.start", rate_nl=6, duration_s=600, **PAIR)
    assert 0 < waits()["error"]["data"]["wait_s"] <= 60


@pytest.mark.rule("R7")
@pytest.mark.parametrize(("measured_nl", "nearest_nl"), [(4_000_000, 4_900_000), (4_899_999, 4_900_000), (5_100_001, 5_100_000)])
def test_the_nearest_residual_is_one_that_does_not_block(measured_nl: int, nearest_nl: int) -> None:
    """5 mL are expected and nothing was delivered, so the tolerance is its fixed part."""
    pump = filled()
    done(pump, "reservoir.refill", measured_nl=measured_nl, filled_nl=0)
    data = pump.ask("start")["error"]["data"]
    assert (data["asked_nl"], data["limit_nl"], data["nearest_nl"]) == (measured_nl, nearest_nl, nearest_nl)
    pump = filled()
    done(pump, "reservoir.refill", measured_nl=nearest_nl, filled_nl=0)
    assert "result" in pump.ask("start")
