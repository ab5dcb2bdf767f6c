"""Digests as text."""

import binascii
import hashlib


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 hex digits."""
    return binascii.hexlify(hashlib.sha256(data).digest()).decode()
