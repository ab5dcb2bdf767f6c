"""From steps to times: evenly spaced trains, and the ramps of a motor that can't start at full speed."""

from pumpcore.motion.dose import Accumulator
from pumpcore.units import HZ4_PER_HZ, US_PER_S, ceil_div, const

if 0:  # for the type checker alone
    from pumpcore.shapes import Items, MotorFacts

# --- ramp --------------------------------------------------------------------------------------------------------------------
# Ramps: a slice of fast steps with constant acceleration where the rate before it or behind it is another.
#
# A slice keeps its number of steps and its length; in between it runs a little above or below its mean rate to make up
# for its ramps:
#     begin_hz4 -> cruise_hz4 -> end_hz4, both changes at the motor's acceleration
# It begins at the rate at which the last one ended, from rest at the start rate, and ends at its own rate or at the
# next one's when that is lower and known. Where the next one is not known in time (a limit, a late cancellation, a stop)
# or holds too few steps to slow down in, the run ends abruptly: a dwell has no steps to ramp with.
#
# Rates ending in _hz4 are whole ten-thousandths of a hertz, times whole microseconds. Steps are grouped into items that
# run evenly; no step is further than 12 us from its ideal time. What is computed per group stays below 2**30 up to
# 25,000 Hz: MicroPython allocates memory for longer integers.

SAG_US = 11  # by which the middle of an evenly run group may be off; rounding comes on top
STEADY_US = 2  # a change of rate that moves no step by more than this is none
SLACK_HZ = 4  # whole steps of two sources, and ends rounded to 1 us, make a second hold up to this much more
_HZ8 = HZ4_PER_HZ * HZ4_PER_HZ
_HZ4_US = HZ4_PER_HZ * US_PER_S
_US_PER_HZ4 = US_PER_S // HZ4_PER_HZ


def isqrt(number: int, guess: int) -> int:
    """The whole part of the square root of `number` >= 0, quickest from a `guess` > 0 that is near."""
    root = (guess + number // guess) // 2  # never below the root
    while root:
        better = (root + number // root) // 2
        if better >= root:
            break
        root = better
    return root


class Ramp:
    """A motor that runs up to `start_rate_hz` at once and beyond at `hz_per_s`, never above `max_rate_hz`.

    `rate_hz4` is the rate at which the last slice ended, 0 at rest and below the start rate.
    """

    def __init__(self, start_rate_hz: int, hz_per_s: int, max_rate_hz: int) -> None:
        self.start_hz4 = start_rate_hz * HZ4_PER_HZ
        self.top_hz4 = max_rate_hz * _HZ4_US // (max_rate_hz + US_PER_S)  # one step is 1 us longer than the shortest
        self._hz_per_s = hz_per_s
        self.rate_hz4 = 0

    def rest(self) -> None:
        """The generator stands still, or runs no faster than the start rate."""
        self.rate_hz4 = 0

    def items(self, even: "Items", wait_us: int, rate_hz4: int, next_hz4: int) -> "Items":
        """The items of a slice at `rate_hz4`, followed by `next_hz4`: `even`, or as many steps in the same time with ramps.

        `wait_us` of it lie before the slice's own seconds: from rest the first step is counted from there. ValueError
        when the slice is too short to get up to its rate; `highest_rate_hz` keeps programs away from that.
        """
        steps, duration_us = sum([item[0] for item in even]), sum([item[1] for item in even])
        wait_us = 0 if self.rate_hz4 else wait_us
        duration_us -= wait_us
        mean_hz4 = steps * _HZ4_US // duration_us
        begin_hz4 = max(self.start_hz4, self.rate_hz4)
        for end_hz4 in (min(rate_hz4, next_hz4), min(rate_hz4, mean_hz4)):
            end_hz4 = max(self.start_hz4, end_hz4)
            self.rate_hz4 = end_hz4
            if self._steady(mean_hz4, begin_hz4, end_hz4):
                return even
            cruise_hz4 = self._cruise_hz4(steps, duration_us, begin_hz4, end_hz4)
            if cruise_hz4:
                return self._lay((steps, duration_us), wait_us, begin_hz4, cruise_hz4, end_hz4)
        if mean_hz4 > begin_hz4:
            raise ValueError("%d steps in %d us are too many for the ramp" % (steps, duration_us))
        self.rate_hz4 = mean_hz4 if mean_hz4 > self.start_hz4 else 0
        return even

    def reaches(self, steps: int, duration_us: int, rate_hz4: int) -> bool:
        """Whether `steps` fit into `duration_us` from the start rate up, ending at `rate_hz4`, or from there down."""
        return self._cruise_hz4(steps, duration_us, self.start_hz4, rate_hz4) > 0

    def _steady(self, mean_hz4: int, begin_hz4: int, end_hz4: int) -> bool:
        off = (begin_hz4 - mean_hz4) ** 2 + (end_hz4 - mean_hz4) ** 2
        return off * _US_PER_HZ4 <= 2 * self._hz_per_s * mean_hz4 * STEADY_US

    def _cruise_hz4(self, steps: int, duration_us: int, begin_hz4: int, end_hz4: int) -> int:
        """The rate between the ramps with which all of it makes `steps` in `duration_us`; 0 when there is none."""
        change_hz4 = self._hz_per_s * duration_us // _US_PER_HZ4
        low = max(self.start_hz4, (begin_hz4 + end_hz4 - change_hz4 + 1) // 2)
        high = min(self.top_hz4, (begin_hz4 + end_hz4 + change_hz4) // 2)
        wanted = 2 * self._hz_per_s * _HZ8 * steps

        def made(hz4: int) -> int:
            lost = (hz4 - begin_hz4) * abs(hz4 - begin_hz4) + (hz4 - end_hz4) * abs(hz4 - end_hz4)
            return 2 * self._hz_per_s * duration_us * hz4 // _US_PER_HZ4 - lost

        if abs(begin_hz4 - end_hz4) > change_hz4 or low > high or not made(low) <= wanted <= made(high):
            return 0
        while high - low > 1:
            middle = (low + high) // 2
            if made(middle) <= wanted:
                low = middle
            else:
                high = middle
        return low

    def _lay(self, total: tuple[int, int], wait_us: int, begin_hz4: int, cruise_hz4: int, end_hz4: int) -> "Items":
        steps, duration_us = total
        points = [point for point in self._edge(begin_hz4, cruise_hz4) if point[0] < steps]
        reached = points[-1][0] if points else 0
        for step, time_us in reversed(self._edge(end_hz4, cruise_hz4)):
            if steps - step > reached:
                points.append((steps - step, duration_us - time_us))
        points.append(total)
        items, before, before_us = [], 0, -wait_us
        for step, time_us in points:
            items.append((step - before, time_us - before_us))
            before, before_us = step, time_us
        return items

    def _edge(self, edge_hz4: int, cruise_hz4: int) -> "Items":
        """Ends of the groups of a ramp, (steps, time_us) from the slice's edge inwards; the first group is one step, the last
        one ends with the first step beyond the ramp."""
        twice = 2 * self._hz_per_s if cruise_hz4 > edge_hz4 else -2 * self._hz_per_s  # by which a step changes rate squared
        change = cruise_hz4 * cruise_hz4 - edge_hz4 * edge_hz4
        beyond = max(1, -(-change // (twice * _HZ8)))
        square_hz2 = edge_hz4 * edge_hz4 // _HZ8
        part = edge_hz4 * edge_hz4 % _HZ8 // HZ4_PER_HZ
        floor_hz2 = min(edge_hz4, cruise_hz4) ** 2 // _HZ8
        points, step, rate_hz = [], 1, edge_hz4 // HZ4_PER_HZ
        while step < beyond:
            hz2 = square_hz2 + twice * step
            rate_hz = isqrt(hz2, rate_hz)
            more_hz4 = ((hz2 - rate_hz * rate_hz) * HZ4_PER_HZ + part) // (2 * rate_hz)
            more_hz4 -= more_hz4 * more_hz4 // (2 * HZ4_PER_HZ * rate_hz)
            points.append((step, self._time_us(abs(rate_hz * HZ4_PER_HZ + more_hz4 - edge_hz4))))
            group = self._group(rate_hz)
            if twice < 0:  # sized for where it is slowest
                group = self._group(isqrt(max(hz2 + twice * group, floor_hz2), rate_hz))
            step += group
        ahead = 2 * cruise_hz4 * abs(cruise_hz4 - edge_hz4) + 2 * self._hz_per_s * _HZ8 * beyond - abs(change)
        return points + [(beyond, (ahead * _US_PER_HZ4 // (self._hz_per_s * cruise_hz4) + 1) // 2)]

    def _time_us(self, change_hz4: int) -> int:
        """How long a change of rate takes, to the nearest microsecond."""
        seconds, rest = change_hz4 // self._hz_per_s, change_hz4 % self._hz_per_s
        return seconds * _US_PER_HZ4 + (rest * _US_PER_HZ4 + self._hz_per_s // 2) // self._hz_per_s

    def _group(self, rate_hz: int) -> int:
        """Steps that may run evenly from `rate_hz` on: the root of 8 * sag * rate**3 / acceleration."""
        root = isqrt(8 * SAG_US * 400 * rate_hz // self._hz_per_s, rate_hz)
        return max(1, rate_hz * root // 20_000)


def of_bench(bench: "MotorFacts") -> Ramp | None:
    """The ramp of a bench; None when its motor runs at every rate at once."""
    if not bench.acceleration_hz_per_s or bench.start_rate_hz >= bench.max_rate_hz:
        return None
    return Ramp(bench.start_rate_hz, bench.acceleration_hz_per_s, bench.max_rate_hz)


def highest_rate_hz(bench: "MotorFacts") -> int:
    """The highest rate that a plan may have, so that every slice, the shortest of 1 s included, holds its steps and ramps."""
    highest = max(1, bench.max_rate_hz - SLACK_HZ)
    ramp = of_bench(bench)
    if ramp is None or highest <= bench.start_rate_hz:
        return highest
    low, high = bench.start_rate_hz, highest + 1
    while high - low > 1:
        middle = (low + high) // 2
        duration_us = US_PER_S - US_PER_S // middle - 1  # up to the last step, which may lie an interval before the end
        steps = middle * duration_us // US_PER_S + SLACK_HZ
        if ramp.reaches(steps, duration_us, middle * HZ4_PER_HZ):
            low = middle
        else:
            high = middle
    return low


# --- profile -----------------------------------------------------------------------------------------------------------------
# Rate to step timing: a slice of whole seconds becomes at most three items (steps, duration_us) for the generator.
#
# The generator spaces the steps of an item evenly, the last at its end. Items are placed so that every step falls on
# the time the plan gives it (to the nearest microsecond, never accumulating): a first step after a change, a run of equal
# intervals, and a dwell up to the slice's end where the gap is long. Rates above the motor's start rate are then laid out
# by `pumpcore.motion.profile`.

DWELL_FROM_US = 1_000_000
_WAIT_FROM_US = const(1_000)  # what is less is too short for a generator, or not worth it


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
