"""From steps to times: evenly spaced trains, and ramps for a motor that cannot start at full speed."""

from pumpcore.motion.dose import Accumulator
from pumpcore.units import HZ4_PER_HZ, US_PER_S, ceil_div, const

if 0:  # for the type checker alone
    from pumpcore.shapes import Items, MotorFacts

# --- ramp --------------------------------------------------------------------------------------------------------------------
# A ramp gives a slice of fast steps constant acceleration where the rate before or after it differs.
#
# A slice keeps its number of steps and its length. Between its ramps it runs a little above or below its mean rate:
#
#     begin_hz4 -> cruise_hz4 -> end_hz4, both changes at the motor's acceleration
#
# It begins at the rate at which the last slice ended (from rest: at the start rate). It ends at its own rate, or at that of the next slice
# if that is known and lower. The run ends abruptly if the next rate is not known in time (a limit, a late cancellation, a stop) or has too
# few steps to slow down in: a dwell has no steps to ramp with.
#
# Rates ending in _hz4 are whole ten-thousandths of a hertz, times whole microseconds. Steps are grouped into items that run evenly; no step
# is further than 12 us from its ideal time. What is computed per group stays below 2**30 up to 25,000 Hz: MicroPython allocates memory for
# longer integers.

SAG_US = const(11)  # most error in the middle of an evenly run group, before rounding
STEADY_US = const(2)  # a change of rate that moves every step by less is ignored
SLACK_HZ = const(4)  # whole steps of two sources, and ends rounded to 1 us, make a second hold up to this many more
_HZ8 = const(100_000_000)
_HZ4_US = const(10_000_000_000)
_US_PER_HZ4 = const(100)


def isqrt(number: int, value: int) -> int:
    """Return the whole part of the square root of `number` >= 0. Quickest if `value` > 0 is near it."""
    root = (value + number // value) // 2  # never below the root
    while root:
        better = (root + number // root) // 2
        if better >= root:
            break
        root = better
    return root


class Ramp:
    """A motor that starts at up to `start_rate_hz`, accelerates with `hz_per_s`, and never exceeds `max_rate_hz`.

    `rate_hz4` is the rate at which the last slice ended; 0 at rest and below the start rate.
    """

    def __init__(self, start_rate_hz: int, hz_per_s: int, max_rate_hz: int) -> None:
        self.start_hz4 = start_rate_hz * HZ4_PER_HZ
        self.top_hz4 = max_rate_hz * _HZ4_US // (max_rate_hz + US_PER_S)  # one step is 1 us longer than the shortest
        self.hz_per_s = hz_per_s
        self.rate_hz4 = 0

    def rest(self) -> None:
        """The generator stands still, or runs no faster than the start rate."""
        self.rate_hz4 = 0

    def items(self, items: "Items", wait_us: int, rate_hz4: int, next_hz4: int) -> "Items":
        """Return the items of a slice at `rate_hz4` before one at `next_hz4`: `items` itself, or its steps and time with ramps.

        `wait_us` of it lie before the slice's own seconds; from rest the first step counts from there. Raises ValueError if the slice is
        too short to reach its rate; `highest_rate_hz` keeps programs from that.
        """
        steps, duration_us = sum([item[0] for item in items]), sum([item[1] for item in items])
        wait_us = 0 if self.rate_hz4 else wait_us
        duration_us -= wait_us
        mean_hz4 = steps * _HZ4_US // duration_us
        begin_hz4 = max(self.start_hz4, self.rate_hz4)
        for end_hz4 in (min(rate_hz4, next_hz4), min(rate_hz4, mean_hz4)):
            end_hz4 = max(self.start_hz4, end_hz4)
            self.rate_hz4 = end_hz4
            if self._steady(mean_hz4, begin_hz4, end_hz4):
                return items
            cruise_hz4 = self.cruise_hz4(steps, duration_us, begin_hz4, end_hz4)
            if cruise_hz4:
                return self._lay((steps, duration_us), wait_us, begin_hz4, cruise_hz4, end_hz4)
        if mean_hz4 > begin_hz4:
            raise ValueError("%d steps in %d us are too many for the ramp" % (steps, duration_us))
        self.rate_hz4 = mean_hz4 if mean_hz4 > self.start_hz4 else 0
        return items

    def reaches(self, steps: int, duration_us: int, rate_hz4: int) -> bool:
        """Return True if `steps` fit into `duration_us` from the start rate up to `rate_hz4`, or from there down."""
        return self.cruise_hz4(steps, duration_us, self.start_hz4, rate_hz4) > 0

    def _steady(self, rate_hz4: int, start_hz4: int, next_hz4: int) -> bool:
        off = (start_hz4 - rate_hz4) ** 2 + (next_hz4 - rate_hz4) ** 2
        return off * _US_PER_HZ4 <= 2 * self.hz_per_s * rate_hz4 * STEADY_US

    def cruise_hz4(self, steps: int, duration_us: int, start_hz4: int, next_hz4: int) -> int:
        """Return the rate between the ramps that makes `steps` in `duration_us`; 0 if there is none."""
        change_hz4 = self.hz_per_s * duration_us // _US_PER_HZ4
        low = max(self.start_hz4, (start_hz4 + next_hz4 - change_hz4 + 1) // 2)
        high = min(self.top_hz4, (start_hz4 + next_hz4 + change_hz4) // 2)
        wanted = 2 * self.hz_per_s * _HZ8 * steps

        def made(rate_hz4: int) -> int:
            lost = (rate_hz4 - start_hz4) * abs(rate_hz4 - start_hz4) + (rate_hz4 - next_hz4) * abs(rate_hz4 - next_hz4)
            return 2 * self.hz_per_s * duration_us * rate_hz4 // _US_PER_HZ4 - lost

        if abs(start_hz4 - next_hz4) > change_hz4 or low > high or not made(low) <= wanted <= made(high):
            return 0
        while high - low > 1:
            middle = (low + high) // 2
            if made(middle) <= wanted:
                low = middle
            else:
                high = middle
        return low

    def _lay(self, total: tuple[int, int], wait_us: int, start_hz4: int, cruise_hz4: int, next_hz4: int) -> "Items":
        steps, duration_us = total
        points = [point for point in self._edge(start_hz4, cruise_hz4) if point[0] < steps]
        reached = points[-1][0] if points else 0
        for step, time_us in reversed(self._edge(next_hz4, cruise_hz4)):
            if steps - step > reached:
                points.append((steps - step, duration_us - time_us))
        points.append(total)
        items, before, before_us = [], 0, -wait_us
        for step, time_us in points:
            items.append((step - before, time_us - before_us))
            before, before_us = step, time_us
        return items

    def _edge(self, rate_hz4: int, cruise_hz4: int) -> "Items":
        """Return the ends of the groups of a ramp, (steps, time_us) from the slice's edge inwards.

        The first group is one step; the last ends with the first step beyond the ramp.
        """
        twice = 2 * self.hz_per_s if cruise_hz4 > rate_hz4 else -2 * self.hz_per_s  # change of the squared rate per step
        change = cruise_hz4 * cruise_hz4 - rate_hz4 * rate_hz4
        beyond = max(1, -(-change // (twice * _HZ8)))
        square_hz2 = rate_hz4 * rate_hz4 // _HZ8
        part = rate_hz4 * rate_hz4 % _HZ8 // HZ4_PER_HZ
        floor_hz2 = min(rate_hz4, cruise_hz4) ** 2 // _HZ8
        points, step, rate_hz = [], 1, rate_hz4 // HZ4_PER_HZ
        while step < beyond:
            hz2 = square_hz2 + twice * step
            rate_hz = isqrt(hz2, rate_hz)
            more_hz4 = ((hz2 - rate_hz * rate_hz) * HZ4_PER_HZ + part) // (2 * rate_hz)
            more_hz4 -= more_hz4 * more_hz4 // (2 * HZ4_PER_HZ * rate_hz)
            points.append((step, self._time_us(abs(rate_hz * HZ4_PER_HZ + more_hz4 - rate_hz4))))
            group = self.group(rate_hz)
            if twice < 0:  # the slowest rate of the group decides its size
                group = self.group(isqrt(max(hz2 + twice * group, floor_hz2), rate_hz))
            step += group
        ahead = 2 * cruise_hz4 * abs(cruise_hz4 - rate_hz4) + 2 * self.hz_per_s * _HZ8 * beyond - abs(change)
        return points + [(beyond, (ahead * _US_PER_HZ4 // (self.hz_per_s * cruise_hz4) + 1) // 2)]

    def _time_us(self, rate_hz4: int) -> int:
        """Return how long a change of rate takes, to the nearest microsecond."""
        seconds, rest = rate_hz4 // self.hz_per_s, rate_hz4 % self.hz_per_s
        return seconds * _US_PER_HZ4 + (rest * _US_PER_HZ4 + self.hz_per_s // 2) // self.hz_per_s

    def group(self, rate_hz: int) -> int:
        """Return how many steps may run evenly from `rate_hz` on: the root of 8 * sag * rate**3 / acceleration."""
        root = isqrt(8 * SAG_US * 400 * rate_hz // self.hz_per_s, rate_hz)
        return max(1, rate_hz * root // 20_000)


def of_bench(bench: "MotorFacts") -> Ramp | None:
    """Return the ramp of a bench; None if its motor can start at every rate."""
    if not bench.acceleration_hz_per_s or bench.start_rate_hz >= bench.max_rate_hz:
        return None
    return Ramp(bench.start_rate_hz, bench.acceleration_hz_per_s, bench.max_rate_hz)


def highest_rate_hz(bench: "MotorFacts") -> int:
    """Return the highest rate of a plan: every slice, even the shortest of 1 s, then has room for its steps and ramps."""
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
# The generator spaces the steps of an item evenly, the last at its end. Items are placed so that every step falls on the time of the plan
# (to the nearest microsecond, never accumulating): a first step after a change, a run of equal intervals, and a dwell up to the slice's end
# if the gap is long. A `Ramp` then lays out rates above the motor's start rate.

DWELL_FROM_US = const(1_000_000)
_WAIT_FROM_US = const(1_000)  # shorter waits are too short for a generator, or not worth an item


class Train:
    """The end of the queue in time: everything up to `end_us` (since the start of the span) has become items.

    `shortest_us` is the shortest time of the driver for a step; a first step that is due earlier comes then. A dwell ends this much before
    its slice, so that a step due at the very beginning of the next slice is still on time.
    """

    def __init__(self, shortest_us: int = 1, ramp: Ramp | None = None) -> None:
        self.ramp = ramp
        self.end_us = 0
        self.shortest_us = shortest_us
        self._flow = -1

    def single(self, source: Accumulator, rate_nl: int, end_us: int, duration_s: int) -> "tuple[int, Items]":
        """Return (steps, items) of one source over the `duration_s` that end at `end_us`; advance `source`."""
        if rate_nl == 0:
            return 0, self.dwell(end_us)
        flow = source.flow(rate_nl)
        first_us = -1
        if flow != self._flow:
            first_us = end_us - duration_s * US_PER_S + source.until_next_step_us(rate_nl)
        steps = source.advance(rate_nl, duration_s)
        if steps == 0:
            return 0, self.dwell(end_us)
        since_us = source.since_last_step_us(rate_nl)
        last_us = end_us - since_us
        if first_us < 0:
            items = [(steps, last_us - self.end_us)]
            self.end_us = last_us
        else:
            items = self._placed(steps, first_us, last_us)
            self._flow = flow
        if since_us >= DWELL_FROM_US:
            items += self.dwell(end_us)
        return steps, items

    def move_to(self, end_us: int) -> None:
        """The generator rested until `end_us`, so the next step is placed anew."""
        if end_us > self.end_us:
            self.end_us = end_us
            self._flow = -1
            if self.ramp is not None:
                self.ramp.rest()

    def merged(self, steps: int, end_us: int, duration_s: int) -> "Items":
        """Return the items of several sources: `steps` evenly spaced over the `duration_s` that end at `end_us`.

        The gap between the last step and the begin of that time is a dwell, so that no step of a bolus comes early.
        """
        its_us = end_us - self.end_us
        wait_us = its_us - duration_s * US_PER_S
        self._flow, self.end_us = -1, end_us
        return [(0, wait_us), (steps, its_us - wait_us)] if wait_us > _WAIT_FROM_US else [(steps, its_us)]

    def _placed(self, steps: int, begin_us: int, end_us: int) -> "Items":
        """Place the first step anew."""
        start_us = self.end_us
        begin_us = max(begin_us, start_us + self._interval_us())
        end_us = self.end_us = max(end_us, begin_us)
        if steps == 1:
            return [(1, end_us - start_us)]
        return [(1, begin_us - start_us), (steps - 1, end_us - begin_us)]

    def _interval_us(self) -> int:
        """Return the shortest time to a step that is placed anew: after a fast run, the interval that the motor has slowed to."""
        ramp = self.ramp
        if ramp is None or not ramp.rate_hz4:
            return self.shortest_us
        return max(self.shortest_us, ceil_div(HZ4_PER_HZ * US_PER_S, ramp.rate_hz4))

    def dwell(self, end_us: int) -> "Items":
        self._flow = -1
        end_us -= self.shortest_us - 1
        if end_us <= self.end_us:
            return []
        items = [(0, end_us - self.end_us)]
        self.end_us = end_us
        return items
