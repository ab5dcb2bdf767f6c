"""Refusals of the pump or its formulas in a person's words and units: rates in mL/h, and only nearest values that can be ordered."""

from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.limits.order_limits import check_rounding
from pumpcore.motion.dose import Calibration
from pumpcore.program.packing import digest
from pumpcore.program.plan import Program
from thecal.checks.dose import volume as volume_nl_of
from thecal.checks.dose import volume_of
from thecal.checks.orders import check_steps
from thecal.cli import uploading
from thecal.errors import BadInput, Refused
from thecal.pump import exchange

WATER = Program("x", "water", 3600, [(0, 1_000_000)])


@pytest.mark.parametrize("step", ["program_stage", "program_activate"])
def test_a_rate_that_the_pump_refuses_is_told_in_ml_per_hour(step, monkeypatch):
    def refuse(*words):
        detail = {"fault": "rate_above_ceiling", "do": "lower it", "asked_nl": 4_000_000, "limit_nl": 3_000_000, "nearest_nl": 3_000_000}
        raise exchange.refused({"code": 301, "message": "the rate is above the ceiling", "data": detail})

    monkeypatch.setattr(uploading, "show", lambda *words: None)
    client = SimpleNamespace(
        program_read=dict, program_stage=lambda *words: {"digest": digest(b"x"), "program": ""}, program_activate=lambda wanted: None
    )
    setattr(client, step, refuse)
    pump = SimpleNamespace(client=client, program=None, status={"calibration": None})
    monkeypatch.setattr("thecal.text.calibration.line", lambda told: "none")
    with pytest.raises(Refused) as caught:
        uploading.upload(pump, SimpleNamespace(packed=b"x", program=WATER, typed={}), True)
    assert "4 mL/h" in caught.value.cause and "3 mL/h" in caught.value.cause and "000000" not in caught.value.cause


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
