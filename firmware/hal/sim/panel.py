"""The device files of the simulated bench, and everything on it that is a button, a light or a sound."""

import array
import json
import struct

from micropython import const

from hal.absent import BoardState

if 0:  # for the type checker alone
    from hal.ports import BinaryFile, DeviceWords

# --- panel -------------------------------------------------------------------------------------------------------------------
# The device files that the simulator serves. A write is one order, a read one answer; integers are little-endian.
#
# The other side is host/thecal/sim/devices.py, where the orders and answers are listed. Buffers are made once: what is
# allocated in this MicroPython is never given back (see system.py).

BUSY = const(1)
TRIPPED = const(2)
STOP = const(4)
ENABLED = const(8)
INPUT = const(16)
BOLUS = const(32)
SUPPLY_LOW = const(64)

_FACTS_BYTES = const(512)
_QUEUED_AT = const(16)
_STEPPER_BYTES = const(29)
# words of what /dev/wait is asked and answers; its 64-bit numbers are two words, the lower one first
_WORDS = const(8)
_DURATION_MS = const(0)
_WHAT = const(1)
_UPTIME_MS = const(0)
_UPTIME_ABOVE = const(1)
_STEPS = const(2)
_STEPS_ABOVE = const(3)
_GUARD = const(4)
_GUARD_ABOVE = const(5)
_UNDERRUNS = const(6)
_FLAGS = const(7)
_FEEDS = const(1)
_LOOKS = const(2)
_ENDED = const(6)  # TRIPPED | STOP
_UNKNOWN = const(-1)


class Pulses:
    """What generator and guard say. Every function asks anew, but `look` and `uptime_ms` after a wait: its answer holds what they
    would ask for. `flags` are those of the last look at the board."""

    def __init__(self) -> None:
        self.file: "BinaryFile" = open("/dev/stepper", "r+b")
        self._turns: "DeviceWords" = open("/dev/wait", "r+b")
        self._words: "array.array[int]" = array.array("I", [0] * _WORDS)
        self._state = BoardState()
        self._order = bytearray(17)
        self.flags = INPUT  # unknown before the first look
        self.up_to_date = False  # nothing was ordered since the wait that has answered
        self.feeds = False  # True when the watchdog is to be fed with the next wait: one call less in every turn
        self.uptime_ms = _UNKNOWN  # the moment when that wait ended, until it is asked for

    def order(self, number: int, steps: int, duration_us: int) -> None:
        """0 queue, 1 halt, 2 enable. OSError when the generator can't do it."""
        self.up_to_date = False
        struct.pack_into("<BQQ", self._order, 0, number, steps, duration_us)
        self.file.write(self._order)

    def wait(self, duration_ms: int) -> bool:
        """Sleeps until input is there, at most so long; feeds the watchdog first. False: look at the board first."""
        words = self._words
        words[_DURATION_MS] = duration_ms
        words[_WHAT] = _FEEDS if self.feeds else 0
        self.feeds = False
        self._turns.readinto(words)
        self.flags = words[_FLAGS]
        self.uptime_ms = _number(words, _UPTIME_MS) if words[_UPTIME_ABOVE] else words[_UPTIME_MS]
        self.up_to_date = True
        return False

    def look(self) -> BoardState:
        """What stands at this moment, always in the same object; in every turn."""
        words = self._words if self.up_to_date else self._anew()
        self.up_to_date = False
        state = self._state
        state.underruns = words[_UNDERRUNS]
        if words[_STEPS_ABOVE] or words[_GUARD_ABOVE] or words[_FLAGS] & _ENDED:
            flags = words[_FLAGS]
            state.steps_done, state.guard_count = _number(words, _STEPS), _number(words, _GUARD)
            state.tripped, state.stop_pressed = flags & TRIPPED != 0, flags & STOP != 0
        else:
            state.steps_done, state.guard_count = words[_STEPS], words[_GUARD]
            state.tripped = state.stop_pressed = False
        return state

    def _anew(self) -> "array.array[int]":
        """The words of this moment."""
        words = self._words
        words[_WHAT] = _LOOKS
        self._turns.readinto(words)
        self.flags = words[_FLAGS]
        self.up_to_date = False
        return words

    def steps(self) -> int:
        return _number(self._anew(), _STEPS)

    def guard_count(self) -> int:
        return _number(self._anew(), _GUARD)

    def queued_us(self) -> int:
        answer = bytearray(_STEPPER_BYTES)
        self.file.readinto(answer)
        return struct.unpack_from("<Q", answer, _QUEUED_AT)[0]

    def underruns(self) -> int:
        return self._anew()[_UNDERRUNS]

    def flag(self, mask: int) -> bool:
        return self._anew()[_FLAGS] & mask != 0


def _number(words: "array.array[int]", at: int) -> int:
    return words[at] | words[at + 1] << 32


class Device:
    """A device file of the board."""

    def __init__(self, path: str) -> None:
        self._file: "BinaryFile" = open(path, "r+b")
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


# --- buttons -----------------------------------------------------------------------------------------------------------------
# Stop button, bolus button, buzzer and LED.

_PATTERNS = ("off", "low", "high")


class Buttons:
    """The stop button drops the enable line in hardware, latched until `clear_stop`."""

    def __init__(self, pulses: Pulses, board: Device) -> None:
        self._pulses = pulses
        self._board = board

    def stop_pressed(self) -> bool:
        return self._pulses.flag(STOP)

    def clear_stop(self) -> None:
        """Releases the latch; what was queued when it fell is never stepped."""
        self._pulses.up_to_date = False
        self._board.order(b"S")

    def bolus_pressed(self) -> bool:
        """True once for each press, as of the last look at the board."""
        pulses = self._pulses
        if not pulses.flags & BOLUS:
            return False
        pulses.flags &= ~BOLUS
        self._board.order(b"D")
        return True


class Buzzer:
    def __init__(self, board: Device) -> None:
        self._board = board

    def sound(self, pattern: str) -> None:
        """`off`, `low` or `high`; ValueError for anything else."""
        self._board.order(b"B" + bytes([_PATTERNS.index(pattern)]))


class Led:
    def __init__(self, board: Device) -> None:
        self._board = board

    def set(self, on: bool) -> None:
        self._board.order(b"L\x01" if on else b"L\x00")
