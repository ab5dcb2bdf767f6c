"""The simulated balance: it weighs what the plant really delivered, speaks like real ones, and can be told to lie."""

import contextlib

import pytest

from pumpcore.program import packing as programs
from support.programs import constant
from support.rig.benches import named
from support.some import some_of
from thecal.pump.client import Client
from thecal.sim.control import Control, ControlServer
from thecal.sim.errors import SimulatorError
from thecal.sim.runner import SimulatedPump
from thecal.sim.world.balance import BalanceOptions
from thecal.sim.world.fluid import Fluid
from thecal.sim.world.individual import Individual
from thecal.weighing.balance import BalanceError, open_balance

PROTOCOLS = ["mt-sics", "sbi", "plain"]
RATE_NL_PER_H = 1_600_000


@contextlib.contextmanager
def rig(rate_nl=RATE_NL_PER_H, seed=1, **options):
    """A pump in virtual time with a balance under it, and a client; not started."""
    with SimulatedPump(named(), seed, virtual=True, balance=BalanceOptions(**options)) as sim:
        sim.advance_by(500)
        with Client(sim.port_url or sim.socket_url) as client:
            client.program_activate(client.program_stage(programs.pack(constant(rate_nl)))["digest"])
            yield sim, client


def balance_url(sim):
    return sim.balance.ports.path or sim.balance.ports.url


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_it_weighs_what_the_plant_delivered(protocol):
    with rig(protocol=protocol) as (sim, client), open_balance(balance_url(sim)) as balance:
        assert balance.protocol == protocol
        assert abs(balance.read_stable(5).mass_ug) <= 200
        client.start()
        sim.advance_by(600_000)
        moving = balance.read_now()
        assert not moving.stable, "the flow is seen"
        client.stop()
        sim.advance_by(5_000)
        reading = balance.read_stable(5)
    pair = named()["calibration"]
    true_nl = pair["volume_nl"] * (1_000_000 + Individual(1).head_ppm) * sim.plant_steps() / pair["steps"] / 1_000_000
    assert abs(reading.mass_ug - true_nl * 0.9982) <= 300
    assert reading.mass_ug % 100 == 0


def test_socket_and_terminal_are_both_open():
    with rig() as (sim, _), open_balance(sim.balance.ports.url, "mt-sics") as balance:
        assert balance.identity == "mt-sics, serial number SIM0000001"


def test_no_two_individuals_have_the_same_tube():
    assert len({Individual(seed).head_ppm for seed in range(20)}) == 20
    assert all(abs(Individual(seed).head_ppm) <= 80_000 for seed in range(200))


def test_pulsation_moves_volume_within_a_turn_and_never_over_a_turn():
    smooth, swinging = (Fluid(named(), Individual(3), percent, 1000.0) for percent in (0.0, 80.0))
    per_turn = smooth.steps_per_turn
    assert swinging.mass_ug(per_turn * 7) == pytest.approx(smooth.mass_ug(per_turn * 7), abs=1e-6)
    sixth = per_turn // 12
    assert abs(swinging.mass_ug(sixth) - smooth.mass_ug(sixth)) > 10 * smooth.ug_per_step


def test_pulsation_does_not_change_a_step():
    counts = []
    for pulsation_percent in (0.0, 80.0):
        with rig(pulsation_percent=pulsation_percent) as (sim, client):
            client.start()
            sim.advance_by(60_000)
            counts.append((sim.plant_steps(), client.status()["delivered_steps"]))
    assert counts[0] == counts[1]


def test_steps_at_past_moments_are_those_of_the_train():
    fluid = Fluid(named(), Individual(1), 0.0, 1000.0)
    fluid.note(1_000, 5_000, 0, 5)
    fluid.note(10_000, 10_000, 5, 1)
    assert [fluid.steps_at(ns) for ns in (0, 999, 1_000, 1_999, 2_000, 5_000, 9_999, 10_000, 99_999)] == [0, 0, 1, 1, 2, 5, 5, 6, 6]


def test_evaporation_takes_away_steadily():
    with rig(evaporation_ug_per_h=6_000.0, noise_ug=0.0) as (sim, _), open_balance(balance_url(sim), "mt-sics") as balance:
        sim.advance_by(3_600_000)
        assert balance.read_stable(2).mass_ug == pytest.approx(-6_000, abs=100)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("overload", "overload"),
        ("underload", "underload"),
        ("unit", "unit_change"),
        ("half_line", "half_line"),
        ("silent", "no_answer"),
        ("tare", "tared"),
    ],
)
@pytest.mark.parametrize("protocol", some_of(PROTOCOLS, 3))
def test_faults_are_seen_by_the_reader(protocol, fault, kind):
    with rig(protocol=protocol) as (sim, client), open_balance(balance_url(sim), protocol) as balance:
        balance.read_stable(5)
        balance.watch_for_tare(5_000)
        client.start()
        sim.advance_by(60_000)
        assert balance.read_now().mass_ug > 20_000
        client.stop()
        sim.advance_by(5_000)
        control = ControlServer(sim)
        try:
            host, port = control.address.split(":")
            with Control(host, int(port), control.secret) as bench_side:
                bench_side.balance_fault(fault)
                sim.advance_by(1_000)
                lines = balance.stream()  # `read_now` skips what a printing balance has printed, the only spoilt line among it
                with pytest.raises(BalanceError) as caught:
                    for _ in range(40):  # it may have printed lines before the fault that are unread
                        next(lines) if balance.prints else balance.read_now(3.0)
        finally:
            control.close()
    assert caught.value.kind == kind


def test_unstable_never_becomes_stable():
    with rig() as (sim, _), open_balance(balance_url(sim), "mt-sics") as balance:
        sim.balance_fault("unstable")
        with pytest.raises(BalanceError) as caught:
            balance.read_stable(0.5)
        assert caught.value.kind == "unstable"


def test_a_stable_answer_comes_when_the_flow_has_ended():
    with rig() as (sim, client), open_balance(balance_url(sim), "mt-sics") as balance:
        client.start()
        sim.advance_by(20_000)
        client.stop()
        sim.set_speed(50.0)
        assert balance.read_stable(5).stable


def test_frozen_shows_the_same_for_ever():
    with rig() as (sim, client), open_balance(balance_url(sim), "mt-sics") as balance:
        client.start()
        sim.advance_by(20_000)
        sim.balance_fault("frozen")
        first = balance.read_now().raw
        sim.advance_by(20_000)
        assert balance.read_now().raw == first
        sim.balance_fault("none")
        assert balance.read_now().raw != first


def test_without_a_balance_and_with_an_unknown_fault_it_says_so():
    with SimulatedPump(named(), 1, virtual=True) as sim, pytest.raises(SimulatorError, match="no simulated balance"):
        sim.balance_fault("tare")
    with rig() as (sim, _), pytest.raises(SimulatorError, match="not a fault"):
        sim.balance_fault("sneeze")


def test_noise_is_normal_and_the_same_again():
    numbers = [Individual(4).noise(f"balance {index}") for index in range(4000)]
    assert abs(sum(numbers)) / 4000 < 0.06
    assert 0.9 < (sum(number**2 for number in numbers) / 4000) ** 0.5 < 1.1
    assert Individual(4).noise("balance 7") == numbers[7]
