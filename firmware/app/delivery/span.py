"""One uninterrupted run: pump seconds from its start, planned slice by slice into items for the step generator."""

from app.delivery.basal import Basal
from pumpcore.motion.profile import Train
from pumpcore.orders import bolus as boluses
from pumpcore.orders.bolus import Bolus
from pumpcore.program.schedule import Week
from pumpcore.units import HZ4_PER_HZ, MS_PER_S, US_PER_S, const

if 0:  # for the type checker alone
    from app.types import Ceilings, Items, Reservoir, Settings, WallClock

SLICE_S = const(4)
NEVER_STEPS = const(1 << 62)
_SLICES_KEPT = const(8)  # more than the queue can hold, even with slices of one second


class Span:
    """`planned_s` and `lease_end_s` are pump seconds since `origin_ms`; `ordered_steps` is the absolute planned position.

    `end_ms` is the uptime at which everything queued will have been made; kept, because every turn of the loop reads it. `bolus_ends`: the
    bolus was cancelled and ends with the present lease. `alone`: there is no basal, the span is its bolus, and `ceilings` are its own;
    otherwise None: the program's. `low_at_steps` and `empty_at_steps` are the positions at which the reservoir is reported as low, and
    beyond which nothing is leased.
    """

    def __init__(self, origin_ms: int, basal: Basal, position_steps: int, train: Train | None = None) -> None:
        self.origin_ms = origin_ms
        self.basal = basal
        self.alone = basal.program is None
        self.low_at_steps = self.empty_at_steps = NEVER_STEPS
        self.ceilings: "Ceilings | None" = None
        self.bolus: Bolus | None = None
        self.bolus_ends = False
        self.end_ms = origin_ms
        self.train = train or Train()
        # the pump second and uptime from which the train counts: its times stay small, and small integers need no memory
        self._train_s, self._train_ms = 0, origin_ms
        self.planned_s = 0
        self.lease_end_s = 0
        self.entry = -1
        self.rate_nl = 0
        self.ordered_steps = position_steps
        self.leased_steps = position_steps
        self._slices: list[tuple[Bolus, int, int, int]] = []

    def watch_tank(self, tank: "Reservoir | None", settings: "Settings | None") -> None:
        """Compute the positions where the reservoir will be low and empty, by the last refill."""
        watched = tank is not None and settings is not None
        self.low_at_steps = tank.position_at(settings.low_nl) if watched else NEVER_STEPS
        self.empty_at_steps = tank.position_at(settings.empty_nl) if watched else NEVER_STEPS

    def follow(self, wall: "WallClock", uptime_ms: int, shift_s: int) -> None:
        """Follow a clock that was corrected by `shift_s`, became known, or got another transition."""
        week = self.basal.week
        passed_s = (uptime_ms - self.origin_ms) // MS_PER_S
        self.basal.week = wall.week(passed_s) if shift_s or week is None else Week(week.utc_s, wall.zone)

    def at_ms(self, second_s: int) -> int:
        """Return the uptime of a pump second."""
        return self.origin_ms + second_s * MS_PER_S

    def catch_up(self, uptime_ms: int) -> None:
        """If nothing is queued, the generator begins now: move the train's end there."""
        train = self.train
        train.end_us -= (self.planned_s - self._train_s) * US_PER_S
        self._train_s = self.planned_s
        begun_ms = self._train_ms = self.at_ms(self.planned_s)
        train.move_to((uptime_ms - begun_ms) * MS_PER_S)
        self.end_ms = begun_ms + train.end_us // MS_PER_S

    def set_entry(self, entry: int) -> bool:
        """Use the entry of the next lease; return True if it differs from the last one."""
        changed = entry != self.entry
        self.entry = entry
        self.rate_nl = self.basal.rate_nl(entry, self.planned_s)
        return changed

    def flow(self, duration_s: int) -> tuple[int, int]:
        """Return (rate, seconds) whose product is the basal of the next `duration_s`: of a ramp, the sum of its rates and 1."""
        course = self.basal.course
        if course is not None and course.ramps(self.entry):
            return course.sum_nl(self.planned_s, duration_s), 1
        return self.rate_nl, duration_s

    def peek(self, duration_s: int) -> tuple[int, int]:
        """Return (basal, bolus) steps due in the next `duration_s` at the present rates."""
        basal_steps = self.basal.accumulator.peek(*self.flow(duration_s))
        bolus = self.bolus
        if bolus is None:
            return basal_steps, 0
        due = bolus.accumulator.peek(bolus.rate_nl, duration_s)
        return basal_steps, min(due, bolus.steps - bolus.planned_steps)

    def plan_slice(self) -> "Items":
        """Return the items of the next slice, at most 4 s and never past the lease."""
        duration_s = self.lease_end_s - self.planned_s
        if duration_s > SLICE_S:
            duration_s = SLICE_S
        course = self.basal.course
        if course is not None and course.ramps(self.entry):  # a ramp is a staircase of seconds
            duration_s, self.rate_nl = 1, course.rate_nl(self.entry, self.planned_s)
        self.planned_s += duration_s
        train, bolus = self.train, self.bolus
        end_us = (self.planned_s - self._train_s) * US_PER_S
        if bolus is None:
            steps, items = train.single(self.basal.accumulator, self.rate_nl, end_us, duration_s)
        else:
            its_steps = bolus.advance(duration_s)
            steps = self.basal.accumulator.advance(self.rate_nl, duration_s) + its_steps
            items = train.merged(steps, end_us, duration_s)
        if train.ramp is not None:
            items = self._ramped(items, end_us - duration_s * US_PER_S)
        self.end_ms = self._train_ms + train.end_us // MS_PER_S
        self.ordered_steps += steps
        if bolus is not None:
            self.remember(bolus, steps, its_steps)
        return items

    def _ramped(self, items: "Items", begin_us: int) -> "Items":
        ramp = self.train.ramp
        rate_hz4 = self.basal.accumulator.rate_hz4(self.rate_nl)
        if self.bolus is not None:
            rate_hz4 += self.bolus.accumulator.rate_hz4(self.bolus.rate_nl)
        if rate_hz4 <= ramp.start_hz4:
            ramp.rest()
            return items
        begun_us = self.train.end_us - sum([item[1] for item in items])
        wait_us = max(0, begin_us - begun_us)
        return ramp.items(items, wait_us, rate_hz4, self.next_hz4())

    def next_hz4(self) -> int:
        """Return the rate after what is planned, as far as it is known: a ceiling or a cancellation may still end it."""
        leased, bolus = self.planned_s < self.lease_end_s, self.bolus
        entry = self.entry if leased else self.basal.entry_at(self.planned_s)
        basal_hz4 = self.basal.accumulator.rate_hz4(self.basal.rate_nl(entry, self.planned_s))
        if bolus is None or bolus.rest_s() <= 0 or (self.bolus_ends and not leased):
            return basal_hz4
        bolus_hz4 = bolus.accumulator.rate_hz4(bolus.rate_nl)
        if bolus.rest_s() <= SLICE_S:  # its last second is seldom full
            bolus_hz4 = min(bolus_hz4, (bolus.steps - bolus.planned_steps) * HZ4_PER_HZ // bolus.rest_s())
        return basal_hz4 + bolus_hz4

    def begin_bolus(self, bolus: Bolus) -> None:
        """Merge `bolus` from the next slice on. The present lease ends there: no lease crosses a bolus's start."""
        bolus.state = boluses.DELIVERING
        self.bolus = bolus
        self.bolus_ends = False
        self.lease_end_s = self.planned_s

    def end_bolus(self) -> Bolus:
        """Remove and return the bolus. Call it at the end of a lease, so that none of it stays open."""
        bolus, self.bolus = self.bolus, None
        return bolus

    def remember(self, bolus: Bolus, steps: int, bolus_steps: int) -> None:
        """Note that `steps` were ordered in a slice, `bolus_steps` of them for `bolus`."""
        self._slices.append((bolus, self.ordered_steps - steps, steps, bolus_steps))
        if len(self._slices) > _SLICES_KEPT:
            self._slices.pop(0)

    def bolus_delivered(self, bolus: Bolus, position_steps: int) -> int:
        """Return the bolus's share of the steps delivered up to `position_steps`; within a slice in proportion, rounded down."""
        delivered = bolus.planned_steps
        for its_bolus, before, steps, its_steps in reversed(self._slices):
            if its_bolus is bolus and steps:  # a slice of a slow one may hold none
                made = position_steps - before
                if made >= steps:
                    return delivered
                delivered -= its_steps - max(0, made) * its_steps // steps
        return delivered
