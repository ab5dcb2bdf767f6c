"""The pump's name: journaled, stored, reported; set only while stopped; its loss is no alarm."""

import pytest

from pumpcore.flash import slots
from support.programs import MONDAY_UTC_S, constant
from support.pump.flash import images_at_each_operation
from support.pump.running import Watched, again, ready, running


def names(pump: Watched) -> list[str]:
    return [record["name"].rstrip(b"\0").decode() for record in pump.records("named")]


def test_a_name_is_journaled_kept_and_in_the_greeting() -> None:
    pump = ready(constant(900_000))
    assert pump.call("hello")["name"] == ""
    assert pump.call("name.set", name="flow-1") == {"name": "flow-1"}
    pump.call("name.set", name="flow-1")
    booted = again(pump)
    assert booted.call("hello")["name"] == "flow-1" and names(booted) == ["flow-1"]
    booted.call("name.set", name="")
    assert again(booted).call("hello")["name"] == "" and names(booted) == ["flow-1", ""]
    assert booted.alarms() == []


def test_a_name_of_20_bytes_fits_and_a_longer_one_is_refused() -> None:
    pump = ready(constant(900_000))
    assert pump.call("name.set", name="µ" * 10)["name"] == "µ" * 10
    assert names(pump) == ["µ" * 10]
    for wrong in ("µ" * 10 + "a", "a\nb", 5):
        assert pump.fault("name.set", name=wrong) == "bad_params"
    assert pump.call("hello")["name"] == "µ" * 10


def test_a_running_pump_keeps_its_name() -> None:
    pump = running(constant(900_000))
    assert pump.fault("name.set", name="flow-1") == "not_stopped"
    assert pump.call("hello")["name"] == "" and names(pump) == []


@pytest.mark.parametrize("what", ["/store/name.a", "/marks/name"])
def test_a_damaged_name_is_no_name_and_no_alarm(what: str) -> None:
    pump = ready(constant(900_000))
    pump.call("name.set", name="flow-1")
    raw = bytearray(pump.board.flash.read(what))
    raw[len(raw) // 2] ^= 1
    pump.board.flash.write(what, bytes(raw))
    booted = again(pump)
    assert booted.call("hello")["name"] == "" and booted.alarms() == []
    booted.call("name.set", name="flow-2")
    assert again(booted).call("hello")["name"] == "flow-2"
    assert slots.LETTERS == "ab"


@pytest.mark.rule("R9")
def test_a_cut_at_any_operation_of_naming_leaves_the_old_or_the_new_name() -> None:
    pump = ready(constant(900_000))
    pump.call("name.set", name="old")
    image = pump.image()
    pump.board.chip.record(lambda: None)
    pump.call("name.set", name="new")
    outcomes = set()
    for _number, _torn, cut, _seen in images_at_each_operation(image, pump.board.chip.log):
        booted = Watched(cut, MONDAY_UTC_S + 3600)
        booted.advance(0.05)
        name = booted.call("hello")["name"]
        assert name in ("old", "new") and booted.alarms() == []
        assert name != "new" or "new" in names(booted)  # before it happens
        outcomes.add(name)
    assert outcomes | {again(pump).call("hello")["name"]} == {"old", "new"}
