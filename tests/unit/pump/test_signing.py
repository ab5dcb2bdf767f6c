"""Signed requests: the lowest role that suffices, one challenge each, the same bytes after a lost answer."""

import hashlib
import hmac

import pytest

from pumpcore.faults.faults import Refusal
from pumpcore.wire import messages
from support.host.keyed_pump import KeyedPump
from thecal.errors import BadInput, NoKey, Refused, Unknown
from thecal.pump import keys, signing
from thecal.pump.client import Client
from thecal.pump.signing import ROLES

KEYS = {role: hashlib.sha256(role.encode()).digest() for role in ROLES}
OTHERS = {role: hashlib.sha256(b"other " + role.encode()).digest() for role in ROLES}


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))


@pytest.fixture
def pump():
    with KeyedPump() as fake:
        fake.keys = dict(KEYS)
        yield fake


@pytest.fixture
def client(pump):
    with Client(pump.port_url, 0.3, 1.0) as opened:
        yield opened


def hold(pump, *roles, of=KEYS, drawn=None):
    keys.save(pump.unique_id, keys.Held({role: of[role] for role in roles}, drawn or {}))


def signed(pump, method):
    """Return the roles of the signed lines with this method, in order."""
    return [line.split(b"*")[-3].decode() for line in pump.lines if b'"%s"' % method.encode() in line and line.count(b"*") == 4]


def test_a_code_is_hmac_sha256_of_challenge_role_and_body():
    challenge, body = bytes(range(16)), b'{"a":1}'
    expected = hmac.new(KEYS["look"], challenge + b"look\n" + body, hashlib.sha256).digest()
    assert signing.code_of(KEYS["look"], "look", challenge, body) == expected


def test_each_method_says_its_role():
    """A method without a role in its row fails here."""
    assert {signing.role_of(method) for method in messages.METHODS} == {"", *ROLES}
    assert [signing.role_of(method) for method in ("stop", "program.read", "start", "key.set")] == ["", "look", "operate", "program"]


BY_ROLES = [(ROLES, ["look", "operate"]), (("operate",), ["operate"] * 2), (("program",), ["program"] * 2)]


@pytest.mark.rule("R10")
@pytest.mark.parametrize(("held", "taken"), BY_ROLES)
def test_the_lowest_key_that_suffices_signs(pump, client, held, taken):
    hold(pump, *held)
    client.hello()
    client.program_read()
    client.start()
    assert signed(pump, "program.read") + signed(pump, "start") == taken and pump.refused == []
    assert len(pump.issued) == 0 and pump.state == "running"


def test_a_pump_without_keys_gets_no_signature_and_no_question_for_a_challenge(pump, client):
    pump.keys = {}
    client.hello()
    client.start()
    assert "key.challenge" not in pump.executed and not signed(pump, "start")


def test_a_computer_without_keys_learns_it_from_the_first_refusal(pump, client):
    client.hello()
    with pytest.raises(NoKey, match=r"has no key of it: start needs operate or program; nothing was sent") as found:
        client.start()
    assert "thecal key show operate" in found.value.do and "thecal key add" in found.value.do
    assert pump.state == "stopped" and pump.refused == [("start", "unsigned")]


def test_one_unsigned_try_is_enough_for_a_process_that_opens_the_port_for_each_look(pump):
    hold(pump, *ROLES)
    for _ in range(3):
        with Client(pump.port_url, 0.3, 1.0) as client:
            client.bolus_status("0" * 16)
    assert pump.refused == [("bolus.status", "unsigned")] and signed(pump, "bolus.status") == ["look"] * 3


def test_after_a_status_nothing_is_sent_unsigned(pump, client):
    client.status()
    hold(pump, "operate")
    with pytest.raises(NoKey, match=r"only its operate key: program.activate needs program"):
        client.program_activate("0" * 64)
    assert pump.refused == []


def test_what_everybody_may_do_needs_no_key(pump, client):
    client.hello()
    client.status()
    client.alarms()
    client.journal_read("events", 1)
    client.stop()
    assert pump.refused == [] and "key.challenge" not in pump.executed


def test_a_pump_that_lost_its_keys_is_asked_again_without_a_signature(pump, client):
    hold(pump, *ROLES)
    client.hello()
    pump.keys = {}
    client.start()
    assert pump.state == "running" and pump.refused == [("start", "signature")]


@pytest.mark.rule("R8")
def test_a_lost_answer_is_asked_for_with_the_same_bytes(pump, client):
    hold(pump, *ROLES)
    client.hello()
    pump.trouble["start"] = ["lose_reply"]
    client.start()
    sent = [line for line in pump.lines if b'"start"' in line]
    assert len(sent) == 2 and sent[0] == sent[1] and pump.executed.count("start") == 1 and pump.refused == []


def test_a_lost_request_is_sent_again_with_the_same_bytes(pump, client):
    hold(pump, *ROLES)
    client.hello()
    pump.trouble["start"] = ["silent", "lose_request"]
    client.start()
    sent = [line for line in pump.lines if b'"start"' in line]
    # the fake spent the challenge before it lost the request, so the third copy needs a new one; the body stays
    assert len({line.split(b"*")[0] for line in sent}) == 1 and pump.executed.count("start") == 1 and pump.state == "running"


def test_a_reset_between_two_copies_costs_one_new_challenge(pump, client):
    hold(pump, *ROLES)
    client.hello()
    pump.trouble["start"] = ["silent"]
    line = pump._line

    def reset_once(connection, text):
        if b'"start"' in text and not pump.executed.count("start"):
            pump._line = line
            going_on = line(connection, text)
            pump.restart()
            return going_on
        return line(connection, text)

    pump._line = reset_once
    client.start()
    assert pump.refused == [("start", "signature")] and pump.executed.count("start") == 1


def test_a_silent_pump_leaves_the_outcome_unknown_only_if_the_command_was_sent(pump):
    hold(pump, *ROLES)
    with Client(pump.port_url, 0.1, 0.3) as client:
        client.hello()
        pump.trouble["key.challenge"] = ["silent"] * 20
        with pytest.raises(Exception, match=r"did not answer 'key.challenge'") as found:
            client.name_set("flow-1")
        assert not isinstance(found.value, Unknown)
        pump.trouble = {"name.set": ["silent"] * 20, "hello": ["silent"] * 20}
        with pytest.raises(Unknown):
            client.name_set("flow-1")


def test_a_busy_pump_gets_a_new_challenge_each_time(pump, client):
    hold(pump, *ROLES)
    client.hello()
    waits = [1] * 3

    def busy():
        if waits:
            waits.pop()
            raise Refusal("busy")
        return {"digest": "", "position_steps": 0}

    pump.do_start = busy
    client.start()
    assert len({line for line in pump.lines if b'"start"' in line}) == 4 and pump.refused == []


def test_a_wrong_key_is_tried_once_and_named(pump, client):
    hold(pump, *ROLES, of=OTHERS)
    client.hello()
    with pytest.raises(Refused, match="the operate key on this computer is not the pump's") as found:
        client.start()
    assert found.value.fault == "signature" and "thecal key show operate" in found.value.do
    assert pump.refused == [("start", "signature")] and pump.state == "stopped"


def test_a_role_that_this_version_did_not_expect_is_named(pump, client, monkeypatch):
    hold(pump, "look")
    client.hello()
    known = signing.role_of
    monkeypatch.setattr(signing, "role_of", lambda method: "look" if method == "start" else known(method))
    with pytest.raises(Refused) as found:
        client.start()
    assert found.value.fault == "role" and "thecal key show operate" in found.value.do


@pytest.mark.rule("R8")
def test_keys_whose_change_was_not_answered_are_tried_and_none_is_lost(pump, client):
    hold(pump, *ROLES, of=OTHERS, drawn=KEYS)
    client.hello()
    client.start()
    assert pump.state == "running"
    assert keys.load(pump.unique_id) == keys.Held(KEYS, OTHERS)


def test_drawn_keys_alone_sign_after_a_first_change_without_an_answer(pump, client):
    keys.save(pump.unique_id, keys.Held({}, KEYS))
    client.hello()
    client.start()
    assert pump.state == "running"


@pytest.mark.rule("R10")
def test_a_signer_that_was_given_is_the_only_one(pump):
    hold(pump, *ROLES)

    def nobody(method, body, challenge):
        raise NoKey("nobody is logged in", "log in")

    with Client(pump.port_url, 0.3, 1.0, signer=nobody) as client:
        client.hello()
        client.status()
        with pytest.raises(NoKey, match="nobody is logged in"):
            client.start()
    with Client(pump.port_url, 0.3, 1.0, signer=signing.signer_of({"operate": KEYS["operate"]})) as client:
        client.start()
        with pytest.raises(NoKey, match=r"name.set needs the program key"):
            client.name_set("flow-1")
    assert signed(pump, "start") == ["operate"] and signed(pump, "name.set") == []


def test_a_key_is_proved_without_being_kept(pump, client):
    client.hello()
    assert [client.proves(role, KEYS[role]) for role in ROLES] == [True] * 3
    assert not client.proves("look", KEYS["operate"]) and not client.proves("program", OTHERS["program"])
    pump.keys = {}
    assert not client.proves("look", KEYS["look"]) and not keys.holds(pump.unique_id)


@pytest.mark.parametrize("trouble", [[], ["lose_reply"], ["lose_reply"] * 3, ["mute"] * 30])
@pytest.mark.parametrize("drawn", [OTHERS, {}])
def test_a_change_of_keys_is_settled_after_lost_answers(pump, client, trouble, drawn):
    hold(pump, *ROLES, drawn=drawn)
    client.hello()
    client.status()
    pump.trouble["key.set"] = trouble
    assert client.key_set(drawn, by_button=False)["done"] is True
    assert pump.keys == drawn


# --- keys as text


def test_a_key_is_read_as_it_was_printed_and_as_people_copy_it():
    text = signing.text_of("operate", KEYS["operate"])
    assert text.startswith("operate ") and len(text.split()) == 9
    for written in (text, text.upper() + "\n", text.replace(" ", ""), text.replace(" ", "-"), f"  {text} "):
        if written == text.replace(" ", ""):
            continue
        assert signing.read(written) == ("operate", KEYS["operate"])
    assert signing.read(KEYS["look"].hex()) == ("", KEYS["look"])


@pytest.mark.parametrize(("text", "said"), [("", "has 0"), ("operate 0123", "has 4"), ("g" * 64, "only the digits"), ("0" * 65, "has 65")])
def test_a_text_that_is_no_key_is_refused_without_being_shown(text, said):
    with pytest.raises(BadInput, match=said) as found:
        signing.read(text)
    assert not text or text not in found.value.cause


def test_drawn_keys_differ_and_make_192_digits():
    first, second = signing.drawn(), signing.drawn()
    assert len({*first.values(), *second.values()}) == 6 and len(signing.digits_of(first)) == 192 and signing.digits_of({}) == ""
