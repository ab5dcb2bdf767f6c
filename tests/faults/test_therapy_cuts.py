"""A short life with therapy, cut at every flash operation, whole and torn: never a dose too many, nothing forgotten."""

import dataclasses
import itertools

import pytest

from support.programs import MONDAY_UTC_S, constant, with_settings
from support.pump.flash import images_at_each_operation
from support.pump.running import UnitPump, blank_image

OFF_S = 3
DEMAND = {"demand_on": 1, "demand_nl": 60_000, "demand_s": 60, "lockout_s": 150, "demand_per_day": 2}


@dataclasses.dataclass
class Truth:
    """The state of plant and clock when an operation begins."""

    plant_steps: int
    powered_on_s: int
    utc_s: int
    demand_starts_s: tuple  # powered-on seconds at which the plant began one


@dataclasses.dataclass
class Life:
    image: bytes
    log: list


class _Witness:
    """See what the motor does, and nothing of what the pump believes."""

    def __init__(self, pump: UnitPump) -> None:
        self.pump = pump
        self.starts = []

    def begun(self) -> tuple:
        """A demand bolus counts as begun once its first slice is being made."""
        bolus, now_ms = self.pump.pump.delivery.orders.bolus, self.pump.board.clock.uptime_ms()
        if bolus is not None and bolus.planned_steps and now_ms >= bolus.begins_at_ms and bolus.begins_at_ms // 1000 not in self.starts:
            self.starts.append(bolus.begins_at_ms // 1000)
        return tuple(self.starts)

    def __call__(self) -> Truth:
        board = self.pump.board
        return Truth(self.pump.plant_steps(), board.clock.uptime_ms() // 1000, board.clock.utc_s(), self.begun())


def program() -> object:
    made = with_settings(constant(900_000), **DEMAND)
    made.after_power_loss = "resume"
    return made


@pytest.fixture(scope="module")
def life() -> Life:
    """Two demand boluses, one early press, one press beyond the count."""
    pump = UnitPump(blank_image(), MONDAY_UTC_S)
    pump.advance(1)
    pump.upload(program())
    pump.call("start")
    pump.advance(5)
    image = pump.image()
    pump.board.chip.record(_Witness(pump))
    for wait_s in (100, 100, 100, 60):
        pump.board.buttons.bolus = True
        pump.advance(wait_s)
    return Life(image, pump.board.chip.log)


def _running(image: bytes, utc_s: int) -> UnitPump:
    """Return the pump after the cut, once it delivers again."""
    pump = UnitPump(image, utc_s)
    pump.advance(70)
    if pump.call("status")["state"] != "running":
        pump.call("start")
        pump.advance(1)
    return pump


@pytest.mark.rule("R5")
@pytest.mark.rule("R8")
@pytest.mark.long
def test_a_cut_at_any_flash_operation_forgets_no_dose(life: Life) -> None:
    count = 0
    for _number, _torn, image, truth in images_at_each_operation(life.image, life.log):
        pump = UnitPump(image, truth.utc_s + OFF_S if count % 2 else 0)
        pump.advance(0.05)
        counted = pump.pump.doses.demands(pump.pump.book.powered_on_s())
        assert len(counted) >= len(truth.demand_starts_s)
        assert all(told >= began for told, began in zip(counted[-len(truth.demand_starts_s) :], truth.demand_starts_s))
        if truth.demand_starts_s:
            # powered-on time never runs ahead of the true time, so the lockout never ends too early
            assert pump.pump.book.powered_on_s() <= truth.powered_on_s + 1
            name, wait_s = pump.pump.doses.barred(pump.pump.setup.program.settings, pump.pump.book.powered_on_s())
            really_s = truth.demand_starts_s[-1] + DEMAND["lockout_s"] - truth.powered_on_s
            assert (name and wait_s >= really_s) or really_s <= 0
        count += 1
    assert count == 2 * len(life.log) and len(life.log) <= 250
    print("\ntherapy cut at %d flash operations, whole and torn: %d boots" % (len(life.log), count))


@pytest.mark.rule("R5")
def test_presses_after_a_cut_never_give_one_dose_more(life: Life) -> None:
    """After a third of the cuts somebody keeps pressing: no start comes too early after the last true one."""
    for _number, _torn, image, truth in list(images_at_each_operation(life.image, life.log))[::16]:
        pump = _running(image, truth.utc_s + OFF_S)
        for _ in range(30):
            pump.board.buttons.bolus = True
            pump.advance(10)
        starts = [row.fields["powered_on_s"] for row in pump.journal() if row.name == "dose"]
        assert len(starts) <= DEMAND["demand_per_day"]
        assert all(later - earlier >= DEMAND["lockout_s"] for earlier, later in itertools.pairwise(starts))


RESERVOIR = {"capacity_nl": 20_000_000, "low_nl": 2_000_000, "empty_nl": 500_000, "tolerance_permille": 50, "tolerance_nl": 100_000}


@pytest.mark.rule("R2")
@pytest.mark.rule("R8")
def test_a_cut_during_a_refill_leaves_the_old_or_the_new_and_never_more_than_there_is() -> None:
    """A refill out of tolerance, its acknowledgement, and one in tolerance, cut at every operation."""
    pump = UnitPump(blank_image(), MONDAY_UTC_S)
    pump.advance(1)
    pump.upload(with_settings(program(), **RESERVOIR))
    image = pump.image()
    there = {"nl": 0}

    def refill(measured_nl: int, filled_nl: int) -> None:
        token = pump.token()
        there["nl"] = max(there["nl"], measured_nl + filled_nl)
        pump.call("reservoir.refill", token=token, measured_nl=measured_nl, filled_nl=filled_nl)

    pump.board.chip.record(lambda: (there["nl"], pump.pump.setup.tank))
    refill(0, 3_000_000)
    there["nl"] = 5_000_000  # filled now, and reported afterwards
    refill(1_000_000, 4_000_000)
    pump.call("reservoir.acknowledge", reason="spilt")
    count = 0
    for _number, _torn, cut_image, (most_nl, before) in images_at_each_operation(image, pump.board.chip.log):
        again = UnitPump(cut_image, MONDAY_UTC_S + OFF_S)
        again.advance(0.05)
        tank = again.pump.setup.tank
        assert not again.pump.alarms.stopping()
        assert tank is None or tank.left_nl(0) <= most_nl
        assert (tank is None) <= (before is None)
        if before is not None and before.blocks and tank.base_nl == before.base_nl and tank.token == before.token:
            told = [row.name for row in again.journal()]
            assert tank.blocks or "refill_acknowledged" in told
        count += 1
    assert count == 2 * len(pump.board.chip.log) > 20


@pytest.mark.rule("R11")
@pytest.mark.parametrize(("pair", "resumes"), [((1, 2), False), ((2, 1), True)], ids=["lower", "higher"])
def test_a_cut_at_any_operation_ends_a_temporary_rate_and_never_resumes_into_more(pair: tuple, resumes: bool) -> None:
    pump = UnitPump(blank_image(), MONDAY_UTC_S)
    pump.advance(1)
    pump.upload(program())
    pump.call("start")
    pump.advance(70)
    image = pump.image()
    pump.board.chip.record(lambda: (pump.pump.delivery.leases.files.record.temporary, pump.board.clock.utc_s()))
    token = pump.token()
    pump.call("temporary.start", token=token, rate_nl=0, numerator=pair[0], denominator=pair[1], duration_s=100)
    pump.advance(130)
    seen = []
    for _number, _torn, cut_image, (temporary, utc_s) in images_at_each_operation(image, pump.board.chip.log):
        again = UnitPump(cut_image, utc_s + OFF_S)
        again.advance(0.05)
        assert again.pump.delivery.overlay.present is None
        told = again.pump.state() in ("resuming", "running")
        if temporary:  # before, the record being written may already count
            assert told == resumes
        seen.append((bool(temporary), told))
    assert {(True, resumes), (False, True)} <= set(seen)


@pytest.mark.rule("R8")
@pytest.mark.rule("R11")
@pytest.mark.long
def test_a_cut_at_any_operation_tells_what_was_made_of_both_boluses_and_resumes_neither() -> None:
    """An extended bolus, paused by another and resumed. There is no basal: every step is of one of the two."""
    pump = UnitPump(blank_image(), MONDAY_UTC_S)
    pump.advance(1)
    silent = constant(0)
    silent.after_power_loss = "resume"
    pump.upload(silent)
    pump.call("start")
    pump.advance(5)
    image = pump.image()

    def truth() -> tuple:
        return pump.plant_steps(), pump.board.clock.utc_s(), pump.pump.delivery.leases.files.record

    pump.board.chip.record(truth)
    tokens = [pump.token()]
    pump.call("bolus.extended", token=tokens[0], volume_nl=300_000, duration_s=600)
    pump.advance(100)
    tokens.append(pump.token())
    pump.call("bolus.start", token=tokens[1], volume_nl=60_000, rate_nl=7_200_000)
    pump.advance(100)
    cuts = 0
    for _number, _torn, cut_image, (made, utc_s, record) in images_at_each_operation(image, pump.board.chip.log):
        again = UnitPump(cut_image, utc_s + OFF_S)
        again.advance(0.05)
        assert again.pump.delivery.orders.live() == [] and not again.pump.alarms.stopping()
        told = [again.call("bolus.status", token=token) for token in tokens]
        assert all(row["state"] in ("never_ordered", "cut", "done") for row in told)
        assert sum([row.get("delivered_steps", 0) for row in told]) >= made
        assert again.pump.book.position_steps >= made
        if record.extended_token:
            assert told[0]["state"] == "cut" and told[0]["delivered_steps"] >= record.extended_steps - 2000
        for token in tokens:
            assert "error" in again.ask("bolus.start", token=token, volume_nl=60_000, rate_nl=7_200_000)
        cuts += 1
    assert cuts == 2 * len(pump.board.chip.log) > 60
