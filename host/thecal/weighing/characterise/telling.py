"""Format an analysis as a table for people and as a document for programs."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction
from typing import Any

from thecal.weighing.characterise.analysis import Analysis, Period
from thecal.weighing.characterise.pulsation import Pulsation

Table = list[tuple[str, ...]]


def percent(value: Fraction | float) -> str:
    return f"{float(value):+.2f} %"


def trumpet_table(analysis: Analysis) -> Table:
    """Return one row per window: Ep min and max of each period, the error from one step and one digit."""
    heads = [head for period in analysis.periods for head in (f"{period.name.split(',')[0]} Ep min", "Ep max", "windows")]
    rows: Table = [("window", *heads, "one step", "one digit")]
    for index, limit in enumerate(analysis.limits):
        cells: list[str] = []
        for period in analysis.periods:
            window = period.windows[index]
            cells += [percent(window.lowest_percent), percent(window.highest_percent), str(window.count)]
        rows.append((f"{limit.window_min} min", *cells, f"{float(limit.step_percent):.2g} %", f"{float(limit.digit_percent):.2g} %"))
    return rows


def facts_table(analysis: Analysis) -> Table:
    """Return labels and texts, the errors first."""
    facts = analysis.facts
    rows: Table = [("set rate", facts.rate.text())]
    for letter, period in zip("AB", analysis.periods, strict=False):
        name = f"mean error {letter}" if len(analysis.periods) > 1 else "mean error"
        rows.append((name, f"{percent(period.mean_percent)} ({span(period)})"))
    rows.append(("whole run", f"{percent(analysis.whole_percent)} over {analysis.duration_min:.1f} min"))
    if analysis.motor is not None:
        one, stored = analysis.motor, float(facts.step_nl)
        rows.append(("of that, motor", f"{percent(one.steps_percent)} ({one.steps} steps, as the pump reports)"))
        rows.append(("of that, tube", f"{percent(one.calibration_percent)} ({float(one.step_nl):.4f} nl a step, stored {stored:.4f})"))
    rows.append(("evaporation", f"{float(analysis.evaporation_ug_per_h) / 1000:.3f} mg/h, {analysis.evaporation_source}"))
    rows.append(("pulsation", pulsation_text(analysis.pulsation)))
    state = "" if analysis.calibrated else "; the errors include the tube's until you calibrate it"
    rows.append(("calibration", f"{facts.calibration_state}, {facts.calibration_volume_nl} nl in {facts.calibration_steps} steps{state}"))
    rows.append(("doses", f"by {facts.law}"))
    rows.append(("balance", f"{facts.balance}; digit {analysis.digit_ug / 1000:g} mg; density {float(facts.density) / 1000:.4f} g/mL"))
    return rows


def span(period: Period) -> str:
    return f"{period.name}: {period.from_min:.0f} to {period.to_min:.0f} min"


def pulsation_text(found: Pulsation | None) -> str:
    if found is None:
        return "not analysed: too few samples"
    roller = f"rollers {found.roller_hz:.4g} Hz"
    if not found.visible:
        return f"{roller}: not visible at this sample interval and length"
    there = f"{found.at_roller_percent:.2g} % of the flow there (noise {found.floor_percent:.2g} %)"
    if found.found_hz is None:
        return f"no line stands out; {roller}, {there}"
    line = f"{found.found_hz:.4g} Hz, {found.found_percent:.3g} % of the flow"
    return f"{line}; {roller} (ratio {found.found_hz / found.roller_hz:.3f}), {there}"


def as_json(analysis: Analysis) -> dict[str, Any]:
    """Return the document; names contain the units, errors are in percent as floats."""
    facts = {name: value for name, value in asdict(analysis.facts).items() if name != "evaporation_ug_per_h"}
    minutes, flow = ([round(float(one), 6) for one in column] for column in (analysis.flow.at_min, analysis.flow.ml_per_h))
    return {
        "facts": facts,
        "calibrated": analysis.calibrated,
        "duration_min": analysis.duration_min,
        "sample_s": analysis.sample_s,
        "evaporation_ug_per_h": float(analysis.evaporation_ug_per_h),
        "evaporation_source": analysis.evaporation_source,
        "digit_ug": analysis.digit_ug,
        "mean_error_percent": float(analysis.whole_percent),
        "periods": [_period(period) for period in analysis.periods],
        "limits": [
            {
                "window_min": one.window_min,
                "one_step_percent": float(one.step_percent),
                "one_digit_percent": float(one.digit_percent),
            }
            for one in analysis.limits
        ],
        "motor": _floats(asdict(analysis.motor)) if analysis.motor else None,
        "pulsation": _pulsation(analysis.pulsation),
        "flow": {"at_min": minutes, "ml_per_h": flow},
    }


def _period(period: Period) -> dict[str, Any]:
    names = ("window_min", "ep_max_percent", "ep_min_percent", "windows")
    values = [(one.minutes, float(one.highest_percent), float(one.lowest_percent), one.count) for one in period.windows]
    windows = [dict(zip(names, row, strict=True)) for row in values]
    mean = float(period.mean_percent)
    return {"name": period.name, "from_min": period.from_min, "to_min": period.to_min, "mean_error_percent": mean, "trumpet": windows}


def _pulsation(found: Pulsation | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {name: value for name, value in vars(found).items() if not name.startswith("spectrum")}


def _floats(values: dict[str, Any]) -> dict[str, Any]:
    return {name: float(value) if isinstance(value, Fraction) else value for name, value in values.items()}
