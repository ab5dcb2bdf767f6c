"""Anything on the line: bare words, repeated and reused ids, noise, hostile objects. None of it moves anything."""

import binascii
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.programs import constant
from support.pump.running import Watched, ready, running

ID = "00000000000000aa"


def framed(body: bytes) -> bytes:
    return body + b"*%08x\n" % binascii.crc32(body)


def reply_of(pump: Watched, raw: bytes) -> dict:
    return frame.decode(pump.line(raw).split(b"\n")[0])


def asked(pump: Watched, identity: str, method: str, **params: object) -> dict:
    return reply_of(pump, frame.encode(messages.request(identity, method, params)))


# --- a person with a terminal -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", [b"hello\n", b"hello\r\n", b"  hello \n", b"\nhello\n"])
def test_hello_as_a_bare_word(raw: bytes) -> None:
    answer = reply_of(ready(), raw)
    assert answer["id"] is None and answer["result"]["bench"] == "unit"


@pytest.mark.rule("R8")
def test_status_and_stop_as_bare_words() -> None:
    pump = running()
    assert reply_of(pump, b"status\n")["result"]["state"] == "running"
    assert reply_of(pump, b"stop\n")["result"]["state"] == "stopped"
    assert not pump.board.stepper.enabled


@pytest.mark.parametrize("raw", [b"start\n", b"HELLO\n", b"stop now\n", b"maintenance\n", b"stopp\n"])
def test_other_words_are_no_commands(raw: bytes) -> None:
    pump = running()
    assert reply_of(pump, raw)["error"]["data"]["fault"] == "bad_frame"
    assert pump.state() == "running"


def test_half_a_line_of_a_predecessor_does_not_eat_a_stop() -> None:
    pump = running()
    pump.line(b'{"jsonrpc": "2.0", "id": "000')
    answers = pump.line(b"\nstop\n").split(b"\n")
    assert frame.decode(answers[0])["result"]["state"] == "stopped"  # answered before the wreck


def test_a_line_may_arrive_in_pieces() -> None:
    pump, raw = ready(), frame.encode(messages.request(ID, "hello", {}))
    for byte in raw[:-1]:
        assert pump.line(bytes([byte])) == b""
    assert frame.decode(pump.line(b"\n")[:-1])["id"] == ID


# --- ids ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R8")
def test_a_changing_command_that_is_repeated_is_answered_from_memory() -> None:
    pump = ready(constant(900_000))
    raw = frame.encode(messages.request(ID, "start", {}))
    first = pump.line(raw)
    pump.advance(5)
    pump.call("stop")
    assert pump.line(raw) == first  # not executed again: the pump was stopped meanwhile
    pump.advance(5)
    assert pump.state() == "stopped" and pump.call("status")["counters"]["repeated"] == 1
    assert len(pump.records("started")) == 1


@pytest.mark.rule("R8")
def test_the_refusal_of_a_changing_command_is_repeated_too() -> None:
    pump = ready()
    first = asked(pump, ID, "start")
    pump.upload(constant(900_000))
    assert first["error"]["data"]["fault"] == "no_program" and asked(pump, ID, "start") == first


@pytest.mark.rule("R8")
def test_an_id_with_another_body_is_refused() -> None:
    pump = ready()
    asked(pump, ID, "ack", fault=601)
    assert asked(pump, ID, "ack", fault=602)["error"]["data"]["fault"] == "id_reused"
    assert asked(pump, ID, "maintenance")["error"]["data"]["fault"] == "id_reused"
    assert not pump.board.system.maintenance_requested


def test_eight_changing_commands_are_remembered() -> None:
    pump = ready()
    for number in range(9):
        asked(pump, "%016x" % (number + 500), "ack", fault=601)
    repeated = pump.call("status")["counters"]["repeated"]
    asked(pump, "%016x" % 501, "ack", fault=601)
    assert pump.call("status")["counters"]["repeated"] == repeated + 1
    asked(pump, "%016x" % 500, "ack", fault=601)
    assert pump.call("status")["counters"]["repeated"] == repeated + 1


@pytest.mark.rule("R8")
def test_stop_is_never_answered_from_memory() -> None:
    pump = running()
    asked(pump, ID, "stop")
    pump.call("start")
    pump.advance(5)
    assert asked(pump, ID, "stop")["result"]["state"] == "stopped" and not pump.board.stepper.enabled


def test_commands_that_change_nothing_are_done_each_time() -> None:
    pump = running()
    first = asked(pump, ID, "status")["result"]["uptime_ms"]
    pump.advance(1)
    assert asked(pump, ID, "status")["result"]["uptime_ms"] > first


# --- hostile ------------------------------------------------------------------------------------------------------------------

_VALUES = [
    "null",
    "true",
    "-1",
    "1.5",
    "1e999",
    "NaN",
    "-Infinity",
    "9" * 4000,
    '"x"',
    "[]",
    "{}",
    "[1 2]",
    '{"a" 1}',
    '"\\ud800"',
    "0x10",
    "1_000",
]
_PARAMS = {
    "clock.set": ["utc_s", "offset_s"],
    "program.stage": ["program"],
    "program.activate": ["digest"],
    "ack": ["fault"],
    "bolus.start": ["token", "volume_nl", "rate_nl"],
    "bolus.status": ["token"],
    "bolus.cancel": ["token"],
    "forecast.digest": ["digest", "days", "second_s", "remainder", "chain", "utc_s", "offset_s"],
    "journal.read": ["ring", "from_sequence", "blocks"],
}


def untouched(pump: Watched) -> tuple:
    """Return what hostile input must leave unchanged."""
    app = pump.pump
    return (
        app.delivery.state,
        app.setup.digest,
        app.alarms.active(),
        app.book.wall.zone.values(),
        app.delivery.leases.files.record.sequence,
        app.journal.rings["events"].next_sequence,
        pump.plant_steps(),
        app.start_wanted,
        app.delivery.orders.bolus,
        bytes(pump.image()),
    )


@pytest.mark.rule("R10")
@pytest.mark.parametrize("value", _VALUES, ids=lambda value: value[:9])
def test_a_parameter_of_another_type_is_refused(value: str) -> None:
    pump = ready(constant(900_000))
    before = untouched(pump)
    for method, names in _PARAMS.items():
        for name in names:
            params = ", ".join('"%s": %s' % (key, value if key == name else "1") for key in names)
            body = '{"jsonrpc": "2.0", "id": "%s", "method": "%s", "params": {%s}}' % (ID, method, params)
            answer = reply_of(pump, framed(body.encode()))
            assert answer["error"]["data"]["fault"] in ("bad_params", "bad_json")
    assert untouched(pump) == before and pump.call("status")["last_error"] == ""


@pytest.mark.rule("R10")
@pytest.mark.parametrize(
    "raw",
    [
        framed(b"[" * 8000),
        framed(b'{"a":' * 1500),
        framed(b"{}"),
        framed(b"[]"),
        framed(b"null"),
        framed(b'{"id": 5}'),
        framed(b'{"jsonrpc": "2.0", "id": "' + ID.encode() + b'", "method": ["stop"]}'),
        framed(b'{"jsonrpc": "2.0", "id": "' + ID.encode() + b'", "method": "__class__", "params": {}}'),
        framed(b'{"jsonrpc": "1.0", "id": "' + ID.encode() + b'", "method": "start", "params": {}}'),
        frame.encode(messages.request(ID, "start", {}))[:-3] + b"0\n",
        b"x" * 8192 + b"\n",
        b"x" * 20_000 + b"\n",
        b"*" * 9 + b"\n",
        b"\xff\xfe\x00start\n",
        bytes(range(256)).replace(b"\n", b"") + b"\n",
        b"\x03\x04\x01\r\n",
        framed(b"\xff\xff"),
    ],
    ids=lambda raw: repr(raw[:16]),
)
def test_a_hostile_line_moves_nothing_and_gets_an_answer(raw: bytes) -> None:
    pump = ready(constant(900_000))
    before = untouched(pump)
    answer = reply_of(pump, raw)
    assert answer["error"]["code"] < 200 and answer["error"]["data"]["do"]
    assert untouched(pump) == before
    assert reply_of(pump, b"hello\n")["result"]


@pytest.mark.rule("R10")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(min_size=1, max_size=400), min_size=1, max_size=5))
def test_noise_while_running_disturbs_no_dose(noise: list) -> None:
    pump = _running()
    clean = [part for part in noise if b"stop" not in part and b"start" not in part]
    for part in clean:
        pump.line(part)
        pump.advance(0.5)
    pump.line(b"\n")
    pump.advance(1)
    assert pump.state() == "running" and pump.call("status")["last_error"] == ""
    due = pump.pump.delivery.span.ordered_steps
    assert pump.delivered_steps() <= due


_KEPT = []


def _running() -> Watched:
    """One pump for all examples: traces of noise are part of the test."""
    if not _KEPT:
        _KEPT.append(running(constant(360_000)))
    return _KEPT[0]


def test_overlong_lines_are_dropped_and_counted() -> None:
    pump = ready()
    assert reply_of(pump, b"y" * 30_000 + b"\n")["error"]["data"]["fault"] == "too_long"
    counters = pump.call("status")["counters"]
    assert counters["dropped_bytes"] == 30_000 and counters["bad_lines"] == 1 and counters["refused"] == 1


@pytest.mark.rule("R6")
def test_a_bug_of_ours_ends_in_the_safe_state_and_is_told() -> None:
    pump = running()
    pump.answer_with("hello", lambda pump, params: 1 // 0)
    reply = reply_of(pump, b"hello\n")
    assert reply["error"]["data"]["fault"] == "internal" and "ZeroDivisionError" in reply["error"]["data"]["cause"]
    assert not pump.board.stepper.enabled and pump.alarms() == ["internal"]
    assert "ZeroDivisionError" in pump.call("status")["last_error"]


def test_every_reply_is_one_framed_json_rpc_object() -> None:
    pump = running()
    for method in ("hello", "status", "alarms", "bolus.token", "program.read"):
        line = pump.line(pump.request(method))
        assert line.count(b"\n") == 1 and line[-10:-9] == b"*"
        assert json.loads(line[:-10])["jsonrpc"] == "2.0"
