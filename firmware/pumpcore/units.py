"""Units, and the arithmetic that everything else is built on."""

import binascii
import hashlib


def const(number: int) -> int:
    """A number with a name at the top of a file: MicroPython's compiler, which knows this word, puts the number wherever the name stands
    below. It keeps a name that begins with `_` for nobody, and any other one for other files."""
    return number


# --- units -------------------------------------------------------------------------------------------------------------------
# Integer unit conversions shared by board and host. Volumes are nanolitres, times seconds or microseconds, motion steps.

NL_PER_UL = const(1_000)
NL_PER_ML = const(1_000_000)
US_PER_S = const(1_000_000)
HZ4_PER_HZ = const(10_000)
MS_PER_S = const(1_000)
S_PER_MINUTE = const(60)
S_PER_HOUR = const(3_600)
S_PER_DAY = const(86_400)
MINUTES_PER_DAY = const(1_440)
MINUTES_PER_WEEK = const(10_080)
S_PER_WEEK = const(604_800)
U64_MAX = (1 << 64) - 1
NEVER_MS = 1 << 62  # due at no time of any pump


def floor_div(numerator: int, denominator: int) -> int:
    """numerator / denominator rounded down; the one place that rounds a volume towards less."""
    return numerator // denominator


def ceil_div(numerator: int, denominator: int) -> int:
    """numerator / denominator rounded up; for times that must not be early, never for volumes."""
    return -(-numerator // denominator)


# --- hashes ------------------------------------------------------------------------------------------------------------------
# Digests as text.


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 hex digits."""
    return binascii.hexlify(hashlib.sha256(data).digest()).decode()
