"""Rate to step timing: a slice of whole seconds becomes at most three items (steps, duration_us) for the generator.

The generator spaces the steps of an item evenly, the last at its end. Items are placed so that every step falls on
the time the plan gives it (rounded to 1 us, never accumulating): a first step after a change, a run of equal
intervals, and a dwell up to the slice's end where the gap is long.
"""

from pumpcore.dose import Accumulator
from pumpcore.units import US_PER_S

DWELL_FROM_US = 1_000_000


class Train:
    """The queue's end in time: everything up to `end_us` (since the start of the span) has been turned into items."""

    def __init__(self) -> None:
        self.end_us = 0
        self._flow = -1

    def single(self, source: Accumulator, rate_nl: int, slice_end_us: int, duration_s: int) -> tuple:
        """Items of one source over the `duration_s` that end at `slice_end_us`. Returns (steps, items); advances `source`."""
        if rate_nl == 0:
            return 0, self._dwell(slice_end_us)
        flow = source.flow(rate_nl)
        first_us = 0
        if flow != self._flow:
            first_us = slice_end_us - duration_s * US_PER_S + source.until_next_step_us(rate_nl)
        steps = source.advance(rate_nl, duration_s)
        if steps == 0:
            return 0, self._dwell(slice_end_us)
        last_us = slice_end_us - source.remainder * US_PER_S // flow
        items = self._run(steps, first_us, last_us)
        self._flow = flow
        if slice_end_us - last_us >= DWELL_FROM_US:
            items += self._dwell(slice_end_us)
        return steps, items

    def move_to(self, now_us: int) -> None:
        """The generator rested until `now_us`: the next step is placed anew."""
        if now_us > self.end_us:
            self.end_us = now_us
            self._flow = -1

    def merged(self, steps: int, slice_end_us: int) -> list:
        """Items of several sources together: `steps` evenly spaced up to `slice_end_us`."""
        self._flow = -1
        items = [(steps, slice_end_us - self.end_us)]
        self.end_us = slice_end_us
        return items

    def _run(self, steps: int, first_us: int, last_us: int) -> list:
        start_us = self.end_us
        self.end_us = last_us
        if not first_us or steps == 1:
            return [(steps, last_us - start_us)]
        return [(1, first_us - start_us), (steps - 1, last_us - first_us)]

    def _dwell(self, until_us: int) -> list:
        self._flow = -1
        if until_us <= self.end_us:
            return []
        items = [(0, until_us - self.end_us)]
        self.end_us = until_us
        return items
