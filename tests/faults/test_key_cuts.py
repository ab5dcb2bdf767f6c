"""Setting, changing, removing and forgetting keys, with the power cut at every flash operation, whole and torn."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from support.programs import MONDAY_UTC_S, constant
from support.pump import board, running
from support.pump.flash import Chip, PowerCut, images_at_each_operation
from support.pump.keys import KEYS, OTHERS, challenge, confirmed, fault, seal, with_keys
from support.pump.running import UnitPump, Watched, ready

STORIES = {"first": (b"", KEYS), "changed": (KEYS, OTHERS), "removed": (KEYS, b"")}


def boot(image: bytes) -> Watched:
    pump = Watched(image, MONDAY_UTC_S + 3600)
    pump.advance(0.05)
    return pump


def judged(image: bytes, old: bytes, new: bytes) -> bytes:
    """Boot after a cut, and return the keys that count: the old or the new ones, without an alarm, and no others sign."""
    booted = boot(image)
    found = booted.pump.setup.keys
    assert booted.call("status")["keys"] == ("set" if found else "none") and set(booted.alarms()) <= {"stop_button"}
    assert found in (old, new) and booted.call("status")["program_digest"]
    assert found == old or booted.records("keys_changed")  # before it happens
    for keys in (KEYS, OTHERS):
        told = fault(booted, seal(booted.request("program.read"), "look", challenge(booted), keys))
        assert (told == "") == (keys == found)
    return found


@pytest.mark.rule("R9")
@pytest.mark.rule("R10")
@pytest.mark.parametrize("story", STORIES)
def test_a_cut_at_any_operation_leaves_the_old_or_the_new_keys(story: str) -> None:
    """Never a pump that is open in between, and never an alarm: the power failed, nothing was damaged."""
    old, new = STORIES[story]
    pump = ready(constant(900_000))
    if old:
        with_keys(pump, old)
    image = pump.image()
    pump.board.chip.record(lambda: None)
    if old:
        assert fault(pump, seal(pump.request("key.set", keys=new.hex()), "program", challenge(pump))) == ""
    else:
        assert confirmed(pump, new)["done"]
    found = [judged(cut, old, new) for _, _, cut, _ in images_at_each_operation(image, pump.board.chip.log)]
    found.append(judged(pump.image(), old, new))
    assert found[0] == old and found[-1] == new and len(pump.board.chip.log) >= 3


def cut_starts(image: bytes) -> Iterator[bytes]:
    """Yield what each start of this flash leaves that is cut at an operation, until one comes to its end."""
    for operation in range(1, 100):
        for torn in (False, True):
            chip = Chip(image, operation, torn)
            with suppress(PowerCut):  # littlefs may also report a dead chip as an error, and the start goes on without flash
                boot_on(chip)
            yield bytes(chip.buffer)
            if not chip.dead:
                assert operation > 7, "it wrote less than one record and two images"
                return


def boot_on(chip: Chip) -> None:
    pump = UnitPump.__new__(UnitPump)
    pump.board = board.Board(chip, MONDAY_UTC_S + 60)
    running.boot.build(pump.board, running.loading.load(pump.board), "0" * 64, ())


@pytest.mark.rule("R9")
@pytest.mark.parametrize("damaged", [False, True])
def test_a_cut_in_the_start_that_forgets_the_keys_leaves_them_or_none(damaged: bool) -> None:
    pump = with_keys(ready(constant(900_000)))
    if damaged:
        pump.board.flash.remove("/marks/keys")
    pump.board.flash.write("/store/keys.forget", b"")
    for image in cut_starts(pump.image()):
        booted = boot(image)  # goes on where the start before was cut
        assert booted.call("status")["keys"] == "none" and booted.alarms() == []
        assert {tuple(row.values()) for row in booted.records("keys_changed")} == {(1, 2)}
        assert not booted.board.flash.exists("/store/keys.forget") and booted.call("name.set", name="x")
