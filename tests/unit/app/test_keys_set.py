"""Setting, changing, removing and losing the keys of a pump, and what the journal says of wrong tries."""

import pytest

from support.programs import constant
from support.pump.keys import KEYS, OTHERS, challenge, confirmed, fault, press, seal, signed, with_keys
from support.pump.running import Watched, again, ready, running

NAME = {"name": "flow-1"}


@pytest.fixture
def pump() -> Watched:
    return with_keys(ready(constant(900_000)))


# --- setting them


@pytest.mark.rule("R9")
def test_the_first_keys_need_the_stop_button_at_the_pump() -> None:
    pump = ready(constant(900_000))
    assert confirmed(pump, KEYS) == {"done": True, "wait_s": 0, "hold_s": 2}
    for one in (pump, again(pump)):
        assert one.call("status")["keys"] == "set" and one.alarms() == []
        assert one.fault("start") == "unsigned" and fault(one, signed(one, "start", "operate")) == ""
        one.call("stop")
    assert pump.records("keys_changed") == [{"change": 0, "by": 0}]


@pytest.mark.rule("R10")
@pytest.mark.parametrize("held", [False, True])
def test_nobody_sets_keys_without_the_button(held: bool) -> None:
    """Held from before the request, as a broken wire looks, is no confirmation."""
    for pump in (ready(), with_keys(ready())):
        before = pump.pump.setup.keys
        if held:
            press(pump, 1)
        for _ in range(60):
            told = pump.call("key.set", keys=OTHERS.hex())
            assert (told["done"], told["hold_s"]) == (False, 2)
            pump.advance(1)
        pump.advance(1)
        assert pump.fault("key.set", keys=OTHERS.hex()) == "button_not_held"
        assert pump.pump.setup.keys == before and pump.records("keys_changed") == []


@pytest.mark.rule("R10")
def test_a_press_confirms_the_keys_that_were_asked_for_before_it() -> None:
    pump = ready()
    pump.call("key.set", keys=KEYS.hex())
    pump.advance(0.5)
    press(pump)
    assert not pump.call("key.set", keys=OTHERS.hex())["done"]
    pump.board.buttons.held_down = False
    assert not pump.call("key.set", keys=OTHERS.hex())["done"] and pump.pump.setup.keys == b""


@pytest.mark.rule("R9")
def test_the_program_key_changes_and_removes_the_keys(pump: Watched) -> None:
    for role, told in (("operate", "role"), ("program", "")):
        assert fault(pump, signed(pump, "key.set", role, keys=OTHERS.hex())) == told
    assert fault(pump, signed(pump, "name.set", **NAME)) == "signature"
    assert fault(pump, seal(pump.request("name.set", **NAME), "program", challenge(pump), OTHERS)) == ""
    assert fault(pump, seal(pump.request("key.set", keys=""), "program", challenge(pump), OTHERS)) == ""
    booted = again(pump)
    assert booted.call("status")["keys"] == "none" and booted.call("name.set", name="y")
    assert booted.records("keys_changed") == [{"change": 0, "by": 1}, {"change": 1, "by": 1}]


@pytest.mark.rule("R10")
def test_a_wrong_signature_does_not_fall_back_to_the_button(pump: Watched) -> None:
    line = seal(pump.request("key.set", keys=OTHERS.hex()), "program", challenge(pump), OTHERS)
    assert fault(pump, line) == "signature" and pump.pump.wish is None


@pytest.mark.rule("R10")
def test_setting_keys_voids_the_challenges_given_before(pump: Watched) -> None:
    given = challenge(pump)
    assert fault(pump, signed(pump, "key.set", keys=OTHERS.hex())) == ""
    assert fault(pump, seal(pump.request("name.set", **NAME), "program", given, OTHERS)) == "signature"


@pytest.mark.rule("R10")
@pytest.mark.parametrize("wrong", [
    "0", KEYS.hex()[:-1], KEYS.hex().upper(), "g" * 192, (KEYS[:32] * 3).hex(), (KEYS[:64] + KEYS[32:64]).hex(),
    (KEYS[:64] + bytes(32)).hex(), (KEYS[:64] + b"\xff" * 32).hex(), "é" * 96,
])  # fmt: skip
def test_keys_that_are_none_are_refused(wrong: str, pump: Watched) -> None:
    assert fault(pump, signed(pump, "key.set", keys=wrong)) == "bad_params" and pump.pump.setup.keys == KEYS


@pytest.mark.rule("R10")
def test_keys_are_set_on_a_stopped_pump_only() -> None:
    pump = with_keys(running())
    assert fault(pump, signed(pump, "key.set", keys=OTHERS.hex())) == "not_stopped"
    pump.call("stop")
    assert fault(pump, signed(pump, "maintenance")) == ""
    assert fault(pump, signed(pump, "key.set", keys=OTHERS.hex())) == "in_maintenance"
    assert pump.pump.setup.keys == KEYS


def test_no_answer_and_no_record_contains_a_key(pump: Watched) -> None:
    said = pump.line(signed(pump, "key.set", keys=OTHERS.hex()))
    for line in (pump.request("hello"), pump.request("status"), seal(pump.request("program.read"), "look", challenge(pump), OTHERS)):
        said += pump.line(line)
    for ring in ("events", "faults"):
        said += pump.line(pump.request("journal.read", ring=ring, from_sequence=0))
    for secret in (KEYS, OTHERS):
        for at in (0, 32, 64):
            key = secret[at : at + 32]
            assert key not in said and key.hex().encode() not in said


# --- damage and loss


@pytest.mark.rule("R10")
@pytest.mark.rule("R6")
@pytest.mark.parametrize("damage", ["bit", "short", "slots_gone", "mark_gone", "outdated", "length"])
def test_damaged_keys_are_an_alarm_and_open_nothing(damage: str, pump: Watched) -> None:
    with_keys(pump, OTHERS)
    with_keys(pump, KEYS)
    flash = pump.board.flash
    paths = ["/store/keys.a", "/store/keys.b"]
    newest = max(paths, key=lambda path: flash.read(path)[4:8])
    raw = flash.read(newest)
    if damage == "bit":
        flash.write(newest, raw[:40] + bytes([raw[40] ^ 1]) + raw[41:])
    elif damage == "short":
        flash.write(newest, raw[:-1])
    elif damage == "slots_gone":
        for path in paths:
            flash.remove(path)
    elif damage == "mark_gone":
        flash.remove("/marks/keys")
    elif damage == "outdated":
        flash.remove(newest)
    else:
        pump.pump.setup.store.save("keys", KEYS[:95])
    booted = again(pump)
    assert booted.alarms() == ["keys_damaged"] and booted.call("status")["keys"] == "damaged" and booted.state() == "alarm"
    for method, params in (("start", {}), ("ack", {"fault": 638}), ("name.set", NAME), ("program.read", {})):
        assert booted.fault(method, **params) == "signature"
        for secret in (KEYS, OTHERS, bytes(96)):
            assert fault(booted, seal(booted.request(method, **params), "program", challenge(booted), secret)) == "signature"
    assert booted.call("stop") and booted.call("hello")
    assert confirmed(booted, OTHERS)["done"] and booted.alarms() == [] and booted.call("status")["keys"] == "set"
    assert fault(booted, seal(booted.request("start"), "operate", challenge(booted), OTHERS)) == ""
    assert again(booted).call("status")["keys"] == "set"


@pytest.mark.rule("R9")
@pytest.mark.parametrize("damaged", [False, True])
def test_a_start_forgets_the_keys_if_somebody_at_the_prompt_asked_for_it(damaged: bool, pump: Watched) -> None:
    if damaged:
        pump.board.flash.remove("/marks/keys")
        pump.board.flash.write("/store/keys.a", b"rotten")
    pump.board.flash.write("/store/keys.forget", b"")
    booted = again(pump)
    for one in (booted, again(booted)):
        assert one.call("status")["keys"] == "none" and one.alarms() == []
        assert one.records("keys_changed") == [{"change": 1, "by": 2}]
        assert not one.board.flash.exists("/store/keys.forget")
        assert one.call("name.set", **NAME)


# --- wrong tries


@pytest.mark.rule("R9")
def test_wrong_tries_are_counted_and_journaled_together(pump: Watched) -> None:
    faults = pump.pump.journal.rings["faults"]
    wrong = seal(pump.request("name.set", **NAME), "program", b"0" * 32, OTHERS)
    for number in range(300):
        assert fault(pump, wrong) == "signature"
        if number % 3 == 0:
            assert pump.fault("start") == "unsigned"
        if number % 30 == 0:
            assert fault(pump, signed(pump, "start", "look")) == "role"
        pump.advance(1)
    assert faults.next_sequence == 2
    pump.advance(900)
    told = pump.records("keys_refused", ring="faults")
    assert told == [{"unsigned": 0, "signature": 1, "role": 0}, {"unsigned": 100, "signature": 299, "role": 10}]
    pump.advance(3600)
    assert len(pump.records("keys_refused", ring="faults")) == 2


def test_wrong_tries_raise_no_alarm_and_stop_nothing() -> None:
    pump = with_keys(running())
    for _ in range(50):
        assert pump.fault("name.set", **NAME) == "unsigned"
    pump.advance(10)
    assert pump.state() == "running" and pump.alarms() == []
