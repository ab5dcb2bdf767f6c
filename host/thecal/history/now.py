"""What goes on at the record that is read: the run, its stretch, the boluses, the clock."""

from __future__ import annotations

from thecal.history.parts import BolusLine, ClockSet, Run, Stretch
from thecal.history.plan import Prescribed
from thecal.history.staged import Place


class Now:
    """`run` and `stretch` are None while the pump stands; `boluses` are all that were ordered so far, by token."""

    def __init__(self, prescribed: Prescribed | None, first_offset_s: int) -> None:
        self.prescribed = prescribed
        self.boluses: dict[str, BolusLine] = {}
        self.clock_sets: list[ClockSet] = []
        self.run: Run | None = None
        self.stretch: Stretch | None = None
        self.places: list[Place] = []  # of the running program's protocol, one for each time that it began or went on
        self._first_offset_s = first_offset_s

    def plan_is_known(self) -> bool:
        """Return True if the entries of the running program are known."""
        return self.prescribed is not None and self.run is not None and self.run.digest == self.prescribed.digest

    def place(self) -> Place | None:
        """Return the last known place of the protocol; None without one, or if it is not known."""
        staged = self.plan_is_known() and self.prescribed is not None and self.prescribed.program.protocol is not None
        return self.places[-1] if staged and self.places else None

    def begins(self, place: Place) -> None:
        """Take a place that is known exactly."""
        if not self.places or self.places[-1].second_at(place.at_ms) != place.second_s:
            self.places.append(place)

    def tells(self, place: Place) -> None:
        """Learn from a later place where the protocol went on after the last power cut."""
        last = self.places[-1] if self.places else None
        if last is not None and last.vague and self.run is not None and last.at_ms >= self.run.from_ms:
            self.places[-1] = Place(last.at_ms, place.second_s - (place.at_ms - last.at_ms) // 1000, True)

    def offset_s(self, at_ms: int) -> int:
        """Return the offset of local time at a moment."""
        found = [one.offset_s for one in self.clock_sets if one.at_ms <= at_ms]
        return found[-1] if found else self._first_offset_s
