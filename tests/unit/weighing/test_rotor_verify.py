"""Two weighed turns against the stored table: gain, phase, and whether the head has changed."""

from functools import cache

import numpy as np
import pytest

from support.models import rotor_heads as heads
from thecal.weighing.rotor import prices
from thecal.weighing.rotor.fit import Learned, Weighing, learn
from thecal.weighing.rotor.shape import Turn
from thecal.weighing.rotor.verify import Verified, verify

TURN = Turn(1, heads.STEPS, heads.TURN_NL)
STEPS_A_DEGREE = heads.STEPS / 360


@cache
def stored(name: str) -> tuple[list[int], Learned]:
    """Return the volumes of a head that was learned, and what was learned with them."""
    runs = [Weighing(*heads.weighed(heads.HEADS[name](), rate, 8, 7)) for rate in (800_000, 1_600_000)]
    found = learn(runs, TURN, heads.MG_PER_NL)
    return prices.volumes_of(found.shape, TURN), found


def verified(name: str, ahead_degrees: float, seed: int, deeper: float = 0.0) -> Verified:
    flow = heads.deeper(heads.HEADS[name](), deeper)
    run = heads.weighed(flow, 1_600_000, 2.2, seed, start=500.0, ahead=ahead_degrees * STEPS_A_DEGREE)
    return against(name, run)


def against(name: str, run: heads.Record) -> Verified:
    volumes, found = stored(name)
    return verify(Weighing(*run), volumes, TURN, found.lag_s, heads.MG_PER_NL)


@pytest.mark.parametrize("ahead_degrees", [0.0, 2.0, -7.2, 40.0])
@pytest.mark.parametrize("name", heads.HEADS)
def test_the_phase_is_found_within_a_degree(name: str, ahead_degrees: float) -> None:
    for seed in (1, 2, 3):
        found = verified(name, ahead_degrees, seed)
        assert abs(found.phase_degrees - ahead_degrees) <= 1.2, seed  # learned and weighed: three sigmas of each
        assert found.phase_sigma_degrees < 0.4
        assert found.zero_off == (abs(ahead_degrees) > 1)
        assert not found.changed(stored(name)[1].residual_mg), seed


@pytest.mark.parametrize("ahead_degrees", [100.0, 180.0, -130.0])
def test_unequal_rollers_show_any_phase(ahead_degrees: float) -> None:
    found = verified("dip35", ahead_degrees, 4)
    assert abs((found.phase_degrees - ahead_degrees + 180) % 360 - 180) <= 0.8


def test_equal_rollers_take_the_nearest_phase() -> None:
    assert abs(verified("sinus", 120.0, 4).phase_degrees) <= 0.8


@pytest.mark.parametrize("name", heads.HEADS)
def test_a_head_whose_ripple_grew_is_to_be_learned_anew(name: str) -> None:
    found = verified(name, 0.0, 5, deeper=0.10)
    assert found.gain == pytest.approx(1.1, abs=0.05)
    assert found.changed(stored(name)[1].residual_mg)


def test_other_rollers_show_in_the_residual() -> None:
    run = heads.weighed(heads.dips(0.35, 0.3, 0.4, 6, 9), 1_600_000, 2.2, 6, start=500.0)
    found = against("dip35", run)
    assert found.changed(stored("dip35")[1].residual_mg)


def test_too_few_readings_are_refused() -> None:
    run = heads.weighed(heads.sinus(), 1_600_000, 0.1, 1)
    with pytest.raises(ValueError, match="weigh for longer"):
        against("sinus", run)


def test_a_flat_run_has_no_gain() -> None:
    run = heads.weighed(np.ones(heads.STEPS), 1_600_000, 2.2, 6)
    found = against("dip20", run)
    assert found.gain < 0.2
