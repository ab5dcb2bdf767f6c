"""Find ceilings that bind in the forecast. Staging checks one week; with a repeated hour, a period can hold more than any week."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from pumpcore.limits.limits import DAY_BUCKETS, HOUR_BUCKETS, Ceilings
from pumpcore.units import S_PER_MINUTE
from thecal.forecast.course import Course
from thecal.forecast.model import Outlook

WINDOWS = (("hour", HOUR_BUCKETS), ("day", DAY_BUCKETS))


class Bound(NamedTuple):
    """A ceiling that binds: of the window "hour" or "day" whose fullest begins at `at_s`, in nl; of the "rate" at `at_s`, in nl per the
    program's seconds."""

    what: str
    at_s: int
    asked_nl: Fraction
    limit_nl: int


def binding(outlook: Outlook, ceilings: Ceilings) -> list[Bound]:
    """Return each window that the basal would exceed, where the pump pauses; and the highest rate if it is too high."""
    found = []
    for name, buckets in WINDOWS:
        span_s, limit_nl = buckets * S_PER_MINUTE, getattr(ceilings, f"{name}_nl")
        begin_s, volume = fullest(outlook, span_s)
        if volume > limit_nl:
            found.append(Bound(name, begin_s, volume, limit_nl))
    seconds_s = outlook.program.rate_seconds_s
    highest, at_s = outlook.basal.highest()
    limit_nl = min(ceilings.rate_nl, ceilings.motor_nl)
    if highest * seconds_s > limit_nl:
        found.append(Bound("rate", at_s, highest * seconds_s, limit_nl))
    return found


def fullest(outlook: Outlook, span_s: int) -> tuple[int, Fraction]:
    """Return (begin, nl) of the fullest window: it begins or ends at a change of rate, or where ramps at both ends have the same rate."""
    course = outlook.basal
    bends = [at_s for at_s, _ in course.bends]
    begins = {*bends, *(at_s - span_s for at_s in bends)}
    inside = [at_s for at_s in sorted(begins) if 0 <= at_s <= course.end_s - span_s] or [0]
    if any(course.slopes):
        inside += [at_s for from_s, to_s in pairwise(inside) for at_s in level(course, span_s, from_s, to_s)]
    volumes = [(course.between(at_s, min(course.end_s, at_s + span_s)), -at_s) for at_s in inside]
    volume, at_s = max(volumes)
    return -at_s, volume


def level(course: Course, span_s: int, from_s: int, to_s: int) -> list[int]:
    """Return the whole seconds around the begin of the window whose both ends have the same rate; there is no bend in between."""
    def gain(at_s: int) -> Fraction:
        return course.rate(at_s + span_s) - course.rate(at_s)

    if to_s - from_s < 2:
        return []
    begin, more = gain(from_s), gain(from_s + 1) - gain(from_s)
    if begin <= 0 or more >= 0 or begin + more * (to_s - from_s) >= 0:
        return []
    at_s = from_s + int(begin / -more)
    return [at_s, at_s + 1]
