"""Signatures: HMAC-SHA256 of RFC 4231, the tail of a frame, and the check of right, used, cut and changed ones."""

import binascii

from pumpcore.faults.faults import Refusal
from pumpcore.wire import messages, signing
from pumpcore.wire import messages as frame

KEYS = bytes(range(96))
CHALLENGE = b"00112233445566778899aabbccddeeff"
OTHER = b"ffeeddccbbaa99887766554433221100"
BODY = b'{"jsonrpc":"2.0","id":"0123456789abcdef","method":"start"}'


def _macs() -> list:
    """Return codes of texts of many lengths, in one part and in several: those of RFC 4231 have keys of up to 32 bytes."""
    known = [
        signing.mac(b"\x0b" * 20, [b"Hi There"]),
        signing.mac(b"Jefe", [b"what do ya want ", b"for nothing?"]),
        signing.mac(b"\xaa" * 20, [b"\xdd" * 50]),
        signing.mac(bytes(range(1, 26)), [b"\xcd" * 20, b"\xcd" * 30]),
    ]
    text = bytes([number * 7 & 255 for number in range(5_700)])
    for size in (0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 5_700):
        view = memoryview(text)[:size]
        known.append(signing.mac(KEYS[:32], [view]))
        assert signing.mac(KEYS[:32], [view[: size // 3], b"", view[size // 3 :]]) == known[-1]
    return [code.decode() for code in known]


def _tails() -> list:
    lines = [
        b"", b"*", b"stop", BODY, frame.sealed(BODY)[:-1], b"*look*x*y", b"{}*12345678*operate*a*b", b"{}*12345678*a*b",
        frame.sealed(b'{"a":"*b*c*d*"}')[:-1], b"*" * 40, b"*a*b*c" + b"0" * 200, b"{}*00000000*program*" + b"1" * 32 + b"*" + b"2" * 64,
    ]
    return [messages.signature(line).decode() for line in lines]


def _checked(issued: list, needed: str, sent: bytes, body: bytes = BODY) -> list:
    try:
        role, fresh = signing.check(KEYS, issued, needed, sent, [memoryview(body)])
        return [role, bool(fresh), [row[2] for row in issued]]
    except Refusal as refused:
        return [refused.fault.name, sorted(refused.detail), [row[2] for row in issued]]


def _checks() -> list:
    found = []
    for role in signing.ROLES:
        sent = signing.signature(signing.key_of(KEYS, role), role, CHALLENGE, [BODY])
        for needed in signing.ROLES:
            issued = [[OTHER, 1, True], [CHALLENGE, 2, True]]
            found += [_checked(issued, needed, sent), _checked(issued, needed, sent), _checked([], needed, sent)]
    right = signing.signature(signing.key_of(KEYS, "program"), "program", CHALLENGE, [BODY])
    wrong = [right[:-1], right + b"0", right[:-1] + b"0", right.upper(), right.replace(b"program", b"look"), b"*program**", b"***"]
    wrong += [right.replace(CHALLENGE, OTHER), right.replace(CHALLENGE, b"g" * 32), b"*program*" + CHALLENGE + b"*"]
    wrong += [signing.signature(KEYS[:32], "program", CHALLENGE, [BODY]), signing.signature(KEYS[64:], "program", CHALLENGE, [BODY + b" "])]
    for sent in wrong:
        found.append(_checked([[CHALLENGE, 2, True]], "look", sent))
    found.append(_checked([[CHALLENGE, 2, True]], "look", right, BODY[:-1]))
    return found


def _decoded() -> list:
    line = frame.sealed(BODY)[:-1]
    found = []
    for sent in (line, line + b"*program*" + CHALLENGE + b"*" + b"0" * 64, line + b"*a*b*c", line + b"*a*b", line + b"***\r", b"*a*b*c"):
        try:
            found.append(sorted(frame.decode(sent)))
        except frame.FrameError as error:
            found.append([error.fault])
    return found


def run() -> list:
    same = [signing.same(b"abc", b"abc"), signing.same(b"abc", b"abd"), signing.same(b"abc", b"ab"), signing.same(b"", b"a")]
    page = signing.signature(bytes(range(64, 96)), "program", CHALLENGE, [b"x"])
    return [_macs(), _tails(), _checks(), _decoded(), same, binascii.hexlify(page).decode()]
