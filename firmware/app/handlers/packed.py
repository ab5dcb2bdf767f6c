"""How an answer tells a program's bytes: loaded with the handlers that do."""

import binascii
import json

_PART_BYTES = 384  # a multiple of three: only the last part of a text in base64 is filled up


def with_program(told: dict, raw: bytes | None) -> list:
    """The JSON of `told` and, last, of `program`, these bytes in base64. In small parts: what deals with 5 kB at once needs several pieces
    of memory of that size."""
    head = (json.dumps(told)[:-1] + ', "program": ').encode()
    if not raw:
        return [head, b"null}"]
    parts = [head + b'"']
    for at in range(0, len(raw), _PART_BYTES):
        parts.append(binascii.b2a_base64(raw[at : at + _PART_BYTES], newline=False))
    parts.append(b'"}')
    return parts
