"""The simulated balance with its errors: lag, correlated noise and drifting evaporation, all by seed and time."""

import statistics

import numpy as np
import pytest

from support.rig.benches import named
from thecal.sim.runner import SimulatedPump
from thecal.sim.world.balance import BalanceOptions, Pan
from thecal.sim.world.head import Head
from thecal.sim.world.head_text import head_of
from thecal.sim.world.individual import Individual
from thecal.sim.world.outlet import Outlet

S, MS, MINUTE, H = 1_000_000_000, 1_000_000, 60_000_000_000, 3_600_000_000_000


class Still:
    """A pan over a tube that delivers nothing, with a clock of its own."""

    def __init__(self, seed: int = 1, head: str = "even", **changes: object) -> None:
        self.now_ns = 0
        errors = {"noise_ug": 0.0, "evaporation_ug_per_h": 0.0, "drift_ug": 0.0, "resolution_ug": 1, **changes}
        options = BalanceOptions.drafty(**errors)
        one = Head(head_of(head), named(), Individual(seed))
        self.outlet = Outlet(one, options.density_mg_per_ml, options.lag_s)
        self.angle = one.first_steps
        self.pan = Pan(self.outlet, Individual(seed), options, lambda: self.now_ns)

    def at(self, ns: int) -> int:
        self.now_ns = ns
        return self.pan.look().mass_ug


def test_the_errors_are_those_that_were_asked_for() -> None:
    options = BalanceOptions.drafty(resolution_ug=1_000)
    assert (options.lag_s, options.noise_ug, options.noise_half_ms) == (0.7, 150.0, 500)
    assert (options.evaporation_ug_per_h, options.drift_ug, options.resolution_ug) == (2_000.0, 20.0, 1_000)
    assert BalanceOptions().lag_s == BalanceOptions().drift_ug == BalanceOptions().noise_half_ms == 0, "as before without them"


def test_the_noise_has_its_size_and_its_correlation_halves_in_half_a_second() -> None:
    still = Still(noise_ug=150.0)
    shown_ug = np.array([still.at(update * 100 * MS) for update in range(12_000)], dtype=float)
    assert np.std(shown_ug) == pytest.approx(150, rel=0.06)
    assert abs(np.mean(shown_ug)) < 25

    def correlation(updates: int) -> float:
        return float(np.corrcoef(shown_ug[updates:], shown_ug[:-updates])[0, 1])

    assert correlation(5) == pytest.approx(0.5, abs=0.05)
    assert correlation(10) == pytest.approx(0.25, abs=0.07)
    assert abs(correlation(60)) < 0.08


def test_what_is_shown_does_not_depend_on_who_looked_before() -> None:
    errors = {"noise_ug": 150.0, "evaporation_ug_per_h": 2_000.0, "drift_ug": 20.0}
    often, seldom = Still(**errors), Still(**errors)
    for update in range(3_000):
        often.at(update * 100 * MS)
    assert often.at(300 * S) == seldom.at(300 * S)
    assert Still(2, **errors).at(300 * S) != seldom.at(300 * S)


def test_the_display_follows_a_step_with_its_lag() -> None:
    still = Still()
    still.outlet.note(S, S, still.angle, 1, 1600.0)
    full_ug = 0.5 * still.outlet._moves[0].head.turn_nl * 0.9982
    for after_ms in (0, 300, 700, 1_400, 3_500):
        assert still.at(S + after_ms * MS) == pytest.approx(full_ug * -np.expm1(-after_ms / 700), abs=2)
    assert still.pan.delivered_ug() == pytest.approx(full_ug)


def test_evaporation_is_steady_and_its_sum_walks_off() -> None:
    still = Still(evaporation_ug_per_h=2_000.0)
    assert still.at(3 * H) == -6_000
    ends_ug = [Still(seed, evaporation_ug_per_h=2_000.0, drift_ug=20.0).at(25 * MINUTE) + 2_000 * 25 / 60 for seed in range(60)]
    assert statistics.pstdev(ends_ug) == pytest.approx(20 * 25**0.5, rel=0.3)
    assert abs(statistics.mean(ends_ug)) < 4 * 100 / 60**0.5
    walking = Still(drift_ug=20.0)
    by_second = np.array([walking.at(second * S) for second in range(600)])
    assert np.abs(np.diff(by_second)).max() < 3, "without a jump"


@pytest.mark.parametrize("digit_ug", [100, 1_000, 10_000])
def test_any_digit_is_shown(digit_ug: int) -> None:
    still = Still(noise_ug=150.0, resolution_ug=digit_ug, evaporation_ug_per_h=50_000.0)
    shown_ug = [still.at(second * S) for second in range(0, 3_600, 60)]
    assert all(mass_ug % digit_ug == 0 for mass_ug in shown_ug)
    assert len(set(shown_ug)) > 3


def test_a_lag_keeps_the_pulsation_of_a_pump_without_a_head() -> None:
    balance = BalanceOptions(pulsation_percent=80.0, lag_s=0.7)
    with SimulatedPump(named(), 1, virtual=True, balance=balance) as sim:
        assert sim.rotor.head.spec.swing == 0.8
        assert sim.rotor_degrees() == 0
