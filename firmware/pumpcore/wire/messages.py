"""Lines and messages: frames with their CRC, and the schema of every request and answer."""

import binascii
import json

from pumpcore.faults.faults import Refusal
from pumpcore.rows import Rows
from pumpcore.units import const

if 0:  # for the type checker alone
    from pumpcore.shapes import Json

# --- frame -------------------------------------------------------------------------------------------------------------------
# One frame a line: a JSON object, `*`, eight hex digits of CRC-32 over the object's bytes, newline. At most 8 KiB.

MAX_BYTES = 8192
BARE_WORDS = (b"hello", b"status", b"stop")
_TAIL_BYTES = const(9)
_WORD_BYTES = const(64)
_BLANK = bytes(range(33))


class FrameError(ValueError):
    """A line that is not a frame; `fault` is the name of the refusal that answers it."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


def crc_text(body: bytes | memoryview) -> bytes:
    """CRC-32 of `body` as eight lower-case hex digits."""
    return b"%08x" % binascii.crc32(body)


def bare_word(line: bytes) -> bytes:
    """What a person typed, without space and control characters around it (a Ctrl-C goes with many a `stop`); b"" for a longer line."""
    return line.strip(_BLANK) if len(line) <= _WORD_BYTES else b""


def encode(message: dict) -> bytes:
    """The line of `message`, newline included."""
    return sealed(json.dumps(message, separators=(",", ":")).encode())


def sealed(body: bytes) -> bytes:
    """The line of an object's bytes, newline included."""
    return body + b"*%08x\n" % binascii.crc32(body)


def decode(line: bytes) -> dict:
    """The object in `line` (without its newline). FrameError `bad_frame`, `bad_json` or `too_long`; MemoryError passes."""
    line = line.rstrip(b"\r")
    if len(line) > MAX_BYTES:
        raise FrameError("too_long")
    body, tail = memoryview(line)[:-_TAIL_BYTES], line[-_TAIL_BYTES:]
    if tail[:1] != b"*" or tail[1:] != crc_text(body):
        raise FrameError("bad_frame")
    try:
        message = _loaded(body)
    except (ValueError, RuntimeError, OverflowError):  # RuntimeError: nested too deep for the parser
        raise FrameError("bad_json")
    if type(message) is not dict:
        raise FrameError("bad_json")
    return message


def _loaded(body: memoryview) -> "Json":
    """MicroPython reads a view: a copy of a long line is one more piece of memory of that size."""
    try:
        return json.loads(body)  # type: ignore[type-var]  # the stubs know no view
    except TypeError:
        return json.loads(bytes(body))


class LineBuffer:
    """Cuts a byte stream into lines; a line that grows over 8 KiB is dropped up to its newline and counted. Holds at most 8 KiB."""

    def __init__(self) -> None:
        self.pending = bytearray()  # of a line whose newline has not arrived
        self._dropping = False
        self.dropped_bytes = 0

    def between(self) -> bool:
        """Whether what arrives next begins a line."""
        return not self.pending and not self._dropping

    def lose(self, between: bool) -> None:
        """Drop the line that has not ended. `between`: what arrives next begins a line."""
        self._drop(b"")
        self._dropping = not between

    def feed(self, data: bytes) -> list[bytes | None]:
        """The complete lines in what has arrived, without newlines; empty ones are left out. An overlong line comes as None."""
        end = data.find(b"\n")
        if end + 1 == len(data) and 0 < end <= MAX_BYTES and not self.pending and not self._dropping:
            return [] if data.isspace() else [data[:-1]]  # one line, as nearly always
        lines: list[bytes | None]
        lines, parts = [], data.split(b"\n")
        rest = parts.pop()
        for part in parts:
            if self.pending or self._dropping or len(part) > MAX_BYTES:
                self._finish(part, lines)
            elif part and not part.isspace():
                lines.append(part)
        if rest:
            self._keep(rest)
        return lines

    def _finish(self, part: bytes, lines: list[bytes | None]) -> None:
        """A newline has arrived behind `part`, which is not a whole line of lawful length."""
        self._keep(part)
        part, self.pending = bytes(self.pending), bytearray()
        if self._dropping:
            self._dropping = False
            lines.append(None)
        elif part and not part.isspace():
            lines.append(part)

    def _keep(self, part: bytes) -> None:
        if self._dropping or len(self.pending) + len(part) > MAX_BYTES:
            self._drop(part)
        else:
            self.pending += part

    def _drop(self, part: bytes) -> None:
        self.dropped_bytes += len(self.pending) + len(part)
        self.pending = bytearray()
        self._dropping = True


# --- messages ----------------------------------------------------------------------------------------------------------------
# The commands: JSON-RPC 2.0 requests and replies, and the schema of every command's parameters.
#
# Types are checked here and not by the JSON parser: MicroPython's accepts `[1 2]` and `{"a" 1}`.

PROTOCOL = (1, 1)
TOKEN_DIGITS = 16
ID_DIGITS = 16
_HEX = "0123456789abcdef"
_HEX_BYTES = b"0123456789abcdef"
_BEFORE_ID = b'{"jsonrpc":"2.0","id":"'
_ID = len(_BEFORE_ID)
_BEHIND_ID = _ID + ID_DIGITS
_TAIL = -len("*00000000\n")
# what is asked most, as `request` and `frame.encode` write it, behind the id
_PLAIN = {
    b'","method":"hello"}': "hello",
    b'","method":"status"}': "status",
    b'","method":"stop"}': "stop",
    b'","method":"bolus.token"}': "bolus.token",
}


def is_hex(value: "Json", digits: int) -> bool:
    """Whether `value` is a string of exactly `digits` lower-case hex digits."""
    return type(value) is str and len(value) == digits and not value.strip(_HEX)


# method [{parameter: [kind, lowest or shortest, highest or longest]}, whether it changes anything]
# clock.set: up to the end of 2099, because clock chips go no further; zones reach from -12 to +14 h, so 18 h hold them; a transition of 0
# is none. program.stage and program.check are harmless to repeat. `stop` changes things, but is never answered from memory: it always
# acts (R8).
METHODS: "Rows[str, tuple[dict[str, tuple], bool]]" = Rows("""
hello [{}, false]
status [{}, false]
clock.set [{"utc_s": ["integer", 1577836800, 4102444799], "offset_s": ["integer", -64800, 64800], \
"transition_utc_s": ["integer", 0, 4294967295], "transition_offset_s": ["integer", -64800, 64800]}, true]
program.stage [{"program": ["base64", 1, 5600]}, false]
program.check [{"digest": ["hex", 64, 0]}, false]
program.activate [{"digest": ["hex", 64, 0]}, true]
program.read [{}, false]
start [{}, true]
bridge.start [{"token": ["hex", 16, 0]}, true]
stop [{}, false]
bolus.token [{}, false]
bolus.start [{"token": ["hex", 16, 0], "volume_nl": ["integer", 1, 281474976710656], "rate_nl": ["integer", 1, 281474976710656]}, true]
bolus.status [{"token": ["hex", 16, 0]}, false]
bolus.cancel [{"token": ["hex", 16, 0]}, true]
bolus.demand [{"token": ["hex", 16, 0]}, true]
bolus.extended [{"token": ["hex", 16, 0], "volume_nl": ["integer", 1, 281474976710656], "duration_s": ["integer", 0, 4294967295]}, true]
bolus.prime [{"token": ["hex", 16, 0], "rate_nl": ["integer", 1, 281474976710656], "again": ["integer", 0, 1]}, true]
run.start [{"token": ["hex", 16, 0], "purpose": ["choice", ["priming", "calibration"], 0], \
"volume_nl": ["integer", 0, 281474976710656], "steps": ["integer", 0, 4294967295], "rate_nl": ["integer", 1, 281474976710656], \
"rate_seconds_s": ["integer", 1, 2147483648]}, true]
calibration.check [{"calibration": ["base64", 0, 120]}, false]
calibration.set [{"calibration": ["base64", 0, 120]}, true]
calibration.read [{}, false]
temporary.start [{"token": ["hex", 16, 0], "rate_nl": ["integer", 0, 281474976710656], "numerator": ["integer", 0, 4294967295], \
"denominator": ["integer", 0, 4294967295], "duration_s": ["integer", 0, 4294967295]}, true]
temporary.cancel [{"token": ["hex", 16, 0]}, true]
reservoir.refill [{"token": ["hex", 16, 0], "measured_nl": ["integer", 0, 281474976710656], \
"filled_nl": ["integer", 0, 281474976710656]}, true]
reservoir.acknowledge [{"reason": ["text", 1, 60]}, true]
alarms [{}, false]
ack [{"fault": ["integer", 1, 65535]}, true]
journal.read [{"ring": ["choice", ["events", "faults"], 0], "from_sequence": ["integer", 0, 4294967295], \
"blocks": ["integer", 1, 64]}, false]
maintenance [{}, true]
forecast.digest [{"digest": ["hex", 64, 0], "days": ["integer", 1, 31], "second_s": ["integer", 0, 2678400], \
"remainder": ["integer", 0, 18446744073709551615], "chain": ["hex", 64, 0], "bridge": ["integer", 0, 1], \
"position_steps": ["integer", 0, 9223372036854775807], "utc_s": ["integer", 1577836800, 4294967295], \
"offset_s": ["integer", -64800, 64800], "transition_utc_s": ["integer", 0, 4294967295], \
"transition_offset_s": ["integer", -64800, 64800]}, false]
""")

# what stands for a parameter that is left out
DEFAULTS = {"transition_utc_s": 0, "transition_offset_s": 0, "blocks": 1, "bridge": 0, "position_steps": 0}


def _printable(text: str) -> bool:
    """Neither control characters nor halves of a surrogate pair, which have no UTF-8."""
    return all([ord(letter) >= 32 and not 0xD800 <= ord(letter) < 0xE000 for letter in text])


def _fits(value: "Json", kind: tuple) -> bool:
    name, first, second = kind
    if name == "integer":
        return type(value) is int and first <= value <= second
    if name == "hex":
        return is_hex(value, first)
    if name == "text":
        return type(value) is str and _printable(value) and first <= len(value.encode()) <= second
    if name == "base64":
        return type(value) is str and first <= len(value) <= second
    return value in first


def check_request(message: dict) -> tuple[str, str, dict]:
    """(id, method, params) of a request. Refusals `bad_json`, `unknown_method`, `bad_params`; the id is checked first."""
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
        elif name not in params or not _fits(params[name], kind):
            raise Refusal("bad_params", parameter=name)
    return message["id"], method, params


def plain(line: bytes) -> tuple[bytes, str] | None:
    """(id, method) of a line, newline included, that is one of the questions asked most, in the form that nearly all of them have;
    None for what has to be taken apart and checked. Makes no text: MicroPython looks for each new one among all that it knows."""
    method = _PLAIN.get(line[_BEHIND_ID:_TAIL])
    if method is None or not line.startswith(_BEFORE_ID):
        return None
    identity = line[_ID:_BEHIND_ID]
    if identity.strip(_HEX_BYTES) or not line.endswith(b"*%08x\n" % binascii.crc32(line[:_TAIL])):
        return None
    return identity, method


def changes(method: str) -> bool:
    """Whether a repeated request with the same id must be answered from memory instead of being executed again."""
    return METHODS[method][1]


def request(identity: str, method: str, params: dict) -> dict:
    """A request with a random id of 16 hex digits. A pump takes 9 us for each of its bytes: no parameters, no `params`."""
    message: dict = {"jsonrpc": "2.0", "id": identity, "method": method}
    if params:
        message["params"] = params
    return message


def result(identity: bytes | None, value: dict | bytes) -> bytes:
    """The object of the reply to a request that was done; `value` may be JSON already."""
    if type(value) is not bytes:
        value = json.dumps(value).encode()
    if identity is None:
        return b'{"jsonrpc":"2.0","id":null,"result":' + value + b"}"
    return _BEFORE_ID + identity + b'","result":' + value + b"}"


def announcement(identity: bytes, value: bytes) -> bytes:
    """The line of the reply that announces a block; `value` is its JSON. Made at once, so that many of them leave little behind."""
    return b"".join(in_parts(identity, [value]))


def in_parts(identity: bytes, value: list) -> list:
    """The line of a reply whose JSON is in parts, in parts too: nothing in it is copied."""
    parts, crc = [_BEFORE_ID, identity, b'","result":'] + value + [b"}"], 0
    for part in parts:
        crc = binascii.crc32(part, crc)
    parts.append(b"*%08x\n" % crc)
    return parts


def refusal(identity: str | None, refused: Refusal, told: tuple[str, str]) -> dict:
    """The reply to a request that was refused: code, cause, what to do, and details. `told` is (text, what to do)."""
    text, remedy = told
    data = {"fault": refused.fault.name, "do": remedy}
    data.update(refused.detail)
    return {"jsonrpc": "2.0", "id": identity, "error": {"code": refused.fault.number, "message": text, "data": data}}
