"""`thecal sim` with a head: what is wrong in its words, and orders to the rotor of a pump that runs."""

from collections.abc import Callable
from typing import Any

import pytest

from thecal.cli.verbs.sim import balance_facts, balance_options
from thecal.pump.transport import registry

Says = Callable[..., tuple[int, str, str]]


class Orders:
    """Stands for the control port of a running pump; notes orders."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []

    def __call__(self, host: str, port: int, secret: str) -> "Orders":
        return self

    def __enter__(self) -> "Orders":
        return self

    def __exit__(self, *details: object) -> None:
        pass

    def slip(self, degrees: float) -> None:
        self.seen.append(("slip", degrees))

    def turn_rotor(self, degrees: float) -> None:
        self.seen.append(("turn", degrees))

    def alter_head(self, changes: str) -> None:
        self.seen.append(("alter", changes))


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> Orders:
    one = Orders()
    monkeypatch.setattr("thecal.sim.control.Control", one)
    monkeypatch.setattr(registry, "entries", lambda: [{"port": "/dev/pts/3", "control": "host:1", "control_secret": "3"}])
    return one


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--head", "dip2O"], ["--head dip2O", "did you mean dip20?"]),
        (["--head", "dip35,line=5"], ["has no unit", "line=5s"]),
        (["--head", "dip20", "--pulsation", "30"], ["--head and --pulsation", "--head sinus,swing=30%"]),
        (["--balance", "--balance-digit", "2 mg"], ["--balance-digit '2 mg'", "0.01 mg, 0.1 mg, 1 mg, 10 mg"]),
        (["--balance", "--balance-noise", "2 mL"], ["--balance-noise", "0.15 mg"]),
        (["--balance", "--evaporation", "2 mL/h"], ["--evaporation", "0.5 mg/h"]),
        (["--alter", "line=5"], ["--alter line=5", "has no unit", "line=5s"]),
        (["--alter", "seed=5"], ["can't change while the pump runs"]),
        (["--slip", "6", "--turn", "5"], ["--slip and --turn are two orders", "one at a time"]),
    ],
)
def test_wrong_words_are_named_with_their_cure(thecal_says: Says, words: list[str], said: list[str]) -> None:
    code, out, err = thecal_says("sim", *words)
    assert code == 2 and not out
    assert all(part in err for part in said), err


@pytest.mark.parametrize(
    ("words", "order", "said"),
    [
        (["--slip", "6"], ("slip", 6.0), "slip: 6.0"),
        (["--turn=-30"], ("turn", -30.0), "turned: -30.0"),
        (["--alter", "line=0s,ripple=105%"], ("alter", "line=0s,ripple=105%"), "altered: line=0s,ripple=105%"),
    ],
)
def test_orders_reach_the_running_pump(thecal_says: Says, orders: Orders, words: list[str], order: tuple[str, Any], said: str) -> None:
    code, out, _ = thecal_says("sim", *words)
    assert (code, out.strip(), orders.seen) == (0, said, [order])


def test_an_order_needs_a_simulated_pump_that_runs(thecal_says: Says) -> None:
    code, _, err = thecal_says("sim", "--slip", "6")
    assert code == 1 and "no simulated pump runs" in err


def test_the_balance_of_a_head_has_errors_and_that_of_none_is_calm() -> None:
    facts = balance_facts("sbi", "10 mg", None, None)
    calm, drafty = (balance_options(facts, 30.0, drafty) for drafty in (False, True))
    assert (calm.lag_s, calm.evaporation_ug_per_h, calm.pulsation_percent, calm.resolution_ug) == (0.0, 0.0, 30.0, 10_000)
    assert (drafty.lag_s, drafty.evaporation_ug_per_h, drafty.protocol, drafty.resolution_ug) == (0.7, 2_000.0, "sbi", 10_000)
    chosen = balance_options(balance_facts("sbi", "0.01 mg", "0.02 mg", "0.5 mg/h"), 0.0, drafty=True)
    assert (chosen.noise_ug, chosen.evaporation_ug_per_h, chosen.resolution_ug) == (20.0, 500.0, 10)
