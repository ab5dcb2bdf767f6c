"""Units, and the arithmetic that all other files use."""

import binascii
import hashlib

if 0:  # for the type checker alone
    from pumpcore.shapes import Constant


def const(value: "Constant") -> "Constant":
    """Return `value`. For a name at the top of a file: MicroPython's compiler knows this word and puts the value in its place.

    The compiler keeps the name itself for other files, but not if it begins with `_`.
    """
    return value


# --- units -------------------------------------------------------------------------------------------------------------------
# Integer conversions that board and host share. Volumes are nanolitres, times seconds or microseconds, motion steps.

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
U64_MAX = const((1 << 64) - 1)
NEVER_MS = const(1 << 62)  # due at no time of any pump


def floor_div(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded down: how a dose becomes steps, and steps a volume (`dose.Calibration`)."""
    return numerator // denominator


def ceil_div(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded up: for times that must not be early, and for volumes that must not be understated."""
    return -(-numerator // denominator)


# --- hashes ------------------------------------------------------------------------------------------------------------------


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 as 64 hex digits."""
    return binascii.hexlify(hashlib.sha256(data).digest()).decode()
