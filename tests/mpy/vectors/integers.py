"""The integer arithmetic that doses rest on: floor division and remainder, wide products, packing, JSON, CRC and hash."""

import binascii
import hashlib
import json
import struct


def run() -> list:
    pairs = ((7, 3), (-7, 3), (7, -3), (-7, -3), (2**64 - 1, 1_000_003), (10**30, 99_991), (-(10**20), 604_800))
    return [
        [[a // b, a % b] for a, b in pairs],
        [(2**63) * 1_000_003, -(2**70) >> 3, 2**64 & 0xFFFFFFFF],
        list(struct.pack("<BHIQ", 255, 65535, 2**32 - 1, 2**64 - 1)),
        list(struct.unpack("<BHIQ", bytes(range(15)))),
        binascii.crc32(b"123456789"),
        binascii.crc32(b"789", binascii.crc32(b"123456")),
        binascii.hexlify(hashlib.sha256(b"thecal").digest()).decode(),
        json.loads('{"a": [1, 18446744073709551616, null, true, "\\u00b5L"], "b": {}}')["a"],
    ]
