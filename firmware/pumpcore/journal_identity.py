"""The journal's identity: 128 random bits that a host makes when it commissions a pump, and where the pump's boot numbers stand.

A record keeps the low 16 bits of its boot number; `boots` is a boot number not more than 16,384 behind the present one.
"""

import binascii
import struct

PATH = "/store/journal"
_MAGIC = b"TJI1"
_FORMAT = "<4s16sI"
_CRC_BYTES = 4
NONE = bytes(16)  # a pump that was commissioned before there were identities


def pack(identity: bytes, boots: int) -> bytes:
    """The file's bytes with a CRC-32."""
    body = struct.pack(_FORMAT, _MAGIC, identity, boots)
    return body + struct.pack("<I", binascii.crc32(body))


def unpack(image: bytes) -> tuple[bytes, int]:
    """(identity, boots). ValueError when the file is damaged."""
    body = image[:-_CRC_BYTES]
    if len(body) != struct.calcsize(_FORMAT) or image != body + struct.pack("<I", binascii.crc32(body)) or body[:4] != _MAGIC:
        raise ValueError("not a journal's identity")
    return struct.unpack(_FORMAT, body)[1:]
