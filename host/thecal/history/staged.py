"""Where a protocol is on the time axis, and its rates between two moments.

The journal names a stage of a loop in its first pass only, and the place in a protocol stands still while the power is off. So the place
is kept here: found anew at each record that names a stage, and counted on in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import isqrt
from typing import NamedTuple

from pumpcore.program.protocol import AFTER, WAITS, Protocol
from pumpcore.program.schedule import NEVER_S
from pumpcore.units import MS_PER_S

BENT_STEPS = Fraction(1, 10)  # so near is a ramp drawn by straight lines
MOST_PIECES = 20_000  # of one ramp


class Place(NamedTuple):
    """At a moment of the axis the protocol was in this second; below 0 before its first stage. `resumed`: it went on there after a power
    cut, and if `vague` that is known to a lease only, until a later record tells."""

    at_ms: int
    second_s: int
    resumed: bool = False
    vague: bool = False

    def second_at(self, at_ms: int) -> int:
        """Return its second at a later moment."""
        return self.second_s + (at_ms - self.at_ms) // MS_PER_S


class Piece(NamedTuple):
    """A part with one rate: whole seconds, and nl per the program's seconds; of a ramp the mean."""

    lasts_s: int
    rate_nl: int | Fraction


def begins_s(protocol: Protocol, stage: int) -> int:
    """Return the second in which a stage begins for the first time; `stage` may be the number of stages, which is the end, or WAITS: then
    the second of the start if its distance is known, otherwise one long before."""
    if stage == WAITS:
        return -protocol.start_value if protocol.start == AFTER else -NEVER_S
    at_s = 0
    for part in protocol.parts():
        if stage < part.first + part.count:
            return at_s + sum(protocol.stages[index][0] for index in range(part.first, stage))
        at_s = part.end_s
    return at_s


def resumed_s(protocol: Protocol, stage: int, kept_s: int, rate_nl: int) -> int:
    """Return the second in which a protocol goes on after a power cut: the one where it stood, moved into the stage that the journal
    names, because the moment of the cut is known to a lease only. Of a ramp the rate tells the second."""
    if stage == WAITS:
        return min(kept_s, -1)
    found_s = in_stage_s(protocol, stage, kept_s)
    if not protocol.ramps(stage) or protocol.place(found_s).entry != stage:
        return found_s
    lasts_s, begin_nl, end_nl = protocol.stages[stage]
    more_nl = (end_nl - begin_nl) // (2 * lasts_s)
    return found_s - protocol.place(found_s).second_s + ((rate_nl - begin_nl) // more_nl - 1) // 2


def in_stage_s(protocol: Protocol, stage: int, kept_s: int) -> int:
    """Return the second nearest to `kept_s` in which this stage runs."""
    place = protocol.place(kept_s)
    if place.entry == stage:
        return kept_s
    following_s, begun_s = kept_s + place.left_s, kept_s - place.second_s
    if place.left_s < NEVER_S and protocol.place(following_s).entry == stage:
        return following_s
    return begun_s - 1 if begun_s > 0 and protocol.place(begun_s - 1).entry == stage else begins_s(protocol, stage)


def pieces(protocol: Protocol, second_s: int, duration_s: int, per_nl: Fraction) -> Iterator[Piece]:
    """Yield the parts of so many seconds; `per_nl`: steps of one nl per the program's seconds in a second, for the length of a ramp's
    parts."""
    left_s = duration_s
    while left_s > 0:
        place = protocol.place(second_s)
        lasts_s = min(left_s, place.left_s)
        if protocol.ramps(place.entry):
            stage_s, begin_nl, end_nl = protocol.stages[place.entry]
            lasts_s = min(lasts_s, straight_s(abs(end_nl - begin_nl) * per_nl / stage_s, stage_s))
            yield Piece(lasts_s, Fraction(protocol.between_nl_s(second_s, second_s + lasts_s), lasts_s))
        else:
            yield Piece(lasts_s, protocol.rate_nl(place.entry, place.second_s))
        second_s, left_s = second_s + lasts_s, left_s - lasts_s


def straight_s(more_steps: Fraction, stage_s: int) -> int:
    """Return for how long a ramp, whose rate grows by `more_steps` per second in a second, is near to a straight line."""
    near_s = isqrt(int(8 * BENT_STEPS / more_steps)) if more_steps else stage_s
    return max(1, near_s, stage_s // MOST_PIECES)
