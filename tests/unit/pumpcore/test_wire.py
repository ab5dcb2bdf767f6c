"""Lines, commands and the table of faults: whatever arrives raises a FrameError or a Refusal only."""

import base64
import binascii
import json
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.faults import fault_texts, faults
from pumpcore.faults.faults import ALARM, REFUSAL, WARNING, Refusal
from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from pumpcore.wire.lines import LineBuffer

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ID = "0123456789abcdef"


def framed(body: bytes) -> bytes:
    return body + b"*" + b"%08x" % binascii.crc32(body)


def fault_of(line: bytes) -> str:
    with pytest.raises(frame.FrameError) as caught:
        frame.decode(line)
    return caught.value.fault


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=5))
def test_a_frame_comes_back(message: dict) -> None:
    line = frame.encode(message)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert repr(frame.decode(line[:-1])) == repr(json.loads(json.dumps(message)))
    assert frame.decode(line[:-1] + b"\r").keys() == message.keys()


@pytest.mark.rule("R10")
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=3), st.data())
def test_a_frame_that_was_hit_is_refused(message: dict, data: st.DataObject) -> None:
    line = bytearray(frame.encode(message)[:-1])
    bit = data.draw(st.integers(0, len(line) * 8 - 1))
    line[bit // 8] ^= 1 << bit % 8
    assert fault_of(bytes(line)) == "bad_frame"


@pytest.mark.rule("R10")
@given(st.binary(max_size=300))
def test_noise_is_refused_whether_its_crc_is_right_or_not(noise: bytes) -> None:
    assert fault_of(noise) in ("bad_frame", "bad_json")
    try:
        assert type(frame.decode(framed(noise))) is dict
    except frame.FrameError as error:
        assert error.fault in ("bad_json", "bad_frame")


@pytest.mark.rule("R10")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"null",
        b'"hello"',
        b"[" * 8000,
        b'{"a":' * 1600,
        b"{" * 8000,
        b"9" * 8000,
        b'{"a":' + b"9" * 8000 + b"}",
        b"\xff\xfe",
    ],
    ids=lambda body: repr(body[:8]),
)
def test_what_is_json_but_no_object_or_too_deep_is_refused(body: bytes) -> None:
    assert fault_of(framed(body)) == "bad_json"


def test_length_is_checked_first() -> None:
    assert fault_of(b"x" * (frame.MAX_BYTES + 1)) == "too_long"
    assert fault_of(b"x" * frame.MAX_BYTES) == "bad_frame"


def test_upper_case_digits_are_no_crc() -> None:
    line = framed(b'{"a": 12}')
    assert line != line.upper() and fault_of(line[:-8] + line[-8:].upper()) == "bad_frame"


STREAMS = st.lists(st.sampled_from([b"a", b"\n", b"stop\n", b"  \n", b"\r\n", b"x" * 5000, b"y" * 8192, b"z" * 8193]), max_size=12).map(
    b"".join
)


@pytest.mark.rule("R10")
@given(STREAMS, st.data())
def test_lines_are_the_same_however_the_bytes_arrive(stream: bytes, data: st.DataObject) -> None:
    whole, chunked, lines, at = LineBuffer(), LineBuffer(), [], 0
    while at < len(stream):
        size = data.draw(st.sampled_from([1, 7, 4096, 9000])) if at < 60_000 else 9000
        size = size if size > 7 or len(stream) < 200 else 997
        lines += chunked.feed(stream[at : at + size])
        at += size
    lines = [b"".join(line) if type(line) is list else line for line in lines]
    assert lines == whole.feed(stream)
    assert lines == [
        (None if len(part) > frame.MAX_BYTES else part) for part in stream.split(b"\n")[:-1] if part.strip() or len(part) > frame.MAX_BYTES
    ]
    assert chunked.dropped_bytes == whole.dropped_bytes


@pytest.mark.parametrize("cut", range(5))
@pytest.mark.parametrize("before", [0, 3, 256, 300])
def test_a_word_of_an_unfinished_line_is_found_wherever_it_was_cut(before: int, cut: int) -> None:
    buffer = LineBuffer()
    buffer.feed(b"x" * before + b"stop"[:cut])
    assert buffer.holds(b"stop") == (cut == 4)
    buffer.feed(b"stop"[cut:] + b"y")
    assert buffer.holds(b"stop") and not buffer.holds(b"stay")
    assert buffer.feed(b"\n") == [b"x" * before + b"stopy"] and not buffer.holds(b"stop")


def test_a_line_that_comes_byte_by_byte_has_few_pieces() -> None:
    buffer = LineBuffer()
    for _ in range(5_000):
        buffer.feed(b"x")
    assert len(buffer.pending) <= 20


TEXTS = st.sampled_from(["", "A" * 300, "\"program\":\"" + "B" * 300, "\\", "C" * 300 + '"', "stop", "D" * 3_000, "E" * 301])
KEYS = st.sampled_from(["program", "params", "x"])
VALUES = st.recursive(TEXTS | st.integers(0, 9), lambda inner: st.dictionaries(KEYS, inner, max_size=3))


def pieces_of(line: bytes, size: int) -> bytes | list[bytes]:
    """Return the line as the pump holds it if it arrives in parts of `size` bytes."""
    buffer, found = LineBuffer(), []
    for at in range(0, len(line) + 1, size):
        found += buffer.feed((line + b"\n")[at : at + size])
    return found[0]


@given(st.binary(max_size=900), st.integers(1, 300))
def test_base64_in_pieces_is_base64(data: bytes, size: int) -> None:
    text = base64.b64encode(data)
    assert messages.unbase64([text[at : at + size] for at in range(0, len(text), size)]) == data


NO_BASE64 = [[b"AAA"], [b"AA==", b"AAAA"], [b"AA==", b"A"], [b"AA", b"==AA", b"AA"], [b"AA A"], [b"A\xe4AA"], [b"AAAA", b"="]]


@pytest.mark.parametrize("pieces", NO_BASE64)
def test_what_is_no_base64_in_pieces_is_refused(pieces: list[bytes]) -> None:
    with pytest.raises(ValueError):
        messages.unbase64(pieces)


@given(VALUES, VALUES, st.sampled_from([40, 256, 300, 1_000, 9_000]), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_a_program_in_pieces_is_the_text_that_stood_there(params: object, other: object, size: int, blanks: tuple[str, str]) -> None:
    line = frame.sealed(json.dumps({"x": other, "params": params, "program": other}, separators=blanks).encode())[:-1]
    if len(line) > frame.MAX_BYTES:
        return
    message = frame.decode(pieces_of(line, size), True)
    inner = message["params"]
    if type(inner) is dict and type(inner.get("program")) is bytes:
        inner["program"] = base64.b64encode(inner["program"]).decode()
    assert message == frame.decode(line)


@pytest.mark.parametrize("size", [1, 255, 256, 4096, 9000])
@pytest.mark.parametrize(("program", "kind"), [("A" * 5_000, bytes), ("A" * 5_001, str), ("A" * 20, str), (7, int), ([0, ["A"]], list)])
def test_only_a_long_program_comes_as_its_bytes(program: object, kind: type, size: int) -> None:
    line = frame.encode(messages.request("00000000000000b1", "program.stage", {"program": program}))[:-1]
    assert type(frame.decode(pieces_of(line, size), True)["params"]["program"]) is kind
    assert type(frame.decode(line)["params"]["program"]) is type(program)


@pytest.mark.parametrize("at", [0, 70, 3_000, 5_080, 5_088])
@pytest.mark.parametrize("size", [255, 256, 1_000, 9_000])
def test_a_line_in_pieces_with_a_wrong_byte_is_no_frame(at: int, size: int) -> None:
    line = bytearray(frame.encode(messages.request("00000000000000b1", "program.stage", {"program": "A" * 5_000}))[:-1])
    line[at] ^= 1
    with pytest.raises(frame.FrameError, match="bad_frame"):
        frame.decode(pieces_of(bytes(line), size), True)


def test_a_flood_without_a_newline_is_not_kept() -> None:
    buffer = LineBuffer()
    for _ in range(100):
        assert buffer.feed(b"x" * 4096) == []
    assert buffer.waiting_bytes <= frame.MAX_BYTES
    assert buffer.feed(b"\nstop\n") == [None, b"stop"] and buffer.dropped_bytes == 409_600


# --- commands -----------------------------------------------------------------------------------------------------------------


def refused(message: dict) -> str:
    with pytest.raises(Refusal) as caught:
        messages.check_request(message)
    return caught.value.fault.name


def good(method: str, params: dict) -> dict:
    return messages.request(ID, method, params)


@pytest.mark.rule("R10")
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "jsonrpc": st.just("2.0") | JSON,
            "id": st.just(ID) | JSON,
            "method": st.sampled_from(sorted(messages.METHODS)) | JSON,
            "params": JSON | st.dictionaries(st.sampled_from(["utc_s", "token", "digest", "fault", "ring"]), JSON),
            "more": JSON,
        },
    )
)
def test_any_object_is_a_request_or_refused(message: dict) -> None:
    try:
        asked = messages.check_request(message)
    except Refusal as caught:
        assert caught.fault.name in ("bad_json", "unknown_method", "bad_params")
        return
    assert asked.identity == ID and asked.method in messages.METHODS and set(asked.params) == set(messages.METHODS[asked.method][0])


@pytest.mark.parametrize(
    "identity", [None, 7, "", "0123456789ABCDEF", "0123456789abcde", "0123456789abcdef0", ["0"] * 16, "0123456789abcdeg"]
)
def test_an_id_is_sixteen_lower_case_hex_digits(identity: object) -> None:
    assert refused({"jsonrpc": "2.0", "id": identity, "method": "hello", "params": {}}) == "bad_json"


@pytest.mark.parametrize("value", [None, True, 1.0, "1577836800", 1_577_836_799, 1 << 32, [1], {}, float("nan"), -1])
def test_a_whole_number_in_range_is_nothing_else(value: object) -> None:
    assert refused(good("clock.set", {"utc_s": value, "offset_s": 0})) == "bad_params"
    assert messages.check_request(good("clock.set", {"utc_s": 1_577_836_800, "offset_s": -64_800})).method == "clock.set"


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("ack", {}),
        ("ack", {"fault": 1, "more": 1}),
        ("ack", {"fault": 0}),
        ("ack", {"fault": True}),
        ("ack", {"fault": 65_536}),
        ("ack", None),
        ("ack", [601]),
        ("program.activate", {"digest": "0" * 63}),
        ("program.activate", {"digest": "G" * 64}),
        ("program.stage", {"program": ""}),
        ("program.stage", {"program": "A" * 5601}),
        ("program.stage", {"program": bytearray(b"x")}),
        ("hello", {"x": 1}),
        ("journal.read", {"ring": "other", "from_sequence": 0}),
        ("journal.read", {"ring": ["events"], "from_sequence": 0}),
        ("journal.read", {"ring": "events", "from_sequence": -1}),
        ("bolus.start", {"token": "0" * 16, "volume_nl": 1}),
    ],
    ids=str,
)
def test_parameters_are_all_there_known_and_of_their_type(method: str, params: object) -> None:
    assert refused(good(method, params)) == "bad_params"


def test_methods_that_change_are_answered_from_memory_but_stop_never_is() -> None:
    changing = {method for method in messages.METHODS if messages.changes(method)}
    expected = {"clock.set", "program.activate", "start", "bolus.start", "bolus.cancel", "ack", "maintenance"}
    assert changing == expected | {
        "run.start",
        "bench.set",
        "calibration.set",
        "rotor.set", "rotor.phase",
        "bolus.demand", "bolus.extended", "bolus.prime",
        "reservoir.refill",
        "reservoir.acknowledge",
        "temporary.start",
        "temporary.cancel",
        "bridge.start",
        "name.set",
        "key.set",
    }


# --- faults -------------------------------------------------------------------------------------------------------------------


def test_numbers_and_names_are_unique_sorted_and_explained() -> None:
    rows = [(number, name) for names in faults.NUMBERS.values() for name, number in names.items()]
    assert len(rows) == len({number for number, _ in rows}) == len({name for _, name in rows})
    for number, name in rows:
        fault = faults.by_number(number)
        assert (fault.number, fault.name) == (number, name) and faults.by_name(name).number == number
        assert fault.severity in ((REFUSAL,) if number < 600 else (WARNING, ALARM)) and all(fault_texts.told(name))
    with pytest.raises(KeyError):
        faults.by_number(999)
    with pytest.raises(KeyError):
        faults.by_name("bad")


def test_every_text_belongs_to_a_fault() -> None:
    names = {name for names in faults.NUMBERS.values() for name in names}
    rows = fault_texts._TABLE.strip().splitlines()
    assert [row.split(" | ")[0] for row in rows] and {row.split(" | ")[0] for row in rows} == names and len(rows) == len(names)
    with pytest.raises(ValueError, match="substring"):
        fault_texts.told("frame")


def test_a_refusal_tells_code_cause_and_what_to_do() -> None:
    refusal = Refusal("rate_above_ceiling", asked_nl=5, limit_nl=4)
    assert fault_texts.sentence(refusal) == "a rate is above the highest that is allowed (asked 5 nl, limit 4 nl)"
    assert fault_texts.sentence(Refusal("no_program")) == "no program is active"
    reply = messages.refusal(ID, refusal, fault_texts.told("rate_above_ceiling"))
    assert reply["error"] == {
        "code": 304,
        "message": "a rate is above the highest that is allowed",
        "data": {"fault": "rate_above_ceiling", "do": "lower the rate", "asked_nl": 5, "limit_nl": 4},
    }


def test_a_result_is_an_object_or_its_json() -> None:
    whole = {"jsonrpc": "2.0", "id": ID, "result": {"x": 1}}
    assert json.loads(messages.result(ID.encode(), {"x": 1})) == json.loads(messages.result(ID.encode(), b'{"x": 1}')) == whole
    assert json.loads(messages.result(None, {"x": 1})) == {**whole, "id": None}


PLAIN = [frame.encode(messages.request(ID, method, {})) for method in ("hello", "status", "stop", "bolus.token")]


def test_the_questions_asked_most_are_read_without_being_parsed() -> None:
    assert [messages.plain(line) for line in PLAIN] == [(ID.encode(), name) for name in ("hello", "status", "stop", "bolus.token")]
    assert not any(messages.changes(name) for name in ("hello", "status", "stop", "bolus.token"))  # their bodies are not remembered


@pytest.mark.rule("R10")
@pytest.mark.parametrize("line", PLAIN)
def test_a_plain_question_with_another_id_than_its_check_sum_says_is_none(line: bytes) -> None:
    assert messages.plain(line.replace(b"0123", b"0124")) is None


def read_as_any_other(line: bytes) -> tuple | None:
    """Return (id, method) of a line by the long way; None if that refuses it."""
    try:
        asked = messages.check_request(frame.decode(line[:-1]))
    except (frame.FrameError, Refusal):
        return None
    return (asked.identity.encode(), asked.method) if not asked.params and line.endswith(b"\n") else None


@pytest.mark.rule("R10")
@given(st.sampled_from(PLAIN), st.integers(0, 73), st.binary(max_size=3), st.integers(0, 3), st.booleans())
def test_a_plain_question_is_nothing_that_the_long_way_would_refuse(line: bytes, at: int, new: bytes, gone: int, sealed: bool) -> None:
    body = line[:-10]
    changed = frame.sealed(body[:at] + new + body[at + gone :]) if sealed else line[:at] + new + line[at + gone :]
    found = messages.plain(changed)
    assert found is None or found == read_as_any_other(changed)
    assert found is not None or changed not in PLAIN


@pytest.mark.parametrize("body", [
    b'{"jsonrpc":"2.0","id":"0123456789ABCDEF","method":"status"}',
    b'{"jsonrpc":"2.0","id":"0123456789abcde","method":"status"}',
    b'{"jsonrpc":"2.0","id":"0123456789abcdef" ,"method":"status"}',
    b'{"jsonrpc":"2.0","id":"01234567\\u0039abc","method":"status"}',
    b'{"jsonrpc":"2.1","id":"0123456789abcdef","method":"status"}',
    b'{"jsonrpc":"2.0","id":"0123456789abcdef","method":"start"}',
    b'{"jsonrpc":"2.0","id":"0123456789abcde\n","method":"status"}',
])
def test_what_only_looks_like_a_plain_question_goes_the_long_way(body: bytes) -> None:
    assert messages.plain(frame.sealed(body)) is None


def test_a_long_line_is_read_without_a_copy_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a chip, a program of 5 kB was refused as bad_json: there was no further piece of memory of that size."""
    line, seen, loads = framed(b'{"id": "1"}'), [], frame.json.loads

    def noted(body: object) -> object:
        seen.append(body)
        return loads(bytes(body))

    monkeypatch.setattr(frame, "json", types.SimpleNamespace(loads=noted))
    assert frame.decode(line.rstrip(b"\n")) == {"id": "1"}
    assert [type(body) for body in seen] == [memoryview]
