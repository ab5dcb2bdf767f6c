"""Keys: who may give which command, what a replayed, cut or changed line does (nothing), and how keys are set, lost and forgotten."""

import builtins
from typing import Any

import pytest

from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.programs import constant
from support.pump import keys
from support.pump.board import System
from support.pump.keys import OTHERS, ROLES, WRONG, challenge, fault, reply, seal, signed, with_keys
from support.pump.running import UnitPump, Watched, again, ready, running
from support.replies import refusal_of

OPEN = ("hello", "status", "alarms", "journal.read", "stop", "key.challenge")
METHODS = list(messages.METHODS)
NAME = {"name": "flow-1"}


@pytest.fixture
def pump() -> Watched:
    return with_keys(ready(constant(900_000)))


def events(pump: UnitPump) -> int:
    """Return the number of the next event: whatever changes the pump is journaled first (R9)."""
    return pump.pump.journal.rings["events"].next_sequence


# --- roles


@pytest.mark.rule("R10")
def test_every_method_has_a_role_and_only_those_that_look_have_none() -> None:
    roles = {method: row[2] for method, row in messages.METHODS.items() if len(row) == 3}
    assert list(roles) == METHODS, "a method without a role"
    assert set(roles.values()) == {"", *ROLES}
    assert sorted(method for method, role in roles.items() if not role) == sorted(OPEN)
    changing = [method for method in METHODS if messages.changes(method)]
    assert {roles[method] for method in changing} == {"operate", "program"}, "who may only look changes nothing"


@pytest.mark.rule("R10")
@pytest.mark.parametrize("method", METHODS)
def test_a_command_needs_the_signature_of_its_role_or_of_one_that_may_more(method: str, pump: Watched) -> None:
    params, needed = keys.least(method), messages.METHODS[method][2]
    sequence = events(pump)
    unsigned = fault(pump, pump.request(method, **params))
    assert (unsigned in WRONG) == (needed != "" and method != "key.set")
    for role in ROLES:
        told = fault(pump, signed(pump, method, role, **params))
        if needed and ROLES.index(role) < ROLES.index(needed):
            assert told == "role" and events(pump) == sequence
        else:
            assert told not in WRONG
            pump.call("stop")
            sequence = events(pump)


def test_the_refusal_of_a_role_names_both(pump: Watched) -> None:
    refused = refusal_of(reply(pump, signed(pump, "name.set", "operate", **NAME)))
    assert (refused["role"], refused["needed"]) == ("operate", "program")


@pytest.mark.rule("R8")
@pytest.mark.parametrize("tail", [b"", b"*program", b"*program*" + b"0" * 32 + b"*" + b"0" * 64, b"*look*x*", b"*a*b*c"])
def test_a_stop_acts_whatever_stands_where_its_signature_would(tail: bytes) -> None:
    pump = with_keys(running())
    line = pump.request("stop")[:-1] + tail
    lines = pump.line(line + b"\n")
    if tail != b"*program":  # that is no frame; the bare word stops too
        assert frame.decode(lines.split(b"\n")[0])["result"]["state"] == "stopped"
    assert pump.line(b"stop\n") and pump.state() == "stopped"


def test_a_stop_comes_before_a_crowd_of_wrong_tries() -> None:
    pump = with_keys(running())
    wrong = seal(pump.request("name.set", **NAME), "program", b"0" * 32, OTHERS)
    answers = pump.line(wrong * 15 + pump.request("stop"))
    assert frame.decode(answers.split(b"\n")[0])["result"]["state"] == "stopped"


@pytest.mark.rule("R10")
def test_a_token_asked_for_in_the_quick_form_needs_a_signature_too(pump: Watched) -> None:
    assert messages.plain(pump.request("bolus.token")) and fault(pump, pump.request("bolus.token")) == "unsigned"
    assert fault(pump, signed(pump, "bolus.token", "operate")) == ""


# --- a signature is used once


@pytest.mark.rule("R8")
@pytest.mark.parametrize("wait_s", [0, 61])
def test_an_exact_repeat_is_answered_from_memory_and_not_done_again(wait_s: int, pump: Watched) -> None:
    token = reply(pump, signed(pump, "bolus.token", "operate"))["result"]["token"]
    assert fault(pump, signed(pump, "start", "operate")) == ""
    line = signed(pump, "bolus.start", "operate", token=token, volume_nl=60_000, rate_nl=3_600_000)
    first = pump.line(line)
    pump.advance(wait_s)
    for _ in range(3):
        assert pump.line(line) == first and b'"result"' in first
    assert len(pump.records("bolus_ordered")) == 1


@pytest.mark.rule("R10")
def test_a_replayed_line_changes_nothing_once_it_is_forgotten(pump: Watched) -> None:
    line = signed(pump, "name.set", **NAME)
    assert fault(pump, line) == ""
    for number in range(8):
        assert fault(pump, signed(pump, "name.set", name=str(number))) == ""
    assert fault(pump, line) == "signature" and pump.call("hello")["name"] == "7"
    booted = again(pump)
    assert fault(booted, line) == "signature" and booted.call("hello")["name"] == "7"


@pytest.mark.rule("R10")
def test_a_challenge_signs_one_command(pump: Watched) -> None:
    given = challenge(pump)
    assert fault(pump, seal(pump.request("name.set", **NAME), "program", given)) == ""
    assert fault(pump, seal(pump.request("name.set", name="again"), "program", given)) == "signature"
    assert fault(pump, seal(pump.request("program.read"), "look", given)) == "signature"
    assert pump.call("hello")["name"] == "flow-1"


@pytest.mark.rule("R10")
def test_a_wrong_try_spends_its_challenge(pump: Watched) -> None:
    given = challenge(pump)
    assert fault(pump, seal(pump.request("name.set", **NAME), "program", given, OTHERS)) == "signature"
    assert fault(pump, seal(pump.request("name.set", **NAME), "program", given)) == "signature"
    given = challenge(pump)
    assert fault(pump, seal(pump.request("name.set", **NAME), "operate", given)) == "role"
    assert fault(pump, seal(pump.request("name.set", **NAME), "program", given)) == "signature"
    assert pump.call("hello")["name"] == ""


@pytest.mark.rule("R10")
@pytest.mark.parametrize(("age_ms", "told"), [(60_000, ""), (60_001, "signature")])
def test_a_challenge_is_valid_for_a_minute(age_ms: int, told: str, pump: Watched) -> None:
    line = signed(pump, "name.set", **NAME)
    pump.board.clock.now_us += age_ms * 1000
    assert fault(pump, line) == told


@pytest.mark.rule("R10")
def test_the_pump_keeps_the_newest_four_challenges(pump: Watched) -> None:
    given = [challenge(pump) for _ in range(5)]
    assert len(set(given)) == 5
    told = [fault(pump, seal(pump.request("name.set", name=str(number)), "program", one)) for number, one in enumerate(given)]
    assert told == ["signature", "", "", "", ""]


@pytest.mark.rule("R10")
def test_a_challenge_that_nobody_issued_signs_nothing(pump: Watched) -> None:
    for given in (b"0" * 32, b"f" * 32):
        assert fault(pump, seal(pump.request("name.set", **NAME), "program", given)) == "signature"


@pytest.mark.rule("R10")
def test_no_challenge_comes_twice_even_without_noise(pump: Watched) -> None:
    """The board of these tests has a seed that never changes."""
    assert System().seed() == System().seed()
    found: list[bytes] = []
    for _ in range(3):
        found += [challenge(pump) for _ in range(50)]
        pump = again(pump)
    assert len(set(found)) == len(found) == 150


@pytest.mark.rule("R8")
def test_a_signed_start_that_a_stop_overtook_can_not_be_replayed(pump: Watched) -> None:
    line = signed(pump, "start", "operate")
    answers = [frame.decode(one) for one in pump.line(line + pump.request("stop")).split(b"\n")[:-1]]
    assert answers[1]["error"]["data"]["fault"] == "overtaken"
    assert fault(pump, line) == "signature" and pump.state() == "stopped"


# --- a signature is of this object


@pytest.mark.rule("R10")
def test_a_mac_that_is_cut_longer_or_in_capitals_is_none(pump: Watched) -> None:
    for cut in [*range(64), -1, -2]:
        line = signed(pump, "name.set", **NAME)
        body, tail = line[:-65], line[-65:-1]
        changed = {-1: tail + b"0", -2: tail.upper()}.get(cut, tail[:cut])
        told = fault(pump, body + changed + b"\n")
        assert told == ("bad_frame" if cut == 8 else "signature"), cut
    assert pump.call("hello")["name"] == ""


@pytest.mark.rule("R10")
@pytest.mark.parametrize("number", range(64))
def test_every_digit_of_a_mac_counts(number: int, pump: Watched) -> None:
    line = bytearray(signed(pump, "name.set", **NAME))
    line[-65 + number] = ord("0") if line[-65 + number] != ord("0") else ord("1")
    assert fault(pump, bytes(line)) == "signature" and pump.call("hello")["name"] == ""


@pytest.mark.rule("R10")
def test_a_signature_holds_for_no_other_object_role_or_challenge(pump: Watched) -> None:
    wanted = pump.request("name.set", **NAME)[:-1]

    def tail(role: str = "program") -> bytes:
        return seal(wanted, role, challenge(pump))[len(wanted) :]

    for other in (pump.request("name.set", name="x"), pump.request("maintenance"), pump.request("name.set", **NAME)):
        assert fault(pump, other[:-1] + tail()) == "signature"
    for role in (b"operate", b"look", b"Program", b"", b"program ", b"root"):
        assert fault(pump, wanted + tail().replace(b"program", role)) == "signature"
    assert fault(pump, wanted + tail("operate").replace(b"operate", b"program")) == "signature"
    sent = tail()
    assert fault(pump, wanted + sent.replace(sent.split(b"*")[2], challenge(pump))) == "signature"
    for keyed in (keys.key_of("look") * 3, OTHERS, bytes(96)):
        assert fault(pump, seal(wanted, "program", challenge(pump), keyed)) == "signature"
    assert pump.call("hello")["name"] == "" and not pump.pump.board.system.maintenance_requested


@pytest.mark.rule("R10")
def test_a_known_id_opens_nothing(pump: Watched) -> None:
    """What the pump remembers is for whoever can sign: the signature is checked first."""
    line = signed(pump, "name.set", **NAME)
    assert fault(pump, line) == ""
    plain = line[: line.rindex(b"}") + 10] + b"\n"
    identity = frame.decode(plain[:-1])["id"]
    assert fault(pump, plain) == "unsigned"
    other = frame.encode(messages.request(identity, "name.set", {"name": "x"}))
    assert fault(pump, other) == "unsigned"
    assert fault(pump, seal(other, "program", challenge(pump), OTHERS)) == "signature"
    assert fault(pump, seal(plain, "program", challenge(pump), OTHERS)) == "signature"
    assert fault(pump, seal(other, "program", challenge(pump))) == "id_reused"
    assert pump.call("hello")["name"] == "flow-1"


@pytest.mark.rule("R10")
def test_who_has_no_key_does_not_fill_the_memory_of_ids(pump: Watched) -> None:
    """`key.set` without a signature waits for the button, so it is carried out: it must not push out what an honest client may repeat."""
    line = signed(pump, "name.set", **NAME)
    first = pump.line(line)
    for _ in range(20):
        assert pump.call("key.set", keys=OTHERS.hex())["done"] is False
    assert pump.line(line) == first


@pytest.mark.rule("R10")
def test_a_line_cut_anywhere_changes_nothing(pump: Watched) -> None:
    sequence, told = events(pump), set()
    for cut in range(len(signed(pump, "name.set", **NAME)) - 1):
        answer = pump.line(signed(pump, "name.set", **NAME)[:cut] + b"\n")
        told.add(frame.decode(answer[:-1])["error"]["data"]["fault"] if answer else "")
    assert told == {"", "bad_frame", "unsigned", "signature"}
    assert events(pump) == sequence and pump.call("hello")["name"] == ""


def test_a_carriage_return_after_a_signature_is_no_part_of_it(pump: Watched) -> None:
    assert fault(pump, signed(pump, "name.set", **NAME)[:-1] + b"\r\n") == ""


def test_stars_in_an_object_are_no_signature(pump: Watched) -> None:
    odd = "*look*" + "0" * 10
    assert fault(pump, signed(pump, "name.set", name=odd)) == "" and pump.call("hello")["name"] == odd
    free = ready()
    for name in (odd, "*a*b*c*"):
        assert fault(free, free.request("name.set", name=name)[:-1] + b"\r\n") == "" and free.call("hello")["name"] == name


def test_the_largest_program_can_be_sent_with_a_signature(pump: Watched) -> None:
    line = signed(pump, "program.stage", program="A" * 5600)
    assert len(line) < frame.MAX_BYTES and fault(pump, line) == "program_size"


@pytest.mark.parametrize("keyed", [False, True])
def test_a_long_line_in_pieces_may_be_any_command(keyed: bool) -> None:
    """A line that comes in several reads and looks like a program stays in pieces; what it asks for is another thing."""
    pump = with_keys(ready()) if keyed else ready()
    body = b'{"method":"program","jsonrpc":"2.0","id":"00000000000000aa","method":"name.set","params":{"name":"flow-1"}%s}' % (b" " * 5_000)
    line = frame.sealed(body)
    sent = seal(line, "program", challenge(pump)) if keyed else line
    first = pump.line(sent)
    assert b'"result"' in first and pump.line(sent) == first and pump.alarms() == []
    if keyed:
        assert fault(pump, seal(line, "program", challenge(pump), OTHERS)) == "signature"
        assert fault(pump, line) == "unsigned"


@pytest.mark.rule("R10")
def test_a_check_that_can_t_be_loaded_refuses_and_spends_nothing(pump: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    line, real = signed(pump, "name.set", **NAME), builtins.__import__

    def load(name: str, names: Any = None, more: Any = None, wanted: Any = (), level: int = 0) -> object:
        if name == "app.wire" and wanted and "signed" in wanted:
            raise MemoryError
        return real(name, names, more, wanted, level)

    monkeypatch.setattr(builtins, "__import__", load)
    assert fault(pump, line) == "not_loaded" and pump.pump.setup.name == ""
    monkeypatch.undo()
    assert fault(pump, line) == ""


# --- without keys


@pytest.mark.rule("R10")
def test_a_pump_without_keys_says_so_to_who_signs_and_works_as_before() -> None:
    pump = ready()
    assert pump.call("status")["keys"] == "none"
    refused = refusal_of(reply(pump, signed(pump, "name.set", **NAME)))
    assert (refused["fault"], refused["cause"]) == ("signature", "no keys are set")
    assert fault(pump, signed(pump, "status")) == "" and fault(pump, signed(pump, "stop")) == ""
    assert pump.call("name.set", **NAME) and not pump.records("keys_changed")
