"""The rotor on the motor's axis: where it really stands, whatever the motor's steps say, and the faults between the two.

The angle survives power cuts, and no device file carries it. It is counted in motor steps, over all turns.
"""

from __future__ import annotations

from thecal.files.bench import Bench
from thecal.sim.errors import SimulatorError
from thecal.sim.world.head import Head
from thecal.sim.world.head_text import altered
from thecal.sim.world.individual import Individual
from thecal.sim.world.outlet import Outlet

FULL_STEPS_PER_CYCLE = 4
MOST_DEGREES = 360.0
# the rotor's way for a step of the motor
FOLLOWS = {"follows": 1.0, "stalled": 0.0, "reverse": -1.0}


class Rotor:
    """One rotor with its tube. `angle_steps`: where it stands. Times are true ns; the plant is settled when a method is called."""

    def __init__(self, head: Head, outlet: Outlet, bench: Bench, individual: Individual) -> None:
        self.head, self.outlet = head, outlet
        self.angle_steps = head.first_steps
        self._bench, self._individual = bench, individual
        self._cycle_steps = FULL_STEPS_PER_CYCLE * bench.get("motor", {}).get("microsteps", 16)
        self._motor_steps = 0  # of the driver's electrical angle, from its home on
        self._step = FOLLOWS["follows"]
        self._to_slip_steps = 0
        self._enables = 0
        self._driver_was_lost = True

    @property
    def degrees(self) -> float:
        """Return the true angle, from 0 to 360 (excluded)."""
        return self.angle_steps % self.head.turn_steps / self.head.turn_steps * 360

    def follow(self, first_ns: int, last_ns: int, before: int, steps: int) -> None:
        """Follow steps of the motor, evenly spaced, as far as it follows."""
        self._motor_steps += steps
        slipped = min(steps, self._to_slip_steps)
        if slipped:
            self._to_slip_steps -= slipped
            if slipped == steps:
                return
            first_ns += (last_ns - first_ns) * slipped // (steps - 1)
        if self._step:
            self._move(first_ns, last_ns, steps - slipped, self._step)

    def energised(self, now_ns: int) -> None:
        """The driver took hold. With `jumps`: onto the nearest place of its home after it lost power (up to two full steps), else
        where it stood or one electrical cycle (four full steps) either way, by seed."""
        self._enables += 1
        lost, self._driver_was_lost = self._driver_was_lost, False
        if lost:
            home_steps = (self._motor_steps + self._cycle_steps // 2) % self._cycle_steps - self._cycle_steps // 2
            self._motor_steps = 0
            jump_steps = -home_steps
        else:
            jump_steps = (int(self.head.chance(f"enable {self._enables}") * 3) - 1) * self._cycle_steps
        if self.head.spec.jumps and jump_steps:
            self._move(now_ns, now_ns, 1, jump_steps)

    def driver_lost(self) -> None:
        """The driver lost its supply, and with it the microsteps that it had counted."""
        self._driver_was_lost = True

    def slip(self, degrees: float) -> None:
        """Slip: for the next so many degrees of the motor the rotor stays. Raises SimulatorError unless above 0 and at most 360."""
        if not 0 < degrees <= MOST_DEGREES:
            raise SimulatorError(f"a slip of {degrees:g} degrees is not above 0 and at most {MOST_DEGREES:g}", "write another angle")
        self._to_slip_steps += round(self._steps(degrees))

    def turn(self, now_ns: int, degrees: float) -> None:
        """Turn the rotor by hand, at once; the motor does not know. Raises SimulatorError for more than a turn."""
        if not 0 < abs(degrees) <= MOST_DEGREES:
            raise SimulatorError(f"a turn by {degrees:g} degrees is not within {MOST_DEGREES:g} and not 0", "write another angle")
        self._move(now_ns, now_ns, 1, self._steps(degrees))

    def set_drive(self, name: str) -> None:
        """Set how the rotor follows the motor from now on: `follows`, `stalled` or `reverse`."""
        if name not in FOLLOWS:
            raise SimulatorError(f"the drive {name!r} is not known", f"known are {', '.join(FOLLOWS)}")
        self._step = FOLLOWS[name]

    def alter(self, now_ns: int, text: str) -> None:
        """Change the head, like `ripple=105%` or `line=0s`. Raises SimulatorError."""
        self.head = Head(altered(self.head.spec, text), self._bench, self._individual)
        self.outlet.change(now_ns, self.head, self.angle_steps)

    def _steps(self, degrees: float) -> float:
        return degrees / 360 * self.head.turn_steps

    def _move(self, first_ns: int, last_ns: int, steps: int, step: float) -> None:
        self.outlet.note(first_ns, last_ns, self.angle_steps, steps, step)
        self.angle_steps += steps * step
