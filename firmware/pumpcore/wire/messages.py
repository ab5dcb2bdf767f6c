"""Lines and messages: frames with their CRC, and the schema of every request and answer."""

import binascii
import json

from pumpcore.faults.faults import Refusal
from pumpcore.rows import Rows
from pumpcore.units import const

if 0:  # for the type checker alone
    from pumpcore.shapes import Json, Received

# --- frame -------------------------------------------------------------------------------------------------------------------
# A frame is one line: a JSON object, `*`, eight hex digits of CRC-32 over the object's bytes, newline. At most 8 KiB.

MAX_BYTES = const(8192)
BARE_WORDS = const((b"hello", b"status", b"stop"))
_TAIL_BYTES = const(9)
_PROGRAM = const(b'"program"')
_PIECE_BYTES = const(256)  # a line that comes byte by byte has no object for each of them
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

    With `apart` a long program to stage is (its length, its pieces): memory that has been in use for days may have no gap for it as one.
    """
    pieces = line if isinstance(line, list) else [line]
    while len(pieces) > 1 and len(pieces[-1]) < _PIECE_BYTES:
        end = pieces.pop()
        pieces[-1] += end
    end = pieces[-1] = pieces[-1].rstrip(b"\r")
    if len(end) > MAX_BYTES:
        raise FrameError("too_long")
    crc, body = 0, memoryview(end)[:-_TAIL_BYTES]
    for piece in pieces[:-1]:
        crc = binascii.crc32(piece, crc)
    if end[-_TAIL_BYTES:] != b"*%08x" % binascii.crc32(body, crc):
        raise FrameError("bad_frame")
    try:
        message = _apart(pieces) if apart else None
        if message is None:
            message = loaded(body if len(pieces) == 1 else memoryview(b"".join(pieces))[:-_TAIL_BYTES])
    except (ValueError, RuntimeError, OverflowError):  # RuntimeError: nested too deep for the parser
        raise FrameError("bad_json")
    if type(message) is not dict:
        raise FrameError("bad_json")
    return message


def _apart(pieces: list[bytes]) -> "Json":
    """Return the object of a line with a long `params.program`, which stays in pieces; None for any other line."""
    first, start = pieces[0], pieces[0].find(_PROGRAM)
    if start < 0:
        return None
    start += len(_PROGRAM)
    start += len(first[start:]) - len(first[start:].lstrip(b" :")) + 1
    if first[start - 1 : start] != b'"':
        return None
    rest, size, parts, begin = pieces[:], 0, [], start
    while rest:
        piece = rest.pop(0)
        end = piece.find(b'"', begin)
        parts.append(memoryview(piece)[begin : end if end >= 0 else len(piece)])
        size += len(parts[-1])
        if piece.find(b"\\", begin, begin + len(parts[-1])) >= 0:
            return None
        if end >= 0:
            break
        begin = 0
    else:
        return None
    if size < _PIECE_BYTES:
        return None
    message = loaded(memoryview(first[:start] + b"".join([piece[end:]] + rest))[:-_TAIL_BYTES])
    params = message.get("params") if type(message) is dict else None
    if type(params) is not dict or params.get("program") != "":
        return None
    params["program"] = (size, parts)  # JSON makes no tuple
    return message


def loaded(text: memoryview) -> "Json":
    """MicroPython reads a view: a copy of a long line would take one more piece of memory of that size."""
    try:
        return json.loads(text)  # type: ignore[type-var]  # the stubs know no view
    except TypeError:
        return json.loads(bytes(text))


class LineBuffer:
    """Cut a byte stream into lines. Holds at most 8 KiB: a longer line is dropped up to its newline, and its bytes are counted.

    An unfinished line lies in pieces: memory that has been in use for days may have no gap that a growing one fits into. A long one with a
    program stays a list of them.
    """

    def __init__(self) -> None:
        self.pending: list[bytes] = []  # of a line without its newline so far
        self.waiting_bytes = 0
        self._dropping = False
        self.dropped_bytes = 0

    def between(self) -> bool:
        """Return True if the next byte begins a line."""
        return not self.waiting_bytes and not self._dropping

    def holds(self, data: bytes) -> bool:
        """Return True if the unfinished line has `data`, which is shorter than a piece. It takes hardly any memory."""
        before = b""
        for piece in self.pending:
            if data in piece or data in before + piece[: len(data)]:
                return True
            before = piece[-len(data) :]
        return False

    def lose(self, between: bool) -> None:
        """Drop the unfinished line. `between`: the next byte begins a line."""
        self._drop(b"")
        self._dropping = not between

    def feed(self, data: bytes) -> "list[Received | None]":
        """Return the lines that are complete now, without newlines and empty lines. An overlong line is None."""
        end = data.find(b"\n")
        if end + 1 == len(data) and 0 < end <= MAX_BYTES and self.between():
            return [] if data.isspace() else [data[:-1]]  # one whole line is by far the usual case
        if end < 0:  # without a copy, for which there may be no room
            self._keep(data)
            return []
        lines: "list[Received | None]"
        lines, parts = [], data.split(b"\n")
        rest = parts.pop()
        for part in parts:
            if len(part) > MAX_BYTES or not self.between():
                self.finish(part, lines)
            elif part and not part.isspace():
                lines.append(part)
        if rest:
            self._keep(rest)
        return lines

    def finish(self, part: bytes, lines: "list[Received | None]") -> None:
        """End a line at the newline after `part`: it began earlier, or is too long."""
        self._keep(part)
        pieces, long = self.pending, self.waiting_bytes >= LONG_BYTES
        self.pending, self.waiting_bytes = [], 0
        if self._dropping:
            self._dropping = False
            lines.append(None)
        elif long and _PROGRAM in pieces[0]:
            lines.append(pieces)
        else:
            part = b"".join(pieces)
            if part and not part.isspace():
                lines.append(part)

    def _keep(self, part: bytes) -> None:
        if self._dropping or self.waiting_bytes + len(part) > MAX_BYTES:
            self._drop(part)
            return
        pieces = self.pending
        if pieces and len(pieces[-1]) < _PIECE_BYTES:
            pieces[-1] += part
        else:
            pieces.append(part)
        self.waiting_bytes += len(part)

    def _drop(self, part: bytes) -> None:
        self.dropped_bytes += self.waiting_bytes + len(part)
        self.pending, self.waiting_bytes = [], 0
        self._dropping = True


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


# method [{parameter: [kind, lowest or shortest, highest or longest]}, whether it changes anything]
#
# clock.set: up to the end of 2099, the last year of clock chips. Zones reach from -12 to +14 h, within 18 h. A transition of 0 is none.
#
# program.stage and program.check are harmless to repeat. `stop` changes something, but is never answered from memory: it always acts (R8).
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
bench.set [{"rate_nl": ["integer", 1, 281474976710656], "rate_seconds_s": ["integer", 1, 2147483648], \
"hour_nl": ["integer", 1, 281474976710656], "day_nl": ["integer", 1, 281474976710656]}, true]
alarms [{}, false]
ack [{"fault": ["integer", 1, 65535]}, true]
journal.read [{"ring": ["choice", ["events", "faults"], 0], "from_sequence": ["integer", 0, 4294967295], \
"blocks": ["integer", 1, 64]}, false]
maintenance [{}, true]
name.set [{"name": ["text", 0, 20]}, true]
forecast.digest [{"digest": ["hex", 64, 0], "days": ["integer", 1, 31], "second_s": ["integer", 0, 2678400], \
"remainder": ["integer", 0, 18446744073709551615], "chain": ["hex", 64, 0], "bridge": ["integer", 0, 1], \
"position_steps": ["integer", 0, 9223372036854775807], "utc_s": ["integer", 1577836800, 4294967295], \
"offset_s": ["integer", -64800, 64800], "transition_utc_s": ["integer", 0, 4294967295], \
"transition_offset_s": ["integer", -64800, 64800]}, false]
""")

# for parameters that are left out
DEFAULTS = {"transition_utc_s": 0, "transition_offset_s": 0, "blocks": 1, "bridge": 0, "position_steps": 0}


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
        return (type(value) is str or type(value) is tuple) and first <= (value[0] if type(value) is tuple else len(value)) <= second
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
