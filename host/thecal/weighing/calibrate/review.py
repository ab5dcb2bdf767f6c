"""Format calibrations: current and new as the pump read them, the history, the result of a verification."""

from __future__ import annotations

import base64
from fractions import Fraction
from typing import Any

from pumpcore.bench.weighed import Weighed, unpack
from thecal.quantities.amounts import ml
from thecal.quantities.typed import decimal
from thecal.text.calibration import day
from thecal.weighing.calibrate.fit import Fit, Run
from thecal.weighing.calibrate.masses import grams

Row = tuple[str, ...]


def decoded(row: dict[str, Any] | None) -> Weighed | None:
    """Unpack a row of calibration.read with the pump's own decoder; None for none."""
    return unpack(base64.b64decode(row["packed"])) if row else None


def facts(one: Weighed) -> dict[str, str]:
    """Return every value of a calibration, by label."""
    said = one.describe()
    return {
        "id": said["id"],
        "pair": f"{one.volume_nl} nl in {one.steps} steps",
        "per step": nl_per_step(one.volume_nl, one.steps),
        "weighed": day(one.utc_s),
        "tube": one.tube,
        "lot": one.lot or "-",
        "density": decimal(Fraction(one.density_ug_per_ml, 1_000_000)) + " g/mL",
        "runs": str(one.runs),
        "scatter (CV)": percent(one.scatter_ppm) if one.runs > 1 else "unknown: one run",
        "holds for": ml(one.expires_nl) if one.expires_nl else "any volume",
        "and": f"{one.expires_days} days" if one.expires_days else "any time",
    }


def nominal_facts(pump: dict[str, Any]) -> dict[str, str]:
    pair = pump["nominal"]
    return {
        "id": "UNCALIBRATED: nominal",
        "pair": f"{pair['volume_nl']} nl in {pair['steps']} steps",
        "per step": nl_per_step(pair["volume_nl"], pair["steps"]),
    }


def side_by_side(pump: dict[str, Any], new: Weighed | None) -> list[Row]:
    """Return (label, current, new); `new` None stands for the nominal calibration."""
    current = decoded(pump["calibration"])
    before = facts(current) if current else nominal_facts(pump)
    after = facts(new) if new else nominal_facts(pump)
    labels = [*after, *(label for label in before if label not in after)]
    return [("", "current", "new"), *[(label, before.get(label, "-"), after.get(label, "-")) for label in labels]]


def runs_table(runs: list[Run], found: Fit) -> list[Row]:
    """Return each run with its deviation from the mean."""
    rows: list[Row] = [("run", "steps", "mass", "volume", "off the mean")]
    for number, run in enumerate(runs, 1):
        off_ppm = round((run.nl_per_step / found.exact_nl_per_step - 1) * 1_000_000)
        rows.append((str(number), str(run.steps), grams(run.mass_ug), ml(run.volume_nl), percent(off_ppm, signed=True)))
    return rows


def history(pump: dict[str, Any]) -> list[Row]:
    """Return one line per calibration in the pump, newest first; a star marks the active one."""
    rows: list[Row] = [("", "weighed", "id", "pair", "tube", "lot", "runs", "CV", "set at")]
    for mark, row in [("*", pump["calibration"]), *[("", old) for old in pump["history"]]]:
        one = decoded(row)
        if one is not None and row is not None:
            said = facts(one)
            cells = (mark, said["weighed"], said["id"], said["pair"], said["tube"], said["lot"], said["runs"], said["scatter (CV)"])
            rows.append((*cells, f"step {row['position_steps']}"))
    return rows


def nl_per_step(volume_nl: int, steps: int) -> str:
    return decimal(Fraction(volume_nl, steps), 5) + " nl"


def percent(ppm: int, signed: bool = False) -> str:
    """Format parts per million as percent, to 0.01 %."""
    return f"{ppm / 10_000:+.2f} %" if signed else f"{ppm / 10_000:.2f} %"
