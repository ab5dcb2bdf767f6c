"""Format a table of the rotor: the new one beside the stored one, the plan of a weighing, the result of a verification."""

from __future__ import annotations

from typing import Any

from pumpcore.bench import learned
from thecal.quantities.amounts import ml, span
from thecal.text.calibration import day
from thecal.text.law import why
from thecal.weighing.rotor import worth
from thecal.weighing.rotor.plan import Turns
from thecal.weighing.rotor.record import Conditions
from thecal.weighing.rotor.table import Stored
from thecal.weighing.rotor.verify import GAINS, MOST_RESIDUAL, Verified

Row = tuple[str, ...]
NONE = "-"


def facts(stored: Stored) -> dict[str, str]:
    """Return every value of a table, by label."""
    table, outlook = stored.table, stored.outlook()
    said = table.describe()
    return {
        "id": said["id"],
        "2 min at 100 uL/h, by angle": f"{outlook.plain_percent:.1f} %",
        "the same, by volume": f"{outlook.table_percent:.1f} % (three sigmas)",
        "stated deviation": f"{ul(table.deviation_nl)} rms",
        "backflow at a release": ul(table.backflow_nl),
        "lag of balance and line": f"{table.lag_ms / 1000:.2f} s",
        "residual of a reading": f"{table.residual_ug / 1000:.2f} mg",
        "tube": table.tube,
        "lot": table.lot or NONE,
        "learned": day(table.utc_s),
    }


def side_by_side(stored: Stored | None, new: Stored | None) -> list[Row]:
    """Return (label, stored, new); None stands for no table."""
    before, after = (facts(one) if one else {} for one in (stored, new))
    heads = ("", "stored" if stored else "stored: none", "new" if new else "new: none")
    return [heads, *[(label, before.get(label, NONE), after.get(label, NONE)) for label in (after or before)]]


def planned(plan: Turns, conditions: Conditions) -> list[Row]:
    """Return what will be weighed, and how sure the result will be with this balance."""
    rows: list[Row] = [
        (f"run {number}", f"{run.steps} steps at {run.rate.text()}, {span(round(run.duration_s))}")
        for number, run in enumerate(plan.runs, 1)
    ]
    volume_nl = round(sum(run.steps for run in plan.runs) * plan.turn.step_nl)
    rows += [
        ("together", f"{span(round(plan.duration_s))}, {ml(volume_nl)}, by angle"),
        ("balance", f"{conditions.balance}, digit {conditions.digit_ug / 1000:g} mg"),
    ]
    return rows


def predicted(plan: Turns, conditions: Conditions) -> float:
    """Return the deviation that this balance will leave, in nl rms."""
    mg_per_nl = conditions.mg_per_nl
    return worth.predicted_rms_nl(plan.readings, plan.mg_per_reading(mg_per_nl), conditions.digit_ug / 1000, mg_per_nl)


def prediction(rms_nl: float) -> Row:
    """Return the predicted deviation as a row."""
    return ("will be sure to", f"{ul(rms_nl)} rms: 2 min at 100 uL/h within {worth.predicted_percent(rms_nl):.0f} %")


def verified(found: Verified, table: learned.Learned, zero_steps: int | None) -> list[Row]:
    """Return gain, phase and residual with one sigma, and what they should be."""
    low, high = GAINS
    learned_mg = table.residual_ug / 1000
    phase = f"{found.phase_degrees:+.1f} +- {found.phase_sigma_degrees:.1f} degrees"
    return [
        ("gain", f"{found.gain:.2f} +- {found.gain_sigma:.2f}", f"as learned: {low} to {high}"),
        ("phase", phase, "against the stored zero" if zero_steps is not None else "the pump does not know its angle"),
        (
            "residual", f"{found.residual_mg:.2f} +- {found.residual_sigma_mg:.2f} mg",
            f"as learned: up to {MOST_RESIDUAL * learned_mg:.2f} mg",
        ),
    ]  # fmt: skip


def law(status: dict[str, Any]) -> str:
    """Return by which law the pump doses next."""
    if status["law"] == "volume":
        return "the pump doses by volume"
    return f"the pump doses by angle: {why(status['law_cause']).cause}"


def ul(volume_nl: float) -> str:
    """Format a small volume in uL."""
    return f"{volume_nl / 1000:.3f} uL"
