"""Compute the steps of a prescription in exact fractions."""

from __future__ import annotations

from fractions import Fraction

from pumpcore.motion.dose import Calibration
from pumpcore.program.plan import Program
from pumpcore.program.schedule import entry_at, second_of_week, seconds_to_next
from pumpcore.units import MS_PER_S, S_PER_WEEK
from thecal.history.parts import BolusLine, Flow
from thecal.history.staged import Place, pieces


class Prescribed:
    """The program with a known digest, and the present calibration."""

    def __init__(self, program: Program, digest: str, calibration: Calibration) -> None:
        self.program = program
        self.digest = digest
        self.calibration = calibration

    def steps_per_s(self, rate_nl: int | Fraction) -> Fraction:
        """Convert `rate_nl` per the program's seconds to steps per second."""
        return Fraction(rate_nl) * self.calibration.steps / (self.program.rate_seconds_s * self.calibration.volume_nl)

    def bolus_per_s(self, one: BolusLine) -> Fraction:
        """Convert a bolus's rate to steps per second."""
        seconds_s = one.rate_seconds_s or self.program.rate_seconds_s
        return Fraction(one.rate_nl * self.calibration.steps, seconds_s * self.calibration.volume_nl)

    def between(self, place: Place, from_ms: int, to_ms: int) -> list[Flow]:
        """Return the flows, one after the other, of a protocol that was at this place."""
        protocol, found = self.program.protocol, []
        assert protocol is not None
        second_s = place.second_at(from_ms)
        at_ms = place.at_ms + (second_s - place.second_s) * MS_PER_S
        for lasts_s, rate_nl in pieces(protocol, second_s, -(-(to_ms - at_ms) // MS_PER_S), self.steps_per_s(1)):
            ends_ms = at_ms + lasts_s * MS_PER_S
            found.append(Flow(max(from_ms, at_ms), min(to_ms, ends_ms), rate_nl))
            at_ms = ends_ms
        return found

    def staged_steps(self, place: Place, from_ms: int, duration_s: int) -> Fraction:
        """Return the steps of a protocol in so many seconds from a moment on."""
        protocol = self.program.protocol
        assert protocol is not None
        second_s = place.second_at(from_ms)
        return self.steps_per_s(protocol.between_nl_s(second_s, second_s + duration_s))

    def pieces(self, local_s: int, duration_s: int) -> list[tuple[int, int]]:
        """Return consecutive [(seconds, rate_nl)] from a local time (UTC plus offset) on."""
        if not self.program.needs_clock():
            return [(duration_s, self.program.entries[0][1])]
        entries, at_s, left_s, found = self.program.entries, second_of_week(local_s, 0), duration_s, []
        while left_s > 0:
            part_s = min(left_s, seconds_to_next(entries, at_s))
            found.append((part_s, entries[entry_at(entries, at_s)][1]))
            at_s, left_s = (at_s + part_s) % S_PER_WEEK, left_s - part_s
        return found

    def steps(self, local_s: int, duration_s: int) -> Fraction:
        """Return the basal of so many seconds from a local time on."""
        weeks, rest_s = divmod(duration_s, S_PER_WEEK)
        week = self._sum(local_s, S_PER_WEEK) * weeks if weeks else Fraction(0)
        return week + self._sum(local_s, rest_s)

    def _sum(self, local_s: int, duration_s: int) -> Fraction:
        return sum((self.steps_per_s(rate_nl) * part_s for part_s, rate_nl in self.pieces(local_s, duration_s)), Fraction(0))
