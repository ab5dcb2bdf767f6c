"""Three outcomes for a command: done, refused, unknown. Whatever the link does, nothing is executed twice."""

import os
import socket
import threading
import time

import pytest

from support.host.fake_pump import FakePump
from thecal.errors import Failed, LinkLost, NoPump, PortBusy, Refused, Silent, Unknown, WrongDevice, WrongProtocol
from thecal.prescription.compiler import compile_prescription
from thecal.prescription.file import check
from thecal.pump.client import Client

RX = {"title": "t", "drug": "d", "basal": {"rate": "1 mL/h"}}
PACKED = compile_prescription(check(RX, "rx.toml"), "rx.toml").packed


@pytest.fixture
def pump():
    with FakePump() as fake:
        yield fake


@pytest.fixture
def client(pump):
    with Client(pump.port_url, reply_timeout_s=0.3, patience_s=1.0) as opened:
        yield opened


def program_it(client):
    digest = client.program_stage(PACKED)["digest"]
    client.program_activate(digest)
    return digest


def test_every_message_is_answered(client, pump):
    assert client.hello()["bench"] == "fake"
    digest = program_it(client)
    assert client.program_read()["digest"] == digest
    client.clock_set(1_700_000_000, 3600)
    client.start()
    assert client.status()["state"] == "running"
    token = client.bolus_token()
    assert client.bolus_start(token, 1000, 10)["ordered_steps"] == 10
    assert client.bolus_status(token)["state"] == "delivering"
    assert client.bolus_cancel(token)["planned_steps"] == 5
    assert client.bolus_status(token)["state"] == "cancelled"
    assert client.stop()["state"] == "stopped"
    assert client.maintenance()["state"] == "maintenance"


def test_a_program_is_checked_in_as_many_calls_as_the_pump_needs(client, pump):
    told = []
    client.program_stage(PACKED, lambda done, total: told.append((done, total)))
    assert pump.executed == ["program.stage", "program.check", "program.check", "program.check"]
    assert told == [(333, 1000), (666, 1000)]


def test_a_check_without_end_is_given_up(client, pump, monkeypatch):
    monkeypatch.setattr(pump, "do_program_check", lambda digest: {"digest": digest, "done": False, "done_permille": 7})
    with pytest.raises(Failed, match="200 calls") as caught:
        client.program_stage(PACKED)
    assert caught.value.exit_code == 1 and pump.executed.count("program.check") == 200


def test_a_pump_that_still_searches_its_journal_is_asked_again(client, pump, monkeypatch):
    told = iter(["searching", "searching", "never_ordered"])
    monkeypatch.setattr(pump, "do_bolus_status", lambda token: {"token": token, "state": next(told)})
    assert client.bolus_status("0" * 16)["state"] == "never_ordered"
    monkeypatch.setattr(pump, "do_bolus_status", lambda token: {"token": token, "state": "searching"})
    with pytest.raises(Failed, match="200 calls"):
        client.bolus_status("0" * 16)


def test_a_refusal_carries_code_cause_and_what_to_do(client):
    with pytest.raises(Refused) as caught:
        client.start()
    assert (caught.value.code, caught.value.fault, caught.value.exit_code) == (203, "no_program", 1)
    assert caught.value.cause
    assert caught.value.do


def test_a_refusal_for_an_alarm_has_the_alarm_exit_code(client, pump):
    pump.state = "alarm"
    with pytest.raises(Refused) as caught:
        client.start()
    assert caught.value.exit_code == 5


@pytest.mark.rule("R8")
@pytest.mark.parametrize("trouble", ["lose_request", "lose_reply", "silent", "mute", "twice", "garbage"])
@pytest.mark.parametrize("method", ["program.activate", "start", "bolus.start"])
def test_one_loss_is_healed_and_nothing_is_executed_twice(client, pump, method, trouble):
    if method != "program.activate":
        program_it(client)
    token = client.bolus_token()
    pump.trouble[method] = [trouble]
    if method == "program.activate":
        program_it(client)
    elif method == "start":
        client.start()
    else:
        client.bolus_start(token, 1000, 10)
    assert pump.executed.count(method) == 1
    assert client.status()["boot"] == 1


@pytest.mark.rule("R8")
def test_a_reset_after_the_execution_is_settled_by_the_token(client, pump):
    token = client.bolus_token()
    pump.trouble["bolus.start"] = ["reset"]
    assert client.bolus_start(token, 1000, 10)["settled"]
    assert pump.boluses == {token: "delivering"}


@pytest.mark.rule("R8")
def test_a_bolus_that_stands_still_was_ordered(client, pump):
    token = client.bolus_token()
    client.bolus_start(token, 1000, 10)
    pump.boluses[token] = "paused"
    assert client._settle_bolus(token)["settled"]


@pytest.mark.rule("R8")
def test_a_bolus_is_cancelled_only_when_its_state_says_so(client, pump):
    token = client.bolus_token()
    client.bolus_start(token, 1000, 10)
    pump.boluses[token] = "paused"
    assert client._settle_cancel(token) is None
    pump.boluses[token] = "cancelled"
    assert client._settle_cancel(token)["settled"]


@pytest.mark.rule("R8")
def test_a_reset_after_activation_is_settled_by_the_digest(client, pump):
    digest = client.program_stage(PACKED)["digest"]
    pump.trouble["program.activate"] = ["reset"]
    assert client.program_activate(digest) == {"digest": digest, "settled": True}


@pytest.mark.rule("R8")
def test_a_request_lost_with_the_tokens_is_refused_not_ordered(client, pump):
    token = client.bolus_token()
    pump.trouble["bolus.start"] = ["lose_request"]
    pump.tokens = []
    with pytest.raises(Refused, match="did not issue this token"):
        client.bolus_start(token, 1000, 10)
    assert not pump.boluses


@pytest.mark.rule("R8")
def test_silence_to_the_end_is_unknown(client, pump):
    program_it(client)
    pump.trouble = {"start": ["silent"] * 20, "status": ["silent"] * 20}
    begin_s = time.monotonic()
    with pytest.raises(Unknown) as caught:
        client.start()
    assert time.monotonic() - begin_s < 5
    assert caught.value.exit_code == 4
    assert "may or may not" in caught.value.cause


def test_silence_on_a_question_is_a_lost_link_not_an_unknown_outcome(client, pump):
    client.hello()
    pump.trouble = {"status": ["silent"] * 20}
    with pytest.raises(LinkLost) as caught:
        client.status()
    assert not isinstance(caught.value, Unknown)


def test_stop_is_sent_again_until_answered(client, pump):
    pump.trouble["stop"] = ["silent", "lose_reply", "garbage"]
    pump.state = "running"
    assert client.stop()["state"] == "stopped"


def test_stop_without_any_answer_is_unknown(client, pump):
    pump.trouble["stop"] = ["silent"] * 50
    with pytest.raises(Unknown):
        client.stop()


def test_the_journal_comes_in_blocks_with_every_sequence_once(client):
    sequences = [record.sequence for _, decoded in client.journal("events") for record in decoded]
    assert sequences == list(range(1, 301))


def test_an_empty_ring_ends_at_once(client):
    assert [record for _, decoded in client.journal("faults") for record in decoded] == []


def test_one_question_brings_several_blocks(client, pump):
    assert [reply["first_sequence"] for reply, _ in client.journal_blocks("events")] == [1, 101, 201]
    assert [reply["first_sequence"] for reply, _ in client.journal_blocks("events", 150)] == [150, 250]
    pump.several_blocks = False
    pump.executed.clear()
    assert [reply["first_sequence"] for reply, _ in client.journal_blocks("events")] == [1, 101, 201]
    assert pump.executed == ["journal.read"] * 4  # the first was refused


@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("trouble", ["twice", "garbage", "mute", "lose_reply"])
def test_a_block_of_the_journal_that_goes_wrong_is_read_again(client, pump, trouble, place, several):
    pump.several_blocks = several
    pump.trouble["journal.read"] = ["", "", ""][:place] + [trouble]
    sequences = [record.sequence for _, decoded in client.journal("events") for record in decoded]
    assert sequences == list(range(1, 301))


def test_records_that_are_gone_are_no_lost_reply(client, pump):
    pump.journal[:120] = [b""] * 120
    pump.oldest = 121
    assert [reply["first_sequence"] for reply, _ in client.journal_blocks("events")] == [121, 221]


def test_another_major_protocol_is_named_with_what_to_do():
    with FakePump(protocol=(2, 0)) as pump, Client(pump.port_url) as client, pytest.raises(WrongProtocol, match="version 2") as caught:
        client.hello()
    assert caught.value.exit_code == 1


def test_another_minor_protocol_is_fine():
    with FakePump(protocol=(1, 7)) as pump, Client(pump.port_url) as client:
        assert client.hello()["protocol"] == [1, 7]


def first_contact(foreign, monkeypatch):
    monkeypatch.setattr("thecal.pump.client.FIRST_PATIENCE_S", 0.3)
    with FakePump(foreign=foreign) as pump, Client(pump.port_url, reply_timeout_s=0.2) as client:
        client.hello()


def test_a_micropython_prompt_is_named(monkeypatch):
    with pytest.raises(WrongDevice, match="MicroPython prompt") as caught:
        first_contact(b"\r\nMicroPython v1.28\r\n>>> ", monkeypatch)
    assert caught.value.exit_code == 3


def test_something_else_is_not_taken_for_a_pump(monkeypatch):
    with pytest.raises(WrongDevice, match="not a pump"):
        first_contact(b"$GPGGA,123519,4807.038,N\r\n", monkeypatch)


def test_nothing_at_all_is_silent(monkeypatch):
    with pytest.raises(Silent) as caught:
        first_contact(b"", monkeypatch)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("port_url", ["/dev/none", "socket://127.0.0.1:9", "socket://nowhere", "foo://bar", "", "/"])
def test_a_port_that_is_not_there_is_no_pump(port_url):
    with pytest.raises(NoPump) as caught, Client(port_url) as client:
        client.hello()
    assert caught.value.exit_code == 3
    assert caught.value.do


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are not on Windows")
def test_a_port_that_stays_busy_is_named_after_a_short_wait():
    import pty

    import serial

    master, slave = pty.openpty()
    holder = serial.Serial(os.ttyname(slave), exclusive=True)
    try:
        begin_s = time.monotonic()
        with pytest.raises(PortBusy) as caught, Client(os.ttyname(slave)) as client:
            client.hello()
        assert 0.7 < time.monotonic() - begin_s < 2
        assert caught.value.exit_code == 1
        threading.Timer(0.3, holder.close).start()
        with pytest.raises(Unknown), Client(os.ttyname(slave), 0.1, 0.1) as client:
            client.stop()
    finally:
        holder.close()
        os.close(master)
        os.close(slave)


def test_a_link_that_breaks_for_good_is_unknown():
    pump = FakePump()
    with Client(pump.port_url, reply_timeout_s=0.2, patience_s=0.6) as client, pump:
        program_it(client)
        pump.trouble["start"] = ["lose_reply"]
        pump._server.close()
        server = socket.create_server(("127.0.0.1", 0))
        pump._server = server
        with pytest.raises(Unknown):
            client.start()


def test_a_pump_that_checks_itself_after_power_up_is_asked_again(client, pump, monkeypatch):
    """For a moment it refuses every command; the refusal of a pump that checks a program is final, as it names the program."""
    monkeypatch.setattr("thecal.pump.exchange.BUSY_PAUSE_S", 0.01)
    refusals, answer, asked = [{"wait_s": 1}, {"wait_s": 1}, {}], client._once, []

    def once(request):
        asked.append(request.identity)
        if refusals:
            refused = Refused(214, "busy", "the pump is busy")
            refused.detail = refusals.pop(0)
            raise refused
        return answer(request)

    monkeypatch.setattr(client, "_once", once)
    client.clock_set(1_700_000_000, 3600)
    assert len(asked) == 4 and len(set(asked)) == 1
    refusals.append({"wait_s": 9, "digest": "00"})
    with pytest.raises(Refused):
        client.clock_set(1_700_000_000, 3600)
    assert len(asked) == 5
