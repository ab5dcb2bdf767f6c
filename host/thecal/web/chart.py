"""A chart's columns from the time line of a journal: volumes since the left edge, mean rates, and what happened."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from pumpcore.faults.faults import ALARM
from pumpcore.units import MS_PER_S, NL_PER_ML, S_PER_DAY, S_PER_HOUR
from thecal.history.curve import Curve
from thecal.history.rows import Row
from thecal.history.timeline import Timeline
from thecal.text import faults as fault_text
from thecal.text.journal import in_words
from thecal.web.shapes import Chart, Event, Span

SPANS_S: dict[Span, int] = {"24h": S_PER_DAY, "7d": 7 * S_PER_DAY, "30d": 30 * S_PER_DAY}
EVERY_S: dict[Span, int] = {"24h": 60, "7d": 600, "30d": 1800}
MOST_EVENTS = 500
# what is drawn on the curve as it is: no event of its own
SILENT = ("total", "protocol_total", "remainder_dropped", "entry", "transition_set", "alarm")
HIDDEN = ("ring", "sequence", "boot", "uptime_ms", "utc_s", "utc", "event", "token", "digest", "first_sequence", "last_sequence")


def chart(line: Timeline, span: Span, complete: bool, done_permille: int) -> Chart:
    """Return the columns of the last so many days of a time line."""
    from_ms = max(line.from_ms, line.to_ms - SPANS_S[span] * MS_PER_S)
    moments = list(moments_of(from_ms, line.to_ms, EVERY_S[span] * MS_PER_S))
    volumes = [volumes_of(line, curve, moments) for curve in (line.planned, line.high, line.low)]
    planned, delivered, low = ([float(one / NL_PER_ML) for one in column] for column in volumes)
    return Chart(
        t=[at_ms // MS_PER_S for at_ms in moments],
        planned_ml=[round(one, 6) for one in planned],
        delivered_ml=[round(one, 6) for one in delivered],
        delivered_low_ml=[round(one, 6) for one in low],
        rate_planned_ml_per_h=rates_of(planned, moments),
        rate_ml_per_h=rates_of(delivered, moments),
        events=events_of(line, from_ms),
        from_utc_s=moments[0] // MS_PER_S,
        to_utc_s=moments[-1] // MS_PER_S,
        offset_s=line.offset_s(line.to_ms),
        complete=complete,
        done_permille=done_permille,
        time_known=line.time_is_known(),
    )


def nothing(now_s: int, complete: bool, done_permille: int) -> Chart:
    """Return the chart of a pump without any record."""
    empty: list[float] = []
    return Chart(
        t=[], planned_ml=empty, delivered_ml=empty, delivered_low_ml=empty, rate_planned_ml_per_h=empty, rate_ml_per_h=empty, events=[],
        from_utc_s=now_s, to_utc_s=now_s, offset_s=0, complete=complete, done_permille=done_permille, time_known=False,
    )  # fmt: skip


def moments_of(from_ms: int, to_ms: int, every_ms: int) -> Iterator[int]:
    """Yield both ends, and the whole multiples of `every_ms` between them, at most once a second."""
    yield from_ms
    last_s = from_ms // MS_PER_S
    for at_ms in (*range(from_ms - from_ms % every_ms + every_ms, to_ms, every_ms), to_ms):
        if at_ms // MS_PER_S > last_s:
            last_s = at_ms // MS_PER_S
            yield at_ms


def volumes_of(line: Timeline, curve: Curve, moments: list[int]) -> list[Fraction]:
    """Return the volume of a curve, in nl since the first moment, by the calibration of each part."""
    steps = [Fraction(*ratio) for ratio in curve.along(moments)]
    found, sum_nl = [Fraction(0)], Fraction(0)
    for (begin_ms, _), (before, after) in zip(pairwise(moments), pairwise(steps), strict=True):
        sum_nl += line.volume_nl(after - before, begin_ms) or 0
        found.append(sum_nl)
    return found


def rates_of(volumes_ml: list[float], moments: list[int]) -> list[float]:
    """Return the mean rate of the part before each moment, in mL/h; the first has that of the part after it."""
    parts = [
        round((after - before) * S_PER_HOUR * MS_PER_S / (to_ms - from_ms), 6)
        for (before, after), (from_ms, to_ms) in zip(pairwise(volumes_ml), pairwise(moments), strict=True)
    ]
    return [*parts[:1], *parts] if parts else [0.0] * len(moments)


def events_of(line: Timeline, from_ms: int) -> list[Event]:
    """Return what happened since a moment, the oldest first; the newest 500 if there are more. Doses, stops and alarms come before the
    entries of the schedule."""
    found = [one for one in alarms_of(line) if one.t >= from_ms // MS_PER_S]
    rows = [one for one in line.evidence.events if one["event"] not in SILENT and line.axis.of(one) >= from_ms][-MOST_EVENTS:]
    for one, words in zip(rows, in_words(rows, line.evidence.status or {}), strict=True):
        found.append(Event(t=line.axis.of(one) // MS_PER_S, kind=one["event"], text=text_of(words)))
    return sorted(found, key=lambda one: one.t)[-MOST_EVENTS:]


def alarms_of(line: Timeline) -> Iterator[Event]:
    """Yield each alarm and its acknowledgement."""
    for one in line.alarms:
        kind, text = "alarm" if one.severity == ALARM else "warning", fault_text.fault_text(one.fault).split(";")[0]
        yield Event(t=one.raised_ms // MS_PER_S, kind=kind, text=text)
        if one.acknowledged_ms is not None:
            yield Event(t=one.acknowledged_ms // MS_PER_S, kind="acknowledged", text=f"{one.fault} {one.name} acknowledged")


def text_of(words: Row) -> str:
    """Return a record in one line."""
    details = [f"{name} {value}" for name, value in words.items() if name not in HIDDEN and value not in ("", None)]
    return ": ".join(filter(None, (str(words["event"]), ", ".join(details))))[:200]
