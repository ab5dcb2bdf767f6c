"""Learning a rotor's shape by weight: the error against heads outside of the fitted functions, the lag, the stated deviation, the table."""

import numpy as np
import pytest

from support.models import rotor_heads as heads
from thecal.weighing.rotor import prices
from thecal.weighing.rotor.fit import Learned, Weighing, learn
from thecal.weighing.rotor.shape import Turn
from thecal.weighing.rotor.worth import outlook, predicted_rms_nl

TURN = Turn(1, heads.STEPS, heads.TURN_NL)
AROUND = np.arange(384) * 2 * np.pi / 384
RATES_NL_PER_H = (800_000, 1_600_000)


def learned(name: str, seed: int, **how: float) -> Learned:
    flow, runs, start = heads.HEADS[name](), [], 977.0 * seed
    for rate in RATES_NL_PER_H:
        runs.append(Weighing(*heads.weighed(flow, rate, 8, 10 * seed + len(runs), start=start, **how)))
        start = float(runs[-1].motor_steps[-1])
    return learn(runs, TURN, heads.MG_PER_NL)


def errors_nl(name: str, found: Learned) -> float:
    """Return the rms error of the learned deviation, in nl."""
    positions = AROUND / (2 * np.pi) * heads.STEPS
    true = heads.volume_nl(heads.HEADS[name](), positions) - positions * TURN.step_nl
    off = found.shape.deviation_nl(AROUND) - true
    return float(np.sqrt(np.mean((off - off.mean()) ** 2)))


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("name", heads.HEADS)
def test_half_an_hour_of_weighing_gives_the_shape_the_lag_and_its_own_error(name: str, seed: int) -> None:
    found = learned(name, seed)
    error_nl = errors_nl(name, found)
    assert error_nl <= 50
    assert abs(found.lag_s - 0.7) <= 0.2
    assert error_nl / 3 <= found.shape.rms_nl() <= error_nl * 3


@pytest.mark.parametrize("lag_s", [0.05, 2.5])
def test_another_balance_has_another_lag(lag_s: float) -> None:
    found = learned("dip20", 1, lag_s=lag_s)
    assert abs(found.lag_s - lag_s) <= 0.2
    assert errors_nl("dip20", found) <= 70


def test_a_run_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="weigh for longer"):
        learn([Weighing(*heads.weighed(heads.sinus(), 1_600_000, 0.3, 1))], TURN, heads.MG_PER_NL)


@pytest.mark.parametrize("name", heads.HEADS)
def test_the_table_is_a_turn_exactly_and_shows_what_flows_back(name: str) -> None:
    found = learned(name, 1)
    volumes = prices.volumes_of(found.shape, TURN)
    assert len(volumes) == prices.BINS
    assert sum(volumes) == prices.PARTS * heads.STEPS
    back_nl = prices.backflow_nl(volumes, TURN)
    assert back_nl == pytest.approx({"sinus": 0, "dip20": 330, "dip35": 2_900}[name], abs=120)
    off = prices.deviation_nl(volumes, TURN, AROUND) - found.shape.deviation_nl(AROUND)
    assert float(np.max(np.abs(off - off.mean()))) < 40  # 192 straight pieces


def test_a_geared_turn_has_its_own_length() -> None:
    geared = Turn(11, 22_800, 347_600)
    assert geared.turn_nl == 31_600
    one_turn = 22_800 / 11
    assert geared.angles([0, one_turn / 4, one_turn * 5 + 1]) == pytest.approx([0, np.pi / 2, 2 * np.pi / one_turn], abs=1e-9)
    volumes = prices.volumes_of(learned("dip20", 2).shape, geared)
    assert sum(volumes) == prices.PARTS * 22_800


@pytest.mark.parametrize("digit_mg", [0.1, 1.0, 10.0])
def test_the_deviation_is_predicted_from_the_balance_s_digit(digit_mg: float) -> None:
    found = learned("dip20", 2, digit_mg=digit_mg)
    readings = sum(int(8 * heads.TURN_NL / rate * 3600 * 2) for rate in RATES_NL_PER_H)
    predicted_nl = predicted_rms_nl(readings, 0.16, digit_mg, heads.MG_PER_NL)
    assert found.shape.rms_nl() / 3 <= predicted_nl <= found.shape.rms_nl() * 3


def test_a_table_is_worth_it_only_if_it_beats_plain_dosing() -> None:
    fine = outlook(learned("sinus", 1).shape, TURN)
    assert fine.worth_it and fine.plain_percent == pytest.approx(85, abs=3) and fine.table_percent < 5
    flat = learn(
        [Weighing(*heads.weighed(np.ones(heads.STEPS), rate, 8, 5, digit_mg=1.0)) for rate in RATES_NL_PER_H], TURN, heads.MG_PER_NL
    )
    assert not outlook(flat.shape, TURN).worth_it
