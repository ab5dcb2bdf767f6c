"""Refusals of the pump or its formulas in a person's words and units: rates in mL/h, and only nearest values that can be ordered."""

from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.faults.fault_texts import told
from pumpcore.limits.order_limits import check_rounding
from pumpcore.motion.dose import Calibration
from pumpcore.orders.bolus import Temporary
from pumpcore.program.packing import digest
from pumpcore.program.plan import Program
from pumpcore.program.settings import Settings
from thecal.api import uploading
from thecal.api.person import Person
from thecal.checks.dose import rate_nl, rate_of, volume_of
from thecal.checks.dose import volume as volume_nl_of
from thecal.checks.orders import check_extended, check_steps, check_temporary
from thecal.checks.rigs import rig_of
from thecal.errors import BadInput, Refused
from thecal.pump import exchange

RIG = rig_of("sim-clock")
WATER = Program("x", "water", 3600, [(0, 1_000_000)])


@pytest.mark.parametrize("step", ["program_stage", "program_activate"])
def test_a_rate_that_the_pump_refuses_is_told_in_ml_per_hour(step):
    def refuse(*words):
        detail = {"fault": "rate_above_ceiling", "do": "lower it", "asked_nl": 4_000_000, "limit_nl": 3_000_000, "nearest_nl": 3_000_000}
        raise exchange.refused({"code": 301, "message": "the rate is above the ceiling", "data": detail})

    client = SimpleNamespace(
        program_read=dict, program_stage=lambda *words: {"digest": digest(b"x"), "program": ""}, program_activate=lambda wanted: None
    )
    setattr(client, step, refuse)
    pump = SimpleNamespace(client=client, program=None, status={"calibration": None})
    compiled = SimpleNamespace(packed=b"x", program=WATER, typed={})
    with pytest.raises(Refused) as caught:
        uploading.stage(pump, compiled, Person())
        uploading.activate(pump, compiled)
    assert "4 mL/h" in caught.value.cause and "3 mL/h" in caught.value.cause and "000000" not in caught.value.cause


@pytest.mark.parametrize(
    ("rate", "asked", "nearest"), [("500 ug/h", "asked 500 ug/h", "nearest: 400 ug/h"), ("1 mL/h", "asked 1 mL/h", "nearest: 0.8 mL/h")]
)
def test_an_order_is_refused_in_the_unit_that_was_typed(rate: str, asked: str, nearest: str) -> None:
    program = Program("x", "dye", 3600, [(0, 100_000)])
    program.concentration, program.settings = (500, 1000), Settings()
    program.settings.library, program.settings.hard_rate_nl, program.settings.bolus_max_nl = "l", 800_000, 100_000
    typed = rate_of(rate)
    with pytest.raises(BadInput) as caught:
        check_temporary(program, RIG, Temporary("", rate_nl(program, typed), 0, 0, 600), typed.described(f"{rate} for 10 min"))
    assert asked in caught.value.cause and nearest in caught.value.do and "10 min" in caught.value.cause
    with pytest.raises(BadInput) as caught:
        check_extended(program, RIG, 120_000, 3600, volume_of("60 ug").described("60 ug over 1 h"))
    assert "asked 60 ug" in caught.value.cause and "nearest: 50 ug" in caught.value.do


def test_one_at_a_time_says_no_counts_and_names_the_command() -> None:
    detail = {"fault": "temporary_active", "do": told("temporary_active")[1], "asked": 2, "limit": 1, "nearest": 1, "wait_s": 1013}
    found = exchange.refused({"code": 369, "message": told("temporary_active")[0], "data": {**detail, "rule": "R7", "token": "f" * 16}})
    assert found.cause == f"a temporary rate is running (token {'f' * 16}, wait 16 min 53 s)"
    assert found.do.endswith("thecal temporary --cancel")
    for fault, command in (("not_stopped", "thecal stop"), ("not_running", "thecal start"), ("bolus_active", "thecal bolus --cancel")):
        assert told(fault)[1].endswith(command)


@given(st.integers(1, 2_000), st.integers(1, 10**5), st.integers(1, 10**5))
def test_every_neighbour_that_is_shown_can_be_ordered_as_it_is_typed(asked_nl, nl, steps):
    rig = SimpleNamespace(calibration=Calibration(nl, steps))
    try:
        check_steps(WATER, rig, asked_nl, volume_of(f"{asked_nl} nL"))
    except BadInput as refused:
        shown = [part for part in refused.do.split('"') if part.endswith(("nL", "uL"))]
        assert shown and ("smallest" in refused.do) == (len(shown) == 1)
        for text in shown:
            volume_nl = volume_nl_of(WATER, volume_of(text))
            assert volume_nl.denominator == 1
            check_rounding(int(volume_nl), rig.calibration)
        assert "one step more" not in refused.cause
    else:
        assert asked_nl - Fraction(rig.calibration.steps_for_nl(asked_nl) * nl, steps) <= Fraction(asked_nl, 100)
