"""Orders besides the program: boluses, temporary rates, and the history of doses."""

from pumpcore.faults.faults import Refusal
from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.units import S_PER_DAY, ceil_div, const
from pumpcore.wire.records import PURPOSES

if 0:  # for the type checker alone
    from pumpcore.shapes import Settings

# --- bolus -------------------------------------------------------------------------------------------------------------------
# A bolus is a finite dose at a rate. The pump checks it when it is ordered, delivers it on top of the basal or alone, and ends it itself.

ORDERED, DELIVERING, PAUSED, DONE, CANCELLED, CUT = "ordered", "delivering", "paused", "done", "cancelled", "cut"
LIVE = (ORDERED, DELIVERING, PAUSED)
MANUAL, PRIMING, CALIBRATION, DEMAND, EXTENDED = PURPOSES
# The journal stores an index of this table: append only.
ENDS = (DONE, CANCELLED, CUT, "stopped", "fault", "limit")
SHORTEST_S = const(20)
BOLUS_LEASE_S = const(5)
EXTENDED_LEASE_S = const(60)
LEASE_PART = const(20)
ROUNDING_PART = const(100)
LONGEST_S = const(86_400)
LONGEST_RUN_S = const(30 * 86_400)  # alone: a weighed run may take weeks


class Bolus:
    """`volume_nl` at `rate_nl` per `rate_seconds_s`. Refusals `bolus_too_small` (less than a step), `bolus_too_short` (under 20 s).

    `steps` is the volume in whole steps, rounded down; `duration_s` the time it takes, rounded up. `purpose` is one of PURPOSES.

    A dose over a given time has that time as `rate_seconds_s` and its volume as `rate_nl`. `told` is the rate that the pump reports: (nl,
    seconds), per the program's seconds and rounded up; for a run, per the run's own seconds.
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
        """Return the longest time that a bolus of this purpose may take: 24 h, for priming and calibration 30 days."""
        return LONGEST_RUN_S if self.purpose in (PRIMING, CALIBRATION) else LONGEST_S

    def lease_s(self) -> int:
        """Return how many seconds of this bolus one lease may hold: 5 s, extended 60 s as for basal; at most a twentieth of it (R2)."""
        return min(EXTENDED_LEASE_S if self.purpose == EXTENDED else BOLUS_LEASE_S, self.duration_s // LEASE_PART)

    def rest_s(self) -> int:
        """Return the seconds that are not planned yet."""
        return self.duration_s - self.planned_s

    def advance(self, duration_s: int) -> int:
        """Return the steps due in the next `duration_s`. A part of a step left after the last second is not delivered (rounded down)."""
        due = self.accumulator.advance(self.rate_nl, duration_s)
        steps = min(due, self.steps - self.planned_steps)
        self.planned_steps += steps
        self.planned_s += duration_s
        return steps

    def describe(self, delivered_steps: int) -> dict:
        """Return the bolus as the protocol reports it (`status`, `bolus.status`)."""
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
    """Return True if whole steps deliver over 1 % less than `volume_nl`."""
    asked = volume_nl * calibration.steps
    return asked % calibration.volume_nl * ROUNDING_PART > asked


def orderable_nl(calibration: Calibration, steps: int, by: int) -> int:
    """Return the least volume [nl] of `steps` steps that does not round off; else of fewer (`by` -1) or more (`by` 1) steps; 0 for none.

    The search ends: a hundred steps never round off by more than 1 %.
    """
    while steps > 0:
        volume_nl = ceil_div(steps * calibration.volume_nl, calibration.steps)
        if not rounds_off(volume_nl, calibration):
            return volume_nl
        steps += by
    return 0


def of_steps(token: str, steps: int, rate_nl: int, rate_seconds_s: int, calibration: Calibration) -> Bolus:
    """Return a bolus of exactly `steps` steps. Its `volume_nl` is for display only: rounded up, so that the steps fit in its time."""
    bolus = Bolus(token, ceil_div(steps * calibration.volume_nl, calibration.steps), rate_nl, rate_seconds_s, calibration)
    bolus.steps = steps
    return bolus


# --- temporary ---------------------------------------------------------------------------------------------------------------
# A temporary rate is a rate, or an exact part of the basal, for a limited time. The pump ends it itself.


class Temporary:
    """`rate_nl` per the program's seconds if `denominator` is 0, otherwise the basal times `numerator` / `denominator`.

    `end_s` is the second of the span at which it ends. `lowered`: somewhere it is below the basal.
    """

    by_time = True  # A bridge, which takes the same place, ends by position.

    def __init__(self, token: str, rate_nl: int, numerator: int, denominator: int, duration_s: int) -> None:
        self.token = token
        self.rate_nl = rate_nl
        self.numerator = numerator
        self.denominator = denominator
        self.duration_s = duration_s
        self.end_s = 0
        self.begins_at_ms = 0
        self.lowered = denominator > numerator

    def parts(self) -> int:
        """Return by which factor the remainder of the basal is finer than the program's."""
        return self.denominator or 1

    def of(self, rate_nl: int) -> int:
        """Return the rate in 1 / `parts` nl for a basal of `rate_nl`."""
        return rate_nl * self.numerator if self.denominator else self.rate_nl

    def asked(self) -> tuple[int, int, int, int]:
        """Return what was ordered: (rate_nl, numerator, denominator, duration_s)."""
        return self.rate_nl, self.numerator, self.denominator, self.duration_s


# --- doses -------------------------------------------------------------------------------------------------------------------
# What was ordered in the last 24 powered-on hours: lockout and count of demand boluses, sum of all boluses (R5).
#
# A bolus counts from its first slice [powered-on s, rounded up], always with its whole volume, even if it was cancelled.

KEPT = const(128)


class Doses:
    """The doses of the last 24 h: rows of (start_s, volume_nl, demand bolus or not), oldest first.

    `lost_s`: the latest start of a bolus whose record was lost. For 24 h from then every limit counts as reached.
    """

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, bool]] = []
        self.lost_s = -S_PER_DAY

    def lose(self, end_s: int) -> None:
        """Note that records were lost of boluses that began at `end_s` at the latest."""
        self.lost_s = max(self.lost_s, end_s)

    def unknown_s(self, second_s: int) -> int:
        """Return the seconds until every lost bolus is older than 24 h; 0 if none was lost."""
        return max(0, self.lost_s + S_PER_DAY - second_s)

    def add(self, begin_s: int, volume_nl: int, demand: bool) -> None:
        """Count a bolus. Of more than 128, the two oldest that are not demand boluses are merged at the later one's time."""
        self.rows.append((begin_s, volume_nl, demand))
        self.rows.sort()
        others = [row for row in self.rows if not row[2]]
        if len(self.rows) > KEPT and len(others) > 1:
            first, second = others[:2]
            self.rows.remove(first)
            self.rows[self.rows.index(second)] = (second[0], first[1] + second[1], False)

    def _recent(self, second_s: int) -> list[tuple[int, int, bool]]:
        self.rows = [row for row in self.rows if second_s - row[0] < S_PER_DAY]
        return self.rows

    def sum_nl(self, second_s: int) -> int:
        """Return the volume of all boluses that began less than 24 h ago."""
        return sum([row[1] for row in self._recent(second_s)])

    def counted_nl(self, second_s: int, limit_nl: int) -> int:
        """Return `sum_nl`, but at least `limit_nl` while records are lost."""
        return max(self.sum_nl(second_s), limit_nl if self.unknown_s(second_s) else 0)

    def demands(self, second_s: int) -> list[int]:
        """Return the starts [powered-on s] of the demand boluses of the last 24 h, oldest first."""
        return [row[0] for row in self._recent(second_s) if row[2]]

    def counted(self, settings: "Settings", second_s: int) -> int:
        """Return how many demand boluses count: all that are allowed while records are lost."""
        return max(len(self.demands(second_s)), settings.demand_per_day if self.unknown_s(second_s) else 0)

    def room_s(self, second_s: int, volume_nl: int, limit_nl: int) -> int:
        """Return the seconds until a bolus of `volume_nl` keeps the sum within `limit_nl`. `volume_nl` alone must fit."""
        rows = self._recent(second_s)
        over_nl = sum([row[1] for row in rows]) + volume_nl - limit_nl
        unknown_s = wait_s = self.unknown_s(second_s)
        for start_s, its_nl, _ in rows:
            if over_nl <= 0:
                break
            over_nl -= its_nl
            wait_s = max(unknown_s, start_s + S_PER_DAY - second_s)
        return wait_s

    def barred(self, settings: "Settings", second_s: int) -> tuple[str, int]:
        """Return (fault, seconds to wait) if a demand bolus is not allowed now, else ("", 0)."""
        starts = self.demands(second_s)
        if not settings.demand_on:
            return "demand_off", 0
        if starts and second_s - starts[-1] < settings.lockout_s:
            return "demand_locked", starts[-1] + settings.lockout_s - second_s
        wait_s = self.unknown_s(second_s)
        if len(starts) >= settings.demand_per_day:
            wait_s = max(wait_s, starts[-settings.demand_per_day] + S_PER_DAY - second_s)
        return ("demand_count", wait_s) if wait_s else ("", 0)
