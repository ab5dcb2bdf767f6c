"""The simulated rotor: it stays where it is over cuts, may jump, slip, stall or be turned, and the motor does not know."""

import contextlib
from collections.abc import Iterator

import pytest

from pumpcore.program import packing as programs
from support.programs import constant
from support.rig.benches import named
from thecal.pump.client import Client
from thecal.sim.control import Control, ControlServer
from thecal.sim.errors import SimulatorError
from thecal.sim.runner import SimulatedPump
from thecal.sim.world.balance import BalanceOptions
from thecal.sim.world.head import Head
from thecal.sim.world.head_text import head_of
from thecal.sim.world.individual import Crystal, Individual
from thecal.sim.world.outlet import Outlet
from thecal.sim.world.plant import Plant
from thecal.sim.world.rotor import Rotor

STEPS, CYCLE = 3200, 64
S = 1_000_000_000


def made(text: str = "dip20", seed: int = 1) -> Rotor:
    head = Head(head_of(text), named(), Individual(seed))
    return Rotor(head, Outlet(head), named(), Individual(seed))


@contextlib.contextmanager
def rig(head: str, **options: object) -> Iterator[tuple[SimulatedPump, Client]]:
    """A pump in virtual time with 1.6 mL/h staged, not started."""
    with SimulatedPump(named(), 1, virtual=True, head=head, **options) as sim:
        sim.advance_by(500)
        with Client(sim.port_url or sim.socket_url) as client:
            client.program_activate(client.program_stage(programs.pack(constant(1_600_000)))["digest"])
            yield sim, client


def test_it_follows_the_motor_and_stays_where_it_is_over_a_cut() -> None:
    with rig("dip20", record_volume=True) as (sim, client):
        first = sim.rotor_steps()
        assert first == sim.rotor.head.first_steps
        client.start()
        sim.advance_by(60_000)
        assert sim.rotor_steps() - first == sim.plant_steps() > 2_000
        sim.cut_power()
        stands, steps, volume_nl = sim.rotor_degrees(), sim.plant_steps(), sim.delivered_nl()
        sim.advance_by(5_000)
        sim.restore_power()
        sim.advance_by(2_000)
        assert (sim.rotor_degrees(), sim.plant_steps(), sim.delivered_nl()) == (stands, steps, volume_nl)
        assert stands == pytest.approx((first + steps) % STEPS / STEPS * 360)
        head = sim.rotor.head
        assert volume_nl == pytest.approx(head.volume_nl(first + steps) - head.volume_nl(first))
        series_nl = sim.delivered_series_nl(0, 60_000, 500)
        assert series_nl[0] == 0 and series_nl[-1] == pytest.approx(sim.delivered_nl(60_000))


def test_the_balance_weighs_what_left_the_head() -> None:
    with rig("dip35", balance=BalanceOptions(noise_ug=0.0)) as (sim, client):
        client.start()
        sim.advance_by(120_000)
        shown_ug = sim.balance.pan.look().mass_ug
        at_ms = sim.now_ms() // 100 * 100
        assert sim.delivered_series_nl(at_ms - 200, at_ms, 100, as_weighed=True) == sim.delivered_series_nl(at_ms - 200, at_ms, 100)
        assert shown_ug == pytest.approx(sim.delivered_nl(at_ms) * 0.9982, abs=51)
        assert sim.balance_delivered_ug() == pytest.approx(sim.delivered_nl() * 0.9982)


def test_a_series_may_be_that_of_a_balance_with_a_lag() -> None:
    with rig("dip20", balance=BalanceOptions(lag_s=0.7), record_volume=True) as (sim, client):
        client.start()
        sim.advance_by(60_000)
        now_ms = sim.now_ms()
        true_nl, shown_nl = (sim.delivered_series_nl(now_ms - 30_000, now_ms, 1_000, as_weighed) for as_weighed in (False, True))
        behind_nl = [true - shown for true, shown in zip(true_nl, shown_nl, strict=True)]
        assert sum(behind_nl) / len(behind_nl) == pytest.approx(0.7 * (true_nl[-1] - true_nl[0]) / 30, rel=0.15)


def test_no_jump_unless_asked_for() -> None:
    rotor = made()
    before = rotor.angle_steps
    for number in range(50):
        rotor.follow(number * S, number * S + 1000, 0, 37)
        rotor.energised(number * S + 2000)
        rotor.driver_lost()
    assert rotor.angle_steps == before + 50 * 37


def test_an_enable_jumps_by_one_cycle_either_way_or_not_at_all() -> None:
    rotor = made("dip20,jumps=on")
    rotor.energised(0)
    seen = []
    for number in range(90):
        before = rotor.angle_steps
        rotor.energised(number * S)
        seen.append(rotor.angle_steps - before)
    assert set(seen) == {-CYCLE, 0.0, CYCLE}
    assert all(15 <= seen.count(jump) <= 45 for jump in set(seen))
    again = made("dip20,jumps=on")
    again.energised(0)
    for number in range(90):
        again.energised(number * S)
    assert again.angle_steps == rotor.angle_steps, "by seed"
    others = {made("dip20,jumps=on", seed) for seed in range(9)}
    for other in others:
        for number in range(5):
            other.energised(number * S)
    assert len({other.angle_steps - other.head.first_steps for other in others}) > 2


def test_a_driver_that_lost_its_supply_takes_the_nearest_place_of_its_home() -> None:
    rotor, now_ns, jumps = made("dip20,jumps=on"), 0, []
    rotor.energised(0)
    for steps in (5, 31, 32, 33, 63, 64, 100):
        now_ns += S
        rotor.follow(now_ns, now_ns + 1000, 0, steps)
        rotor.driver_lost()
        before = rotor.angle_steps
        rotor.energised(now_ns + 2000)
        jumps.append(rotor.angle_steps - before)
    assert jumps == [-5, -31, 32, 31, 1, 0, 28], "at most two full steps, 32 of these"


def test_a_jump_moves_fluid() -> None:
    rotor = made("even")
    rotor.turn(S, 90.0)
    assert rotor.outlet.delivered_nl(2 * S) == pytest.approx(rotor.head.turn_nl / 4)
    rotor.turn(3 * S, -180.0)
    assert rotor.outlet.delivered_nl(4 * S) == pytest.approx(-rotor.head.turn_nl / 4)
    assert rotor.outlet.delivered_nl(2 * S) == pytest.approx(rotor.head.turn_nl / 4)


def test_a_slip_leaves_the_rotor_behind_by_its_angle() -> None:
    rotor = made("even")
    before = rotor.angle_steps
    rotor.slip(6.0)  # 53 steps
    rotor.follow(0, 9 * S, 0, 10)
    assert rotor.angle_steps == before
    rotor.follow(10 * S, 109 * S, 10, 100)
    assert rotor.angle_steps == before + 110 - 53
    assert rotor.outlet.delivered_nl(52 * S) == 0
    assert rotor.outlet.delivered_nl(53 * S) == pytest.approx(rotor.head.turn_nl / STEPS), "the 44th of these moves it"
    rotor.follow(110 * S, 110 * S, 110, 1)
    assert rotor.angle_steps == before + 111 - 53


def test_stalled_and_reverse() -> None:
    rotor = made()
    before = rotor.angle_steps
    rotor.set_drive("stalled")
    rotor.follow(0, S, 0, 100)
    assert rotor.angle_steps == before
    rotor.set_drive("reverse")
    rotor.follow(2 * S, 3 * S, 100, 100)
    assert rotor.angle_steps == before - 100
    assert rotor.outlet.delivered_nl(3 * S) < 0
    rotor.set_drive("follows")
    rotor.follow(4 * S, 5 * S, 200, 100)
    assert rotor.angle_steps == before
    assert rotor.outlet.delivered_nl(5 * S) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("degrees", [0.0, -3.0, 361.0])
def test_a_slip_has_bounds(degrees: float) -> None:
    with pytest.raises(SimulatorError, match="a slip of"):
        made().slip(degrees)


def test_a_turn_and_a_drive_have_bounds() -> None:
    with pytest.raises(SimulatorError, match="a turn by 400 degrees"):
        made().turn(0, 400.0)
    with pytest.raises(SimulatorError, match="the drive 'sideways' is not known"):
        made().set_drive("sideways")


class Enables:
    """A plant whose driver reports when it takes hold."""

    def __init__(self) -> None:
        self.plant, self.seen = Plant(), [0]
        self.seen.clear()
        self.plant.on_energise = self.seen.append
        self.plant.power_up(Crystal(0, 0, 0))
        self.plant.allow(0, 1000)


def test_the_driver_takes_hold_once_for_each_enable() -> None:
    made = Enables()
    plant = made.plant
    plant.enable(10, True)
    plant.enable(20, True)
    plant.queue(30, 5, 50)
    plant.settle(100)
    assert made.seen == [10]
    plant.enable(110, False)
    plant.enable(120, True)
    assert made.seen == [10, 120]


def test_the_driver_takes_hold_after_stop_guard_and_supply() -> None:
    made = Enables()
    plant = made.plant
    plant.enable(10, True)
    plant.latch_stop(20)
    plant.stop_latched = False
    plant.queue(30, 4, 40)
    plant.settle(100)
    assert made.seen == [10, 40], "at the first step after the release"
    plant.allow(100, 2)
    plant.queue(100, 4, 40)
    plant.settle(200)
    assert plant.guard.tripped and made.seen == [10, 40]
    plant.allow(200, 100)
    plant.rearm(210)
    assert made.seen == [10, 40, 210]
    plant.supply(220, False)
    plant.supply(230, True)
    plant.power_down(240)
    plant.enable(250, True)
    assert made.seen == [10, 40, 210, 230, 250]


def test_enables_of_a_pump_with_jumps_move_its_rotor_and_no_step() -> None:
    moved = set()
    with rig("dip20,jumps=on") as (sim, client):
        for _ in range(8):
            client.start()
            sim.advance_by(3_000)
            client.stop()
            sim.advance_by(1_000)
            moved.add(sim.rotor_steps() - sim.rotor.head.first_steps - sim.plant_steps())
        assert client.status()["delivered_steps"] == sim.plant_steps()
    assert len(moved) > 1
    assert all(jump % CYCLE == 0 for jump in moved)


@pytest.mark.parametrize("loss", ["cut", "motor supply", "reset"])
def test_a_pump_whose_driver_lost_its_supply_jumps_by_two_full_steps_at_most(loss: str) -> None:
    with rig("dip20,jumps=on") as (sim, client):
        client.start()
        sim.advance_by(3_017)
        client.stop()
        sim.advance_by(1_000)
        if loss == "cut":
            sim.cut_power()
            sim.restore_power()
        elif loss == "reset":
            sim.reset()
        else:
            sim.set_motor_supply(0)
            sim.set_motor_supply(12_000)
        steps, before = sim.plant_steps(), sim.rotor_steps()
        home = (steps + CYCLE // 2) % CYCLE - CYCLE // 2
        assert home not in (0, CYCLE // 2), "elsewhere a jump shows"
        sim.rotor.energised(sim.now_ms() * 1_000_000)
        jump = sim.rotor_steps() - before
        assert (jump == -home) == (loss != "reset")


def test_the_controls_reach_a_pump_in_another_process() -> None:
    with rig("even") as (sim, client):
        server = ControlServer(sim)
        host, _, port = server.address.rpartition(":")
        try:
            with Control(host, int(port), server.secret) as control:
                before = control.rotor_steps()
                control.turn_rotor(-90.0)
                assert control.rotor_steps() == before - STEPS / 4
                assert control.delivered_nl() == pytest.approx(-sim.rotor.head.turn_nl / 4)
                control.slip(6.0)
                control.drive_rotor("follows")
                control.alter_head("line=5s")
                client.start()
                control.advance_by(10_000)
                assert control.rotor_steps() == before - STEPS / 4 + control.plant_steps() - 53
                assert control.rotor_degrees() == sim.rotor_degrees()
                assert sim.rotor.head.spec.line_s == 5.0
                with pytest.raises(SimulatorError, match="a head has no 'pipe'"):
                    control.alter_head("pipe=5s")
        finally:
            server.close()


def test_a_pump_without_a_head_says_how_to_get_one() -> None:
    with SimulatedPump(named(), 1, virtual=True) as sim:
        for act in (sim.rotor_degrees, sim.delivered_nl, lambda: sim.slip(6.0), lambda: sim.turn_rotor(5.0)):
            with pytest.raises(SimulatorError, match="no simulated head") as caught:
                act()
            assert "--head" in caught.value.do
