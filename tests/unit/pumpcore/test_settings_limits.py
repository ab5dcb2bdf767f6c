"""A program's settings against its ceilings and its drug library: refused exactly at the limit, with the nearest value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.bench.bench import Bench
from pumpcore.faults.faults import Refusal
from pumpcore.limits import limits
from pumpcore.limits.limits import check_program
from pumpcore.program import packing
from pumpcore.program.plan import Program
from support.programs import constant, day, with_settings
from support.pump.bench_tables import SIM, changed

RIG = Bench(changed(SIM, {"ceilings.day_nl": 50_000_000}))
PAIR = RIG.calibration
DEMAND = {"demand_on": 1, "demand_per_day": 4, "demand_s": 300, "lockout_s": 3600, "demand_nl": 50_000}


def refused(made: Program) -> dict:
    """Return the refusal's details and its name."""
    with pytest.raises(Refusal) as caught:
        check_program(made, RIG, PAIR)
    return {"fault": caught.value.fault.name, **caught.value.detail}


def passes(made: Program) -> None:
    check_program(made, RIG, PAIR)


def minimum(rate_nl: int) -> Program:
    made = with_settings(constant(rate_nl), bolus_max_nl=1)
    made.mode = packing.MINIMUM
    return made


@pytest.mark.rule("R7")
def test_a_minimum_rate_is_from_one_step_an_hour_to_one_a_minute_or_nothing() -> None:
    least = -(-PAIR.volume_nl // PAIR.steps)
    most = 60 * PAIR.volume_nl // PAIR.steps
    for rate_nl in (0, least, most):
        passes(minimum(rate_nl))
    assert refused(minimum(least - 1))["nearest_nl"] == least
    told = refused(minimum(most + 1))
    assert (told["fault"], told["rule"], told["asked_nl"], told["nearest_nl"]) == ("minimum_rate", "R7", most + 1, most)


@pytest.mark.rule("R7")
@given(st.integers(1, 2_000_000), st.integers(20, 3599), st.integers(0, 10_000_000))
def test_basal_and_demand_bolus_stay_under_the_highest_rate(demand_nl: int, demand_s: int, basal_nl: int) -> None:
    made = with_settings(constant(basal_nl), **{**DEMAND, "demand_nl": demand_nl, "demand_s": demand_s, "demand_per_day": 1})
    fits = basal_nl * demand_s + demand_nl * 3600 <= 10_000_000 * demand_s
    try:
        passes(made)
    except Refusal as told:
        if told.fault.name != "demand_rate":
            assert told.fault.name in ("demand_volume", "hour_above_ceiling", "day_above_ceiling")
            return
        assert not fits and told.detail["nearest_nl"] < demand_nl
        made.settings.demand_nl = told.detail["nearest_nl"]
        limits._check_demand_rate(made, 10_000_000)
        made.settings.demand_nl += 1
        with pytest.raises(Refusal):
            limits._check_demand_rate(made, 10_000_000)
        return
    assert fits


@pytest.mark.rule("R7")
def test_a_demand_bolus_is_judged_beside_the_highest_basal_of_the_week() -> None:
    made = with_settings(day((0, 0, 100_000), (3, 0, 9_500_001), (3, 5, 100_000)), **DEMAND)
    made.settings.demand_s = 360  # 500,000 nl an hour
    assert refused(made)["fault"] == "demand_rate"
    made.entries = [(minute, min(rate_nl, 9_500_000)) for minute, rate_nl in made.entries]
    passes(made)


@pytest.mark.rule("R5")
def test_every_demand_bolus_that_is_allowed_is_in_the_hour_and_the_day() -> None:
    made = with_settings(constant(1_500_000), **{**DEMAND, "lockout_s": 1800, "demand_nl": 1_200_000, "demand_s": 600})
    assert refused(made)["window"] == "hour"  # 61 min of 1.5 mL/h and three doses of 1.2 mL
    told = refused(made)
    made.settings.demand_nl = told["nearest_nl"]
    passes(made)
    day_long = with_settings(constant(2_000_000), **{**DEMAND, "demand_nl": 800_000, "demand_s": 600, "demand_per_day": 3})
    told = refused(day_long)
    limit_nl = PAIR.nl_for_steps(PAIR.steps_for_nl(50_000_000))
    assert (told["fault"], told["window"], told["rule"], told["limit_nl"]) == ("demand_volume", "day", "R5", limit_nl)
    day_long.settings.demand_per_day = 2
    passes(day_long)


@pytest.mark.rule("R7")
def test_the_nearest_dose_has_room_in_the_hour_and_in_the_day() -> None:
    often = {"lockout_s": 1800, "demand_nl": 1_200_000, "demand_s": 600, "demand_per_day": 24}
    made = with_settings(constant(1_500_000), **{**DEMAND, **often})
    told = refused(made)
    assert told["window"] == "hour"
    made.settings.demand_nl = told["nearest_nl"]
    passes(made)
    made.settings.demand_nl += 100
    assert refused(made)["window"] == "day"


LIBRARY = {"library": "bench fluids", "library_version": 3}


@pytest.mark.rule("R7")
@pytest.mark.parametrize(("limit", "asked", "bit"), [("rate", 1_000_000, 2), ("bolus", 60_000, 4), ("day", 24_000_000 + 200_000, 8)])
def test_a_hard_limit_refuses_and_a_soft_one_asks(limit: str, asked: int, bit: int) -> None:
    def made(**values: object) -> Program:
        return with_settings(constant(1_000_000), **DEMAND, **LIBRARY, bolus_max_nl=60_000, **values)

    for kind in ("hard", "soft"):
        passes(made(**{f"{kind}_{limit}_nl": asked + (20_000 if (kind, limit) == ("hard", "day") else 0)}))  # it limits 1,441 minutes
        told = refused(made(**{f"{kind}_{limit}_nl": asked - 1}))
        assert (told["fault"], told["parameter"], told["asked_nl"], told["nearest_nl"]) == (f"library_{kind}", limit, asked, asked - 1)
    over = made(**{f"soft_{limit}_nl": asked - 1}, overrides=bit)
    passes(over)
    assert [vars(one) for one in limits.passed(over)] == [{"what": bit.bit_length() - 1, "asked": asked, "limit": asked - 1}]
    assert refused(made(**{f"hard_{limit}_nl": asked - 1}, overrides=15))["fault"] == "library_hard"


@pytest.mark.rule("R7")
def test_the_concentration_has_a_range() -> None:
    def made(ng_per_ml: int, **values: object) -> Program:
        program_ = with_settings(constant(1000), **LIBRARY, hard_low_ng=100, soft_low_ng=200, soft_high_ng=300, hard_high_ng=400, **values)
        program_.concentration = (ng_per_ml, 1_000_000)
        return program_

    passes(made(200))
    passes(made(300))
    assert [refused(made(ng))["fault"] for ng in (99, 199, 301, 401)] == ["library_hard", "library_soft", "library_soft", "library_hard"]
    assert refused(made(401, overrides=1))["nearest_ng_per_ml"] == 400
    assert [vars(one) for one in limits.passed(made(301, overrides=1))] == [{"what": 0, "asked": 301, "limit": 300}]
    assert refused(made(99, overrides=1))["nearest_ng_per_ml"] == 100
    volume_only = made(1, overrides=0)
    volume_only.concentration = (0, 0)
    passes(volume_only)


@pytest.mark.rule("R5")
def test_the_hard_day_of_the_library_binds_at_every_lease() -> None:
    made = with_settings(constant(1_000_000), **LIBRARY, hard_day_nl=25_000_000)
    assert check_program(made, RIG, PAIR).day_nl == 25_000_000
