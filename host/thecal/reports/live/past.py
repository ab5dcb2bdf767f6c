"""The recent deliveries of the pump: from its journal, then from its status at each reading."""

from __future__ import annotations

import base64
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from pumpcore.faults.faults import Refusal
from pumpcore.units import MS_PER_S, S_PER_DAY, S_PER_HOUR
from thecal.errors import ThecalError
from thecal.history.curve import Curve
from thecal.history.evidence import Evidence
from thecal.history.rows import row
from thecal.history.timeline import Timeline
from thecal.pump.active import program_if_allowed, read_back

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.pump.client import Client

HOUR_MS = S_PER_HOUR * MS_PER_S
TOTAL_S = 300  # the interval of the totals in the journal
CLOCK_STEP_S = 5
OTHER_RECORDS = 40  # and these many others in a quiet day
Status = dict[str, Any]


class Day(NamedTuple):
    """The power-up and the pump's local day of a status; None if the pump does not know the time."""

    boot: int
    number: int | None
    offset_s: int


class Past:
    """`since_midnight`: (least, most) steps delivered today by the pump's local time; None if unknown, with the reason in `why`."""

    def __init__(self) -> None:
        self.why = "the journal is not read yet"
        self.program: Program | None = None
        self._day: Day | None = None
        self._digest: str | None = None
        self._begin_s = 0
        self._midnight: tuple[Fraction, Fraction] | None = None
        self._points: list[tuple[int, Fraction]] = []

    def look(self, client: Client, status: Status) -> None:
        """Process a status; read the journal for the first one, after a reset or a set clock, and when another day begins."""
        if status.get("program_digest") != self._digest:
            self._learn(client, status)
        day = Day(status["boot"], local_day(status), status["offset_s"])
        begin_s = status["utc_s"] - status["uptime_ms"] // MS_PER_S if status["utc_s"] else 0
        if day != self._day or abs(begin_s - self._begin_s) > CLOCK_STEP_S:
            self._read(client, status)
            self._day, self._begin_s = day, begin_s
        self._points.append((status["uptime_ms"], Fraction(status["delivered_steps"])))
        oldest_ms = status["uptime_ms"] - HOUR_MS
        while len(self._points) > 2 and self._points[1][0] < oldest_ms:
            self._points.pop(0)

    def _learn(self, client: Client, status: Status) -> None:
        """Read the active program, for doses in mass; without it rates are volumes."""
        try:
            self.program = read_back(program_if_allowed(client))
            self._digest = status.get("program_digest")
        except (ThecalError, Refusal):
            self.program = None

    def _read(self, client: Client, status: Status) -> None:
        self._midnight, self._points = None, []
        try:
            line = Timeline(evidence(client, status))
        except ThecalError as error:  # the other values are still right
            self.why = error.cause
            return
        now_ms = status["uptime_ms"]
        self._points = [(at_ms - line.to_ms + now_ms, steps) for at_ms, steps in line.high.points if at_ms >= line.to_ms - 2 * HOUR_MS][:-1]
        self._midnight = at_midnight(line, status)
        self.why = (
            "" if self._midnight else "the pump did not know the time at midnight" if status["utc_s"] else "the pump's clock is not set"
        )

    def today(self, status: Status) -> tuple[int, int] | None:
        """Return (least, most) steps since local midnight."""
        if self._midnight is None:
            return None
        low, high = self._midnight
        certain, most = status["delivered_steps"] - status["uncertain_steps"] - low, status["delivered_steps"] - high
        return max(0, int(certain)), max(0, int(most))

    def hour(self, cells: int) -> list[Fraction | None]:
        """Return the mean steps per hour in each of `cells` equal parts of the last hour; None where unknown."""
        if not self._points:
            return [None] * cells
        curve, end_ms, begin_ms = Curve(self._points), self._points[-1][0], self._points[0][0]
        found: list[Fraction | None] = []
        for cell in range(cells):
            from_ms, to_ms = (end_ms - HOUR_MS + HOUR_MS * edge // cells for edge in (cell, cell + 1))
            from_ms = max(from_ms, begin_ms)
            known = to_ms > from_ms
            found.append(curve.between(from_ms, to_ms) * HOUR_MS / (to_ms - from_ms) if known else None)
        return found


def local_day(status: Status) -> int | None:
    """Return the number of the pump's local day; None if the pump does not know the time."""
    return (status["utc_s"] + status["offset_s"]) // S_PER_DAY if status["utc_s"] else None


def evidence(client: Client, status: Status) -> Evidence:
    """Return the journal's last hours, at least from local midnight on; read farther back if that was too late."""
    seconds_s = max(2 * S_PER_HOUR, (status["utc_s"] + status["offset_s"]) % S_PER_DAY if status["utc_s"] else 0)
    records = seconds_s // TOTAL_S + OTHER_RECORDS
    found = Evidence(status=status, source="the pump", packed=base64.b64decode(program_if_allowed(client).get("program") or ""))
    while True:
        first = max(1, status["events_sequence"] - records)
        found.events = [row("events", one) for _, block in client.journal("events", first) for one in block]
        if first == 1 or not found.events or reaches_back(found, seconds_s):
            return found
        records *= 4


def reaches_back(found: Evidence, seconds_s: int) -> bool:
    """Return True if the records begin before the requested time."""
    line = Timeline(found)
    return line.to_ms - line.from_ms > seconds_s * MS_PER_S


def at_midnight(line: Timeline, status: Status) -> tuple[Fraction, Fraction] | None:
    """Return (low, high) position at the last local midnight, low without uncertain steps of this part of the journal; None if the time
    was unknown then."""
    if not status["utc_s"]:
        return None
    midnight_ms = ((status["utc_s"] + status["offset_s"]) // S_PER_DAY * S_PER_DAY - status["offset_s"]) * MS_PER_S
    boots = list(line.axis.boots.values())
    there = [boot for boot in boots if boot.begin_ms <= midnight_ms]
    whole = not any(gap.ring == "events" for gap in line.books.gaps)  # the faults ring was not read
    if not (there[-1].known if there else boots[0].number == 1 and boots[0].known and whole):
        return None
    uncertain = sum(one.uncertain_steps for one in line.books.losses)
    earlier = status["uncertain_steps"] - uncertain
    return line.low.at(midnight_ms) - earlier, line.high.at(midnight_ms)
