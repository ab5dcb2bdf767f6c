"""Rate to step timing: a slice of whole seconds becomes at most three items (steps, duration_us) for the generator.

The generator spaces the steps of an item evenly, the last at its end. Items are placed so that every step falls on
the time the plan gives it (to the nearest microsecond, never accumulating): a first step after a change, a run of equal
intervals, and a dwell up to the slice's end where the gap is long. Rates above the motor's start rate are then laid out
by `pumpcore.ramp`.
"""

from pumpcore.dose import Accumulator
from pumpcore.ramp import Ramp
from pumpcore.units import HZ4_PER_HZ, US_PER_S, ceil_div

if 0:  # for the type checker alone
    from pumpcore.shapes import Items

DWELL_FROM_US = 1_000_000
_WAIT_FROM_US = 1_000  # what is less is too short for a generator, or not worth it


class Train:
    """The queue's end in time: everything up to `end_us` (since the start of the span) has been turned into items.

    `shortest_us` is the shortest time that the driver allows for a step: a first step that is due earlier comes then. A dwell
    ends so much before its slice, so that a step which is due at the slice's very beginning still comes at its time.
    """

    def __init__(self, shortest_us: int = 1, ramp: Ramp | None = None) -> None:
        self.ramp = ramp
        self.end_us = 0
        self._shortest_us = shortest_us
        self._flow = -1

    def single(self, source: Accumulator, rate_nl: int, slice_end_us: int, duration_s: int) -> "tuple[int, Items]":
        """Items of one source over the `duration_s` that end at `slice_end_us`. Returns (steps, items); advances `source`."""
        if rate_nl == 0:
            return 0, self._dwell(slice_end_us)
        flow = source.flow(rate_nl)
        first_us = -1
        if flow != self._flow:
            first_us = slice_end_us - duration_s * US_PER_S + source.until_next_step_us(rate_nl)
        steps = source.advance(rate_nl, duration_s)
        if steps == 0:
            return 0, self._dwell(slice_end_us)
        since_us = source.since_last_step_us(rate_nl)
        last_us = slice_end_us - since_us
        if first_us < 0:
            items = [(steps, last_us - self.end_us)]
            self.end_us = last_us
        else:
            items = self._placed(steps, first_us, last_us)
            self._flow = flow
        if since_us >= DWELL_FROM_US:
            items += self._dwell(slice_end_us)
        return steps, items

    def move_to(self, now_us: int) -> None:
        """The generator rested until `now_us`: the next step is placed anew."""
        if now_us > self.end_us:
            self.end_us = now_us
            self._flow = -1
            if self.ramp is not None:
                self.ramp.rest()

    def merged(self, steps: int, slice_end_us: int, duration_s: int) -> "Items":
        """Items of several sources together: `steps` evenly spaced over the `duration_s` that end at `slice_end_us`. What lies
        between the last step before and there is waited for, so that none of a bolus comes before its time."""
        its_us = slice_end_us - self.end_us
        wait_us = its_us - duration_s * US_PER_S
        self._flow, self.end_us = -1, slice_end_us
        return [(0, wait_us), (steps, its_us - wait_us)] if wait_us > _WAIT_FROM_US else [(steps, its_us)]

    def _placed(self, steps: int, first_us: int, last_us: int) -> "Items":
        """The first step is placed anew."""
        start_us = self.end_us
        first_us = max(first_us, start_us + self._interval_us())
        last_us = self.end_us = max(last_us, first_us)
        if steps == 1:
            return [(1, last_us - start_us)]
        return [(1, first_us - start_us), (steps - 1, last_us - first_us)]

    def _interval_us(self) -> int:
        """The shortest time to a step that is placed anew: right behind a fast run not sooner than the motor has slowed down to."""
        ramp = self.ramp
        if ramp is None or not ramp.rate_hz4:
            return self._shortest_us
        return max(self._shortest_us, ceil_div(HZ4_PER_HZ * US_PER_S, ramp.rate_hz4))

    def _dwell(self, until_us: int) -> "Items":
        self._flow = -1
        until_us -= self._shortest_us - 1
        if until_us <= self.end_us:
            return []
        items = [(0, until_us - self.end_us)]
        self.end_us = until_us
        return items
