"""Stepper and guard as one absolute position, in motor steps and in dose steps, and their self test."""

from pumpcore.units import NEVER_MS, US_PER_S, ceil_div, const

if 0:  # for the type checker alone
    from app.types import BoardState, Delivery, Guard, Items, Law, Path, Span, Stepper, Watch

# --- motion ------------------------------------------------------------------------------------------------------------------
# The guard's count is the position. Everything above this class counts dose steps, the calibration's mean volume of a motor step;
# everything below it motor steps. Without a table of the rotor both are the same.

FULL_STEPS_PER_ENABLE = const(4)
_DWELL_US = const(1_000)


class Motion:
    """Stepper and guard. Their counters begin at zero at power-up; `rebase` declares the ledger's position.

    `law` and `path` are None in a pump without a table, `watch` without a sensor at the rotor. `position_uncertain_steps` are motor steps.
    """

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
        self.law: "Law | None" = None
        self.path: "Path | None" = None
        self.watch: "Watch | None" = None

    def rebase(self, position_steps: int) -> None:
        """Declare the present position; later counts add to it. With a path, the motor's position stays what it is.

        It is never computed from the dose: a dead zone of the rotor has one dose and many positions.
        """
        motor_steps = position_steps
        if self.path is not None:
            motor_steps = self.motor_steps()
            self.path.halted(motor_steps)
        elif self.law is not None:
            self.path = self.law.begin(position_steps)
        self._guard_base = motor_steps - self.guard.count()
        self._stepper_base = motor_steps - self.stepper.steps_done()
        self._underruns = self.stepper.underruns()

    def motor_steps(self) -> int:
        """Return the motor's position by the guard's count."""
        return self._guard_base + self.guard.count()

    def delivered_steps(self) -> int:
        """Return the position in dose steps: a function of the guard's count."""
        return self.delivered_at(self.guard.count())

    def delivered_at(self, counted: int) -> int:
        """Return the position in dose steps when the guard's count was `counted`."""
        motor_steps = self._guard_base + counted
        return motor_steps if self.path is None else self.path.delivered(motor_steps)

    def amiss(self, state: "BoardState") -> str:
        """Return the fault that the board shows, "" for none. `underrun`: the queue ran empty since the last `rebase`."""
        if state.tripped:
            return "guard_tripped"
        if self._stepper_base + state.steps_done != self._guard_base + state.guard_count:
            return "guard_mismatch"
        return "underrun" if state.underruns != self._underruns else ""

    def allow(self, position_steps: int) -> None:
        """Let the guard pass pulses up to this position in dose steps; one more drops the enable line without the CPU.

        A smaller allowance waits until the motor is next enabled: to take it back, the guard would have to look away from a running motor.
        """
        motor_steps = position_steps if self.path is None else self.path.motor(position_steps)
        steps = motor_steps - self._guard_base
        if steps > self._allowed_steps:
            self._allowed_steps = steps
            self.guard.allow(steps)

    def queue(self, items: "Items") -> None:
        """Hand (dose steps, duration_us) items to the generator, which makes them one after the other."""
        stepper, path = self.stepper, self.path
        for steps, duration_us in items:
            if path is None:
                stepper.queue(steps, duration_us)
                continue
            for count, took_us in path.lay(steps, duration_us):
                stepper.queue(count, took_us)
        stepper.send()

    def rest(self) -> int:
        """Nothing follows what is queued for now: end it with a dwell in which the motor makes what is late. Return its time [ms]."""
        if self.path is None:
            self.queue([(0, _DWELL_US)])
            return 0
        late_us = self.path.late_us()
        if late_us:
            self.queue([(0, late_us)])
        self.stepper.queue(0, _DWELL_US + self.path.take_rest())
        self.stepper.send()
        return late_us // 1000

    def made(self, position_steps: int) -> bool:
        """Return True if the motor has made all steps up to `position_steps`, the end of what was queued."""
        if self.path is None:
            return self.delivered_steps() == position_steps
        return self.motor_steps() == self.path.motor(position_steps)

    def due_ms(self) -> int:
        """Return the uptime at which to look at the rotor while it is energised."""
        return NEVER_MS if self.watch is None else self.watch.due_ms

    def enable(self) -> None:
        """Energise the motor. The rotor may settle up to four full steps away (R12); a sensor then shows where it is."""
        if not self.enabled:
            self.enabled = True
            if self.watch is None or not self.watch.shows():
                self.position_uncertain_steps += self._lost_per_enable_steps
            if self.law is not None:
                self.law.energised(self._lost_per_enable_steps)
            self.guard.rearm()  # after this nothing is allowed
            self._allowed_steps = 0
            self.stepper.enable(True)

    def turn(self, span: "Span", delivery: "Delivery") -> bool:
        """A lease is about to begin: look at the rotor, choose the law. Return False if the journal fails."""
        if self.watch is not None:
            self.watch.lease(span.planned_s == 0, span.alone)
        return self.law is None or self.law.turn(span, delivery)

    def halt(self, hold: bool = False) -> int:
        """Stop at once and de-energise. Return the position in dose steps; `agreed`: generator and guard counted the same.

        `hold`: stay energised, if they agree.
        """
        steps = self.stepper.halt()
        if not hold:
            self.stepper.enable(False)
        motor_steps = self.motor_steps()
        self.agreed = self._stepper_base + steps == motor_steps
        self.enabled = hold and self.agreed
        if hold:
            self.stepper.enable(self.agreed)  # a halt switches the coils of a unipolar motor off
        return motor_steps if self.path is None else self.path.halted(motor_steps)


# --- selftest ----------------------------------------------------------------------------------------------------------------
# Generator and guard are compared at power-up, with the motor disabled, in whole electrical cycles (R12).

FULL_STEPS_PER_CYCLE = const(4)
_SHORTEST_STEP_US = const(250)
_MARGIN_MS = const(5)


class SelfTest:
    """Begins when made. `done` when its time is over; `failed` if the counts differ from the steps that were queued.

    With 0 microsteps there is no motor: nothing is queued and the first tick ends the test.
    """

    def __init__(self, motion: "Motion", microsteps: int, uptime_ms: int) -> None:
        self.motion = motion
        self._steps = FULL_STEPS_PER_CYCLE * microsteps
        self.before = (motion.guard.count(), motion.stepper.steps_done())
        self.end_ms = uptime_ms
        self.done = False
        self.failed = False
        if self._steps:
            step_us = max(_SHORTEST_STEP_US, ceil_div(US_PER_S, motion.stepper.max_rate_hz))
            self.end_ms += self._steps * step_us // 1000 + _MARGIN_MS
            motion.guard.allow(self.before[0] + self._steps)
            motion.queue([(self._steps, self._steps * step_us), (0, 1000)])

    def due_ms(self) -> int:
        """Return the uptime at which the counts are judged."""
        return self.end_ms

    def tick(self, uptime_ms: int, position_steps: int) -> None:
        """Judge the counts once the time is up, and declare the position: the steps of the test are no part of it."""
        if uptime_ms < self.end_ms:
            return
        counted = self.motion.guard.count() - self.before[0]
        generated = self.motion.stepper.steps_done() - self.before[1]
        self.done = True
        self.failed = counted != self._steps or generated != self._steps
        self.motion.stepper.halt()
        self.motion.rebase(position_steps)
