"""The forecast of one program: exact volumes by day, the reservoir with and without every allowed bolus, the front in the line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

from pumpcore.faults.faults import Refusal
from pumpcore.motion.dose import Calibration
from pumpcore.program.forecast import CHAIN_BYTES, Forecast
from pumpcore.program.plan import Program
from pumpcore.program.schedule import Zone
from pumpcore.program.settings import Settings
from pumpcore.units import S_PER_DAY
from thecal.errors import BadInput
from thecal.forecast.boluses import Allowed
from thecal.forecast.bridged import Front
from thecal.forecast.course import Course, Flow
from thecal.forecast.flowing import Rows
from thecal.forecast.unit import Unit
from thecal.quantities.exact import drugs_of


@dataclass(frozen=True)
class When:
    """The start of the forecast, its local time, and its number of days."""

    utc_s: int
    zone: Zone
    days: int

    def local(self, second_s: int) -> datetime:
        """Return local time `second_s` after the start, with its offset."""
        utc_s = self.utc_s + second_s
        return datetime.fromtimestamp(utc_s + self.zone.offset_at_s(utc_s), UTC).replace(tzinfo=None)

    def midnights(self) -> list[int]:
        """Return the seconds at which a local day begins, from the start (0, whatever its hour) to the end."""
        found, at_s, end_s = [0], 0, self.days * S_PER_DAY
        while at_s < end_s:
            local = self.local(at_s)
            wanted = datetime.combine(local.date() + timedelta(days=1), datetime.min.time())
            next_s = at_s + round((wanted - local).total_seconds())
            next_s += round((wanted - self.local(next_s)).total_seconds())  # the day may have a change of the offset in it
            at_s = min(next_s, end_s)
            found.append(at_s)
        return found


@dataclass(frozen=True)
class Day:
    """One local day, or the part of it within the period."""

    day: date
    from_s: int
    to_s: int
    basal_nl: Fraction
    boluses: int
    bolus_nl: Fraction
    left_basal_nl: Fraction | None
    left_all_nl: Fraction | None


def check_span(forecast: Forecast) -> None:
    """Raise BadInput with the longest period if a protocol has too many stages in this one."""
    try:
        forecast.begin(bytes(CHAIN_BYTES))
    except Refusal as refusal:
        asked, longest = refusal.detail["asked"], refusal.detail["limit"]
        do = f"the longest forecast of this protocol: --days {longest}" if longest else "write longer stages"
        raise BadInput(f"--days {asked}: {refusal.detail['cause']}", do) from refusal


class Outlook:
    """The forecast: volumes in nL, times in seconds from the start, all exact. `basal`: without boluses; `everything`: with every allowed
    one (`boluses`: these alone); each until the reservoir is empty. `planned`: lowest and highest rate of the basal without that end.
    `left_nl`: at the start, None without a reservoir.

    `unit`: as the prescription was typed. `drugs`: (name, ng per nl) of each, the leading one first; [] for a program in volumes.

    `front`: another concentration in the line, None if it holds the program's: the pump delivers it with a bridge, whose rates are in
    `basal`. `near_s`, `front_s`, `passed_s`: when the tip becomes uncertain, when the measured volume has passed, when the front has
    certainly passed.
    """

    unit = Unit()

    def __init__(self, program: Program, pair: Calibration, when: When, left_nl: int | None = None, front: Front | None = None) -> None:
        self.program, self.pair = program, pair
        self.drugs = drugs_of(program)
        self.when = when
        settings: Any = program.settings
        self.settings: Settings = settings or Settings()
        self.end_s = when.days * S_PER_DAY
        self._forecast = Forecast(program, pair, when.utc_s, when.zone, when.days)
        self._forecast.crossing = front.crossing if front else None
        check_span(self._forecast)
        rows: Any = self._forecast.rows(0, 0, front.position_steps if front else 0)
        self._rows: list[Any] = list(rows)
        self.rows = [row[:3] for row in self._rows]
        self.front = front
        self.near_s, self.passed_s = front.times_s(self._rows, self.end_s) if front else (None, None)
        self.basal = Course(self._plan(), self.end_s)
        self.left_nl = left_nl if left_nl is not None else (self.settings.capacity_nl or None)
        self.allowed = Allowed(self.settings, self.end_s)
        self.everything = self._everything()
        self.low_s = self._reached(self.everything, self.settings.low_nl)
        if self.low_s is not None:
            self.allowed.forbid_from(self.low_s)
            self.everything = self._everything()
        self.marks = self._marks()
        self.everything = self.everything.cut(self.marks["empty_all"])
        self.boluses = Course(self.allowed.flows(), self.end_s).cut(self.marks["empty_all"])
        self.planned = self.basal.lowest(), self.basal.highest()[0]
        self.basal = self.basal.cut(self.marks["empty_basal"])
        self.front_s = self.basal.reaches(front.left_nl) if front is not None else None

    def digest(self, program_digest: bytes) -> str:
        """Return the digest that a pump must compute too."""
        forecast, front, when = self._forecast, self.front, self.when
        if front is not None and not front.by_pump:  # a pump uses its own line
            forecast = Forecast(self.program, self.pair, when.utc_s, when.zone, when.days)
        cursor = forecast.begin(program_digest, front.position_steps if front else 0)
        while cursor.second_s < self.end_s:
            cursor = forecast.block(cursor)
        return str(cursor.chain.hex())

    def _everything(self) -> Course:
        return Course([*self.basal.flows(), *self.allowed.flows()], self.end_s)

    def _plan(self) -> list[Flow]:
        seconds_s = self.program.rate_seconds_s
        parts = self.front.crossing.denominator if self.front and self.front.crossing else 1
        rows = Rows(self.program, self._rows, self.end_s, parts)
        return rows.flows(self.when.utc_s, self.when.zone, lambda rate: rate / seconds_s)

    # -- the reservoir

    def _reached(self, course: Course, mark_nl: int) -> int | None:
        """Return the second at which the reservoir reaches a mark."""
        return course.reaches(self.left_nl - mark_nl) if self.left_nl is not None and self.settings.capacity_nl else None

    def _marks(self) -> dict[str, int | None]:
        """Return the seconds of low and empty, without boluses and with all of them. The refill is due at the earliest possible low; the
        pump stops when empty."""
        low_nl, empty_nl = self.settings.low_nl, self.settings.empty_nl
        return {
            "low_basal": self._reached(self.basal, low_nl),
            "low_all": self.low_s,
            "empty_basal": self._reached(self.basal, empty_nl),
            "empty_all": self._reached(self.everything, empty_nl),
        }

    def left(self, course: Course, second_s: int) -> Fraction | None:
        """Return the volume left at a second; never below the empty mark, where the pump stops."""
        if self.left_nl is None:
            return None
        return max(Fraction(min(self.settings.empty_nl, self.left_nl)), self.left_nl - course.at(second_s))

    # -- days and mass

    def table(self) -> list[Day]:
        """Return the local days of the period in order."""
        midnights = self.when.midnights()
        return [self._day(from_s, to_s) for from_s, to_s in pairwise(midnights)]

    def _day(self, from_s: int, to_s: int) -> Day:
        basal = self.basal.between(from_s, to_s)
        empty_s = self.marks["empty_all"]
        ends_s = to_s if empty_s is None else min(to_s, empty_s)
        started = sum(from_s <= start_s < ends_s for start_s in self.allowed.starts)
        bolus = self.boluses.between(from_s, to_s)
        left = (self.left(self.basal, to_s), self.left(self.everything, to_s))
        return Day(self.when.local(from_s).date(), from_s, to_s, basal, started, bolus, *left)

    def mass_ng(self, volume_nl: Fraction, drug: int = 0) -> Fraction | None:
        """Return the mass of a drug in a volume of the program's fluid; None for a program in volumes."""
        return volume_nl * self.drugs[drug][1] if self.drugs else None

    def dosed_ng(self, from_s: int, to_s: int, drug: int = 0) -> Fraction | None:
        """Return the mass of a drug in the basal between two seconds; it has the old concentration until the front has passed."""
        early, late = (self._by_ng(self.basal.at(at_s), drug) for at_s in (from_s, to_s))
        return None if early is None or late is None else late - early

    def _by_ng(self, volume_nl: Fraction, drug: int) -> Fraction | None:
        before_nl = min(volume_nl, Fraction(self.front.left_nl)) if self.front is not None else Fraction(0)
        new_ng = self.mass_ng(volume_nl - before_nl, drug)
        return None if new_ng is None else new_ng + before_nl * (self.front.old[drug] if self.front else 0)
