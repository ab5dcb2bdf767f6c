"""How long a signature holds the chip, and that it is Python's own HMAC-SHA256."""

import ast
import hmac

from support.emulator.board import EmulatedBoard

CHALLENGE = "00112233445566778899aabbccddeeff"
MOST_MS = 100  # a stop that arrives meanwhile waits so long at most
BUILD = f"""
import time, sys
t = time.ticks_us()
from pumpcore.wire import signing
loaded = time.ticks_diff(time.ticks_us(), t)
key, took, found = bytes(range(32)), [], []
def sign(size):
    text = bytes(size)
    t = time.ticks_us()
    found.append(signing.signature(key, "program", b"{CHALLENGE}", [memoryview(text)]))
    took.append(time.ticks_diff(time.ticks_us(), t))
"""
SIZES = (0, 100, 5_700)


def test_a_signature_is_quick_and_right(chip: EmulatedBoard, record_property) -> None:
    chip.exec(BUILD)
    for size in SIZES:
        chip.exec(f"sign({size})")
    loaded_us, took_us, found = ast.literal_eval(chip.exec("print(repr((loaded, took, found)))"))
    for size, made in zip(SIZES, found, strict=True):
        text = bytes.fromhex(CHALLENGE) + b"program\n" + bytes(size)
        assert made == f"*program*{CHALLENGE}*".encode() + hmac.digest(bytes(range(32)), text, "sha256").hex().encode()
    times = ", ".join(f"{us / 1000:.1f} ms for {size:,} B" for size, us in zip(SIZES, took_us, strict=True))
    record_property("figure", f"emulated: HMAC-SHA256 takes {times}; its file is loaded in {loaded_us / 1000:.0f} ms")
    assert max(took_us) < MOST_MS * 1000
