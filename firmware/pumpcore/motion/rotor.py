"""Dose by volume: the table of what each angle of the rotor brings, its exact inverse, and items of dose steps as motor steps."""

from pumpcore.units import const

if 0:  # for the type checker alone
    from pumpcore.shapes import Iterator, Prices

# --- rotor -------------------------------------------------------------------------------------------------------------------
# A dose step is the calibration's mean volume of a motor step. A grain is a dose step / (PARTS * turns), so a turn of the head is
# PARTS * turns_steps grains: the calibration exactly, also where a turn is no whole number of steps. The price of a bin is what it brings
# in grains, never below 0: steps of a dead zone are free, and come as soon as the step before is paid.
#
#     paid(n)  = whole * turn + E[b] + (E[b+1] - E[b]) * f // turns_steps      b, f = divmod((n * turns % turns_steps) * bins, turns_steps)
#     reach(g) = max { n : paid(n) <= g }                                       E[b]: sum of the prices before bin b
#
# Both never fall and repeat after `turns_steps` steps. Positions here count from a zero of the rotor: below 2**30 MicroPython needs no
# memory for a number.

PARTS = const(64)
MOST_BINS = const(384)  # more add nothing: what is learned from weights has no finer parts


class Rotor:
    """`prices` of the bins of one turn, in grains, from the rotor's zero on; the head makes `turns` turns in `turns_steps` steps.

    `dearest`: the most dose steps that one motor step brings. Raises ValueError if a price is negative, or a turn does not cost the pair.
    """

    def __init__(self, prices: "Prices", turns: int, turns_steps: int) -> None:
        self.bins = len(prices)
        self.turns, self.turns_steps = turns, turns_steps
        self.dose_step = PARTS * turns  # grains
        self.turn = PARTS * turns_steps
        if not 0 < self.bins <= MOST_BINS or not 0 < turns < 1 << 14 or not 0 < turns_steps < 1 << 24:
            raise ValueError("bins, turns or steps out of range")
        edges, total, dearest = [0] * (self.bins + 1), 0, 0
        for number in range(self.bins):
            price = prices[number]
            dearest = max(dearest, price)
            total += price
            if price < 0 or total > self.turn:
                raise ValueError("a price is out of range")
            edges[number + 1] = total
        if total != self.turn:
            raise ValueError("a turn costs %d grains, not %d" % (total, self.turn))
        self._edges = edges
        self.dearest = 1 if self.bins == 1 else dearest * self.bins // self.turn + 2

    def paid(self, position: int) -> int:
        """Return what the motor has brought at a position, in grains, rounded down."""
        whole, phase = divmod(position * self.turns, self.turns_steps)
        number, part = divmod(phase * self.bins, self.turns_steps)
        low = self._edges[number]
        return whole * self.turn + low + (self._edges[number + 1] - low) * part // self.turns_steps

    def reach(self, grains: int) -> int:
        """Return the last position that has brought no more: behind all free steps."""
        whole, rest = divmod(grains, self.turn)
        edges, low, high = self._edges, 0, self.bins
        while high - low > 1:  # the last bin that begins at or below `rest`
            middle = (low + high) // 2
            if edges[middle] <= rest:
                low = middle
            else:
                high = middle
        begun = edges[low]
        part = ((rest - begun + 1) * self.turns_steps - 1) // (edges[low + 1] - begun)
        return self._position(whole, low, part)

    def edge(self, position: int) -> int:
        """Return the last position up to which every further step costs the same."""
        whole, phase = divmod((position + 1) * self.turns, self.turns_steps)
        return max(position + 1, self._position(whole, phase * self.bins // self.turns_steps + 1, 0))

    def _position(self, whole: int, number: int, part: int) -> int:
        phase = (number * self.turns_steps + part) // self.bins
        return (whole * self.turns_steps + phase) // self.turns


def prices_of(volumes: "Prices") -> list:
    """Return what each bin costs, if it brings these volumes: by how much the running maximum grows in it. Both sum to a turn.

    A bin in which liquid flows back is free, and so are those after it, until it is made up for: also past the turn's end.
    """
    total = highest = 0
    for volume in volumes:
        total += volume
        highest = max(highest, total)
    reached, total, prices = highest - total, 0, []  # what the turn before left in front of the first bin
    for volume in volumes:
        total += volume
        price = max(0, total - reached)
        prices.append(price)
        reached += price
    return prices


def plain(turns: int, turns_steps: int) -> Rotor:
    """Return the table of a head that brings the same at each angle: by it a dose step is a motor step."""
    return Rotor([PARTS * turns_steps], turns, turns_steps)


# --- path --------------------------------------------------------------------------------------------------------------------
# From items of dose steps to items of motor steps that take as long.

_EVEN_US = const(900)  # a step that is off an even run by no more stays in it
# What is left of an item behind its last step becomes a part of the next item, which saves two: the queue may end so much sooner than it
# says, and 2.2 s of its low water are enough for flash at its worst.
_MOST_REST_US = const(300_000)
_ONE_IN = const(64)  # of fast steps by angle, those that may be added to catch up


class Path:
    """What was laid: `dose_steps`, an absolute position, and the motor's last step for it, `motor_steps()`.

    Within: `_at` counts motor steps from `_origin`, a zero of the rotor; `_end` is `paid` in grains when all of it is made. What the
    pace (`pace_us` from step to step) holds up comes with the next item; steps of the plain table are as fast as the items say, and those
    that catch up no closer than `shortest_us`.

    `before`: the path of another table up to `_origin + _begun`, which the motor may still be on.
    """

    def __init__(self, rotor: Rotor, zero_steps: int, paces: "tuple[int, int]") -> None:
        self.rotor = rotor
        self.zero_steps = zero_steps
        self.paces = paces
        self.dose_steps = self._least = 0
        self._origin = self._at = self._begun = self._end = self._rest_us = 0
        self._grains = self._duration_us = self._whole_us = self._part_us = 0  # the plan of an item: so many grains evenly over its time
        self.before: "Path | None" = None

    def begin(self, dose_steps: int, motor_steps: int, due: int = 0) -> None:
        """Stand at this motor position with `dose_steps` laid; `due` grains of them are not made yet."""
        self._at = (motor_steps - self.zero_steps) % self.rotor.turns_steps
        self._origin = motor_steps - self._at
        self.dose_steps, self._end, self._rest_us = dose_steps, self.rotor.paid(self._at) + due, 0

    def follow(self, before: "Path", now_steps: int) -> None:
        """Go on where `before` ends: what is delivered and what is due stay the same to a grain. The motor is at `now_steps`."""
        motor_steps = before.motor_steps()
        before.pass_by(now_steps)
        self.begin(before.dose_steps, motor_steps, before.due())
        self._rest_us = before.take_rest()
        self.before, self._begun = before, self._at
        self._least = before.delivered(motor_steps)

    def pass_by(self, motor_steps: int) -> None:
        """Forget the path before, if the motor at this position has left it."""
        if motor_steps - self._origin >= self._begun:
            self.before = None

    def motor_steps(self) -> int:
        """Return the position of the motor when all that was laid is made."""
        return self._origin + self._at

    def due(self) -> int:
        """Return the grains that were laid and will not be made by what is queued."""
        return self._end - self.rotor.paid(self._at)

    def late_us(self) -> int:
        """Return how long the steps take that the pace has held up."""
        return (self.rotor.reach(self._end) - self._at) * self.paces[0]

    def motor(self, dose_steps: int) -> int:
        """Return the position of the motor when `dose_steps` are delivered, all free steps behind them made."""
        return self._origin + self.rotor.reach(self._end + (dose_steps - self.dose_steps) * self.rotor.dose_step)

    def delivered(self, motor_steps: int) -> int:
        """Return the dose steps that the motor has delivered at a position: never fewer than it has brought.

        Of those that were laid, the ones that need no more motor steps count at once; others only if the motor has gone too far.
        """
        at, dose_step = motor_steps - self._origin, self.rotor.dose_step
        if self.before is not None and at < self._begun:
            return self.before.delivered(motor_steps)
        due, rotor = self._end - self.rotor.paid(at), self.rotor
        left = min(due // dose_step, (self._end - rotor.paid(at + 1)) // dose_step + 1)
        if due >= 0 and left <= 0:
            return self.dose_steps
        return max(self._least, self.dose_steps - (left if due >= 0 else due // dose_step))

    def halted(self, motor_steps: int) -> int:
        """The motor stands there: what was laid beyond is not made. Return the dose steps delivered."""
        before, at, dose = self.before, motor_steps - self._origin, self.delivered(motor_steps)
        if before is not None and at < self._begun:
            before.halted(motor_steps)
            due = before.due()
        else:
            due = self._end - (self.dose_steps - dose) * self.rotor.dose_step - self.rotor.paid(at)
        self.before, self._least = None, dose
        self.begin(dose, motor_steps, due)
        return dose

    def lay(self, steps: int, duration_us: int) -> "Iterator[tuple[int, int]]":
        """Yield the motor's items for `steps` dose steps, evenly spaced over `duration_us`. They take as long, but for the rest.

        Each motor step comes when the one before is paid, rounded up to a microsecond.
        """
        rotor = self.rotor
        if self._at >= rotor.turns_steps:
            self._turn()
        self.dose_steps += steps
        grains = steps * rotor.dose_step
        self._end += grains
        target = rotor.reach(self._end)
        if rotor.bins == 1:
            return self._lay_plain(steps, target - self._at, duration_us)
        self._grains, self._duration_us = grains, duration_us
        self._whole_us, self._part_us = divmod(duration_us, grains or 1)  # smaller products than duration_us * grains
        return self._lay(target)

    def _turn(self) -> None:
        """Count from the rotor's last zero."""
        rotor = self.rotor
        whole = self._at // rotor.turns_steps * rotor.turns_steps
        self._origin += whole
        self._at -= whole
        self._begun -= whole
        self._end -= whole * rotor.dose_step

    def _lay_plain(self, steps: int, due_steps: int, duration_us: int) -> "Iterator[tuple[int, int]]":
        """By angle: the items as they are; what another table has left due is added where the motor has room for it."""
        if self._rest_us:
            yield 0, self.take_rest()
        count = steps
        if due_steps > steps:
            most = max(duration_us // self.paces[0], min(steps + steps // _ONE_IN, duration_us // self.paces[1]))
            count = max(steps, min(due_steps, most))
        self._at += count
        yield count, duration_us

    def take_rest(self) -> int:
        """Return the time that no item has yet; it has one now."""
        rest_us, self._rest_us = self._rest_us, 0
        return rest_us

    def _lay(self, target: int) -> "Iterator[tuple[int, int]]":
        """Yield runs of even steps up to `target`, none of them closer than the pace."""
        rotor, pace_us, duration_us, made_us = self.rotor, self.paces[0], self._duration_us, -self.take_rest()
        while self._at < target:
            upto, first_us = min(target, rotor.edge(self._at)), self._due_us(self._at + 1)
            if first_us < made_us:  # late: what is due by now comes at the pace
                upto = max(self._at + 1, min(upto, rotor.reach(self._end - (duration_us - made_us) * self._grains // duration_us)))
                last_us = made_us + (upto - self._at) * pace_us
            else:
                first_us = max(first_us, made_us + pace_us)
                last_us = max(self._due_us(upto), first_us + (upto - self._at - 1) * pace_us)
                count = upto - self._at
                if abs((first_us - made_us) * count - (last_us - made_us)) > _EVEN_US * count and first_us <= duration_us:
                    self._at += 1
                    yield 1, first_us - made_us
                    made_us = first_us
            count = upto - self._at
            if last_us > duration_us:  # what the pace holds up comes with the next item
                count = min(count, (duration_us - made_us) // pace_us)
                last_us = made_us + count * pace_us
            if count <= 0:
                break
            self._at += count
            yield count, last_us - made_us
            made_us = last_us
        self._rest_us = duration_us - made_us
        if self._rest_us > _MOST_REST_US:
            yield 0, self.take_rest()

    def _due_us(self, at: int) -> int:
        """Return when a motor step is paid, rounded up; 0 or less if it is overdue."""
        if not self._grains:
            return 0
        unpaid = self._end - self.rotor.paid(at)
        return self._duration_us - unpaid * self._whole_us - unpaid * self._part_us // self._grains
