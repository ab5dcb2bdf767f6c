"""Setting the bench's ceilings, with the power cut at every flash operation, whole and torn."""

import pytest

from support.programs import MONDAY_UTC_S, constant
from support.pump.flash import images_at_each_operation
from support.pump.running import BENCH, Watched, ready

OLD = BENCH["ceilings"]
HIGHER = {**OLD, "day_nl": 20_000_000_000}
LOWER = {**OLD, "day_nl": 2_000_000_000}


def boot(image: bytes) -> Watched:
    pump = Watched(image, MONDAY_UTC_S + 3600)
    pump.advance(0.05)
    return pump


def ceilings_of(pump: Watched) -> dict[str, int]:
    told = pump.call("hello")["ceilings"]
    return {name: told[name] for name in OLD}


@pytest.mark.rule("R5")
@pytest.mark.rule("R9")
@pytest.mark.parametrize("wanted", [HIGHER, LOWER], ids=["higher", "lower"])
def test_a_cut_at_any_operation_leaves_the_old_or_the_new_ceilings(wanted: dict[str, int]) -> None:
    pump = ready(constant(900_000))
    image = pump.image()
    pump.board.chip.record(lambda: None)
    if wanted is HIGHER:
        assert not pump.call("bench.set", **wanted)["done"]
        pump.advance(1)
        pump.board.buttons.stop = pump.board.buttons.held_down = True
        pump.advance(3)
        assert not pump.call("bench.set", **wanted)["done"]
        pump.board.buttons.held_down = False
    assert pump.call("bench.set", **wanted)["done"]
    outcomes = []
    for _number, _torn, cut, _seen in images_at_each_operation(image, pump.board.chip.log):
        booted = boot(cut)
        found = ceilings_of(booted)
        assert found in (OLD, wanted) and set(booted.alarms()) <= {"stop_button"}
        journaled = [{name: record[name] for name in OLD} for record in booted.records("bench_set")]
        assert found == OLD or wanted in journaled  # before it happens
        assert booted.call("status")["program_digest"] == pump.call("status")["program_digest"]
        outcomes.append(found)
        assert booted.call("bench.set", **{**LOWER, "hour_nl": 600_000_000})["done"]
    outcomes.append(ceilings_of(boot(pump.image())))
    assert outcomes[0] == OLD and outcomes[-1] == wanted and len(pump.board.chip.log) >= 3
