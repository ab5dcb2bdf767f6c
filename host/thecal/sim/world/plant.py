"""The motor side of the pump: the queue of pulses, the guard that counts them, and the steps that really happened.

O(slices), not O(steps). Times are guest nanoseconds of the running power-up, because crystal and generator are one.
`true_steps` is out of the firmware's reach: no device file carries it, and it survives power cuts.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from thecal.sim.world.individual import Crystal


class Slice:
    """`steps` pulses, evenly spaced over `duration_ns` from `start_ns`; the last one exactly at the end."""

    __slots__ = ("emitted", "end_ns", "start_ns", "steps")

    def __init__(self, start_ns: int, steps: int, duration_ns: int) -> None:
        self.start_ns = start_ns
        self.steps = steps
        self.end_ns = start_ns + duration_ns
        self.emitted = 0

    def due(self, now_ns: int) -> int:
        """Return the number of pulses whose time has come."""
        if now_ns >= self.end_ns:
            return self.steps
        return (now_ns - self.start_ns) * self.steps // (self.end_ns - self.start_ns)

    def time_ns(self, pulse: int) -> int:
        """Return when pulse number `pulse` (from 1) leaves, rounded up to a whole nanosecond."""
        return _time_ns(self.start_ns, self.end_ns, self.steps, pulse)


def _time_ns(start_ns: int, end_ns: int, steps: int, pulse: int) -> int:
    return start_ns - (start_ns - end_ns) * pulse // steps


class Guard:
    """The second counter. It starts at zero at power-up and holds the enable line of the driver."""

    def __init__(self) -> None:
        self.count = 0
        self.allowance = 0
        self.tripped = False

    def take(self, pulses: int) -> int:
        """Count up to `pulses` and return how many passed: at most one beyond the allowance, which trips the guard."""
        passed = pulses
        if self.count + pulses > self.allowance:
            passed = min(pulses, max(1, self.allowance - self.count + 1))
        self.count += passed
        self.tripped = self.count > self.allowance
        return passed


class LastStep(NamedTuple):
    """The last step that happened: its slice as it was then, and its number in the slice."""

    crystal: Crystal
    start_ns: int
    end_ns: int
    steps: int
    pulse: int


class Plant:
    """Generator, guard, driver and motor. Every method brings itself up to `now_ns` first."""

    def __init__(self) -> None:
        self.true_steps = 0
        self.powered = True  # the motor's own supply
        self._energised = False  # of the driver, as seen last
        # called with the true ns when the driver takes hold of the motor
        self.on_energise: Callable[[int], None] | None = None
        self._last_step: LastStep | None = None
        # called for each run of true steps with (true ns of the first and of the last step, steps before them, steps)
        self.watch: Callable[[int, int, int, int], None] | None = None
        self.guard = Guard()
        self.power_up(Crystal(0, 0, 0))

    def power_up(self, crystal: Crystal) -> None:
        """Reset everything except the true count: motor disabled, guard at zero, nothing allowed."""
        self.guard = Guard()
        self.generated = 0
        self.underruns = 0
        self.enabled = False
        self.stop_latched = self.stop_held = False
        self._held_until_ns = 0
        self._crystal = crystal
        self._queue: deque[Slice] = deque()

    def queue(self, now_ns: int, steps: int, duration_ns: int) -> None:
        """Queue a slice after the queued ones; it starts now if the queue is empty."""
        self.settle(now_ns)
        queue = self._queue
        start_ns = queue[-1].end_ns if queue else now_ns
        queue.append(Slice(start_ns, 0 if self.held else steps, duration_ns))

    def queued_ns(self, now_ns: int) -> int:
        """Return the time still queued."""
        self.settle(now_ns)
        return self._queue[-1].end_ns - now_ns if self._queue else 0

    def halt(self, now_ns: int) -> int:
        """Drop the queue; return the pulses generated since power-up."""
        self.settle(now_ns)
        self._queue.clear()
        return self.generated

    def enable(self, now_ns: int, on: bool) -> None:
        self.settle(now_ns)
        self.enabled = on
        self._look_at_driver(now_ns)

    def allow(self, now_ns: int, steps: int) -> None:
        """Move the guard's allowance to this absolute count."""
        self.settle(now_ns)
        self.guard.allowance = steps

    def rearm(self, now_ns: int) -> None:
        self.settle(now_ns)
        self.guard.tripped = False
        self._look_at_driver(now_ns)

    def latch_stop(self, now_ns: int) -> None:
        """Press the stop button: the enable line drops in hardware, and queued steps are not made."""
        self.settle(now_ns)
        self.stop_latched = True
        self._strike_queue()

    def hold_stop(self, now_ns: int, duration_ns: int) -> None:
        """Press the stop button and hold it."""
        self.latch_stop(now_ns)
        self.stop_held, self._held_until_ns = True, now_ns + duration_ns

    def power_down(self, now_ns: int) -> None:
        self.settle(now_ns)
        self._queue.clear()
        self.enabled = self._energised = False

    def supply(self, now_ns: int, powered: bool) -> None:
        """Set if the motor's own supply is there."""
        self.settle(now_ns)
        self.powered = powered
        self._look_at_driver(now_ns)

    @property
    def last_step_ns(self) -> int | None:
        """Return the true time of the last step; None before the first."""
        if self._last_step is None:
            return None
        crystal, *slice_and_pulse = self._last_step
        return crystal.true_ns(_time_ns(*slice_and_pulse))

    @property
    def held(self) -> bool:
        """Hold the enable line off in hardware; the generator sees its pad and makes no pulse."""
        return self.guard.tripped or self.stop_latched or self.stop_held

    @property
    def moving(self) -> bool:
        """Return the level of the enable line at the motor driver."""
        return self.enabled and not self.held

    @property
    def busy(self) -> bool:
        return bool(self._queue)

    def settle(self, now_ns: int) -> None:
        """Carry out everything that is due by `now_ns`."""
        if self.stop_held and now_ns >= self._held_until_ns:
            self.stop_held = False
        queue = self._queue
        while queue:
            current = queue[0]
            due = current.due(now_ns)
            if due > current.emitted:
                self._emit(current, due - current.emitted)
            if now_ns < current.end_ns:
                return
            queue.popleft()
            if not queue and current.steps and self.moving:
                self.underruns += 1

    def _emit(self, current: Slice, pulses: int) -> None:
        guard = self.guard
        was_moving = self.enabled and self.powered and not self.held
        if was_moving and not self._energised:
            self._look_at_driver(current.time_ns(current.emitted + 1))
        passed = guard.take(pulses)
        current.emitted += passed
        self.generated += passed
        if was_moving:
            if self.watch is not None:
                first_ns = self._crystal.true_ns(current.time_ns(current.emitted - passed + 1))
                self.watch(first_ns, self._crystal.true_ns(current.time_ns(current.emitted)), self.true_steps, passed)
            self.true_steps += passed
            self._last_step = LastStep(self._crystal, current.start_ns, current.end_ns, current.steps, current.emitted)
        if guard.tripped:
            self._strike_queue()

    def _strike_queue(self) -> None:
        """Let queued slices last as long as before, without pulses, even after a release."""
        self._energised = False
        for waiting in self._queue:
            waiting.steps = waiting.emitted = 0

    def _look_at_driver(self, now_ns: int) -> None:
        """Report when the driver takes hold."""
        before, self._energised = self._energised, self.moving and self.powered
        if self._energised and not before and self.on_energise is not None:
            self.on_energise(self._crystal.true_ns(now_ns))
