"""Messages: frames with their CRC, and the schema of every request and answer."""

import binascii
import json

from pumpcore.faults.faults import Refusal
from pumpcore.rows import Rows
from pumpcore.units import const

if 0:  # for the type checker alone
    from pumpcore.shapes import Json, Method, Received

# --- frame -------------------------------------------------------------------------------------------------------------------
# A frame is one line: a JSON object, `*`, eight hex digits of CRC-32 over the object's bytes, newline. At most 8 KiB.
#
# A signed one has `*`, role, `*`, challenge in 32 hex digits, `*`, MAC in 64 before its newline (signing.py).

MAX_BYTES = const(8192)
BARE_WORDS = const((b"hello", b"status", b"stop"))
_TAIL_BYTES = const(9)
_SIGNATURE_BYTES = const(128)  # more than any signature has
PROGRAM = const(b'"program"')
_AT_ONCE = const(4)
PIECE_BYTES = const(256)  # a line that comes byte by byte has no object for each of them
LONG_BYTES = const(1024)
_WORD_BYTES = const(64)
_BLANK = bytes(range(33))


class FrameError(ValueError):
    """A line is not a frame. `fault` is the name of the refusal that answers it."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


def crc_text(text: bytes | memoryview) -> bytes:
    """Return the CRC-32 of `text` as eight lower-case hex digits."""
    return b"%08x" % binascii.crc32(text)


def bare_word(line: bytes) -> bytes:
    """Return a word that a person typed, without space and control characters around it; b"" for more than 64 bytes.

    Many a typed `stop` comes with a Ctrl-C.
    """
    return line.strip(_BLANK) if len(line) <= _WORD_BYTES else b""


def encode(message: dict) -> bytes:
    """Return the line of `message`, with its newline."""
    return sealed(json.dumps(message, separators=(",", ":")).encode())


def sealed(text: bytes) -> bytes:
    """Return the line of an object's bytes, with its newline."""
    return text + b"*%08x\n" % binascii.crc32(text)


def decode(line: "Received", apart: bool = False) -> dict:
    """Return the object in `line` (without newline). FrameError `bad_frame`, `bad_json` or `too_long`; a MemoryError passes.

    With `apart` a long program to stage is its bytes, made from the pieces of its text: memory that has been in use for days may have no
    gap for the whole text, and hardly one for the bytes once the code that stages them is loaded.
    """
    pieces = line if isinstance(line, list) else [line]
    while len(pieces) > 1 and len(pieces[-1]) < PIECE_BYTES:
        end = pieces.pop()
        pieces[-1] += end
    end = pieces[-1] = pieces[-1].rstrip(b"\r")
    if len(end) > MAX_BYTES:
        raise FrameError("too_long")
    size = len(end) - len(signature(end))
    crc, body = 0, memoryview(end)[: max(0, size - _TAIL_BYTES)]
    for piece in pieces[:-1]:
        crc = binascii.crc32(piece, crc)
    if end[len(body) : size] != b"*%08x" % binascii.crc32(body, crc):
        raise FrameError("bad_frame")
    cut = len(body) - len(end)  # CRC and signature
    try:
        message = _apart(pieces, cut) if apart else None
        if message is None:
            message = loaded(body if len(pieces) == 1 else memoryview(b"".join(pieces))[:cut])
    except (ValueError, RuntimeError, OverflowError):  # RuntimeError: nested too deep for the parser
        raise FrameError("bad_json")
    if type(message) is not dict:
        raise FrameError("bad_json")
    return message


def signature(line: bytes) -> bytes:
    """Return what follows the CRC of a signed frame: `*`, role, `*`, challenge, `*`, MAC, as sent; b"" of any other line.

    It may be cut or wrong: pumpcore.wire.signing judges it. `line` may be the end of a line, of 128 bytes or more.
    """
    if line[-_TAIL_BYTES : 1 - _TAIL_BYTES] == b"*":
        return b""
    at, low = len(line), max(0, len(line) - _SIGNATURE_BYTES)
    for _ in range(3):
        at = line.rfind(b"*", low, at)
        if at < 0:
            return b""
    return line[at:]


def _apart(pieces: list[bytes], cut: int) -> "Json":
    """Return the object of a line with a long `params.program`, decoded; None for any other line, and for a text that is no base64."""
    first, start = pieces[0], pieces[0].find(PROGRAM)
    if start < 0:
        return None
    start += len(PROGRAM)
    start += len(first[start:]) - len(first[start:].lstrip(b" :")) + 1
    if first[start - 1 : start] != b'"':
        return None
    rest, parts, begin = pieces[:], [], start
    while rest:
        piece = rest.pop(0)
        end = piece.find(b'"', begin)
        parts.append(piece[begin : end if end >= 0 else len(piece)])
        if piece.find(b"\\", begin, begin + len(parts[-1])) >= 0:
            return None
        if end >= 0:
            break
        begin = 0
    else:
        return None
    if sum([len(part) for part in parts]) < PIECE_BYTES:
        return None
    message = loaded(memoryview(first[:start] + b"".join([piece[end:]] + rest))[:cut])
    params = message.get("params") if type(message) is dict else None
    if type(params) is not dict or params.get("program") != "":
        return None
    try:
        params["program"] = unbase64(parts)
    except ValueError:
        return None
    return message


def unbase64(pieces: list[bytes]) -> bytes:
    """Return the bytes of a base64 text in pieces. ValueError for anything else; MicroPython's own function leaves out what is none."""
    made: list[bytes] = []
    rest, ended = b"", False
    for at in range(0, len(pieces), _AT_ONCE):  # few at once: each piece of memory that is asked for takes up to a millisecond
        text = rest + b"".join(pieces[at : at + _AT_ONCE])
        whole = len(text) // 4 * 4
        made.append(binascii.a2b_base64(text[:whole]))
        lacks, rest = whole // 4 * 3 - len(made[-1]), text[whole:]
        if text and (ended or lacks > 2 or not text.endswith(b"=" * lacks)):
            raise ValueError
        ended = lacks > 0
    if rest:
        raise ValueError
    return b"".join(made)


def loaded(text: memoryview) -> "Json":
    """MicroPython reads a view: a copy of a long line would take one more piece of memory of that size."""
    try:
        return json.loads(text)  # type: ignore[type-var]  # the stubs know no view
    except TypeError:
        return json.loads(bytes(text))


# --- messages ----------------------------------------------------------------------------------------------------------------
# JSON-RPC 2.0 requests and replies, and the schema of every command's parameters.
#
# Types are checked here and not by the JSON parser: MicroPython's accepts `[1 2]` and `{"a" 1}`.

PROTOCOL = const((1, 1))
TOKEN_DIGITS = const(16)
ID_DIGITS = const(16)
_HEX = const("0123456789abcdef")
_HEX_BYTES = const(b"0123456789abcdef")
_BEFORE_ID = const(b'{"jsonrpc":"2.0","id":"')
_ID = const(23)  # where the id begins, and what follows it
_BEHIND_ID = const(39)
_TAIL = const(-10)  # `*`, eight digits, newline
# the most frequent questions, after the id, exactly as `request` and `encode` write them
_PLAIN = {
    b'","method":"hello"}': "hello",
    b'","method":"status"}': "status",
    b'","method":"stop"}': "stop",
    b'","method":"bolus.token"}': "bolus.token",
}


def is_hex(value: "Json", length: int) -> bool:
    """Return True if `value` is a text of exactly `length` lower-case hex digits."""
    return type(value) is str and len(value) == length and not value.strip(_HEX)


# method [{parameter: [kind, lowest or shortest, highest or longest]}, whether it changes anything, the least role that may give it]
#
# The role is one of ROLES in signing.py; "": no key is needed for it. It counts on a pump with keys only.
#
# clock.set: up to the end of 2099, the last year of clock chips. Zones reach from -12 to +14 h, within 18 h. A transition of 0 is none.
#
# program.stage and program.check are harmless to repeat. `stop` changes something, but is never answered from memory: it always acts (R8).
METHODS: "Rows[str, Method]" = Rows("""
hello [{}, false, ""]
status [{}, false, ""]
clock.set [{"utc_s": ["integer", 1577836800, 4102444799], "offset_s": ["integer", -64800, 64800], \
"transition_utc_s": ["integer", 0, 4294967295], "transition_offset_s": ["integer", -64800, 64800]}, true, "program"]
program.stage [{"program": ["base64", 1, 5600]}, false, "program"]
program.check [{"digest": ["hex", 64, 0]}, false, "program"]
program.activate [{"digest": ["hex", 64, 0]}, true, "program"]
program.read [{}, false, "look"]
start [{}, true, "operate"]
bridge.start [{"token": ["hex", 16, 0]}, true, "program"]
stop [{}, false, ""]
bolus.token [{}, false, "operate"]
bolus.start [{"token": ["hex", 16, 0], "volume_nl": ["integer", 1, 281474976710656], \
"rate_nl": ["integer", 1, 281474976710656]}, true, "operate"]
bolus.status [{"token": ["hex", 16, 0]}, false, "look"]
bolus.cancel [{"token": ["hex", 16, 0]}, true, "operate"]
bolus.demand [{"token": ["hex", 16, 0]}, true, "operate"]
bolus.extended [{"token": ["hex", 16, 0], "volume_nl": ["integer", 1, 281474976710656], \
"duration_s": ["integer", 0, 4294967295]}, true, "operate"]
bolus.prime [{"token": ["hex", 16, 0], "rate_nl": ["integer", 1, 281474976710656], "again": ["integer", 0, 1]}, true, "operate"]
run.start [{"token": ["hex", 16, 0], "purpose": ["choice", ["priming", "calibration"], 0], \
"volume_nl": ["integer", 0, 281474976710656], "steps": ["integer", 0, 4294967295], "rate_nl": ["integer", 1, 281474976710656], \
"rate_seconds_s": ["integer", 1, 2147483648], "law": ["choice", ["", "angle"], 0], "hold_s": ["integer", 0, 120]}, \
true, "program"]
calibration.check [{"calibration": ["base64", 0, 120]}, false, "program"]
calibration.set [{"calibration": ["base64", 0, 120]}, true, "program"]
calibration.read [{}, false, "look"]
rotor.check [{"rotor": ["base64", 0, 2400]}, false, "program"]
rotor.set [{"rotor": ["base64", 0, 2400], "zero_steps": ["integer", -1, 9223372036854775807]}, true, "program"]
rotor.phase [{"zero_steps": ["integer", 0, 9223372036854775807]}, true, "program"]
rotor.read [{}, false, "look"]
temporary.start [{"token": ["hex", 16, 0], "rate_nl": ["integer", 0, 281474976710656], "numerator": ["integer", 0, 4294967295], \
"denominator": ["integer", 0, 4294967295], "duration_s": ["integer", 0, 4294967295]}, true, "program"]
temporary.cancel [{"token": ["hex", 16, 0]}, true, "program"]
reservoir.refill [{"token": ["hex", 16, 0], "measured_nl": ["integer", 0, 281474976710656], \
"filled_nl": ["integer", 0, 281474976710656]}, true, "program"]
reservoir.acknowledge [{"reason": ["text", 1, 60]}, true, "operate"]
bench.set [{"rate_nl": ["integer", 1, 281474976710656], "rate_seconds_s": ["integer", 1, 2147483648], \
"hour_nl": ["integer", 1, 281474976710656], "day_nl": ["integer", 1, 281474976710656]}, true, "program"]
alarms [{}, false, ""]
ack [{"fault": ["integer", 1, 65535]}, true, "operate"]
journal.read [{"ring": ["choice", ["events", "faults"], 0], "from_sequence": ["integer", 0, 4294967295], \
"blocks": ["integer", 1, 64]}, false, ""]
maintenance [{}, true, "program"]
name.set [{"name": ["text", 0, 20]}, true, "program"]
forecast.digest [{"digest": ["hex", 64, 0], "days": ["integer", 1, 31], "second_s": ["integer", 0, 2678400], \
"remainder": ["integer", 0, 18446744073709551615], "chain": ["hex", 64, 0], "bridge": ["integer", 0, 1], \
"position_steps": ["integer", 0, 9223372036854775807], "utc_s": ["integer", 1577836800, 4294967295], \
"offset_s": ["integer", -64800, 64800], "transition_utc_s": ["integer", 0, 4294967295], \
"transition_offset_s": ["integer", -64800, 64800]}, false, "look"]
key.challenge [{}, false, ""]
key.set [{"keys": ["text", 0, 192]}, true, "program"]
""")

# for parameters that are left out
DEFAULTS = {"law": "", "hold_s": 0, "transition_utc_s": 0, "transition_offset_s": 0, "blocks": 1, "bridge": 0, "position_steps": 0}


def _printable(text: str) -> bool:
    """Return True if `text` has no control characters and no halves of a surrogate pair, which have no UTF-8."""
    return all([ord(letter) >= 32 and not 0xD800 <= ord(letter) < 0xE000 for letter in text])


def fits(value: "Json", kind: tuple) -> bool:
    name, first, second = kind
    if name == "integer":
        return type(value) is int and first <= value <= second
    if name == "hex":
        return is_hex(value, first)
    if name == "text":
        return type(value) is str and _printable(value) and first <= len(value.encode()) <= second
    if name == "base64":
        size = len(value) if type(value) is str else (len(value) + 2) // 3 * 4 if type(value) is bytes else -1  # JSON makes no bytes
        return first <= size <= second
    return value in first


class Request:
    """A request that was checked: its id, its method, and the method's parameters, all of them."""

    def __init__(self, identity: str, method: str, params: dict) -> None:
        self.identity = identity
        self.method = method
        self.params = params


def check_request(message: dict) -> Request:
    """Return a request, checked. Refusals `bad_json` (also for the id), `unknown_method`, `bad_params`."""
    if message.get("jsonrpc") != "2.0" or not is_hex(message.get("id"), ID_DIGITS):
        raise Refusal("bad_json")
    method, params = message.get("method"), message.get("params", {})
    if type(method) is not str or method not in METHODS:
        raise Refusal("unknown_method")
    schema = METHODS[method][0]
    if type(params) is not dict or len(message) > 4:
        raise Refusal("bad_params")
    for name in params:
        if name not in schema:
            raise Refusal("bad_params", unknown=str(name)[:40])
    for name, kind in schema.items():
        if name not in params and name in DEFAULTS:
            params[name] = DEFAULTS[name]
        elif name not in params or not fits(params[name], kind):
            raise Refusal("bad_params", parameter=name)
    return Request(message["id"], method, params)


def plain(line: bytes) -> tuple[bytes, str] | None:
    """Return (id, method) of one of the most frequent questions in its usual form, newline included; None for any other line.

    It makes no text, because MicroPython compares each new text with all texts that it keeps.
    """
    method = _PLAIN.get(line[_BEHIND_ID:_TAIL])
    if method is None or not line.startswith(_BEFORE_ID):
        return None
    identity = line[_ID:_BEHIND_ID]
    if identity.strip(_HEX_BYTES) or not line.endswith(b"*%08x\n" % binascii.crc32(line[:_TAIL])):
        return None
    return identity, method


def changes(method: str) -> bool:
    """Return True if a repeated request with the same id must be answered from memory and not executed again."""
    return METHODS[method][1]


def request(identity: str, method: str, params: dict) -> dict:
    """Return a request with this random id of 16 hex digits. A byte takes a pump 9 us, so `params` is left out if empty."""
    message: dict = {"jsonrpc": "2.0", "id": identity, "method": method}
    if params:
        message["params"] = params
    return message


def result(identity: bytes | None, value: dict | bytes) -> bytes:
    """Return the JSON object of the reply to a request that was done. `value` may be JSON already."""
    if type(value) is not bytes:
        value = json.dumps(value).encode()
    if identity is None:
        return b'{"jsonrpc":"2.0","id":null,"result":' + value + b"}"
    return _BEFORE_ID + identity + b'","result":' + value + b"}"


def answer(identity: bytes, value: bytes) -> bytes:
    """Return the line of the reply to a request that was done. `value` is its JSON. Faster than `result` and `sealed`."""
    body = b"".join((_BEFORE_ID, identity, b'","result":', value, b"}"))
    return body + b"*%08x\n" % binascii.crc32(body)


def announcement(identity: bytes, value: bytes) -> bytes:
    """Return the line that announces a block of the journal. `value` is its JSON. Made at once, which leaves little garbage."""
    return b"".join(in_parts(identity, [value]))


def in_parts(identity: bytes, value: list) -> list:
    """Return the line of a reply in parts, uncopied. `value` is its JSON in parts."""
    parts, crc = [_BEFORE_ID, identity, b'","result":'] + value + [b"}"], 0
    for part in parts:
        crc = binascii.crc32(part, crc)
    parts.append(b"*%08x\n" % crc)
    return parts


def refusal(identity: str | None, refused: Refusal, told: tuple[str, str]) -> dict:
    """Return the reply to a refused request: code, cause, what to do, details. `told` is (text, what to do)."""
    text, remedy = told
    data = {"fault": refused.fault.name, "do": remedy}
    data.update(refused.detail)
    return {"jsonrpc": "2.0", "id": identity, "error": {"code": refused.fault.number, "message": text, "data": data}}
