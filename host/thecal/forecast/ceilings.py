"""Find ceilings that bind in the forecast. Staging checks one week; with a repeated hour, a period can hold more than any week."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from pumpcore.limits.limits import DAY_BUCKETS, HOUR_BUCKETS, Ceilings
from pumpcore.units import S_PER_MINUTE
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
    highest = max(outlook.basal.rates)
    limit_nl = min(ceilings.rate_nl, ceilings.motor_nl)
    if highest * seconds_s > limit_nl:
        at_s = outlook.basal.bends[outlook.basal.rates.index(highest)][0]
        found.append(Bound("rate", at_s, highest * seconds_s, limit_nl))
    return found


def fullest(outlook: Outlook, span_s: int) -> tuple[int, Fraction]:
    """Return (begin, nl) of the fullest window: it begins or ends at a change of rate."""
    course = outlook.basal
    bends = [at_s for at_s, _ in course.bends]
    begins = {*bends, *(at_s - span_s for at_s in bends)}
    inside = [at_s for at_s in sorted(begins) if 0 <= at_s <= course.end_s - span_s] or [0]
    volumes = [(course.between(at_s, min(course.end_s, at_s + span_s)), -at_s) for at_s in inside]
    volume, at_s = max(volumes)
    return -at_s, volume
