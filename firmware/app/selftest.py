"""Power-on self test: generator and guard against each other with the motor disabled, in whole electrical cycles (R12)."""

FULL_STEPS_PER_CYCLE = 4
_STEP_US = 250
_MARGIN_MS = 5


class SelfTest:
    """Begins at power-up, `done` when as many steps came out as went in; `failed` when they differ or are late."""

    def __init__(self, motion: object, microsteps: int, now_ms: int) -> None:
        self._motion = motion
        self._steps = FULL_STEPS_PER_CYCLE * microsteps
        self._before = (motion.guard.count(), motion.stepper.steps_done())
        self._end_ms = now_ms + self._steps * _STEP_US // 1000 + _MARGIN_MS
        self.done = False
        self.failed = False
        motion.guard.allow(self._before[0] + self._steps)
        motion.stepper.queue(self._steps, self._steps * _STEP_US)
        motion.stepper.queue(0, 1000)

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
