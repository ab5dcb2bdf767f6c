"""The volume since the pump's local midnight, from its journal once a day and from its status after that."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from pumpcore.units import MS_PER_S, NL_PER_ML, S_PER_DAY
from thecal.errors import ThecalError
from thecal.history.evidence import Evidence
from thecal.history.timeline import Timeline
from thecal.quantities import measured
from thecal.reports.live.past import CLOCK_STEP_S, at_midnight
from thecal.web.shapes import Today

if TYPE_CHECKING:
    from thecal.web.journal_reader import JournalReader

BEFORE_S = 2 * 3600
READING, NO_CLOCK, NO_MIDNIGHT = "the journal is being read", "the pump's clock is not set", "the pump did not know the time at midnight"
Status = dict[str, Any]


class Key(NamedTuple):
    """What a sum since midnight depends on, besides the position."""

    boot: int
    day: int
    offset_s: int
    begin_s: int


class SinceMidnight:
    """Remembers the position at midnight."""

    def __init__(self) -> None:
        self._key: Key | None = None
        self._at: tuple[Fraction, Fraction] | None = None

    def of(self, status: Status, journal: JournalReader) -> Today:
        """Return the volume since midnight; with the reason if it is not known."""
        if not status["utc_s"]:
            return Today(ml=None, plus_minus_ml=None, text=NO_CLOCK)
        if not journal.complete and self._key is None:
            return Today(ml=None, plus_minus_ml=None, text=READING)
        self._learn(status, journal)
        pair = status.get("calibration")
        if self._at is None or not pair:
            return Today(ml=None, plus_minus_ml=None, text=NO_MIDNIGHT if pair else "the pump has no bench")
        low, high = self._at
        most = max(0, int(status["delivered_steps"] - high))
        least = max(0, min(most, int(status["delivered_steps"] - status["uncertain_steps"] - low)))
        total, below = (measured.total(steps, pair) for steps in (most, least))
        text = total.text() if least == most else f"{measured.volume(below.volume_nl)} to {total.text()}"
        off = None if total.off_nl is None else float(total.off_nl / NL_PER_ML)
        return Today(ml=float(total.volume_nl / NL_PER_ML), plus_minus_ml=off, text=text, least_ml=float(below.volume_nl / NL_PER_ML))

    def _learn(self, status: Status, journal: JournalReader) -> None:
        local_s = status["utc_s"] + status["offset_s"]
        begin_s = status["utc_s"] - status["uptime_ms"] // MS_PER_S
        key = Key(status["boot"], local_s // S_PER_DAY, status["offset_s"], begin_s)
        old = self._key
        if old is not None and old[:3] == key[:3] and abs(old.begin_s - begin_s) <= CLOCK_STEP_S:
            return
        self._key = key
        midnight_s = local_s // S_PER_DAY * S_PER_DAY - status["offset_s"]
        rows = journal.rings["events"].rows(status["boot"], midnight_s - BEFORE_S)
        try:
            self._at = at_midnight(Timeline(Evidence(events=rows, source="the pump", status=status)), status)
        except ThecalError:
            self._at = None
