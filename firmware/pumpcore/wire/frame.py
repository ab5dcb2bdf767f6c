"""One frame a line: a JSON object, `*`, eight hex digits of CRC-32 over the object's bytes, newline. At most 8 KiB."""

import binascii
import json

if 0:  # for the type checker alone
    from pumpcore.shapes import Json

MAX_BYTES = 8192
BARE_WORDS = (b"hello", b"status", b"stop")
_TAIL_BYTES = 9
_WORD_BYTES = 64
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
