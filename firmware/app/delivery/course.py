"""The basal source of a program with a protocol: its stages over the seconds of a span. In memory only with such a program."""

from app.delivery.basal import Basal
from pumpcore.motion.dose import Accumulator
from pumpcore.program.protocol import HOLD, WAITS
from pumpcore.program.schedule import NEVER_S

if 0:  # for the type checker alone
    from app.types import Crossing, Program, Week


class Course(Basal):
    """A protocol has its own seconds: pump second s is second `_begin_s` + s of it, before 0 while it waits for its start.

    They go on while the pump is powered and the program runs, whatever it delivers: nothing is caught up. The entry is the stage: WAITS
    before the first, the number of stages after the last.
    """

    def __init__(self, program: "Program", accumulator: Accumulator, week: "Week | None") -> None:
        super().__init__(program, accumulator, week)
        self.course = self
        self._begin_s = self.at_s = self.left_s = 0

    def begin(self, second_s: int, week: "Week | None", position_s: int | None) -> None:
        """Begin in pump second `second_s`, the `week` from then on, with second `position_s` of the protocol; None: with its start."""
        self._begin_s = (-self.program.protocol.wait_s(week) if position_s is None else position_s) - second_s

    def position_s(self, second_s: int) -> int:
        """Return the protocol's second."""
        return self._begin_s + second_s

    def entry_at(self, second_s: int) -> int:
        """Return the stage that runs."""
        return self.program.protocol.place(self._begin_s + second_s).entry

    def told_nl(self, entry: int, second_s: int) -> int:
        """Return the program's own rate in this second."""
        place = self.program.protocol.place(self._begin_s + second_s)
        return self.program.protocol.rate_nl(place.entry, place.second_s)

    def rate_nl(self, entry: int, second_s: int = 0) -> int:
        """Return the rate by which to advance the accumulator in this second."""
        return self.of(self.told_nl(entry, second_s))

    def ramps(self, entry: int) -> bool:
        """Return True if each second has another rate."""
        return (self.temporary is None or self.temporary.denominator > 0) and self.program.protocol.ramps(entry)

    def sum_nl(self, from_s: int, duration_s: int) -> int:
        """Return the sum of the rates of these seconds: a rate for one second."""
        if self.temporary is not None and not self.temporary.denominator:
            return self.of(0) * duration_s
        from_s += self._begin_s
        return self.of(self.program.protocol.between_nl_s(from_s, from_s + duration_s))

    def over(self, second_s: int) -> bool:
        """Return True if the protocol has ended, and is not held."""
        return self.program.protocol.then != HOLD and self._begin_s + second_s >= self.program.protocol.end_s()

    def journaled(self, second_s: int) -> bool:
        """Return True if the journal names the stage that begins: a loop's in its first pass only."""
        return self.program.protocol.place(self._begin_s + second_s).number == 0

    def until_change_s(self, second_s: int) -> int:
        """Return the seconds until the stage or a temporary rate ends."""
        change_s, temporary = self.program.protocol.place(self._begin_s + second_s).left_s, self.temporary
        return min(change_s, temporary.end_s - second_s) if temporary is not None and temporary.end_s > second_s else change_s

    def judge(self, crossing: "Crossing", second_s: int, position_steps: int) -> int:
        """Set the phase of a bridge; return how long it holds, at most to the end of the stage."""
        self.at_s = self._begin_s + second_s
        self.left_s = self.program.protocol.place(self.at_s).left_s
        return crossing.judge(self.accumulator, self.told_nl(0, second_s), position_steps, self)

    def nl_s(self, duration_s: int) -> int:
        """Return the sum of the program's own rates of the next `duration_s` after a `judge`."""
        return self.program.protocol.between_nl_s(self.at_s, self.at_s + duration_s)

    def highest(self, second_s: int, end_s: int) -> int:
        """Return the protocol's highest rate."""
        return self.program.protocol.highest_within_nl(self._begin_s + second_s, self._begin_s + end_s)

    def skip_to(self, second_s: int, end_s: int) -> int:
        """Whole passes are taken at once."""
        return self.accumulator.advance(self.sum_nl(second_s, end_s - second_s), 1) if end_s > second_s else 0

    def total(self, second_s: int) -> tuple[int, int]:
        """Return (stage, pass) for the journal."""
        place = self.program.protocol.place(self._begin_s + second_s)
        return place.entry, place.number + 1

    def describe(self, second_s: int) -> "dict[str, int | None]":
        """Return where the protocol is, for `status`."""
        protocol, at_s = self.program.protocol, self._begin_s + second_s
        place, end_s = protocol.place(at_s), protocol.end_s()
        following = protocol.place(at_s + place.left_s) if place.left_s < NEVER_S else None
        return {
            "stage": None if place.entry == WAITS else place.entry,
            "stages": len(protocol.stages),
            "pass": place.number + 1,
            "passes": protocol.passes(place.entry),
            "second_s": place.second_s,
            "stage_left_s": place.left_s if following is not None and place.entry != WAITS else None,
            "left_s": max(0, end_s - at_s) if protocol.then != HOLD and end_s < NEVER_S else None,
            "waits_s": max(0, -at_s),
            "rate_nl": protocol.rate_nl(place.entry, place.second_s),
            "next_rate_nl": None if following is None else protocol.rate_nl(following.entry, following.second_s),
        }
