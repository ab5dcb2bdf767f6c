"""A stored image in one of two slots: magic, sequence, length, payload, CRC-32. The newer valid one counts."""

import binascii
import struct

_MAGIC = b"TCS1"
_HEAD = "<4sII"
_HEAD_BYTES = 12


def pack(sequence: int, payload: bytes) -> bytes:
    """The bytes of one slot."""
    body = struct.pack(_HEAD, _MAGIC, sequence, len(payload)) + payload
    return body + struct.pack("<I", binascii.crc32(body))


def unpack(image: bytes) -> tuple:
    """(sequence, payload) of a slot; ValueError when it is cut short, damaged or something else."""
    if len(image) < _HEAD_BYTES + 4:
        raise ValueError("slot is too short")
    magic, sequence, length = struct.unpack(_HEAD, image[:_HEAD_BYTES])
    if magic != _MAGIC or len(image) != _HEAD_BYTES + length + 4:
        raise ValueError("slot is not one of ours")
    if struct.unpack("<I", image[-4:])[0] != binascii.crc32(image[:-4]):
        raise ValueError("slot is damaged")
    return sequence, image[_HEAD_BYTES:-4]
