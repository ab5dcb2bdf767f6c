"""The device files of the simulated bench, its buttons, its light and its sound."""

import array
import json
import struct

from micropython import const

from hal.absent import BoardState

if 0:  # for the type checker alone
    from hal.ports import BinaryFile, DeviceWords

# --- panel -------------------------------------------------------------------------------------------------------------------
# A write to a device file is one order, a read one answer; integers are little-endian.
#
# host/thecal/sim/devices.py is the other side and lists the orders and answers. Buffers are made once: this MicroPython hardly gives back
# what it allocates (see system.py).

BUSY = const(1)
TRIPPED = const(2)
STOP = const(4)
ENABLED = const(8)
INPUT = const(16)
BOLUS = const(32)
SUPPLY_LOW = const(64)
HELD = const(128)
SUPPLY_HIGH = const(256)

_FACTS_BYTES = const(512)
_QUEUED_AT = const(16)
_STEPPER_BYTES = const(29)
# words of a question to /dev/wait and of its answer; a 64-bit number is two words, the lower one first
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
    """The answers of generator and guard. `flags` are those of the last look at the board.

    Every function asks the device again. Only `look` and `uptime_ms` after a wait do not: the wait's answer has what they need.
    """

    def __init__(self) -> None:
        self.file: "BinaryFile" = open("/dev/stepper", "r+b")
        self._turns: "DeviceWords" = open("/dev/wait", "r+b")
        self._words: "array.array[int]" = array.array("I", [0] * _WORDS)
        self.state = BoardState()
        self._order = bytearray(17)
        self.flags = INPUT  # unknown before the first look
        self.up_to_date = False  # True if nothing was ordered since the last wait
        self.feeds = False  # feed the watchdog with the next wait: saves a call in every turn
        self.uptime_ms = _UNKNOWN  # when the last wait ended, until it is used

    def order(self, number: int, steps: int, duration_us: int) -> None:
        """Order 0 queue, 1 halt, 2 enable. Raises OSError if the generator cannot do it."""
        self.up_to_date = False
        struct.pack_into("<BQQ", self._order, 0, number, steps, duration_us)
        self.file.write(self._order)

    def wait(self, duration_ms: int) -> bool:
        """Feed the watchdog if asked, then sleep until input arrives, at most `duration_ms`. Return False: look at the board first."""
        words = self._words
        words[_DURATION_MS] = duration_ms
        words[_WHAT] = _FEEDS if self.feeds else 0
        self.feeds = False
        self._turns.readinto(words)
        self.flags = words[_FLAGS]
        self.uptime_ms = number(words, _UPTIME_MS) if words[_UPTIME_ABOVE] else words[_UPTIME_MS]
        self.up_to_date = True
        return False

    def look(self) -> BoardState:
        """Return the state at this moment, for every turn of the loop; always the same object."""
        words = self._words if self.up_to_date else self._anew()
        self.up_to_date = False
        state = self.state
        state.underruns = words[_UNDERRUNS]
        if words[_STEPS_ABOVE] or words[_GUARD_ABOVE] or words[_FLAGS] & _ENDED:
            flags = words[_FLAGS]
            state.steps_done, state.guard_count = number(words, _STEPS), number(words, _GUARD)
            state.tripped, state.stop_pressed = flags & TRIPPED != 0, flags & STOP != 0
        else:
            state.steps_done, state.guard_count = words[_STEPS], words[_GUARD]
            state.tripped = state.stop_pressed = False
        return state

    def _anew(self) -> "array.array[int]":
        """Read and return the words of this moment."""
        words = self._words
        words[_WHAT] = _LOOKS
        self._turns.readinto(words)
        self.flags = words[_FLAGS]
        self.up_to_date = False
        return words

    def steps(self) -> int:
        """Return the steps done since power-up."""
        return number(self._anew(), _STEPS)

    def guard_count(self) -> int:
        """Return the pulses that the guard has counted."""
        return number(self._anew(), _GUARD)

    def queued_us(self) -> int:
        """Return the time still queued."""
        answer = bytearray(_STEPPER_BYTES)
        self.file.readinto(answer)
        return struct.unpack_from("<Q", answer, _QUEUED_AT)[0]

    def underruns(self) -> int:
        """Return how often the queue ran dry."""
        return self._anew()[_UNDERRUNS]

    def flag(self, mask: int) -> bool:
        """Return True if one of the flags in `mask` is set."""
        return self._anew()[_FLAGS] & mask != 0


def number(words: "array.array[int]", at: int) -> int:
    return words[at] | words[at + 1] << 32


class Device:
    """A device file of the board."""

    def __init__(self, path: str) -> None:
        self.file: "BinaryFile" = open(path, "r+b")
        self.number = bytearray(8)

    def order(self, data: bytes | bytearray) -> None:
        """Send an order."""
        self.file.write(data)

    def order_u64(self, number: int) -> None:
        """Send a number."""
        struct.pack_into("<Q", self.number, 0, number)
        self.file.write(self.number)

    def answer_u64(self) -> int:
        """Read a number."""
        self.file.readinto(self.number)
        return struct.unpack_from("<Q", self.number, 0)[0]

    def facts(self) -> dict:
        """Return the facts about the board at boot."""
        return json.loads(self.file.read(_FACTS_BYTES))


# --- buttons -----------------------------------------------------------------------------------------------------------------

_PATTERNS = ("off", "low", "high")


class Buttons:
    """The buttons. The stop button drops the enable line in hardware, latched until `clear_stop`."""

    def __init__(self, pulses: Pulses, board: Device) -> None:
        self._pulses = pulses
        self.board = board

    def held(self) -> bool:
        """Return True while the stop button is pressed."""
        return self._pulses.flag(HELD)

    def stop_pressed(self) -> bool:
        """Return True if the stop button was pressed since `clear_stop`."""
        return self._pulses.flag(STOP)

    def clear_stop(self) -> None:
        """Release the latch. What was queued when it fell is never stepped."""
        self._pulses.up_to_date = False
        self.board.order(b"S")

    def bolus_pressed(self) -> bool:
        """Return True once for each press, as of the last look at the board."""
        pulses = self._pulses
        if not pulses.flags & BOLUS:
            return False
        pulses.flags &= ~BOLUS
        self.board.order(b"D")
        return True


class Buzzer:
    """The simulated buzzer."""
    def __init__(self, board: Device) -> None:
        self.board = board

    def sound(self, pattern: str) -> None:
        """Sound `off`, `low` or `high`. Raises ValueError for anything else."""
        self.board.order(b"B" + bytes([_PATTERNS.index(pattern)]))


class Led:
    """The simulated light."""
    def __init__(self, board: Device) -> None:
        self.board = board

    def set(self, on: bool) -> None:
        """Switch the light on or off."""
        self.board.order(b"L\x01" if on else b"L\x00")
