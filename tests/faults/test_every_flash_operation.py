"""Journal, ledger and store of a short life, with the power cut at every flash operation, whole and torn (`make test`: some)."""

import dataclasses
import itertools

import pytest

from pumpcore.faults import faults
from support.pump.flash import images_at_each_operation
from support.pump.life import Life, Truth, live
from support.pump.running import UnitPump

MOST_OPERATIONS = 600
HARMLESS = {faults.by_name(name).number for name in ("power_lost", "not_resumed", "stop_button", "clock_lost")}
OFF_S = 3
SOME = 7  # odd, so that whole and torn cuts alternate


@pytest.fixture(scope="module")
def life() -> Life:
    return live()


def _boot(image: bytes, truth: Truth) -> UnitPump:
    pump = UnitPump(image, truth.utc_s + OFF_S)
    pump.advance(0.05)
    return pump


def _check(pump: UnitPump, truth: Truth) -> None:
    app = pump.pump
    record = app.journal
    assert set(app.alarms.active()) <= HARMLESS
    assert app.setup.digest in (truth.digest, truth.wanted_digest)
    assert record.rings["events"].next_sequence - 1 >= truth.events
    assert record.rings["faults"].next_sequence - 1 >= truth.faults
    boot = [row for row in pump.journal() if row.name == "boot"][-1].fields
    if truth.plant_steps > boot["confirmed_steps"] or boot["uncertain_steps"]:
        earlier_uncertain = app.book.uncertain_steps - boot["uncertain_steps"]
        assert boot["confirmed_steps"] - earlier_uncertain <= truth.plant_steps <= boot["leased_steps"]
    assert app.book.position_steps >= truth.plant_steps
    if boot["uncertain_steps"]:
        assert boot["uncertain_steps"] == boot["leased_steps"] - boot["confirmed_steps"]


def _check_journal(pump: UnitPump) -> None:
    for ring in ("events", "faults"):
        numbers = [record.sequence for record in pump.journal(ring)]
        assert all(after == before + 1 for before, after in itertools.pairwise(numbers))


@pytest.mark.rule("R2")
@pytest.mark.rule("R8")
@pytest.mark.rule("R9")
@pytest.mark.parametrize("every", [SOME, pytest.param(1, marks=pytest.mark.long)])
def test_a_cut_at_any_flash_operation_loses_nothing_and_delivers_nothing_twice(life: Life, every: int) -> None:
    count = 0
    for count, (_number, _torn, image, truth) in enumerate(images_at_each_operation(life.image, life.log), 1):
        if count % every:
            continue
        pump = _boot(image, truth)
        _check(pump, truth)
        _check_journal(pump)
        for token in life.tokens:
            reply = pump.ask("bolus.start", token=token, volume_nl=60_000, rate_nl=4_000_000)
            assert reply["error"]["code"] == faults.by_name("token_unknown").number
    assert count == 2 * len(life.log)
    assert len(life.log) <= MOST_OPERATIONS
    print("\ncut at %d flash operations, whole and torn: %d boots" % (len(life.log), count // every))


def _later(truth: Truth, pump: UnitPump) -> Truth:
    """Return the truth in the boot after the first cut: its own steps on top, its own clock."""
    return dataclasses.replace(truth, plant_steps=truth.plant_steps + pump.plant_steps(), utc_s=pump.board.clock.utc_s())


@pytest.mark.rule("R2")
@pytest.mark.long
def test_a_second_cut_during_recovery_is_survived_too(life: Life) -> None:
    running = [row for row in images_at_each_operation(life.image, life.log) if row[3].plant_steps > 0][::80]
    for _number, _torn, image, truth in running:
        first = UnitPump(image, truth.utc_s + OFF_S)
        booted = first.image()
        first.board.chip.record(lambda truth=truth, first=first: _later(truth, first))
        first.advance(70)
        for _again, _half, second_image, seen in images_at_each_operation(booted, first.board.chip.log[:10]):
            second = _boot(second_image, seen)
            _check(second, seen)
            _check_journal(second)
