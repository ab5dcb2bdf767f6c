"""The pulse generator for app: a queue of slices that runs without the CPU."""

import time

from micropython import const

from hal.rp2.generator import Generator
from hal.rp2.guard import Guard
from hal.rp2.words import CYCLES_PER_US

_US_PER_S = const(1_000_000)


class Stepper:
    """Counts are absolute since power-up. `max_rate_hz` is the bench's; `wake_us`: from enable until the driver acts."""

    def __init__(self, generator: Generator, guard: Guard, max_rate_hz: int, wake_us: int = 0) -> None:
        self.generator = generator
        self.guard = guard
        self.max_rate_hz = max_rate_hz
        self.wake_us = wake_us
        self.enabled = False
        self._unsent_us = 0
        self.end_us = time.ticks_us()  # ticks at which everything sent will have been made
        self._ends_with_step = False
        self._must_go_on = False
        self._underruns = 0
        self._since_step_us = _US_PER_S  # at the queue's end; a second if nothing is queued
        self._owed_cycles = 0  # time that the last item took too much
        self.ahead = 0  # guard's count minus generator's when the motor was last enabled

    def queue(self, steps: int, duration_us: int) -> None:
        """Queue steps evenly spaced, the last one exactly at the end; 0 steps is a dwell. Nothing moves before `send`.

        Raises ValueError if the queue is full, or steps or duration are out of range or faster than `max_rate_hz`. A single step after a
        dwell may have a shorter item: the time since the step before counts.
        """
        if steps < 0 or duration_us <= 0:
            raise ValueError("steps or duration out of range")
        since_us = duration_us + self._since_step_us if steps == 1 else duration_us
        if steps * _US_PER_S > since_us * self.max_rate_hz:
            raise ValueError("faster than the driver allows")
        self.encode(steps, duration_us * CYCLES_PER_US - self._owed_cycles)
        self._unsent_us += duration_us
        self._since_step_us = 0 if steps else self._since_step_us + duration_us
        self._ends_with_step = steps > 0

    def encode(self, steps: int, count: int) -> None:
        """Encode an item. One of 1 to 3 us (a step just after a dwell) takes the generator's shortest time, and the next less."""
        shortest = max(count, self.generator.overhead_cycles) if steps <= 1 else count
        self.generator.encode(steps, shortest)
        self._owed_cycles = shortest - count

    def send(self) -> None:
        """Hand over the queue as one transfer; it begins now if the generator is at rest."""
        now_us = time.ticks_us()
        if self.generator.at_rest():
            self.end_us = now_us
        if not self.enabled:
            self.generator.look_at_pad(False)
        self.generator.send()
        self._note_underrun()  # only now: the queue may have run dry until the words were there
        self.generator.machine.forget_stall()
        self.end_us = time.ticks_add(self.end_us, self._unsent_us)
        self._unsent_us = 0
        self._must_go_on = self._ends_with_step and self.enabled

    def halt(self) -> int:
        """Drop the queue, even unsent items. Return the steps done, from the generator's registers alone."""
        steps = self.generator.halt()
        self._unsent_us = 0
        self._since_step_us = _US_PER_S
        self._owed_cycles = 0
        self._must_go_on = False
        return steps

    def enable(self, on: bool) -> None:
        """Set the enable line while nothing is queued, and wait until the driver acts. Guard and stop button may switch it off."""
        if on:
            self.generator.look_at_pad(True)
            self.ahead = self.guard.count() - self.generator.bounds()[0]
            self.generator.energise()
        self.guard.enable(on)
        self.enabled = on
        if on:
            time.sleep_us(self.wake_us)

    def look(self) -> tuple[int, int, int, bool]:
        """Return (steps done, guard count, underruns, guard tripped) of one moment.

        A running generator knows its steps to a word. Within that word the guard's count is taken, so only a contradiction shows.
        """
        least, most = self.generator.bounds()
        counted, tripped = self.guard.read()
        made = counted - self.ahead
        if made > most:  # the generator has gone on since
            most = self.generator.bounds()[1]
        self.guard.top_up()
        if tripped:
            self.guard.clear_alert()
        return min(max(made, least), most), counted, self.underruns(), tripped

    def steps_done(self) -> int:
        """Return the steps done since power-up."""
        return self.look()[0]

    def queued_us(self) -> int:
        """Return the time until the planned end of what was sent; 0 if it was made."""
        if self.generator.at_rest():
            return 0
        return max(0, time.ticks_diff(self.end_us, time.ticks_us()))

    def underruns(self) -> int:
        """Return how often the queue ran dry after a step while the motor was enabled."""
        self._note_underrun()
        return self._underruns

    def _note_underrun(self) -> None:
        if self._must_go_on and self.generator.machine.stalled():
            self._must_go_on = False
            self._underruns += 1

    def busy(self) -> bool:
        """Return True if something sent was not made; also if the enable line stopped it, until `halt`."""
        return not self.generator.at_rest()

    def close(self) -> None:
        """Give the DMA channels back."""
        self.generator.feed.close()
