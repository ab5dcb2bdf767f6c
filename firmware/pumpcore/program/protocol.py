"""A protocol: stages relative to its start, in loops of one level. What it delivers by any second, in closed form.

In memory only while a program with a protocol is. The rate of a stage is constant, or a ramp: a staircase of whole seconds, each at the
rate of its middle. Rates are `rate_nl` per the program's `rate_seconds_s`; a sum of rates over seconds ends in `_nl_s`.
"""

import struct

from pumpcore.program.schedule import NEVER_S, Week
from pumpcore.units import S_PER_DAY, S_PER_MINUTE, const

if 0:  # for the type checker alone
    from pumpcore.shapes import Iterator, Loops, Stages

MOST_STAGES = const(64)
SHORTEST_STAGE_S = const(10)
STOP, HOLD = const(0), const(1)
NOW, AFTER, AT = const(0), const(1), const(2)
ENDINGS = const(("stop", "hold"))
WAITS = const(255)  # the stage before the first one


class Packed:
    """The rows in a view of a program's bytes. One becomes a tuple when it is asked for: 64 stages of objects would take 8 kB."""

    def __init__(self, layout: str, raw: memoryview) -> None:
        self._layout = layout
        self._raw = raw
        self.size = struct.calcsize(layout)

    def __len__(self) -> int:
        return len(self._raw) // self.size

    def __getitem__(self, index: int) -> "tuple[int, int, int]":
        at = index * self.size
        if not 0 <= at < len(self._raw):
            raise IndexError(index)
        return struct.unpack_from(self._layout, self._raw, at)

    def __iter__(self) -> "Iterator[tuple[int, int, int]]":
        for index in range(len(self)):
            yield self[index]


class Part:
    """`times` passes (0: for ever) of `count` stages from `first` on, the first of them from `begin_s` to `end_s` of the protocol.

    One pass lasts `lasts_s` and holds `nl_s`. Stages outside of loops are parts of one pass.
    """

    def __init__(self, first: int, count: int, times: int, begin_s: int) -> None:
        self.first = first
        self.count = count
        self.times = times
        self.begin_s = begin_s
        self.end_s = NEVER_S
        self.lasts_s = self.nl_s = 0


class Place:
    """Where a protocol is: second `second_s` of stage `entry` in pass `number` (0 the first) of its loop, `left_s` before its end."""

    def __init__(self, entry: int, number: int, second_s: int, left_s: int) -> None:
        self.entry = entry
        self.number = number
        self.second_s = second_s
        self.left_s = left_s


class Protocol:
    """`stages` are (lasts_s, begin_nl, end_nl), `loops` (first stage, number of stages, times; 0 = for ever), sorted.

    `then`: STOP, or HOLD of the last rate. `start`: NOW, AFTER `start_value` powered-on seconds, or AT that minute of the day.
    """

    def __init__(self, stages: "Stages", loops: "Loops" = ()) -> None:
        self.stages = stages
        self.loops = loops
        self.then = STOP
        self.start = NOW
        self.start_value = 0
        self._parts: list[Part] | None = None

    def parts(self) -> list[Part]:
        """Return the parts, one after the other. The stages must not change after the first call."""
        if self._parts is None:
            found, at, at_s = [], 0, 0
            for first, count, times in list(self.loops) + [(len(self.stages), 0, 1)]:
                for part in (Part(at, first - at, 1, at_s), Part(first, count, times, at_s)):
                    if not part.count:
                        continue
                    part.begin_s = at_s
                    for index in range(part.first, part.first + part.count):
                        lasts_s, begin_nl, end_nl = self.stages[index]
                        part.lasts_s += lasts_s
                        part.nl_s += (begin_nl + end_nl) * lasts_s // 2
                    if part.times:
                        part.end_s = at_s = at_s + part.lasts_s * part.times
                    found.append(part)
                at = first + count
            self._parts = found
        return self._parts

    def end_s(self) -> int:
        """Return the seconds of all its stages, with their repeats; NEVER_S or more if a loop has no end."""
        return self.parts()[-1].end_s

    def total_nl_s(self) -> int:
        """Return what all its stages hold, with their repeats; 0 if a loop has no end."""
        end_s = self.end_s()
        return self.by_nl_s(end_s) if self.parts()[-1].times else 0

    def wait_s(self, week: "Week | None") -> int:
        """Return the seconds from now until its first stage begins. `week` is the local time from now on, for a start AT a time."""
        if self.start != AT or week is None:
            return self.start_value if self.start == AFTER else 0
        minute_s = self.start_value * S_PER_MINUTE
        wait_s = (minute_s - week.local_s(0)) % S_PER_DAY
        shift_s = week.shift_at_s
        if wait_s < shift_s:
            return wait_s
        if wait_s - shift_s < week.shift_s:  # an hour that is skipped: it begins as the clock jumps
            return shift_s
        return shift_s + (minute_s - week.local_s(shift_s)) % S_PER_DAY

    def place(self, at_s: int) -> Place:
        """Return where it is in second `at_s`. Before the first stage that is WAITS, after the last one the number of stages."""
        if at_s < 0:
            return Place(WAITS, 0, 0, -at_s)
        for part in self.parts():
            if at_s < part.end_s:
                number, rest_s = divmod(at_s - part.begin_s, part.lasts_s)
                for index in range(part.first, part.first + part.count):
                    lasts_s = self.stages[index][0]
                    if rest_s < lasts_s:
                        return Place(index, number, rest_s, lasts_s - rest_s)
                    rest_s -= lasts_s
        return Place(len(self.stages), 0, at_s - self.end_s(), NEVER_S)

    def passes(self, entry: int) -> int:
        """Return how many times a stage runs; 0 = for ever."""
        for part in self.parts():
            if part.first <= entry < part.first + part.count:
                return part.times
        return 1

    def ramps(self, entry: int) -> bool:
        """Return True if the rate of this stage changes from second to second."""
        if entry >= len(self.stages):
            return False
        _, begin_nl, end_nl = self.stages[entry]
        return begin_nl != end_nl

    def rate_nl(self, entry: int, second_s: int) -> int:
        """Return the rate in this second of a stage."""
        last = len(self.stages)
        if entry >= last:
            return self.stages[last - 1][2] if entry == last and self.then == HOLD else 0
        lasts_s, begin_nl, end_nl = self.stages[entry]
        return begin_nl + (2 * second_s + 1) * ((end_nl - begin_nl) // (2 * lasts_s))

    def by_nl_s(self, at_s: int) -> int:
        """Return the sum of the rates of all seconds before `at_s`. Whole passes are taken at once."""
        total = 0
        for part in self.parts():
            if at_s <= part.begin_s:
                return total
            number, rest_s = divmod(min(at_s, part.end_s) - part.begin_s, part.lasts_s)
            total += number * part.nl_s
            index = part.first
            while rest_s > 0:
                lasts_s, begin_nl, end_nl = self.stages[index]
                run_s = min(rest_s, lasts_s)
                total += begin_nl * run_s + (end_nl - begin_nl) // (2 * lasts_s) * run_s * run_s
                rest_s -= run_s
                index += 1
        last = len(self.stages)
        return total + max(0, at_s - self.end_s()) * self.rate_nl(last, 0)

    def between_nl_s(self, from_s: int, end_s: int) -> int:
        """Return the sum of the rates of the seconds `from_s` .. `end_s` - 1."""
        return self.by_nl_s(end_s) - self.by_nl_s(from_s)

    def highest_nl(self) -> int:
        """Return the highest rate that a stage reaches."""
        return max([max(begin_nl, end_nl) for _, begin_nl, end_nl in self.stages])

    def lowest_rate_nl(self) -> int:
        """Return the lowest rate before its end."""
        return 0 if self.start != NOW else min([min(begin_nl, end_nl) for _, begin_nl, end_nl in self.stages])

    def highest_within_nl(self, from_s: int, end_s: int) -> int:
        """Return the highest rate of the seconds `from_s` .. `end_s` - 1. Of a loop at most one pass is looked at."""
        highest = 0
        for part in self.parts():
            begin_s, until_s = max(from_s, part.begin_s), min(end_s, part.end_s)
            until_s = min(until_s, begin_s + part.lasts_s)
            while begin_s < until_s:
                place = self.place(begin_s)
                run_s = min(place.left_s, until_s - begin_s)
                first, last = place.second_s, place.second_s + run_s - 1
                highest = max(highest, self.rate_nl(place.entry, first), self.rate_nl(place.entry, last))
                begin_s += run_s
        return max(highest, self.rate_nl(len(self.stages), 0)) if end_s > self.end_s() else highest
