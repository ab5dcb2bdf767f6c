"""A change of concentration, its bridge and its priming, cut at every flash operation, whole and torn.

The pump never forgets that two drugs are in the line. After the cut it never delivers the old one faster than where the tip surely has it.
"""

import dataclasses

import pytest

from pumpcore.program import packing as programs
from support.mixtures import mixed
from support.programs import MONDAY_UTC_S
from support.pump.bridges import HIGH_NL, LOW_NL, PAIR, bridged, changed, drug, prime
from support.pump.flash import images_at_each_operation
from support.pump.running import UnitPump, Watched
from support.replies import refusal_of

OFF_S = 3
OLD, NEW = drug(500), drug(300)
RICHER = (mixed(drug(500), ("marker", 250, 1)), mixed(drug(500), ("marker", 300, 1)))  # only the second drug differs


@dataclasses.dataclass
class Truth:
    """The plant's steps since the front began, the clock, and the store when the operation begins."""

    made: int
    utc_s: int
    active: tuple


class _Witness:
    def __init__(self, pump: Watched, begun: int) -> None:
        self.pump, self.begun = pump, begun

    def __call__(self) -> Truth:
        pump = self.pump
        return Truth(pump.plant_steps() - self.begun, pump.board.clock.utc_s(), pump.pump.setup.program.content())


def booted(image: bytes, utc_s: int) -> UnitPump:
    pump = UnitPump(image, utc_s)
    pump.advance(0.05)
    return pump


def start_fault(pump: UnitPump) -> str:
    reply = pump.ask("start")
    return "" if "result" in reply else refusal_of(reply)["fault"]


@pytest.mark.rule("R7")
@pytest.mark.parametrize("back", [False, True], ids=["another", "and back"])
def test_a_cut_while_another_concentration_is_activated_never_skips_the_bridge(back: bool) -> None:
    never_skips_the_bridge(OLD, NEW, back)


@pytest.mark.rule("R7")
@pytest.mark.parametrize("back", [False, True], ids=["another", "and back"])
def test_a_cut_while_another_second_drug_is_activated_never_skips_the_bridge(back: bool) -> None:
    never_skips_the_bridge(*RICHER, back)


def never_skips_the_bridge(old: programs.Program, new: programs.Program, back: bool) -> None:
    """Whatever program is active after the cut: it starts without a bridge only if the whole line has its content."""
    pump = changed(old, old) if not back else changed(old, new)
    pump.call("stop")
    image, held = pump.image(), old.content()
    pump.board.chip.record(_Witness(pump, pump.plant_steps()))
    pump.upload(old if back else new)
    seen = set()
    for _number, _torn, cut_image, truth in images_at_each_operation(image, pump.board.chip.log):
        again = booted(cut_image, truth.utc_s + OFF_S)
        active = again.pump.setup.program.content()
        fault = start_fault(again)
        assert fault == ("" if active == held else "bridge_needed"), (active, truth)
        seen.add((active, fault))
        if not fault:  # settled: nothing later asks for a bridge of what never went in
            again.advance(70)
            again.call("stop")
            assert start_fault(again) == ""
            again.call("stop")
            again.upload(new)
            assert start_fault(again) == "bridge_needed"
    assert len(seen) == 2 and len(pump.board.chip.log) >= 10


def settled(cut_image: bytes, truth: Truth, number: int) -> UnitPump:
    """Return the pump after the cut, with a clock every other time, once it delivers again or was told to."""
    again = UnitPump(cut_image, truth.utc_s + OFF_S if number % 2 else 0)
    again.advance(70)
    return again


@pytest.mark.rule("R2")
@pytest.mark.rule("R11")
@pytest.mark.parametrize(("old", "new"), [(500, 300), (300, 500)])
def test_a_cut_at_any_operation_of_a_bridge_goes_on_from_a_front_that_holds_the_true_one(old: int, new: int) -> None:
    """From `bridge.start` until well after the front has passed: the true front is between least and most.

    The higher of the two rates runs only while the tip surely delivers the content it is for.
    """
    pump = changed(drug(old), drug(new))
    begun, image = pump.plant_steps(), pump.image()
    pump.board.chip.record(_Witness(pump, begun))
    bridged(pump)
    pump.advance(340 * 500 // 300 + 300 if old > new else 500)
    assert pump.records("front_passed") and len(pump.board.chip.log) < 400
    ran = sure = 0
    for number, torn, cut_image, truth in images_at_each_operation(image, pump.board.chip.log):
        if number % 4 and not (torn and number % 4 == 1):
            continue
        again = settled(cut_image, truth, number)
        told = again.call("status")["therapy"]["line"]
        motor = again.plant_steps()
        if told is not None:
            true_nl = (truth.made + motor) * PAIR.volume_nl // PAIR.steps
            assert told["least_nl"] <= true_nl + 1 and true_nl <= told["most_nl"], (told, truth)
        state = again.call("status")["state"]
        if state != "running":
            assert truth.made == 0 and start_fault(again) == "bridge_needed"
            continue
        ran += 1
        for _ in range(4):
            again.advance(20)
            sure += _ahead_of_what_is_sure(again, truth.made)
    assert ran > 20 and 20 < sure < 4 * ran


def _ahead_of_what_is_sure(pump: UnitPump, made: int) -> bool:
    """Return True if the pump leases at the bridge's rate or the plain one, after checking that it is right for the true front.

    The front was at `made` when the power came back.
    """
    delivery, boot = pump.pump.delivery, pump.pump.book.position_steps
    span, bridge = delivery.span, delivery.bridge
    phase = bridge.phase if bridge is not None else "passed"
    at, ends = (made + steps - boot for steps in (span.ordered_steps, span.leased_steps))
    if phase == "old":
        assert ends * PAIR.volume_nl <= LOW_NL * PAIR.steps, (made, at, ends)
    if phase == "passed":
        assert at * PAIR.volume_nl >= HIGH_NL * PAIR.steps, (made, at)
    return phase != "uncertain"


@pytest.mark.rule("R8")
@pytest.mark.long
def test_a_cut_at_any_operation_of_a_priming_ends_the_mix_only_when_all_of_it_was_made() -> None:
    pump = changed(OLD, NEW)
    begun, image = pump.plant_steps(), pump.image()
    whole = PAIR.steps_for_nl(339_000)
    pump.board.chip.record(_Witness(pump, begun))
    prime(pump)
    seen = set()
    for number, _torn, cut_image, truth in images_at_each_operation(image, pump.board.chip.log):
        again = booted(cut_image, truth.utc_s + OFF_S if number % 2 else MONDAY_UTC_S)
        fault = start_fault(again)
        assert fault == "bridge_needed" or truth.made == whole, truth
        seen.add(fault)
        if fault:
            again.call("bolus.prime", token=again.token(), rate_nl=36_000_000, again=1)
            again.advance(60)
            assert start_fault(again) == ""
    assert seen == {"", "bridge_needed"}
