"""A flood of lines: a session holds a bounded number of bytes, never drops a `stop`, and drops a line if the heap is full."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.wire import session
from app.wire.session import MOST_HELD_BYTES, MOST_WAITING, REMEMBERED_BYTES
from pumpcore.program import packing as programs
from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.programs import constant
from support.pump.running import Watched, ready, running

START = frame.encode(messages.request("00000000000000a1", "start", {}))
STOP = frame.encode(messages.request("00000000000000a2", "stop", {}))
WIDE_STOP = frame.sealed(b'{"jsonrpc":"2.0",' + b" " * 7000 + b'"id":"00000000000000a3","method":"stop","params":{}}')
LONG = b"{" + b"x" * 1_979 + b"\n"
BAIT = b'{"stop"' + b"x" * 200 + b"\n"
SIGNED_BAIT = frame.sealed(b'{"jsonrpc":"2.0","id":"00000000000000a4","method":"ack","params":{"stop":"stop"}}')
PIECES = [
    LONG, BAIT, SIGNED_BAIT, START, b"status\n", b"\x03", b"\x01\x02\x04\x03\n", b"x" * 4096, b"y" * 8192 + b"\n", b"a\n" * 2048,
    b"\n" * 500, frame.sealed(b"[" * 8000), frame.sealed(b'{"a":' * 1500),
]
QUIET_TURNS = 3  # after so many silent turns it has answered everything
STOPS = [b"\nstop\n", b"\n\x03stop\n", b"\n  stop \r\n", b"\n" + STOP, b"\n" + WIDE_STOP]


def turned(pump: Watched, raw: bytes) -> int:
    """Send everything at once and run until it is answered. Return the most bytes held after a turn."""
    link, held, quiet = pump.board.link, 0, 0
    link.outgoing, link.incoming = b"", raw
    link.horizon_us = pump.board.clock.now_us
    while quiet < QUIET_TURNS:
        before = len(link.incoming), len(link.outgoing)
        pump.pump.turn()
        held = max(held, pump.held_bytes())
        quiet = quiet + 1 if before == (0, len(link.outgoing)) else 0
    return held


@pytest.mark.rule("R8")
@pytest.mark.rule("R10")
@settings(max_examples=100)
@given(st.lists(st.sampled_from(PIECES), max_size=40), st.sampled_from(STOPS), st.lists(st.sampled_from(PIECES[:3]), max_size=40))
def test_a_flood_is_held_within_the_bound_and_its_stop_acts(before: list, stop: bytes, after: list) -> None:
    pump = running()
    held = turned(pump, b"".join(before) + stop + b"".join(after))
    assert held <= MOST_HELD_BYTES
    assert not pump.board.stepper.enabled and not pump.pump.start_wanted, "the stop was dropped, or a start came true behind it"
    assert pump.call("status")["last_error"] == ""


@pytest.mark.rule("R10")
@pytest.mark.parametrize("line", [LONG, b"a\n", b"status" + b" " * 500 + b"\n"], ids=["1,980 bytes", "2 bytes", "500 bytes"])
def test_every_line_of_a_flood_is_answered_or_counted(line: bytes) -> None:
    pump, count = ready(), 300
    assert turned(pump, line * count) <= MOST_HELD_BYTES
    answers = pump.board.link.outgoing.count(b"\n")
    counters = pump.call("status")["counters"]
    assert answers + counters["shed_lines"] == count and counters["shed_lines"] > 0 and counters["memory_errors"] == 0


@pytest.mark.rule("R8")
def test_a_start_between_two_stops_of_a_flood_does_not_come_true() -> None:
    pump = running()
    turned(pump, b"stop\n" * (MOST_WAITING + 10) + START + b"stop\n" * (MOST_WAITING + 10))
    assert not pump.board.stepper.enabled and not pump.pump.start_wanted
    assert b'"overtaken"' in pump.board.link.outgoing


@pytest.mark.rule("R8")
def test_what_only_looks_like_a_stop_does_not_stop_and_does_not_keep_a_stop_out() -> None:
    pump = running()
    turned(pump, BAIT * 500 + SIGNED_BAIT * 100)
    assert pump.board.stepper.enabled
    turned(pump, BAIT * 500 + b"stop\n" + BAIT * 500)
    assert not pump.board.stepper.enabled


def test_the_answers_that_are_remembered_are_bounded_and_the_newest_is_kept() -> None:
    pump = ready()
    pump.answer_with("start", lambda pump, params: {"text": "x" * 1500})
    for number in range(8):
        pump.line(frame.encode(messages.request("%016x" % number, "start", {})))
    assert sum(len(line) for _, _, line in pump.pump.session._memory) <= REMEMBERED_BYTES
    pump.line(frame.encode(messages.request("%016x" % 7, "start", {})))
    assert pump.call("status")["counters"]["repeated"] == 1


# --- no memory ----------------------------------------------------------------------------------------------------------------


class Failing:
    """A function without memory for its first `times` calls, or for those after the first."""

    def __init__(self, function: object, times: int, after: int = 0) -> None:
        self.function, self.times, self.after = function, times, after

    def __call__(self, *words: object) -> object:
        self.after -= 1
        if self.after < 0 < self.times:
            self.times -= 1
            raise MemoryError
        return self.function(*words)


def status_of(pump: Watched) -> dict:
    return json.loads(pump.line(b"status\n").split(b"*")[0])["result"]


@pytest.mark.rule("R10")
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("where", ["feed", "decode", "result", "sealed", "write"])
def test_memory_that_runs_out_on_the_way_costs_a_line_and_no_dose(monkeypatch: pytest.MonkeyPatch, where: str, times: int) -> None:
    pump, line = running(), frame.encode(messages.request("00000000000000b1", "alarms", {})) + b"\n"
    app = pump.pump.session
    target, name = {
        "feed": (app.lines, "feed"),
        "decode": (session.frame, "decode"),
        "result": (session.messages, "result"),
        "sealed": (session.frame, "sealed"),
        "write": (pump.board.link, "write"),
    }[where]
    with monkeypatch.context() as patched:
        patched.setattr(target, name, Failing(getattr(target, name), times))
        turned(pump, line)
    told = status_of(pump)
    assert told["counters"]["memory_errors"] >= 1 and told["state"] == "running" and told["last_error"] == ""
    assert pump.board.stepper.enabled and pump.alarms() == []


@pytest.mark.rule("R8")
def test_a_stop_in_bytes_for_which_there_was_no_memory_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    pump = running()
    lines = pump.pump.session.lines
    with monkeypatch.context() as patched:
        patched.setattr(lines, "feed", Failing(lines.feed, 1))
        turned(pump, b"stop\n" + LONG)
    assert not pump.board.stepper.enabled


HALVES = [(STOP[:at], STOP[at:]) for at in range(1, len(STOP), 7)] + [(b"st", b"op\n"), (WIDE_STOP[:7030], WIDE_STOP[7030:])]


@pytest.mark.rule("R8")
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("before, after", [(b"", b"stop\n"), (b"", STOP), (b"", LONG + STOP), *HALVES])
def test_a_stop_acts_or_the_lack_of_memory_halts_the_motor(
    monkeypatch: pytest.MonkeyPatch, before: bytes, after: bytes, times: int
) -> None:
    """However often memory fails while its line is read, in one piece or in two."""
    pump = running()
    if before:
        turned(pump, before)
        assert pump.board.stepper.enabled
    lines = pump.pump.session.lines
    with monkeypatch.context() as patched:
        patched.setattr(lines, "feed", Failing(lines.feed, times))
        turned(pump, after)
    assert not pump.board.stepper.enabled and not pump.pump.start_wanted
    turned(pump, b"\nstop\n")
    assert b'"delivered_steps"' in pump.board.link.outgoing


@pytest.mark.rule("R8")
@pytest.mark.parametrize("name", ["read", "decode", "plain"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_stop_for_which_memory_fails_elsewhere_acts_too(monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> None:
    pump = running()
    target = {"read": pump.board.link, "decode": session.frame, "plain": session.messages}[name]
    with monkeypatch.context() as patched:
        patched.setattr(target, name, Failing(getattr(target, name), times))
        turned(pump, STOP if name == "plain" else b"\n" + STOP)
    assert not pump.board.stepper.enabled


@pytest.mark.rule("R8")
def test_half_a_stop_outlives_another_command_without_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    pump = running()
    with monkeypatch.context() as patched:
        patched.setattr(session.frame, "sealed", Failing(session.frame.sealed, 3))
        turned(pump, b"status\n" + STOP[:40])
    assert pump.board.stepper.enabled
    turned(pump, STOP[40:])
    assert not pump.board.stepper.enabled and pump.alarms() == []


def test_a_line_that_found_no_memory_is_read_once_more_without_what_the_last_command_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    pump = running()
    pump.call("alarms")
    monkeypatch.setattr(frame, "loaded", Failing(frame.loaded, 1))
    line = frame.encode(messages.request("00000000000000b1", "clock.set", {"utc_s": 1_800_000_000, "offset_s": 0}))
    assert json.loads(pump.line(line).split(b"*")[0])["id"] == "00000000000000b1"
    assert status_of(pump)["counters"]["memory_errors"] == 1 and pump.pump.session.loader.method == "clock.set"


def test_a_line_that_needs_too_much_memory_to_be_read_is_refused_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    pump, line = running(), frame.sealed(b"[" * 8000)
    monkeypatch.setattr(frame, "loaded", Failing(frame.loaded, 2))
    reply = json.loads(pump.line(line).split(b"*")[0])
    assert reply["error"]["data"]["fault"] == "no_memory" and reply["id"] is None
    assert status_of(pump)["counters"]["memory_errors"] == 2 and pump.board.stepper.enabled


@pytest.mark.rule("R8")
def test_a_change_whose_answer_found_no_memory_is_not_done_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    pump = ready(constant(900_000))
    with monkeypatch.context() as patched:
        patched.setattr(session.frame, "sealed", Failing(session.frame.sealed, 2))
        turned(pump, START)
    pump.advance(5)
    pump.call("stop")
    turned(pump, START)
    pump.advance(5)
    assert len(pump.records("started")) == 1 and pump.state() == "stopped"


def test_staging_that_found_no_memory_is_tried_once_more_with_what_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    pump = ready(constant(900_000))
    packed = programs.pack(constant(800_000))
    monkeypatch.setattr(programs, "unpack", Failing(programs.unpack, 1))
    reply = pump.call("program.stage", program=base64.b64encode(packed).decode())
    assert reply["digest"] == programs.digest(packed) and pump.alarms() == []


def test_a_question_without_memory_is_refused_and_a_change_ends_in_the_safe_state() -> None:
    pump = running()

    def starving(pump: object, params: dict) -> dict:
        raise MemoryError

    pump.answer_with("hello", starving)
    assert json.loads(pump.line(b"hello\n").split(b"*")[0])["error"]["data"]["fault"] == "no_memory"
    assert pump.board.stepper.enabled
    pump.answer_with("ack", starving)
    assert pump.ask("ack", fault=601)["error"]["data"]["fault"] == "internal"
    assert not pump.board.stepper.enabled and pump.alarms() == ["internal"]


def test_what_a_command_asked_with_is_given_back_before_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a chip with full rings, the reply to the largest program had no room beside the program's own text."""
    pump, seen = ready(), []
    refuse = session.Session.tell

    def look(self: session.Session, identity: bytes, method: str, answer: object) -> bytes:
        seen.append(asked[-1] == {})
        return refuse(self, identity, method, answer)

    asked: list = []
    check = messages.check_request

    def kept(message: dict) -> messages.Request:
        found = check(message)
        asked.append(found.params)
        return found

    monkeypatch.setattr(messages, "check_request", kept)
    monkeypatch.setattr(session.Session, "tell", look)
    pump.call("program.read")
    pump.call("journal.read", ring="events", from_sequence=1)
    assert seen == [True, True]
