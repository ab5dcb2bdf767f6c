"""The device files that the simulator serves. A write is one order, a read one answer; integers are little-endian.

The other side is host/thecal/sim/devices.py, where the orders and answers are listed. Buffers are made once: what is
allocated in this MicroPython is never given back (see system.py).
"""

import json
import struct

BUSY = 1
TRIPPED = 2
STOP = 4
ENABLED = 8
INPUT = 16
BOLUS = 32
SUPPLY_LOW = 64

_FACTS_BYTES = 512
_PULSES_BYTES = 29
_STEPS_AT = 0
_GUARD_AT = 8
_QUEUED_AT = 16
_UNDERRUNS_AT = 24
_FLAGS_AT = 28


class Pulses:
    """What generator and guard say. Every function asks anew; `read` brings all of one moment."""

    def __init__(self) -> None:
        self._file = open("/dev/stepper", "r+b")
        self._answer = bytearray(_PULSES_BYTES)
        self._order = bytearray(17)
        self.input_waits = True
        self.bolus_waits = False
        self.supply_low = False

    def order(self, number: int, steps: int, duration_us: int) -> None:
        """0 queue, 1 halt, 2 enable. OSError when the generator can't do it."""
        struct.pack_into("<BQQ", self._order, 0, number, steps, duration_us)
        self._file.write(self._order)

    def read(self) -> tuple:
        """(generated, guard count, queued_us, underruns, flags); remembers whether input or a press of the bolus button
        waits, and whether the motor's supply is too low."""
        self._file.readinto(self._answer)
        answer = struct.unpack("<QQQIB", self._answer)
        self.input_waits = answer[4] & INPUT
        self.bolus_waits = answer[4] & BOLUS != 0
        self.supply_low = answer[4] & SUPPLY_LOW != 0
        return answer

    def steps(self) -> int:
        return self._number(_STEPS_AT)

    def guard_count(self) -> int:
        return self._number(_GUARD_AT)

    def queued_us(self) -> int:
        return self._number(_QUEUED_AT)

    def underruns(self) -> int:
        self._file.readinto(self._answer)
        return struct.unpack_from("<I", self._answer, _UNDERRUNS_AT)[0]

    def flag(self, mask: int) -> bool:
        self._file.readinto(self._answer)
        return bool(self._answer[_FLAGS_AT] & mask)

    def _number(self, offset: int) -> int:
        self._file.readinto(self._answer)
        return struct.unpack_from("<Q", self._answer, offset)[0]


class Device:
    """A device file of the board."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "r+b")
        self._number = bytearray(8)

    def order(self, data: bytes | bytearray) -> None:
        self._file.write(data)

    def order_u64(self, number: int) -> None:
        struct.pack_into("<Q", self._number, 0, number)
        self._file.write(self._number)

    def answer_u64(self) -> int:
        self._file.readinto(self._number)
        return struct.unpack_from("<Q", self._number, 0)[0]

    def facts(self) -> dict:
        """What the board knows when it boots."""
        return json.loads(self._file.read(_FACTS_BYTES))
