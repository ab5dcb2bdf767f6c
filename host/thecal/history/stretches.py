"""One stretch per entry of the schedule: opened by its record, closed with everything that was booked meanwhile."""

from __future__ import annotations

from thecal.history.flows import Flows
from thecal.history.now import Now
from thecal.history.parts import Stretch
from thecal.history.rows import Row
from thecal.history.tally import Tally


class StretchBook:
    """The stretch that is open is that of `now`; the closed ones are in `closed`."""

    def __init__(self, now: Now, flows: Flows, tally: Tally) -> None:
        self._now, self._flows, self._tally = now, flows, tally
        self.closed: list[Stretch] = []
        self._begin_planned = self._begin_certain = 0

    def open(self, row: Row, at_ms: int, utc_s: int) -> None:
        """Begin an entry; the last one ends here."""
        ordered = row["ordered_steps"]
        self.close(at_ms, "entry", utc_s, ordered, row["boot"])
        run = self._now.run
        opened = self._now.stretch = Stretch(row["entry"], row["rate_nl"], run.digest if run else "", at_ms, utc_s, row["boot"])
        opened.overlaid = self._flows.overlay is not None
        self._begin_planned = ordered + self._tally.missed + self._tally.halted
        self._begin_certain = (self._tally.position or 0) - self._tally.uncertain

    def close(self, at_ms: int, ended: str, utc_s: int = 0, ordered_steps: int | None = None, boot: int = -1) -> None:
        """End the entry that runs, and sum it up; nothing without one."""
        stretch, self._now.stretch = self._now.stretch, None
        if stretch is None:
            return
        stretch.to_ms, stretch.ended = at_ms, ended
        booked = self._tally.position if ordered_steps is None else ordered_steps
        stretch.ordered_steps = (booked or 0) + self._tally.missed + self._tally.halted - self._begin_planned
        stretch.delivered_steps = (self._tally.position or 0) - self._tally.uncertain - self._begin_certain
        if ended == "entry":
            same = boot == stretch.boot
            known = stretch.from_utc_s and utc_s
            stretch.seconds_s = round((at_ms - stretch.from_ms) / 1000) if same else utc_s - stretch.from_utc_s if known else None
        self._add_boluses(stretch)
        self._prescribe(stretch)
        self.closed.append(stretch)

    def _add_boluses(self, stretch: Stretch) -> None:
        for one in self._now.boluses.values():
            if one.started_ms is None or one.started_ms >= stretch.to_ms or (one.ended_ms or stretch.to_ms + 1) <= stretch.from_ms:
                continue
            if one.started_ms >= stretch.from_ms and one.ended_ms is not None and one.ended_ms <= stretch.to_ms:
                stretch.bolus_steps += one.delivered_steps
            else:
                stretch.bolus_crosses = True

    def _prescribe(self, stretch: Stretch) -> None:
        known = self._now.prescribed
        if known is None or stretch.digest != known.digest or stretch.seconds_s is None or stretch.overlaid:
            return
        place = self._now.place()
        if place is not None:
            whole = not (stretch.cut or stretch.paused) and place.at_ms <= stretch.from_ms
            stretch.programmed_steps = known.staged_steps(place, stretch.from_ms, stretch.seconds_s) if whole else None
        elif known.program.protocol is not None:
            return
        elif (stretch.paused or stretch.cut) and stretch.from_utc_s:
            stretch.programmed_steps = known.steps(stretch.from_utc_s + self._now.offset_s(stretch.from_ms), stretch.seconds_s)
        else:
            stretch.programmed_steps = known.steps_per_s(stretch.rate_nl) * stretch.seconds_s
