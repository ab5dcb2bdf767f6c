"""The device files that the simulator serves. A write is one order, a read one answer; integers are little-endian.

The other side is host/thecal/sim/devices.py, where the orders and answers are listed.
"""

import json
import struct

STEPS_ANSWER = "<QQQIB"
_STEPS_ANSWER_BYTES = 29
_FACTS_BYTES = 512
BUSY = 1
TRIPPED = 2
STOP = 4
ENABLED = 8


class Pulses:
    """What generator and guard say: one read brings (generated, guard count, queued_us, underruns, flags)."""

    def __init__(self) -> None:
        self._file = open("/dev/stepper", "r+b")
        self._answer = bytearray(_STEPS_ANSWER_BYTES)

    def read(self) -> tuple:
        self._file.readinto(self._answer)
        return struct.unpack(STEPS_ANSWER, self._answer)

    def order(self, number: int, steps: int, duration_us: int) -> None:
        """0 queue, 1 halt, 2 enable. OSError when the generator can't do it."""
        self._file.write(struct.pack("<BQQ", number, steps, duration_us))


class Device:
    """A device file of the board."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "r+b")

    def order(self, data: bytes) -> None:
        self._file.write(data)

    def answer_u64(self) -> int:
        return struct.unpack("<Q", self._file.read(8))[0]

    def facts(self) -> dict:
        """What the board knows when it boots."""
        return json.loads(self._file.read(_FACTS_BYTES))
