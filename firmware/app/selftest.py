"""Power-on self test: generator and guard against each other with the motor disabled, in whole electrical cycles (R12)."""

from pumpcore.units import US_PER_S, ceil_div

if 0:  # for the type checker alone
    from app.types import Motion

FULL_STEPS_PER_CYCLE = 4
_SHORTEST_STEP_US = 250
_MARGIN_MS = 5


class SelfTest:
    """Begins at power-up, `done` when as many steps came out as went in; `failed` when they differ or are late.

    With 0 microsteps there is no motor: nothing is queued and the first tick is the last.
    """

    def __init__(self, motion: "Motion", microsteps: int, now_ms: int) -> None:
        self._motion = motion
        self._steps = FULL_STEPS_PER_CYCLE * microsteps
        self._before = (motion.guard.count(), motion.stepper.steps_done())
        self._end_ms = now_ms
        self.done = False
        self.failed = False
        if self._steps:
            step_us = max(_SHORTEST_STEP_US, ceil_div(US_PER_S, motion.stepper.max_rate_hz))
            self._end_ms += self._steps * step_us // 1000 + _MARGIN_MS
            motion.guard.allow(self._before[0] + self._steps)
            motion.queue([(self._steps, self._steps * step_us), (0, 1000)])

    def due_ms(self) -> int:
        return self._end_ms

    def tick(self, now_ms: int, position_steps: int) -> None:
        """Judges the counts once the time is up; the steps of the test are no part of the position."""
        if now_ms < self._end_ms:
            return
        counted = self._motion.guard.count() - self._before[0]
        generated = self._motion.stepper.steps_done() - self._before[1]
        self.done = True
        self.failed = counted != self._steps or generated != self._steps
        self._motion.stepper.halt()
        self._motion.rebase(position_steps)
