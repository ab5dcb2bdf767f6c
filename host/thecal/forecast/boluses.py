"""Compute every bolus that the program allows, each as early as possible: the maximum flow."""

from __future__ import annotations

from fractions import Fraction

from pumpcore.program.settings import Settings
from pumpcore.units import S_PER_DAY
from thecal.forecast.course import Flow

OTHER_S = 600  # assumed duration of the rest of a day's boluses


class Allowed:
    """`starts`: seconds of the demand boluses; `other_nl`: the rest of the program's day limit for other boluses, once a day."""

    def __init__(self, settings: Settings | None, end_s: int) -> None:
        self.settings = settings or Settings()
        self.starts: list[int] = []
        chosen = self.settings
        demand = chosen.demand_nl if chosen.demand_on else 0
        self.demand_nl = demand
        self.per_day = chosen.demand_per_day if demand else 0
        self.other_nl = max(0, chosen.bolus_day_nl - demand * self.per_day)
        while demand and self._next_s() < end_s:
            self.starts.append(self._next_s())
        self.other_starts = list(range(0, end_s, S_PER_DAY)) if self.other_nl else []

    def _next_s(self) -> int:
        """Return the next possible start: after the lockout, and within the limit of starts in any 24 hours."""
        if not self.starts:
            return 0
        next_s = self.starts[-1] + self.settings.lockout_s
        if len(self.starts) >= self.per_day:
            next_s = max(next_s, self.starts[-self.per_day] + S_PER_DAY)
        return next_s

    def forbid_from(self, second_s: int) -> None:
        """Remove boluses from this second on: the pump refuses them with a low reservoir."""
        self.starts = [start_s for start_s in self.starts if start_s < second_s]
        self.other_starts = [start_s for start_s in self.other_starts if start_s < second_s]

    def flows(self) -> list[Flow]:
        """Return each bolus as a flow, in nL per second."""
        demand = Fraction(self.demand_nl, self.settings.demand_s or 1)
        other = Fraction(self.other_nl, OTHER_S)
        found = [Flow(start_s, start_s + self.settings.demand_s, demand) for start_s in self.starts]
        return found + [Flow(start_s, start_s + OTHER_S, other) for start_s in self.other_starts]

    def day_nl(self) -> int:
        """Return the maximum volume of all boluses in 24 hours."""
        return self.demand_nl * self.per_day + self.other_nl
