"""Compare forecast and journal minute by minute: where the delivered volume differs from the program, and why."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

from pumpcore.fluid.front import Crossing
from pumpcore.program.forecast import Forecast
from pumpcore.program.schedule import Zone
from pumpcore.units import MS_PER_S, S_PER_DAY
from thecal.errors import Failed
from thecal.forecast.course import Course
from thecal.forecast.flowing import Rows, delayed, waits_s
from thecal.history.checks import position_check, sequence_check
from thecal.history.curve import Curve, Ratio
from thecal.history.near import Near
from thecal.history.parts import BolusLine, Span
from thecal.history.staged import BENT_STEPS
from thecal.history.timeline import Timeline

MINUTE_MS = 60_000
LONGEST_DAYS = 400
UNCERTAIN = "uncertain after a power cut"
FLOAT_STEPS = 1e-3  # the certain precision of floats up to 2^43 steps
SAME_STEPS = 2  # the motor lags the plan by less than one step, at both ends of a minute


class Reason(NamedTuple):
    """The text of a reason, where it holds; `light`: it is named after a bolus."""

    from_ms: int
    to_ms: int
    text: str
    light: bool = False


class Shot(NamedTuple):
    """A bolus that began, until its end or the end of the journal, and how long it flows in all."""

    from_ms: int
    to_ms: int
    bolus: BolusLine
    whole_ms: int


@dataclass(frozen=True)
class Start:
    """The program's first second: its place on the axis, its UTC by the pump, and its `bridge_started` record."""

    at_ms: int
    utc_s: int
    bridge: dict[str, Any] | None = None


class Minute(NamedTuple):
    """Steps from the start to the end of a minute: the forecast, and the range of delivered steps; boluses included."""

    at_ms: int
    forecast: Ratio
    low: Ratio
    high: Ratio

    @property
    def forecast_steps(self) -> Fraction:
        """Return the exact steps of the forecast."""
        return Fraction(*self.forecast)

    @property
    def low_steps(self) -> Fraction:
        """Return the least delivered steps, exact."""
        return Fraction(*self.low)

    @property
    def high_steps(self) -> Fraction:
        """Return the most delivered steps, exact."""
        return Fraction(*self.high)


@dataclass(frozen=True)
class Difference:
    """Neighbouring minutes with more or less delivered than forecast; `steps` is the difference, boluses counted separately."""

    from_ms: int
    to_ms: int
    forecast_steps: Fraction
    delivered_steps: Fraction
    bolus_steps: Fraction
    uncertain_steps: Fraction
    why: str

    def steps(self) -> Fraction:
        """Return delivered minus forecast steps."""
        return self.delivered_steps - self.forecast_steps


def broken(line: Timeline) -> list[str]:
    """Return why the totals are uncertain: missing records, and positions that do not follow each other."""
    return [check.text for check in (sequence_check(line), position_check(line)) if not check.holds]


def check_length(asked_ms: int) -> None:
    """Raise Failed for a period longer than the longest forecast."""
    days = -(-asked_ms // (S_PER_DAY * MS_PER_S))
    if days > LONGEST_DAYS:
        reach = f"the period ends {days} days after the program's first start; a comparison covers at most {LONGEST_DAYS} days"
        raise Failed(reach, "give an earlier end: thecal compare --to TIME")


class Comparison:
    """The period from the first start of the active program (or `from_ms`) to the end of the journal (or `to_ms`). Raises Failed if the
    journal lacks what it needs."""

    def __init__(self, line: Timeline, from_ms: int | None = None, to_ms: int | None = None) -> None:
        self.line = line
        start = first_start(line)
        self.origin_ms = start.at_ms
        self.from_ms = max(self.origin_ms, self.origin_ms if from_ms is None else from_ms)
        self.to_ms = max(self.from_ms, min(line.to_ms, line.to_ms if to_ms is None else to_ms))
        check_length(self.to_ms - self.origin_ms)
        self.incomplete = list(filter(None, [starts_before(line, self.origin_ms), *broken(line)]))
        self.course, self.zone = self._course(start)
        self.temporaries = temporaries(line)
        self.bridges = bridges(line)
        self.timeless = timeless(line)
        self._boluses = self._near_boluses()
        self._reasons = self._near_reasons()
        self.minutes = self._minutes()
        self.differences = self._differences()

    def _course(self, start: Start) -> tuple[Course, Zone]:
        """Return the steps of the program, and of its first bridge, from its first second on, as if uninterrupted."""
        line, known = self.line, self.line.prescribed
        assert known is not None
        zone = zone_of(line, start)
        days = min(LONGEST_DAYS, (self.to_ms - self.origin_ms) // (S_PER_DAY * MS_PER_S) + 1)
        forecast, bridge, parts, position_steps = Forecast(known.program, known.calibration, start.utc_s, zone, days), start.bridge, 1, 0
        if bridge is not None:
            parts, position_steps = bridge["denominator"], bridge["position_steps"]
            forecast.crossing = Crossing((bridge["numerator"], parts), bridge["old_until_steps"], bridge["new_from_steps"])
        rows: Any = forecast.rows(0, 0, position_steps)
        flows = Rows(known.program, list(rows), days * S_PER_DAY, parts).flows(start.utc_s, zone, known.steps_per_s)
        if known.program.protocol is not None:
            flows = delayed(flows, self._pauses(waits_s(known.program, start.utc_s, zone)))
        return Course(flows, days * S_PER_DAY), zone

    def _pauses(self, wait_s: int) -> list[tuple[int, int]]:
        """Return [(second of the forecast, second from the start)] of each time that the protocol went on after a power cut."""
        found: list[tuple[int, int]] = []
        for place in self.line.books.now.places:
            on_s = -(-(place.at_ms - self.origin_ms) // MS_PER_S)
            if place.resumed and on_s > place.second_s + wait_s + (found[-1][1] - found[-1][0] if found else 0):
                found.append((place.second_s + wait_s, on_s))
        return found

    def _times(self) -> list[int]:
        return [*range(self.from_ms, self.to_ms, MINUTE_MS), self.to_ms]

    def forecast_at(self, at_ms: int) -> Fraction:
        """Return the steps by a moment; within a second in proportion."""
        second_s, rest_ms = divmod(at_ms - self.origin_ms, MS_PER_S)
        second_s = min(second_s, self.course.end_s)
        return self.course.at(second_s) + self.course.rate(second_s) * rest_ms / MS_PER_S

    def _minutes(self) -> list[Minute]:
        forecast = Curve([(self.origin_ms + at_s * MS_PER_S, steps) for at_s, steps in self.course.points(BENT_STEPS)])
        times_ms = self._times()
        curves = (curve.along(times_ms) for curve in (forecast, self.line.low, self.line.high))
        return [Minute(*of_one) for of_one in zip(times_ms, *curves, strict=True)]

    def bolus_steps(self, from_ms: int, to_ms: int) -> Fraction:
        """Return the steps of boluses, each spread evenly from its first to its last slice."""
        total = Fraction(0)
        for shot in self._boluses.of(from_ms, to_ms):
            runs_ms = shot.bolus.runs_ms(from_ms, to_ms)
            if runs_ms:
                total += Fraction(shot.bolus.delivered_steps * runs_ms, shot.whole_ms)
        return total

    def _near_boluses(self) -> Near[Shot]:
        end_ms, found = self.line.to_ms, []
        for one in self.line.books.now.boluses.values():
            if one.started_ms is not None:
                whole_ms = max(1, one.runs_ms(one.started_ms, end_ms))
                found.append(Shot(one.started_ms, end_ms if one.ended_ms is None else one.ended_ms, one, whole_ms))
        return Near(found)

    # -- where they differ

    def _differences(self) -> list[Difference]:
        found: list[Difference] = []
        for before, behind in zip(self.minutes, self.minutes[1:], strict=False):
            one = self._difference(before, behind)
            if one is None:
                continue
            last = found[-1] if found else None
            if last is not None and last.to_ms == one.from_ms and last.why == one.why:
                found[-1] = merged(last, one)
            else:
                found.append(one)
        return found

    def _difference(self, before: Minute, behind: Minute) -> Difference | None:
        if self._surely_same(before, behind):
            return None
        delivered = behind.high_steps - before.high_steps
        forecast = behind.forecast_steps - before.forecast_steps
        bolus = self.bolus_steps(before.at_ms, behind.at_ms)
        uncertain = delivered - (behind.low_steps - before.low_steps)
        same = abs(delivered - forecast) < SAME_STEPS + self._slack_steps(before.at_ms, behind.at_ms) and bolus < 1
        if same and uncertain < 1:
            return None
        why = UNCERTAIN if same else self.why(before.at_ms, behind.at_ms)
        return Difference(before.at_ms, behind.at_ms, forecast, delivered, bolus, uncertain, why)

    def _surely_same(self, before: Minute, behind: Minute) -> bool:
        """Return True if a comparison by floats suffices: nearly all minutes are as forecast, far from every limit."""
        high, forecast, low = (
            end / under - begin / over
            for (end, under), (begin, over) in ((behind.high, before.high), (behind.forecast, before.forecast), (behind.low, before.low))
        )
        uncertain = high - low
        if abs(high - forecast) >= SAME_STEPS - FLOAT_STEPS or uncertain >= 1 - FLOAT_STEPS:
            return False
        return self.bolus_steps(before.at_ms, behind.at_ms) < 1

    def _slack_steps(self, from_ms: int, to_ms: int) -> Fraction:
        """Return the allowed steps for a restarted run: its seconds begin at another fraction, so a change of rate moves by up to a
        second."""
        seconds = [(at_ms - self.origin_ms) // MS_PER_S for at_ms in (from_ms - MS_PER_S, to_ms + MS_PER_S)]
        first, last = (max(0, min(self.course.end_s, second_s)) for second_s in seconds)
        begin, end = (bisect_right(self.course.bends, second_s, key=lambda bend: bend[0]) for second_s in (first, last))
        inside = [self.course.rate(first), *self.course.rates[begin:end], self.course.rate(last)]
        return max(inside) - min(inside)

    def why(self, from_ms: int, to_ms: int) -> str:
        """Return the reasons that the journal gives for that time, heaviest first."""
        near = [one for one in self._reasons.of(from_ms, to_ms) if one.from_ms < to_ms and one.to_ms > from_ms]
        reasons = [one.text for one in near if not one.light]
        if self.bolus_steps(from_ms, to_ms):
            reasons.append("bolus")
        reasons += [one.text for one in near if one.light]
        return ", ".join(dict.fromkeys(reasons)) or "untold"

    def _near_reasons(self) -> Near[Reason]:
        """Return the reasons, heaviest first."""
        books, end_ms = self.line.books, self.line.to_ms
        found = [Reason(one.cut_ms - 1, one.cut_ms + MINUTE_MS + 1, "power cut") for one in books.losses]
        for before, behind in zip(books.runs, [*books.runs[1:], None], strict=True):
            if before.to_ms and before.ended != "running":
                text = "power off" if before.ended == "power" else f"stopped ({before.ended})"
                found.append(Reason(before.to_ms, end_ms if behind is None else behind.from_ms, text))
        found += [Reason(one.from_ms, one.to_ms or end_ms, "paused at a ceiling") for one in books.pauses]
        found += [Reason(begin_ms - MINUTE_MS, gone_ms, "temporary rate", True) for begin_ms, gone_ms in self.temporaries]
        found += [Reason(begin_ms - MINUTE_MS, gone_ms, "bridge", True) for begin_ms, gone_ms in self.bridges]
        found += [Reason(begin_ms, gone_ms, "time of day unknown", True) for begin_ms, gone_ms in self.timeless]
        return Near(found)

    def totals(self) -> dict[str, Fraction]:
        """Return the steps of the whole period. `rest`: steps that no difference explains, less than two if the books are right."""
        last = self.minutes[-1]
        explained = sum((one.steps() for one in self.differences if one.why != "untold"), Fraction(0))
        return {
            "forecast": last.forecast_steps,
            "delivered": last.high_steps,
            "uncertain": last.high_steps - last.low_steps,
            "boluses": self.bolus_steps(self.from_ms, self.to_ms),
            "explained": explained,
            "rest": last.high_steps - last.forecast_steps - explained,
        }


def merged(first: Difference, second: Difference) -> Difference:
    """Return one difference over two neighbouring ones with the same reason."""
    names = ("forecast_steps", "delivered_steps", "bolus_steps", "uncertain_steps")
    sums = {name: getattr(first, name) + getattr(second, name) for name in names}
    return Difference(first.from_ms, second.to_ms, why=first.why, **sums)


def temporaries(line: Timeline) -> list[Span]:
    """Return the temporary rates in the journal, widened to the moments with a recorded position: between those, the
    time of a change of rate is unknown."""
    found: list[Span] = []
    for one in line.evidence.events:
        at_ms = line.axis.of(one)
        if one["event"] == "temporary_ordered":
            found.append(Span(at_ms, line.to_ms))
        elif one["event"] == "temporary_ended" and found:
            found[-1] = Span(found[-1].from_ms, at_ms + MINUTE_MS)
    return [line.window(begin_ms, min(end_ms, line.to_ms)) for begin_ms, end_ms in found]


def bridges(line: Timeline) -> list[Span]:
    """Return the bridges in the journal, widened like the temporary rates."""
    found: list[Span] = []
    for one in line.evidence.events:
        at_ms = line.axis.of(one)
        if one["event"] == "bridge_started":
            found.append(Span(at_ms, line.to_ms))
        elif one["event"] in ("front_passed", "stopped") and found:
            found[-1] = Span(found[-1].from_ms, min(found[-1].to_ms, at_ms + MINUTE_MS))
    return [line.window(begin_ms, min(end_ms, line.to_ms)) for begin_ms, end_ms in found]


def timeless(line: Timeline) -> list[Span]:
    """Return the times in which the pump ran a schedule at its lowest rate because it did not know the time of day."""
    found: list[Span] = []
    for one in line.evidence.events:
        at_ms = line.axis.of(one)
        if one["event"] == "started" and not one["utc_s"]:
            found.append(Span(at_ms, line.to_ms))
        elif one["event"] in ("boot", "stopped", "clock_set") and found:
            found[-1] = Span(found[-1].from_ms, min(found[-1].to_ms, at_ms))
    return found if line.prescribed is not None and line.prescribed.program.needs_clock() else []


def first_start(line: Timeline) -> Start:
    """Return where the active program began: its first start or take-over without a later program, and after the last calibration,
    because earlier steps had another volume."""
    known = line.prescribed
    if known is None:
        raise Failed("no program is active in the pump, or its calibration is unknown", "program it first: thecal program rx.toml")
    weighed_ms = max([one.at_ms for one in line.books.calibrations], default=0)
    ours: list[Start] = []
    bridge = None
    for one in line.evidence.events:
        if one["event"] in ("bridge_started", "stopped"):
            bridge = one if one["event"] == "bridge_started" else None
        if one["event"] in ("started", "program_changed"):
            start, bridge = replace(start_of(line, one), bridge=bridge), None
            again = known.program.protocol is not None and one.get("by") != "resume"  # it began anew
            ours = [*([] if again else ours), start] if one["digest"] == known.digest and start.at_ms >= weighed_ms else []
    if not ours:
        raise Failed("the journal holds no start of the active program", "start it: thecal start")
    if known.program.needs_clock() and not ours[0].utc_s:
        raise Failed(
            "the pump did not know the time at its start, so its schedule can't be forecast", "set its clock: thecal clock --set"
        )
    return ours[0]


def starts_before(line: Timeline, start_ms: int) -> str:
    """Return that the program may have started before the journal begins; "" if the journal shows where it came from."""
    known = line.prescribed
    if known is None or not any(gap.from_start and gap.ring == "events" for gap in line.books.gaps):
        return ""
    for one in line.evidence.events:
        if line.axis.of(one) <= start_ms and one["event"] in ("program_activated", "program_changed", "calibration_set"):
            return ""
    oldest = line.evidence.events[0]["sequence"]
    return f"the journal begins with event {oldest}: the program may have started before, and is compared from its first start in it"


def start_of(line: Timeline, row: dict[str, Any]) -> Start:
    """Return the start that a `started` or `program_changed` record reports."""
    at_ms = line.axis.of(row)
    origins = [run.origin_ms for run in line.books.runs if run.from_ms == at_ms and run.origin_ms is not None]
    return Start(origins[0] if row["event"] == "started" and origins else at_ms, row["utc_s"])


def zone_of(line: Timeline, start: Start) -> Zone:
    """Return local time from the start on: with the change in the journal, otherwise the pump's next change."""
    offset_s = line.offset_s(start.at_ms)
    changes = [one for one in line.evidence.events if one["event"] == "offset_changed" and one["transition_utc_s"] > start.utc_s]
    if changes:
        return Zone(offset_s, changes[0]["transition_utc_s"], changes[0]["new_offset_s"])
    status = line.evidence.status or {}
    return Zone(offset_s, status.get("transition_utc_s") or 0, status.get("transition_offset_s") or 0)
