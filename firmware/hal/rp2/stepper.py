"""The pulse generator as app knows it: a queue of slices that runs without the CPU."""

import time

from micropython import const

from hal.rp2.generator import Generator
from hal.rp2.guard import Guard
from hal.rp2.words import CYCLES_PER_US

_US_PER_S = const(1_000_000)


class Stepper:
    """Counts are absolute since power-up. `max_rate_hz` is the bench's; `wake_us`: from enabled until the driver acts."""

    def __init__(self, generator: Generator, guard: Guard, max_rate_hz: int, wake_us: int = 0) -> None:
        self._generator = generator
        self._guard = guard
        self.max_rate_hz = max_rate_hz
        self._wake_us = wake_us
        self.enabled = False
        self._unsent_us = 0
        self._end_us = time.ticks_us()  # ticks at which everything sent has been made
        self._ends_with_step = False
        self._must_go_on = False
        self._underruns = 0
        self._since_step_us = _US_PER_S  # at the queue's end; long ago when nothing is queued
        self._owed_cycles = 0  # what the last item took too much
        self._guard_ahead = 0  # steps that the guard had counted more than the generator when the motor was last enabled

    def queue(self, steps: int, duration_us: int) -> None:
        """Steps evenly spaced, the last one exactly at the end; 0 steps is a dwell. Nothing moves before `send`.

        ValueError when the queue is full, and when steps or duration are out of range or faster than `max_rate_hz`. A single
        step may follow a dwell sooner than that: what counts is the time since the step before.
        """
        if steps < 0 or duration_us <= 0:
            raise ValueError("steps or duration out of range")
        since_us = duration_us + self._since_step_us if steps == 1 else duration_us
        if steps * _US_PER_S > since_us * self.max_rate_hz:
            raise ValueError("faster than the driver allows")
        self._encode(steps, duration_us * CYCLES_PER_US - self._owed_cycles)
        self._unsent_us += duration_us
        self._since_step_us = 0 if steps else self._since_step_us + duration_us
        self._ends_with_step = steps > 0

    def _encode(self, steps: int, cycles: int) -> None:
        """An item of 1 to 3 us, a step just behind a dwell's end, takes as long as the generator needs and the next one less."""
        shortest = max(cycles, self._generator.overhead_cycles) if steps <= 1 else cycles
        self._generator.encode(steps, shortest)
        self._owed_cycles = shortest - cycles

    def send(self) -> None:
        """Hands over what was queued, as one transfer; it begins now if nothing is being made."""
        now_us = time.ticks_us()
        if self._generator.at_rest():
            self._end_us = now_us
        if not self.enabled:
            self._generator.look_at_pad(False)
        self._generator.send()
        self._note_underrun()  # only now: it may have run dry until the words were there
        self._generator.machine.forget_stall()
        self._end_us = time.ticks_add(self._end_us, self._unsent_us)
        self._unsent_us = 0
        self._must_go_on = self._ends_with_step and self.enabled

    def halt(self) -> int:
        """Drops the queue, also what was not sent; returns the steps done, from the generator's registers alone."""
        steps = self._generator.halt()
        self._unsent_us = 0
        self._since_step_us = _US_PER_S
        self._owed_cycles = 0
        self._must_go_on = False
        return steps

    def enable(self, on: bool) -> None:
        """Asks for the enable line while nothing is queued, and waits until the driver acts; guard and stop button may take it off."""
        if on:
            self._generator.look_at_pad(True)
            self._guard_ahead = self._guard.count() - self._generator.bounds()[0]
            self._generator.energise()
        self._guard.enable(on)
        self.enabled = on
        if on:
            time.sleep_us(self._wake_us)

    def look(self) -> tuple[int, int, int, bool]:
        """(steps done, guard count, underruns, guard tripped) of one moment.

        While it runs, the generator's registers tell its steps to a word; within that they are the guard's, so that only a
        contradiction shows.
        """
        least, most = self._generator.bounds()
        counted, tripped = self._guard.read()
        made = counted - self._guard_ahead
        if made > most:  # the generator has gone on since
            most = self._generator.bounds()[1]
        self._guard.top_up()
        if tripped:
            self._guard.clear_alert()
        return min(max(made, least), most), counted, self.underruns(), tripped

    def steps_done(self) -> int:
        return self.look()[0]

    def queued_us(self) -> int:
        """Time still ahead of what was sent, by the planned end; 0 when it has been made."""
        if self._generator.at_rest():
            return 0
        return max(0, time.ticks_diff(self._end_us, time.ticks_us()))

    def underruns(self) -> int:
        """How often the queue ran dry behind a step while the motor was enabled."""
        self._note_underrun()
        return self._underruns

    def _note_underrun(self) -> None:
        if self._must_go_on and self._generator.machine.stalled():
            self._must_go_on = False
            self._underruns += 1

    def busy(self) -> bool:
        """Whether something sent has not been made; also when the enable line stopped it, until `halt`."""
        return not self._generator.at_rest()

    def close(self) -> None:
        """Gives the DMA channels back."""
        self._generator.feed.close()
