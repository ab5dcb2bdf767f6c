"""How long a signature holds the chip, and that it is Python's own HMAC-SHA256."""

import ast
import base64
import hmac
from typing import Any

import pytest

from bench import pumps, work
from pumpcore.flash import slots
from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.emulator.board import EmulatedBoard
from support.pump.keys import KEYS, seal
from thecal.deploy.marks import marked
from thecal.pump.exchange import new_id

CHALLENGE = "00112233445566778899aabbccddeeff"
BOOTED_S, PATIENCE_S = 3.0, 20.0
MOST_STOP_MS = 250
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


class Signing:
    """A booted pump with keys, asked by raw lines."""

    def __init__(self) -> None:
        self.pump = pumps.Pump(dict(marked("/store/keys.a", slots.pack(1, KEYS))))
        self.pump.board.flash.erase_ns = self.pump.board.flash.page_ns = 0
        self.pump.board.run_for(BOOTED_S)
        self.took_ms: dict[str, list[float]] = {}

    def exchange(self, case: str, line: bytes) -> dict[str, Any]:
        begun_ns = self.pump.line.mark()
        self.pump.line.write(line)
        raw = bytearray()
        while not raw.endswith(b"\n"):
            raw += self.pump.line.read(1, PATIENCE_S)
        self.took_ms.setdefault(case, []).append((self.pump.board.now_ns() - begun_ns) / 1e6)
        return frame.decode(bytes(raw[:-1]))

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        return self.exchange(method, frame.encode(messages.request(new_id(), method, params)))

    def signed(self, method: str, role: str = "program", **params: Any) -> dict[str, Any]:
        """Return the result of a signed command."""
        given = self.ask("key.challenge")["result"]["challenge"].encode()
        reply = self.exchange("signed " + method, seal(frame.encode(messages.request(new_id(), method, params)), role, given))
        assert "result" in reply, (method, reply)
        return dict(reply["result"])


@pytest.mark.rule("R10")
def test_the_largest_program_goes_in_signed(record_property) -> None:
    """The check is loaded beside the handler: both must fit beside a line of 5.8 kB."""
    asked, packed = Signing(), work.largest(500)
    assert asked.ask("status")["result"]["keys"] == "set"
    digest = asked.signed("program.stage", program=base64.b64encode(packed).decode())["digest"]
    while not asked.signed("program.check", digest=digest)["done"]:
        pass
    assert asked.signed("program.activate", digest=digest)["digest"] == digest
    assert base64.b64decode(asked.signed("program.read", "look")["program"]) == packed
    for _ in range(3):
        asked.signed("bolus.token", "operate")
    assert asked.ask("name.set", name="x")["error"]["data"]["fault"] == "unsigned"
    asked.ask("stop")
    told = asked.ask("status")["result"]
    times = ", ".join(f"{case} {min(each):.0f} to {max(each):.0f}" for case, each in asked.took_ms.items())
    record_property("figure", f"emulated, ms to the answer on a pump with keys: {times}; {told['free_memory_bytes']:,} bytes free")
    assert told["alarms"] == [] and told["counters"]["memory_errors"] == 0 and max(asked.took_ms["stop"]) < MOST_STOP_MS
