"""Brings words from memory to the generator by two DMA channels, one armed behind the other. Nothing is ever fed twice.

What is sent while one channel runs and the other is armed makes the armed one longer: after `send` the hardware has every
word, however many sends are outstanding, and no turn of the loop has to come in time for any of them. A channel is chained
to right after it was loaded, never when it is spent: it would begin anew.
"""

import gc

import rp2
import uctypes
from micropython import const

from hal.rp2.pio import Machine
from hal.rp2.words import BYTES_LOG2, WORDS

_RING_BYTES = WORDS * 4
_WORD = const(2)  # DMA's code for 32 bits
_READ = const(0)  # DMA's code for a ring of read addresses
_TRIES = const(3)
_reserved: list[bytearray] = []


class Feed:
    """`words` is the address of the ring, for ring.py. Indices: `end` behind the last encoded word, `sent` behind the last sent."""

    sent: int
    end: int
    _begins: list[int]
    _counts: list[int]
    _running: int
    _armed: bool

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._memory = reserve()
        self._address = (uctypes.addressof(self._memory) + _RING_BYTES - 1) // _RING_BYTES * _RING_BYTES
        self.words = self._address
        self._channels: tuple[rp2.DMA, rp2.DMA] = (rp2.DMA(), rp2.DMA())
        self._alone = (self._control(0, 0), self._control(1, 1))
        self._chained = (self._control(0, 1), self._control(1, 0))
        for number in (0, 1):
            self._channels[number].config(read=self._address, write=machine.sm, count=0, ctrl=self._alone[number])
        self.clear()

    def _control(self, number: int, follower: int) -> int:
        return self._channels[number].pack_ctrl(
            size=_WORD,
            inc_write=False,
            ring_size=BYTES_LOG2,
            ring_sel=_READ,
            treq_sel=self._machine.request,
            chain_to=self._channels[follower].channel,
        )

    def clear(self) -> None:
        """Forgets what was loaded; to be called when both channels stand still."""
        self._begins = [channel.read for channel in self._channels]
        self._counts = [0, 0]
        self._running = 0
        self._armed = False
        self.sent = 0
        self.end = 0

    def room(self, pulled: int) -> int:
        """Words that may be encoded while `pulled` comes next. The one before stays readable, and the ring is never quite full."""
        return WORDS - 2 - (self.end - pulled & (WORDS - 1))

    def pulled(self) -> int:
        """Index of the word that the generator pulls next."""
        while True:
            left = self._left()
            level = self._machine.level()
            if self._left() == left:
                return self.sent - left - level & (WORDS - 1)

    def _moved(self, number: int) -> int:
        """Words of a channel's load that have gone into the FIFO, 0 to WORDS - 1."""
        return (self._channels[number].read - self._begins[number] & _RING_BYTES - 1) >> 2

    def _left(self) -> int:
        return self._counts[0] + self._counts[1] - self._moved(0) - self._moved(1)

    def send(self) -> None:
        """Hands over everything that was encoded since the last send, as one transfer."""
        begin, count = self.sent, self.end - self.sent & (WORDS - 1)
        if count == 0:
            return
        self.sent = self.end
        if self._waits() and self._extend(count):
            return
        self._arm(begin, count)

    def _waits(self) -> bool:
        """Whether a channel is armed and has not begun."""
        if self._armed and self._has_begun(1 - self._running):
            self._running = 1 - self._running
            self._armed = False
        return self._armed

    def _has_begun(self, number: int) -> bool:
        return self._channels[number].active() or self._moved(number) > 0

    def _extend(self, count: int) -> bool:
        """Makes the armed channel's load longer; False when it began before it could know."""
        armed = 1 - self._running
        longer = self._counts[armed] + count
        self._channels[armed].count = longer
        if self._waits():
            self._counts[armed] = longer
            return True
        if self._length_of_run(armed) == longer:
            self._counts[armed] = longer
            return True
        return False

    def _length_of_run(self, number: int) -> int:
        """Words of the run that a channel has begun: what it still has to do and what it has done, read at one moment."""
        while True:
            moved = self._moved(number)
            left = self._channels[number].count
            if self._moved(number) == moved:
                return moved + left

    def _arm(self, begin: int, count: int) -> None:
        """Loads the channel that does not run, and chains it to the one that does or starts it."""
        number, running = 1 - self._running, self._channels[self._running]
        channel = self._channels[number]
        channel.config(read=self._address + 4 * begin, count=count, ctrl=self._alone[number])
        self._begins[number] = self._address + 4 * begin
        self._counts[number] = count
        if running.active():
            running.ctrl = self._chained[self._running]
            self._armed = True
            if running.active() or self._has_begun(number):
                return
        self._armed = False
        self._running = number
        channel.active(True)

    def stop(self) -> int:
        """Both channels off; the index of the word that the generator would have pulled next. The generator must stand still."""
        for channel in self._channels:
            channel.ctrl = 0
        for channel in self._channels:
            channel.active(False)
        return self.pulled()

    def close(self) -> None:
        """Gives the channels back; a channel that is only forgotten goes on feeding."""
        for channel in self._channels:
            channel.ctrl = 0
            channel.active(False)
            channel.close()


def reserve() -> bytearray:
    """The ring's memory, taken once. DMA wants it at a multiple of its size, and early there is such a place for certain."""
    if not _reserved:
        _reserved.append(_aligned() or bytearray(2 * _RING_BYTES))
    return _reserved[0]


def _aligned() -> bytearray | None:
    """A ring that begins at a multiple of its size: what lies before it is filled, and given back with the fillers. A filler is larger
    than any gap below, so what is made next lies behind it."""
    gc.collect()
    fillers: list[bytearray] = []
    for _ in range(_TRIES):
        ring = bytearray(_RING_BYTES)
        beyond = uctypes.addressof(ring) % _RING_BYTES
        if not beyond:
            return ring
        fillers += ring, bytearray(2 * _RING_BYTES - beyond)
    return None
