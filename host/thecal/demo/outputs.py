"""What the demo leaves behind: tables on the screen, and plot, CSV and summary page in a folder."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path
from typing import Any

from pumpcore.calibration import Calibration
from pumpcore.units import NL_PER_ML, S_PER_DAY, S_PER_HOUR
from thecal.console import columns
from thecal.demo.books import Check, Line
from thecal.demo.day import CUT_AT_MS, RESTORE_AT_MS, Day
from thecal.journal_text import as_csv, as_json_lines, table
from thecal.reports import terminal_plot
from thecal.reports.figure import DayPicture
from thecal.reports.page import inline_png, write_page
from thecal.status_text import ml, ml_per_h

Table = list[tuple[str, ...]]
PLOT_CELLS, PLOT_ROWS = 72, 8
JOURNAL_HIDDEN = ("total",)


def entry_table(lines: list[Line], calibration: Calibration, rate_seconds_s: int) -> Table:
    """One row per entry: what was programmed, ordered, counted by the guard, and truly made."""
    rows: Table = [("entry", "rate", "programmed", "ordered", "of it bolus", "guard", "true plant", "off by")]
    for line in lines:
        stretch = line.stretch
        steps = (line.ordered_steps, line.bolus_steps, line.guard_steps, line.plant_steps)
        off = f"{float(line.off_by(calibration)):+.3f}"
        rate = ml_per_h(stretch.rate_nl, rate_seconds_s)
        mark = " *" if line.cut else ""
        rows.append((stretch.label() + mark, rate, ml(stretch.programmed_nl), *map(str, steps), off))
    return rows


def cut_table(lines: list[Line]) -> Table:
    """The entry with the power cut: missed and uncertain apart."""
    rows: Table = [("entry", "ordered", "confirmed", "uncertain", "missed", "true plant")]
    for line in lines:
        if line.cut:
            cut = line.cut
            steps = (line.ordered_steps, cut.confirmed_steps, cut.uncertain_steps, cut.missed_steps, line.plant_steps)
            rows.append((line.stretch.label() + " *", *map(str, steps)))
    return rows


def check_text(checks: list[Check]) -> str:
    return columns([("holds" if holds else "BROKEN", words) for holds, words in checks])


def picture(day: Day, calibration: Calibration) -> DayPicture:
    """The day's points in mL and mL/h."""
    drawn = DayPicture(f"{day.program.name}: programmed and delivered")
    seconds_s, total = day.program.rate_seconds_s, Fraction(0)
    drawn.planned.append((0, 0.0))
    for stretch in day.stretches:
        rate = float(Fraction(stretch.rate_nl * S_PER_HOUR, seconds_s * NL_PER_ML))
        drawn.plan.append((stretch.from_s, stretch.to_s, rate))
        total += stretch.programmed_nl
        drawn.planned.append((stretch.to_s, float(total / NL_PER_ML)))
    per_step = Fraction(calibration.volume_nl, calibration.steps * NL_PER_ML)
    first_steps = day.samples[0][1]
    drawn.delivered = [(second_s, float((steps - first_steps) * per_step)) for second_s, steps in sorted(set(day.samples))]
    drawn.off_s = (CUT_AT_MS / 1000, RESTORE_AT_MS / 1000)
    drawn.bolus_s = day.bolus_span_s()
    return drawn


def terminal(day: Day, calibration: Calibration, encoding: str) -> str:
    """The delivered rate as bars over the hours."""
    by_second = dict(day.samples)
    known = sorted(by_second)
    step_s = S_PER_DAY // PLOT_CELLS
    values, before = [], by_second[0]
    for end_s in range(step_s, S_PER_DAY + 1, step_s):
        steps = by_second[max(second_s for second_s in known if second_s <= end_s)]
        volume = Fraction((steps - before) * calibration.volume_nl, calibration.steps * NL_PER_ML)
        values.append(volume * S_PER_HOUR / step_s)
        before = steps
    return terminal_plot.bars(values, PLOT_ROWS, "mL/h", encoding) + "\n" + terminal_plot.time_axis(PLOT_CELLS, 24)


def write_all(folder: Path, day: Day, tables: dict[str, Any]) -> list[Path]:
    """Write every file; returns their paths, the page first."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {
        name: folder / name for name in ("index.html", "day.png", "entries.csv", "cut.csv", "samples.csv", "journal.csv", "journal.jsonl")
    }
    picture(day, tables["calibration"]).save(paths["day.png"])
    for name in ("entries", "cut"):
        write_csv(paths[f"{name}.csv"], tables[name])
    write_csv(paths["samples.csv"], [("second_of_day_s", "plant_steps"), *sorted(set(day.samples))])
    paths["journal.csv"].write_text(as_csv(day.journal), encoding="utf-8")
    paths["journal.jsonl"].write_text(as_json_lines(day.journal), encoding="utf-8")
    values = {
        **tables,
        "title": day.program.name,
        "calibration_state": tables["calibration"].state,
        "picture": inline_png(paths["day.png"]),
        "journal": table([one for one in day.journal if one["event"] not in JOURNAL_HIDDEN]),
    }
    write_page(paths["index.html"], "demo.html", values)
    return list(paths.values())


def write_csv(path: Path, rows: list[tuple[Any, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, lineterminator="\n").writerows(rows)
