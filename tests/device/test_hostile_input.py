"""Noise, floods and hand-made frames: nothing moves, nothing changes, the pump answers or counts, and still answers afterwards."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from pumpcore.wire.messages import METHODS
from support.programs import MONDAY_UTC_S, constant
from support.replies import fault_of
from support.rig.device import Device

pytestmark = [pytest.mark.needs("plant", "virtual_time"), pytest.mark.rule("R10")]
EXAMPLES = max(150, settings().max_examples)  # more in the profile `torture`
IDENTITY = "00112233445566ff"


@pytest.fixture(scope="module")
def stopped() -> Iterator[Device]:
    """A pump with a program, ready to start, so that an accidental start is seen."""
    with Device() as device:
        device.upload(constant(1_000_000))
        device.client.clock_set(MONDAY_UTC_S, 0)
        yield device


@pytest.fixture(scope="module")
def running() -> Iterator[Device]:
    """A pump in the middle of a dose."""
    with Device() as device:
        device.begin_at_one_ml_per_hour()
        device.run_for(5)
        yield device


def signed(body: bytes) -> bytes:
    """Return a line with the right CRC, whatever the body is."""
    return body + b"*" + frame.crc_text(body) + b"\n"


def request(method: str, params: object, identity: object = IDENTITY) -> bytes:
    return signed(json.dumps({"jsonrpc": "2.0", "id": identity, "method": method, "params": params}).encode())


def heard(device: Device, line: bytes) -> list[dict]:
    """Send bytes; return the replies."""
    answer = device.say(line)
    device.say(b"\n")
    return [json.loads(part[:-9]) for part in answer.split(b"\n") if part]


def unchanged(device: Device, line: bytes) -> list[dict]:
    """Send bytes, check that nothing moved and nothing changed, and return the replies."""
    before, steps, writes = known(device), device.sim.plant_steps(), device.sim.flash_ops()
    replies = heard(device, line)
    assert known(device) == before
    assert (device.sim.plant_steps(), device.sim.flash_ops()) == (steps, writes)
    return replies


def known(device: Device) -> dict:
    """Return everything in the status except counters of input."""
    status: dict = device.ask_raw("status")["result"]
    for name in ("counters", "free_memory_bytes"):
        status.pop(name)
    return status


LASTING = (
    "state", "boot", "program_digest", "alarms", "faults_sequence", "last_error", "uncertain_steps", "bolus", "extended", "temporary",
)  # fmt: skip
LONGEST = 10_000  # bytes; a chip reads a mebibyte in 9 s
STEPS_PER_S = 29  # of the running pump, rounded up


def lasting(device: Device) -> dict:
    """Return the parts of the status that time alone does not change."""
    status = known(device)
    return {name: status[name] for name in LASTING}


BAD_LINES = {
    "no frame": (b"please pump faster\n", "bad_frame"),
    "empty object, no crc": (b"{}\n", "bad_frame"),
    "wrong crc": (b'{"jsonrpc": "2.0"}*00000000\n', "bad_frame"),
    "upper case crc": (signed(b"{}").upper(), "bad_frame"),
    "cut by one": (request("start", {})[:-2] + b"\n", "bad_frame"),
    "without its first byte": (request("start", {})[1:], "bad_frame"),
    "binary": (bytes(byte for byte in range(256) if byte != 10) + b"\n", "bad_frame"),
    "utf-8 cut in two": ("stöp".encode()[:3] + b"\n", "bad_frame"),
    "longer than 8 KiB": (b"x" * 9_000 + b"\n", "too_long"),
    "longer than 8 KiB and a frame": (request("start", {"x": "y" * 9_000}), "too_long"),
    "a mebibyte": (b"\x00" * 1_048_576 + b"\n", "too_long"),
    "nested beyond any parser": (signed(b"[" * 4_000), "bad_json"),
    "nested objects": (signed(b'{"a":' * 1_300 + b"1" + b"}" * 1_300), "bad_json"),
    "an array": (signed(b"[1, 2]"), "bad_json"),
    "a number": (signed(b"7"), "bad_json"),
    "nothing": (signed(b""), "bad_json"),
    "not json": (signed(b"start"), "bad_json"),
    "no version": (signed(b'{"id": "00112233445566ff", "method": "start", "params": {}}'), "bad_json"),
    "a short id": (request("start", {}, "1"), "bad_json"),
    "a number for an id": (request("start", {}, 7), "bad_json"),
    "an upper case id": (request("start", {}, IDENTITY.upper()), "bad_json"),
    "no method": (signed(b'{"jsonrpc": "2.0", "id": "00112233445566ff"}'), "unknown_method"),
    "a list for a method": (request(["start"], {}), "unknown_method"),  # type: ignore[arg-type]
    "a method nobody has": (request("pump.faster", {}), "unknown_method"),
    "a method of the object": (request("__class__", {}), "unknown_method"),
    "params in a list": (request("start", []), "bad_params"),
    "a parameter too many": (request("start", {"now": True}), "bad_params"),
    "a parameter too few": (request("clock.set", {"utc_s": MONDAY_UTC_S}), "bad_params"),
    "true for a number": (request("ack", {"fault": True}), "bad_params"),
    "a float for a number": (request("ack", {"fault": 609.0}), "bad_params"),
    "infinity": (request("ack", {"fault": float("inf")}), "bad_json"),
    "not a number": (request("ack", {"fault": float("nan")}), "bad_json"),
    "a huge number": (request("clock.set", {"utc_s": 10**300, "offset_s": 0}), "bad_params"),
    "a negative volume": (request("bolus.start", {"token": "0" * 16, "volume_nl": -1, "rate_nl": 1}), "bad_params"),
    "no volume": (request("bolus.start", {"token": "0" * 16, "volume_nl": 0, "rate_nl": 1}), "bad_params"),
    "null": (request("program.activate", {"digest": None}), "bad_params"),
    "a digest too short": (request("program.activate", {"digest": "ab"}), "bad_params"),
    "base64 that is none": (request("program.stage", {"program": "*"}), "bad_params"),
    "a program of zeros": (request("program.stage", {"program": "AAAA" * 30}), "program_format"),
    "another ring": (request("journal.read", {"ring": "secrets", "from_sequence": 0}), "bad_params"),
    "a digest never staged": (request("program.activate", {"digest": "0" * 64}), "not_staged"),
}


@pytest.mark.needs("instant_commands")
@pytest.mark.parametrize("what", sorted(BAD_LINES))
@pytest.mark.parametrize("state", ["stopped", "running"])
def test_a_bad_line_moves_nothing_and_gets_a_clear_error(request: pytest.FixtureRequest, what: str, state: str) -> None:
    line, fault = BAD_LINES[what]
    replies = unchanged(request.getfixturevalue(state), line)
    assert [fault_of(reply) for reply in replies] == [fault]
    assert replies[0]["error"]["message"]
    assert replies[0]["error"]["data"]["do"]


@pytest.mark.parametrize("state", ["stopped", "running"])
def test_all_bad_lines_in_a_row_start_nothing_and_stop_nothing(request: pytest.FixtureRequest, state: str) -> None:
    """If commands take time, the plan goes on meanwhile, but not faster than planned."""
    device: Device = request.getfixturevalue(state)
    before, steps, began_ms = lasting(device), device.sim.plant_steps(), device.sim.now_ms()
    for what in sorted(BAD_LINES):
        line, fault = BAD_LINES[what]
        if len(line) <= LONGEST:
            assert [fault_of(reply) for reply in heard(device, line)] == [fault], what
    assert lasting(device) == before
    made, most = device.sim.plant_steps() - steps, 0
    if state == "running":
        most = round((device.sim.now_ms() - began_ms) / 1000 * STEPS_PER_S) + 1
    assert 0 <= made <= most


@pytest.mark.needs("instant_commands")
@pytest.mark.parametrize("text", ['{"a" 1}', "{'a': 1}", "[1 2]", '{"jsonrpc" "2.0"}', "{,}", '{"jsonrpc": "2.0",}'])
def test_json_that_only_micropython_reads_is_still_no_command(stopped: Device, text: str) -> None:
    replies = unchanged(stopped, signed(text.encode()))
    assert [fault_of(reply) for reply in replies] == ["bad_json"]


@pytest.mark.needs("instant_commands")
def test_bytes_without_a_newline_are_dropped_and_counted(running: Device) -> None:
    before = running.client.status()["counters"]
    unchanged(running, b"\xaa" * 100_000)
    after = running.client.status()["counters"]
    assert after["dropped_bytes"] - before["dropped_bytes"] == 100_000
    assert after["bad_lines"] > before["bad_lines"]


def test_a_frame_sent_twice_is_executed_once(stopped: Device) -> None:
    line = request("clock.set", {"utc_s": MONDAY_UTC_S, "offset_s": 60}, "00000000000000aa")
    answer = stopped.say(line * 3)
    lines = answer.split(b"\n")[:-1]
    assert len(lines) == 3
    assert len(set(lines)) == 1
    offsets = [record.fields["offset_s"] for record in stopped.records("clock_set")]
    assert offsets.count(60) == 1
    other = request("clock.set", {"utc_s": MONDAY_UTC_S, "offset_s": 61}, "00000000000000aa")
    assert [fault_of(reply) for reply in heard(stopped, other)] == ["id_reused"]
    assert [record.fields["offset_s"] for record in stopped.records("clock_set")] == offsets


def test_a_stop_gets_through_in_the_middle_of_noise(running: Device) -> None:
    answer = running.say(b"\xff" * 20_000 + b"\n" + request("status", {}) * 50 + b"stop\n")
    assert running.sim.enable_level() is False
    assert b'"stopped"' in answer.split(b"\n")[0] + answer.split(b"\n")[1]
    running.client.start()
    running.run_for(5)
    assert running.state() == "running"


@pytest.mark.needs("free_time")
def test_a_flood_of_commands_fills_no_memory_and_delays_no_stop(running: Device) -> None:
    before = running.client.status()
    answer = running.say(b"status\n" * 20_000 + b"stop\n" + b"status\n" * 1_000)
    assert running.sim.enable_level() is False
    lines = answer.split(b"\n")[:-1]
    after = running.client.status()
    shed = after["counters"]["shed_lines"] - before["counters"]["shed_lines"]
    assert len(lines) + shed == 21_001
    assert before["free_memory_bytes"] - after["free_memory_bytes"] < 64_000_000, "memory is never given back on the simulator"
    running.client.start()
    running.run_for(5)
    assert running.state() == "running"


NOISE = st.binary(min_size=1, max_size=600)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NAMES = sorted({name for _, (params, *_) in METHODS.items() for name in params})
# No valid commands: `stop` and a plain `start` could be made by chance, so they are left out.
METHOD_NAMES = st.sampled_from(sorted(set(METHODS) - {"stop", "start", "maintenance", "clock.set", "bolus.token"})) | st.text(max_size=12)


@pytest.mark.needs("free_time")
@settings(max_examples=EXAMPLES)
@given(NOISE.filter(lambda data: b"stop" not in data))
def test_fuzz_of_bytes(running: Device, data: bytes) -> None:
    unchanged(running, data + b"\n")


@pytest.mark.needs("free_time")
@settings(max_examples=EXAMPLES)
@given(METHOD_NAMES, st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), VALUES, max_size=4) | VALUES, VALUES | st.just(IDENTITY))
def test_fuzz_of_signed_requests(stopped: Device, method: str, params: object, identity: object) -> None:
    for reply in unchanged(stopped, request(method, params, identity)):
        assert "result" in reply or fault_of(reply)


@pytest.mark.needs("free_time")
@settings(max_examples=EXAMPLES)
@given(st.data())
def test_fuzz_of_a_good_frame_with_some_bytes_changed(running: Device, data: st.DataObject) -> None:
    """The CRC detects a changed byte; an unchanged frame is executed, and only asks for the status."""
    line = bytearray(frame.encode(messages.request(IDENTITY, "status", {})))
    for _ in range(data.draw(st.integers(1, 4))):
        line[data.draw(st.integers(0, len(line) - 2))] ^= data.draw(st.integers(0, 255))
    replies = unchanged(running, bytes(line))
    assert all("result" in reply or fault_of(reply) in ("bad_frame", "bad_json") for reply in replies)
