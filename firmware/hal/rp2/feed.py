"""Feed words from memory to the generator with two DMA channels, one armed after the other. No word is fed twice.

Words sent while one channel runs and the other is armed lengthen the armed transfer. So the hardware has every word after `send`, however
many sends are outstanding, and no turn of the loop has to be in time. A channel is chained to right after it was loaded, never after it
ran: it would start again from the beginning.
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
    """`words` is the address of the ring (words.py). `end`: index after the last encoded word; `sent`: after the last sent."""

    sent: int
    end: int
    _begins: list[int]
    counts: list[int]
    running: int
    _armed: bool

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._memory = reserve()
        self.address = (uctypes.addressof(self._memory) + _RING_BYTES - 1) // _RING_BYTES * _RING_BYTES
        self.words = self.address
        self._channels: tuple[rp2.DMA, rp2.DMA] = (rp2.DMA(), rp2.DMA())
        self.alone = (self._control(0, 0), self._control(1, 1))
        self._chained = (self._control(0, 1), self._control(1, 0))
        for number in (0, 1):
            self._channels[number].config(read=self.address, write=machine.sm, count=0, ctrl=self.alone[number])
        self.clear()

    def _control(self, number: int, chain_to: int) -> int:
        return self._channels[number].pack_ctrl(
            size=_WORD,
            inc_write=False,
            ring_size=BYTES_LOG2,
            ring_sel=_READ,
            treq_sel=self._machine.request,
            chain_to=self._channels[chain_to].channel,
        )

    def clear(self) -> None:
        """Forget the loads. Both channels must stand still."""
        self._begins = [channel.read for channel in self._channels]
        self.counts = [0, 0]
        self.running = 0
        self._armed = False
        self.sent = 0
        self.end = 0

    def room(self, pulled: int) -> int:
        """Return how many words may be encoded if `pulled` is the next to be pulled.

        The word before it stays readable, and the ring is never quite full.
        """
        return WORDS - 2 - (self.end - pulled & (WORDS - 1))

    def pulled(self) -> int:
        """Return the index of the word that the generator pulls next."""
        while True:
            left = self.left()
            level = self._machine.level()
            if self.left() == left:
                return self.sent - left - level & (WORDS - 1)

    def _moved(self, number: int) -> int:
        """Return how many words of a channel's load are in the FIFO already, 0 to WORDS - 1."""
        return (self._channels[number].read - self._begins[number] & _RING_BYTES - 1) >> 2

    def left(self) -> int:
        return self.counts[0] + self.counts[1] - self._moved(0) - self._moved(1)

    def send(self) -> None:
        """Hand over everything encoded since the last send, as one transfer."""
        begin, count = self.sent, self.end - self.sent & (WORDS - 1)
        if count == 0:
            return
        self.sent = self.end
        if self.waits() and self.extend(count):
            return
        self._arm(begin, count)

    def waits(self) -> bool:
        """Return True if a channel is armed and has not begun."""
        if self._armed and self._has_begun(1 - self.running):
            self.running = 1 - self.running
            self._armed = False
        return self._armed

    def _has_begun(self, number: int) -> bool:
        return self._channels[number].active() or self._moved(number) > 0

    def extend(self, count: int) -> bool:
        """Lengthen the armed channel's load; return False if the channel began before the new length took effect."""
        armed = 1 - self.running
        longer = self.counts[armed] + count
        self._channels[armed].count = longer
        if self.waits():
            self.counts[armed] = longer
            return True
        if self._length_of_run(armed) == longer:
            self.counts[armed] = longer
            return True
        return False

    def _length_of_run(self, number: int) -> int:
        """Return the words of the run that a channel has begun: done and still to do, read at one moment."""
        while True:
            moved = self._moved(number)
            left = self._channels[number].count
            if self._moved(number) == moved:
                return moved + left

    def _arm(self, begin: int, count: int) -> None:
        """Load the idle channel, and chain it to the running one or start it."""
        number, running = 1 - self.running, self._channels[self.running]
        channel = self._channels[number]
        channel.config(read=self.address + 4 * begin, count=count, ctrl=self.alone[number])
        self._begins[number] = self.address + 4 * begin
        self.counts[number] = count
        if running.active():
            running.ctrl = self._chained[self.running]
            self._armed = True
            if running.active() or self._has_begun(number):
                return
        self._armed = False
        self.running = number
        channel.active(True)

    def stop(self) -> int:
        """Switch both channels off. Return the index of the word that would be pulled next. The generator must stand still."""
        for channel in self._channels:
            channel.ctrl = 0
        for channel in self._channels:
            channel.active(False)
        return self.pulled()

    def close(self) -> None:
        """Give the channels back: a channel that is only dropped goes on feeding."""
        for channel in self._channels:
            channel.ctrl = 0
            channel.active(False)
            channel.close()


def reserve() -> bytearray:
    """Return the ring's memory, allocated once and early: DMA needs it at a multiple of its size, which is free for certain then."""
    if not _reserved:
        _reserved.append(_aligned() or bytearray(2 * _RING_BYTES))
    return _reserved[0]


def _aligned() -> bytearray | None:
    """Return a ring that begins at a multiple of its size; None if that fails.

    Fillers take up the memory before it, and are freed at the end. A filler is larger than any gap below, so the next object lies above it.
    """
    gc.collect()
    fillers: list[bytearray] = []
    for _ in range(_TRIES):
        ring = bytearray(_RING_BYTES)
        beyond = uctypes.addressof(ring) % _RING_BYTES
        if not beyond:
            return ring
        fillers += ring, bytearray(2 * _RING_BYTES - beyond)
    return None
