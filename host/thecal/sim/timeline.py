"""True time of the bench, in nanoseconds since the simulator was made; it survives power cuts.

Time stands still while the guest computes and moves only while it waits for input that is not there: as far as
`advance` allows (virtual), or as far as the wall clock has gone times `speed` (real time). So a slow computer makes
the pump late by the wall, and never makes it miss a deadline of its own.
"""

import threading
import time
from collections.abc import Callable

from thecal.sim.errors import BoardReset, PowerCut, SimulatorError

NEVER_NS = 1 << 62
SPEED_LIMIT = 100
_NS = 1_000_000_000


class Timeline:
    """Shared by the guest's thread, which waits on it, and by those who drive or watch the pump.

    `speed` None is virtual time. `lock`, which is the condition's, guards everything that more than one thread touches.
    """

    def __init__(self, speed: float | None) -> None:
        self.lock = threading.RLock()
        self.condition = threading.Condition(self.lock)
        self.now_ns = 0
        self.cut_at_ns = NEVER_NS
        self.watchdog_at_ns = NEVER_NS
        self.guest_alive = False
        self.guest_time_ns = 0
        self.interruption: BaseException | None = None
        self._guest_time_before_ns = 0
        self._idle = False
        self._is_ready: Callable[[], bool] = bool
        self._deadline_ns = NEVER_NS
        self._reach_ns = 0
        self._anchor_ns = time.monotonic_ns()
        self.speed: float | None = None
        self.set_speed(speed)

    def set_speed(self, speed: float | None) -> None:
        """Change the pace of the wall from now on; None hands time to `advance`."""
        if speed is not None and not 0 < speed <= SPEED_LIMIT:
            raise SimulatorError(f"speed {speed} is not above 0 and at most {SPEED_LIMIT}")
        with self.condition:
            self._reach_ns = self.reach_ns()
            self._anchor_ns = time.monotonic_ns()
            self.speed = speed
            self.condition.notify_all()

    def reach_ns(self) -> int:
        """Return the limit of time at this moment."""
        if self.speed is None:
            return self._reach_ns
        return self._reach_ns + int((time.monotonic_ns() - self._anchor_ns) * self.speed)

    # -- the guest's side

    def wait(self, deadline_ns: int, is_ready: Callable[[], bool]) -> bool:
        """Sleep until `is_ready` (True) or true time `deadline_ns` (False); raise the exception that ends the power-up."""
        with self.lock:
            now_ns = max(self.now_ns, deadline_ns)
            free = self.speed is None and self.interruption is None and now_ns <= self._reach_ns
            if free and now_ns < self.cut_at_ns and now_ns < self.watchdog_at_ns:  # the usual case of the loop below
                if is_ready():
                    return True
                self.now_ns = now_ns
                return False
            while True:
                if self.interruption is not None:
                    raise self.interruption
                virtual = self.speed is None
                if virtual and is_ready():  # before time moves, so that earlier input is answered earlier
                    return True
                self._move(deadline_ns)
                if self.now_ns >= self.cut_at_ns or self.now_ns >= self.watchdog_at_ns:
                    self._ring()
                if not virtual and is_ready():
                    return True
                if self.now_ns >= deadline_ns:
                    return False
                self._sleep(deadline_ns, is_ready)

    def spend(self, duration_ns: int) -> bool:
        """Let time pass for hardware that the guest can't wait for; return False if the supply ends in it."""
        with self.condition:
            self.now_ns = min(self.now_ns + duration_ns, self.cut_at_ns)
            return self.now_ns < self.cut_at_ns

    def born(self) -> None:
        """Begin a power-up; called in the guest's thread."""
        self._guest_time_before_ns = self.guest_time_ns - time.thread_time_ns()

    def note_guest_time(self) -> None:
        """Add the computing time of the guest's thread; called in that thread."""
        self.guest_time_ns = self._guest_time_before_ns + time.thread_time_ns()

    def _move(self, deadline_ns: int) -> None:
        reach_ns = self._reach_ns if self.speed is None else self.reach_ns()
        limit_ns = min(reach_ns, deadline_ns, self.cut_at_ns, self.watchdog_at_ns)
        if limit_ns > self.now_ns:
            self.now_ns = limit_ns

    def _ring(self) -> None:
        if self.now_ns >= self.cut_at_ns:
            raise PowerCut
        if self.now_ns >= self.watchdog_at_ns:
            raise BoardReset("watchdog")

    def _sleep(self, deadline_ns: int, is_ready: Callable[[], bool]) -> None:
        self._idle, self._is_ready, self._deadline_ns = True, is_ready, deadline_ns
        self.note_guest_time()
        self.condition.notify_all()
        self.condition.wait(self._patience_s(deadline_ns))
        self._idle = False

    def _patience_s(self, deadline_ns: int) -> float | None:
        next_ns = min(deadline_ns, self.cut_at_ns, self.watchdog_at_ns)
        if self.speed is None or next_ns >= NEVER_NS:
            return None
        return max(0.0, (next_ns - self.reach_ns()) / self.speed / _NS)

    # -- for the code that drives and watches the pump

    def advance_to(self, to_ns: int, timeout_s: float) -> None:
        """Advance virtual time to `to_ns`; return when the guest waits for missing input."""
        with self.condition:
            if self.speed is not None:
                raise SimulatorError("time runs by itself here", "start the simulator with virtual time to drive it")
            if to_ns < self.now_ns and to_ns < self._reach_ns:
                raise SimulatorError(f"time is at {self.now_ns // 1_000_000} ms already and can't go back")
            self._reach_ns = max(self._reach_ns, to_ns)
            self.condition.notify_all()
            if not self.condition.wait_for(self._has_arrived, timeout_s):
                raise SimulatorError(f"the firmware did not come to rest within {timeout_s:g} s")

    def wait_until_idle(self, timeout_s: float) -> None:
        """Return when the guest waits for missing input, or has ended."""
        with self.condition:
            if not self.condition.wait_for(self._is_resting, timeout_s):
                raise SimulatorError(f"the firmware did not come to rest within {timeout_s:g} s")

    def settle(self) -> int:
        """Return true time; it advances while the guest sleeps or has ended."""
        with self.condition:
            if not self.guest_alive:
                self.now_ns = max(self.now_ns, self.reach_ns())
            elif self._idle and self.speed is not None:
                self._move(self._deadline_ns)
            return self.now_ns

    def interrupt(self, ending: BaseException, timeout_s: float) -> None:
        """End the running power-up with `ending` and wait until its thread has seen it."""
        with self.condition:
            self.settle()
            self.interruption = ending
            self.condition.notify_all()
            if not self.condition.wait_for(lambda: self.interruption is not ending, timeout_s):
                raise SimulatorError("the firmware computes without end and can't be interrupted")

    def reset_done(self) -> None:
        """Restart the chip in the same thread; an armed cut stays armed."""
        with self.condition:
            self.interruption = None
            self.condition.notify_all()

    def ended(self) -> None:
        """End a power-up; called in the guest's thread."""
        with self.condition:
            self.note_guest_time()
            self.guest_alive = self._idle = False
            self.interruption = None
            self.cut_at_ns = self.watchdog_at_ns = NEVER_NS
            self.condition.notify_all()

    def _is_resting(self) -> bool:
        return not self.guest_alive or (self._idle and not self._is_ready())

    def _has_arrived(self) -> bool:
        if not self.guest_alive:
            self.now_ns = max(self.now_ns, self._reach_ns)
            return True
        return self.now_ns >= self._reach_ns and self._is_resting()
