"""A bolus: a finite dose at a rate, checked when it is ordered, delivered on top of the basal or by itself, ended on the pump."""

from pumpcore.calibration import Calibration
from pumpcore.dose import Accumulator
from pumpcore.faults import Refusal
from pumpcore.units import ceil_div
from pumpcore.wire.records import PURPOSES

ORDERED, DELIVERING, PAUSED, DONE, CANCELLED, CUT = "ordered", "delivering", "paused", "done", "cancelled", "cut"
LIVE = (ORDERED, DELIVERING, PAUSED)
MANUAL, PRIMING, CALIBRATION, DEMAND, EXTENDED = PURPOSES
# Reasons in the journal are indices of this table; append only.
ENDS = (DONE, CANCELLED, CUT, "stopped", "fault", "limit")
SHORTEST_S = 20
LEASE_S = 5
EXTENDED_LEASE_S = 60
LEASE_PART = 20
SHORTEST_EXTENDED_S = 600
LONGEST_EXTENDED_S = 86_400
ROUNDING_PART = 100
LONGEST_S = 86_400
LONGEST_RUN_S = 30 * 86_400  # by itself: a weighed run may take weeks


class Bolus:
    """`volume_nl` at `rate_nl` per `rate_seconds_s`. `steps` is what it makes (rounded down), `duration_s` what it takes.

    `purpose` is one of PURPOSES. A dose over a time has that time for its `rate_seconds_s`, and its volume for its rate; `told` is
    the pair that is told of it: per the program's seconds, rounded up, of a run per its own.
    """

    def __init__(self, token: str, volume_nl: int, rate_nl: int, rate_seconds_s: int, calibration: Calibration) -> None:
        self.token = token
        self.purpose = MANUAL
        self.rate_seconds_s = rate_seconds_s
        self.volume_nl = volume_nl
        self.rate_nl = rate_nl
        self.told = (rate_nl, rate_seconds_s)
        self.steps = calibration.steps_for_nl(volume_nl)
        self.duration_s = ceil_div(volume_nl * rate_seconds_s, rate_nl)
        self.accumulator = Accumulator(rate_seconds_s, calibration)
        self.state = ORDERED
        self.planned_steps = 0
        self.planned_s = 0
        self.delivered_steps = 0
        self.begins_at_ms = 0
        if self.steps == 0:
            least_nl = orderable_nl(calibration, 1, 1)
            raise Refusal("bolus_too_small", rule="R7", asked_nl=volume_nl, limit_nl=least_nl, nearest_nl=least_nl)
        if self.duration_s < SHORTEST_S:
            nearest_nl = volume_nl * rate_seconds_s // SHORTEST_S
            detail = {"limit_s": SHORTEST_S, "nearest_s": SHORTEST_S, "nearest_rate_nl": nearest_nl}
            raise Refusal("bolus_too_short", rule="R7", asked_s=self.duration_s, **detail)

    def longest_s(self) -> int:
        """The most seconds that a bolus of its purpose may take."""
        return LONGEST_RUN_S if self.purpose in (PRIMING, CALIBRATION) else LONGEST_S

    def lease_s(self) -> int:
        """Seconds of this bolus that one lease may hold: 5 s, of an extended one 60 s as of basal; at most a twentieth of it (R2)."""
        return min(EXTENDED_LEASE_S if self.purpose == EXTENDED else LEASE_S, self.duration_s // LEASE_PART)

    def rest_s(self) -> int:
        return self.duration_s - self.planned_s

    def advance(self, duration_s: int) -> int:
        """Steps due in the next `duration_s`; what the last second can't hold of a step stays undelivered (rounded down)."""
        due = self.accumulator.advance(self.rate_nl, duration_s)
        steps = min(due, self.steps - self.planned_steps)
        self.planned_steps += steps
        self.planned_s += duration_s
        return steps

    def describe(self, delivered_steps: int) -> dict:
        return {
            "token": self.token,
            "purpose": self.purpose,
            "state": self.state,
            "volume_nl": self.volume_nl,
            "rate_nl": self.told[0],
            "rate_seconds_s": self.told[1],
            "ordered_steps": self.steps,
            "delivered_steps": delivered_steps,
            "begins_at_ms": self.begins_at_ms,
        }


def rounds_off(volume_nl: int, calibration: Calibration) -> bool:
    """Whether whole steps deliver more than a hundredth less than `volume_nl`."""
    asked = volume_nl * calibration.steps
    return asked % calibration.volume_nl * ROUNDING_PART > asked


def orderable_nl(calibration: Calibration, steps: int, by: int) -> int:
    """The least whole volume of so many steps, or of the next that are fewer (`by` -1) or more (1), that does not round off; 0 for none.

    A hundred steps never do.
    """
    while steps > 0:
        volume_nl = ceil_div(steps * calibration.volume_nl, calibration.steps)
        if not rounds_off(volume_nl, calibration):
            return volume_nl
        steps += by
    return 0


def of_steps(token: str, steps: int, rate_nl: int, rate_seconds_s: int, calibration: Calibration) -> Bolus:
    """A bolus of exactly so many steps. Its `volume_nl` is only what it is called: rounded up, so that they fit in its time."""
    bolus = Bolus(token, ceil_div(steps * calibration.volume_nl, calibration.steps), rate_nl, rate_seconds_s, calibration)
    bolus.steps = steps
    return bolus
