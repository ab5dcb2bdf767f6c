"""Stepper and guard seen as one absolute position in steps, and their self test."""

from pumpcore.units import US_PER_S, ceil_div, const

if 0:  # for the type checker alone
    from app.types import BoardState, Guard, Items, Stepper

# --- motion ------------------------------------------------------------------------------------------------------------------
# Stepper and guard seen as one absolute position in steps; the guard's count is the position.

FULL_STEPS_PER_ENABLE = 4


class Motion:
    """`position_steps` is where the ledger stands at power-up; hardware counters begin at zero there."""

    def __init__(self, stepper: "Stepper", guard: "Guard", microsteps: int) -> None:
        self.stepper = stepper
        self.guard = guard
        self._lost_per_enable_steps = FULL_STEPS_PER_ENABLE * microsteps
        self._guard_base = 0
        self._stepper_base = 0
        self._underruns = 0
        self._allowed_steps = 0
        self.enabled = False
        self.agreed = True
        self.position_uncertain_steps = 0

    def rebase(self, position_steps: int) -> None:
        """Declares the present position; whatever the counters show from here on is added to it."""
        self._guard_base = position_steps - self.guard.count()
        self._stepper_base = position_steps - self.stepper.steps_done()
        self._underruns = self.stepper.underruns()

    def delivered_steps(self) -> int:
        return self._guard_base + self.guard.count()

    def amiss(self, state: "BoardState") -> str:
        """The fault that the board shows, "" for none. Underruns: the generator's queue ran empty since the position was declared."""
        if state.tripped:
            return "guard_tripped"
        if self._stepper_base + state.steps_done != self._guard_base + state.guard_count:
            return "guard_mismatch"
        return "underrun" if state.underruns != self._underruns else ""

    def allow(self, position_steps: int) -> None:
        """Lets the guard pass pulses up to this position; one more drops the enable line without the CPU. Less than before is left as
        it is until the motor is enabled anew: to take it back the guard would have to look away from a running motor."""
        steps = position_steps - self._guard_base
        if steps > self._allowed_steps:
            self._allowed_steps = steps
            self.guard.allow(steps)

    def queue(self, items: "Items") -> None:
        """Hands (steps, duration_us) items to the generator, which makes them one behind the other."""
        stepper = self.stepper
        for steps, duration_us in items:
            stepper.queue(steps, duration_us)
        stepper.send()

    def enable(self) -> None:
        """Energises the motor; the rotor may settle up to four full steps away (R12)."""
        if not self.enabled:
            self.enabled = True
            self.position_uncertain_steps += self._lost_per_enable_steps
            self.guard.rearm()  # allows nothing
            self._allowed_steps = 0
            self.stepper.enable(True)

    def halt(self) -> int:
        """Stops at once and de-energises; returns the position. `agreed` tells whether generator and guard made the same steps."""
        steps = self.stepper.halt()
        self.stepper.enable(False)
        self.enabled = False
        position_steps = self.delivered_steps()
        self.agreed = self._stepper_base + steps == position_steps
        return position_steps


# --- selftest ----------------------------------------------------------------------------------------------------------------
# Power-on self test: generator and guard against each other with the motor disabled, in whole electrical cycles (R12).

FULL_STEPS_PER_CYCLE = 4
_SHORTEST_STEP_US = const(250)
_MARGIN_MS = const(5)


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
