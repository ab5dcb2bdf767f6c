"""R10: malformed, truncated, oversized or hostile input moves nothing, changes nothing, and is reported or counted."""

import base64
import json

import pytest

from pumpcore.program import packing as programs
from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.programs import MONDAY_UTC_S, constant
from support.pump.running import UnitPump
from support.replies import fault_of

pytestmark = pytest.mark.rule("R10")
IDENTITY = "00000000000000bb"


@pytest.fixture(scope="module")
def pump() -> UnitPump:
    return UnitPump.ready(constant(36_000_000))


def framed(body: bytes) -> bytes:
    return body + b"*" + frame.crc_text(body) + b"\n"


def said(pump: UnitPump, raw: bytes) -> str:
    """Return the refusal of `raw`. Raises AssertionError if anything changed."""
    flash, made = pump.image(), pump.plant_steps()
    reply = frame.decode(pump.line(raw).split(b"\n")[0])
    untouched = pump.image() == flash  # not in the assert: pytest would explain for minutes how two flash images differ
    assert untouched, "the flash was written"
    assert pump.plant_steps() == made
    assert not pump.board.stepper.enabled
    assert pump.pump.idle()
    return fault_of(reply)


def request(method: str, **params: object) -> bytes:
    return frame.encode(messages.request(IDENTITY, method, params))


def test_a_line_whose_check_sum_is_wrong_is_refused(pump: UnitPump) -> None:
    line = request("start")
    body, tail = line[:-10], line[-10:]
    assert said(pump, body.replace(b"start", b"sturt") + tail) == "bad_frame"
    assert said(pump, body + b"*00000000\n") == "bad_frame"
    assert said(pump, body + b"\n") == "bad_frame"
    assert said(pump, line[: len(line) // 2] + b"\n") == "bad_frame"


@pytest.mark.parametrize(
    "body", [b"[1 2]", b"null", b"17", b'"start"', b'{"a" 1}', b"{}", b'{"jsonrpc": "2.0", "id": 7, "method": "start"}', b"[" * 4000]
)
def test_what_is_no_request_is_refused(pump: UnitPump, body: bytes) -> None:
    assert said(pump, framed(body)) == "bad_json"


def test_an_unknown_parameter_is_refused(pump: UnitPump) -> None:
    assert said(pump, request("start", slowly=1)) == "bad_params"
    assert said(pump, request("clock.set", utc_s=MONDAY_UTC_S, offset_s=0, zone="CET")) == "bad_params"


@pytest.mark.parametrize("value", [True, False, 1.0, "0", None, [0], {}, 86_401, -(10**30)])
def test_a_parameter_of_another_type_or_range_is_refused(pump: UnitPump, value: object) -> None:
    assert said(pump, request("clock.set", utc_s=MONDAY_UTC_S, offset_s=value)) == "bad_params"


@pytest.mark.parametrize("digest", ["A" * 64, "0" * 63, "0" * 65, "g" * 64, 0, None])
def test_a_digest_that_is_none_is_refused(pump: UnitPump, digest: object) -> None:
    assert said(pump, request("program.activate", digest=digest)) == "bad_params"


def test_a_missing_parameter_is_refused(pump: UnitPump) -> None:
    assert said(pump, request("clock.set", utc_s=MONDAY_UTC_S)) == "bad_params"


def test_an_unknown_command_is_refused(pump: UnitPump) -> None:
    assert said(pump, request("motor.on")) == "unknown_method"


def test_a_line_that_is_too_long_is_dropped_and_counted(pump: UnitPump) -> None:
    before = pump.call("status")["counters"]["dropped_bytes"]
    assert said(pump, b"x" * 9_000 + b"\n") == "too_long"
    assert pump.call("status")["counters"]["dropped_bytes"] == before + 9_000
    pump.line(b"y" * 9_000)
    assert pump.pump.session.lines.waiting_bytes == 0
    assert said(pump, b"y" * 10 + b"\n") == "too_long"
    padded = json.dumps(messages.request(IDENTITY, "start", {})).encode() + b" " * 8_300
    assert said(pump, framed(padded)) == "too_long"


def damaged(change: object) -> str:
    """Return the base64 of a packed schedule, after `change(program)`."""
    made = programs.Program("week", "water", 3600, [(0, 1_000), (60, 2_000), (120, 3_000)])
    made.mode = programs.SCHEDULE
    change(made)
    return base64.b64encode(programs.pack(made)).decode()


@pytest.mark.parametrize(
    "entries",
    [[(0, 1), (0, 2)], [(60, 1), (0, 2)], [(0, 1), (10_080, 2)], [], [(0, 1), (60, 1 << 50)]],
    ids=["twice", "unsorted", "past-the-week", "none", "huge"],
)
def test_a_program_whose_schedule_is_wrong_is_refused(pump: UnitPump, entries: list) -> None:
    program = damaged(lambda made: setattr(made, "entries", entries))
    assert said(pump, request("program.stage", program=program)) in ("program_schedule", "program_format")


def test_a_program_that_is_cut_short_or_longer_is_refused(pump: UnitPump) -> None:
    whole = base64.b64decode(damaged(lambda made: None))
    for packed in (whole[:-1], whole + b"\0", whole[:40], b"TPR1", b"\xff" * 100, whole[:4] + b"\xff" * (len(whole) - 4)):
        assert said(pump, request("program.stage", program=base64.b64encode(packed).decode())).startswith("program_")
