"""Analyse a recorded run: errors over the analysis periods, trumpet, start-up, pulsation, the pump's own part."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from thecal.errors import BadInput, Failed
from thecal.weighing.characterise import checks
from thecal.weighing.characterise.pulsation import Pulsation, pulsation
from thecal.weighing.characterise.run import RUN, STILL, Facts, Run, Sample
from thecal.weighing.characterise.trumpet import (
    MS_PER_MIN,
    FlowCurve,
    Ideal,
    Masses,
    Window,
    flow_ml_per_h,
    mean_error_percent,
    on_grid,
    trumpet,
)

SAMPLE_S = 30
STARTUP_MIN = 120
PERIOD_MIN = 60
UG_PER_MS_OF_H = 3_600_000


@dataclass(frozen=True)
class Period:
    """One analysis period: its mean error and its trumpet, in percent."""

    name: str
    from_min: float
    to_min: float
    mean_percent: Fraction
    windows: list[Window]


@dataclass(frozen=True)
class Motor:
    """The pump's report of the same span: its steps against the rate, and the volume per step. Percent and nl."""

    steps: int
    steps_percent: Fraction
    step_nl: Fraction
    calibration_percent: Fraction


@dataclass(frozen=True)
class WindowLimit:
    """The error of a window of so many minutes from one step, and from one digit of the balance."""

    window_min: int
    step_percent: Fraction
    digit_percent: Fraction


class Span(NamedTuple):
    """A named part of the grid."""

    name: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True)
class Analysis:
    """The results to print and draw."""

    facts: Facts
    duration_min: float
    sample_s: float
    evaporation_ug_per_h: Fraction
    evaporation_source: str
    digit_ug: int
    whole_percent: Fraction
    periods: list[Period]
    limits: list[WindowLimit]
    motor: Motor | None
    pulsation: Pulsation | None
    flow: FlowCurve

    @property
    def calibrated(self) -> bool:
        return self.facts.calibration_state != "UNCALIBRATED"


def analyse(run: Run, sample_s: Fraction = Fraction(SAMPLE_S)) -> Analysis:
    """Analyse a run; `sample_s` is S of the standard. Raises BalanceError, Failed or BadInput for an unusable run."""
    samples = run.phase(RUN)
    times_ms, masses_ug = arrays(samples)
    checks.check(run, times_ms, masses_ug)
    step_ms = _step_ms(sample_s)
    lost_ug_per_h, source = evaporation(run)
    ideal = Ideal(run.facts.rate_nl_per_ms, run.facts.density, lost_ug_per_h / UG_PER_MS_OF_H)
    masses = on_grid(times_ms, masses_ug, step_ms)
    if len(masses.ug) < 2:
        raise Failed(f"the pump ran for {times_ms[-1] / 1000:.0f} s, less than two samples of {float(sample_s):g} s", "record for longer")
    resolution_ug = checks.digit_ug(run)
    periods = [_period(masses, ideal, span) for span in _spans(masses)]
    return Analysis(
        run.facts,
        float(times_ms[-1] - times_ms[0]) / MS_PER_MIN,
        float(sample_s),
        lost_ug_per_h,
        source,
        resolution_ug,
        mean_error_percent(masses, ideal),
        periods,
        _limits(periods, ideal, run.facts, resolution_ug),
        motor(samples, ideal, run.facts),
        _pulsation(times_ms, masses_ug, ideal, run.facts),
        flow_ml_per_h(masses, ideal),
    )


def arrays(samples: list[Sample]) -> tuple[Any, Any]:
    """Return times in ms and masses in ug of samples, as int64."""
    times_ms = np.array([sample.time_ms for sample in samples], dtype=np.int64)
    return times_ms, np.array([sample.mass_ug for sample in samples], dtype=np.int64)


def evaporation(run: Run) -> tuple[Fraction, str]:
    """Return (ug per hour, its source): given, measured before the start, or none."""
    if run.facts.evaporation_ug_per_h:
        return Fraction(run.facts.evaporation_ug_per_h), "given"
    still = run.phase(STILL)
    if len(still) < checks.LEAST_SAMPLES:
        return Fraction(0), "not corrected"
    times_ms, masses_ug = arrays(still)
    time_ms, mass_ug = times_ms - times_ms.mean(), masses_ug - masses_ug.mean()
    slope_ug_per_ms = float(time_ms @ mass_ug / (time_ms @ time_ms))
    scatter_ug = float(np.std(mass_ug - slope_ug_per_ms * time_ms))
    doubt_mg_per_h = 2 * scatter_ug / float(np.sqrt(time_ms @ time_ms)) * UG_PER_MS_OF_H / 1000
    minutes = (int(times_ms[-1]) - int(times_ms[0])) / MS_PER_MIN
    source = f"measured for {minutes:.0f} min before the start, within {doubt_mg_per_h:.2g} mg/h"
    return Fraction(-slope_ug_per_ms) * UG_PER_MS_OF_H, source


def motor(samples: list[Sample], ideal: Ideal, facts: Facts) -> Motor | None:
    """Return the pump's own part over the span of its reports; None for fewer than two reports."""
    asked = [sample for sample in samples if sample.pump_steps is not None and sample.steps_at_ms is not None]
    if len(asked) < 2 or not asked[0].steps_at_ms or not asked[-1].steps_at_ms:
        return None
    steps = (asked[-1].pump_steps or 0) - (asked[0].pump_steps or 0)
    span_ms = asked[-1].steps_at_ms - asked[0].steps_at_ms
    if steps <= 0 or span_ms <= 0:
        return None
    times_ms, masses_ug = arrays(samples)
    first_ug, last_ug = np.interp([asked[0].steps_at_ms, asked[-1].steps_at_ms], times_ms, masses_ug)
    mass_ug = Fraction(float(last_ug - first_ug)) + ideal.evaporation_ug_per_ms * span_ms
    step_nl = mass_ug * 1000 / ideal.density_mg_per_ml / steps
    planned_steps = ideal.rate_nl_per_ms * span_ms / facts.step_nl
    return Motor(steps, 100 * (steps / planned_steps - 1), step_nl, 100 * (step_nl / facts.step_nl - 1))


def _step_ms(sample_s: Fraction) -> int:
    step_ms = sample_s * 1000
    if step_ms.denominator != 1 or step_ms < 100 or MS_PER_MIN % step_ms:
        raise BadInput(f"a sample interval of {float(sample_s):g} s does not divide a minute", "use an interval like 30 s or 0.5 s")
    return int(step_ms)


def _spans(masses: Masses) -> list[Span]:
    """Return the analysis periods: T1 the second hour, T2 the last; a short run is one period."""
    hour_ms = PERIOD_MIN * MS_PER_MIN
    end_ms = masses.from_ms + masses.span_ms
    if masses.from_ms > hour_ms or end_ms < 2 * hour_ms:
        return [Span("whole run", masses.from_ms, end_ms)]
    spans = [Span("T1, second hour", hour_ms, 2 * hour_ms)]
    if end_ms >= 3 * hour_ms:
        spans.append(Span("T2, last hour", end_ms - hour_ms, end_ms))
    return spans


def _period(masses: Masses, ideal: Ideal, span: Span) -> Period:
    part = masses.part(span.from_ms, span.to_ms)
    return Period(span.name, span.from_ms / MS_PER_MIN, span.to_ms / MS_PER_MIN, mean_error_percent(part, ideal), trumpet(part, ideal))


def _limits(periods: list[Period], ideal: Ideal, facts: Facts, resolution_ug: int) -> list[WindowLimit]:
    digit_nl = Fraction(resolution_ug * 1000) / ideal.density_mg_per_ml
    spans = [(window.minutes, window.minutes * MS_PER_MIN) for window in periods[0].windows]
    return [WindowLimit(minutes, ideal.volume_percent(facts.step_nl, ms), ideal.volume_percent(digit_nl, ms)) for minutes, ms in spans]


def _pulsation(times_ms: Any, masses_ug: Any, ideal: Ideal, facts: Facts) -> Pulsation | None:
    """Return the flow in the record's own interval, over the second hour if there is one."""
    step_ms = int(np.median(np.diff(times_ms)))
    if step_ms <= 0:
        return None
    masses = on_grid(times_ms, masses_ug, step_ms)
    hour = PERIOD_MIN * MS_PER_MIN // step_ms
    if len(masses.ug) > 2 * hour:
        masses = Masses(masses.from_ms + hour * step_ms, step_ms, masses.ug[hour : 2 * hour + 1])
    rolls_hz = checks.expected_steps_per_s(facts) * facts.rollers / facts.steps_per_turn
    lost_ug_per_s = float(ideal.evaporation_ug_per_ms) * 1000
    mean_ug_per_s = float(masses.ug[-1] - masses.ug[0]) / (masses.span_ms / 1000) + lost_ug_per_s if masses.span_ms else 0.0
    return pulsation(masses, mean_ug_per_s, rolls_hz)
