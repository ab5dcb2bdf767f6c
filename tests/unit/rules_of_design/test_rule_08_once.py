"""R8: repeating a command is harmless; a dose is ordered at most once; a stop always acts."""

import pytest

from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.programs import constant
from support.pump.running import UnitPump, again
from support.replies import fault_of, number

pytestmark = pytest.mark.rule("R8")
DOSE = {"volume_nl": 60_000, "rate_nl": 4_000_000}
DOSE_STEPS = 60_000 * 99_991 // 1_000_003
IDENTITY = "00000000000000aa"


def send(pump: UnitPump, method: str, **params: object) -> dict:
    """Send one request with a chosen id, like a host that tries again."""
    return frame.decode(pump.line(frame.encode(messages.request(IDENTITY, method, params))).split(b"\n")[0])


def test_the_same_request_is_answered_again_and_not_executed_again() -> None:
    pump = UnitPump.ready(constant(36_000_000))
    first = send(pump, "start")
    assert "result" in first
    assert send(pump, "start") == first
    assert pump.call("status")["counters"]["repeated"] == 1


def test_an_id_with_another_body_is_refused() -> None:
    pump = UnitPump.ready(constant(36_000_000))
    assert "result" in send(pump, "start")
    assert fault_of(send(pump, "ack", fault=609)) == "id_reused"


def test_a_token_orders_one_dose_however_often_it_is_sent() -> None:
    pump = UnitPump.running(constant(0))
    token = pump.order(**DOSE)
    pump.advance(20)
    assert "result" in pump.ask("bolus.start", token=token, **DOSE)
    pump.advance(100)
    assert "result" in pump.ask("bolus.start", token=token, **DOSE)
    pump.advance(100)
    assert pump.plant_steps() == DOSE_STEPS


def test_a_token_that_was_used_orders_nothing_even_when_its_bolus_is_long_forgotten() -> None:
    pump = UnitPump.running(constant(0))
    tokens = [pump.token() for _ in range(8)]
    used = tokens.pop()
    for token in [used, *tokens]:
        pump.call("bolus.start", token=token, **DOSE)
        pump.call("bolus.cancel", token=token)
    pump.call("bolus.cancel", token=pump.order(**DOSE))
    assert pump.fault("bolus.start", token=used, **DOSE) == "token_unknown"


def test_a_token_for_another_dose_is_refused() -> None:
    pump = UnitPump.running(constant(0))
    token = pump.order(**DOSE)
    assert pump.fault("bolus.start", token=token, volume_nl=61_000, rate_nl=4_000_000) == "token_used"


def test_a_token_is_void_after_a_minute() -> None:
    pump = UnitPump.running(constant(0))
    token = pump.token()
    pump.advance(61)
    assert pump.fault("bolus.start", token=token, **DOSE) == "token_expired"


def test_a_token_is_void_after_a_reset_and_never_issued_again() -> None:
    pump = UnitPump.running(constant(0))
    token = pump.token()
    booted = again(pump)
    booted.call("start")
    assert booted.token() != token
    assert booted.fault("bolus.start", token=token, **DOSE) == "token_unknown"


def test_the_journal_knows_a_dose_after_a_reset() -> None:
    pump = UnitPump.running(constant(0))
    token = pump.order(**DOSE)
    pump.advance(120)
    booted = again(pump)
    answer = booted.call("bolus.status", token=token)
    assert answer["state"] == "done"
    assert answer["delivered_steps"] == DOSE_STEPS
    assert booted.call("bolus.status", token="0" * 16)["state"] == "never_ordered"


@pytest.mark.parametrize("form", [{}, {"params": {}}], ids=["plain", "with parameters"])
def test_a_stop_acts_even_when_its_id_was_answered_before(form: dict) -> None:
    """In both forms: the one read at a glance, and the one that is parsed."""
    pump = UnitPump.running(constant(36_000_000))
    line = frame.encode({"jsonrpc": "2.0", "id": IDENTITY, "method": "stop", **form})
    assert "result" in frame.decode(pump.line(line).split(b"\n")[0])
    pump.call("start")
    pump.advance(10)
    made = pump.plant_steps()
    pump.line(line)
    pump.advance(10)
    assert pump.plant_steps() == made


def test_every_refusal_names_its_fault() -> None:
    pump = UnitPump.ready(constant(36_000_000))
    for reply, name in (
        (pump.ask("ack", fault=609), "not_active_alarm"),
        (pump.ask("bolus.start", token="0" * 16, **DOSE), "token_unknown"),
        (pump.ask("program.activate", digest="0" * 64), "not_staged"),
        (pump.ask("journal.read", ring="events", from_sequence=9_999), "sequence_ahead"),
    ):
        assert reply["error"]["code"] == number(name)
        assert reply["error"]["message"]
        assert reply["error"]["data"]["do"]
        assert fault_of(reply) == name


@pytest.mark.parametrize("raw", [b"stop\n", b"\nstop\r\n", b'{"half a line\nstop\n', b"\x00\xff\nstop\n"])
def test_a_bare_stop_stops(raw: bytes) -> None:
    pump = UnitPump.running(constant(36_000_000))
    pump.advance(10)
    pump.line(raw)
    assert pump.pump.idle()
    made = pump.plant_steps()
    pump.advance(10)
    assert pump.plant_steps() == made


def test_a_stop_does_not_wait_behind_other_commands() -> None:
    pump = UnitPump.running(constant(36_000_000))
    pump.advance(10)
    pump.board.link.incoming = b"status\n" * 20 + b"stop\n"
    pump.pump.turn()
    assert pump.pump.idle()
