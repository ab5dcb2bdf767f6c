"""Write the results of the demo: tables on the screen, and plot, CSV and summary page in a folder."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path
from typing import Any

from pumpcore.motion.dose import Calibration
from pumpcore.units import MS_PER_S, NL_PER_ML, S_PER_DAY, S_PER_HOUR
from thecal.history.rows import as_csv, as_json_lines
from thecal.history.timeline import Timeline
from thecal.quantities.amounts import ml, ml_per_h
from thecal.reports import terminal_plot
from thecal.reports.report import Report
from thecal.reports.sections import Section
from thecal.terminal.console import columns
from thecal.terminal.sheets import cell
from thecal.tools.demo.books import Check, Line
from thecal.tools.demo.day import MIDNIGHT_UTC_S, Day

Table = list[tuple[str, ...]]
PLOT_CELLS, PLOT_ROWS = 72, 8


def entry_table(lines: list[Line], calibration: Calibration, rate_seconds_s: int) -> Table:
    """Return one row per entry: programmed, ordered, guard's count, true steps."""
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
    """Return the entry with the power cut: missed and uncertain separately."""
    rows: Table = [("entry", "ordered", "confirmed", "uncertain", "missed", "true plant")]
    for line in lines:
        if line.cut:
            cut = line.cut
            steps = (line.ordered_steps, cut.confirmed_steps, cut.uncertain_steps, cut.missed_steps, line.plant_steps)
            rows.append((line.stretch.label() + " *", *map(str, steps)))
    return rows


def check_text(checks: list[Check]) -> str:
    return columns([("holds" if holds else "BROKEN", words) for holds, words in checks])


def made_report(day: Day, tables: dict[str, Any]) -> Report:
    """Return the page of `thecal report`, with the motor's true steps, which only a simulation knows."""
    line = Timeline(day.evidence)
    report = Report(line, *line.window(None, None))
    report.picture.title = f"{day.program.name}: planned and delivered"
    report.note = "24 h of virtual time on a simulated pump: the unmodified firmware in MicroPython, programmed over a serial port."
    first_steps = day.samples[0][1]
    report.picture.truth = [((MIDNIGHT_UTC_S + second_s) * MS_PER_S, steps - first_steps) for second_s, steps in sorted(set(day.samples))]
    entries, cut = tables["entries"], tables["cut"]
    report.also = [
        Section("True steps of the simulated motor", entries[0], entries[1:], numbers_from=1, note="* with the power cut"),
        Section("The entry with the power cut (steps)", cut[0], cut[1:], numbers_from=1),
    ]
    report.also_checks = tables["checks"]
    return report


def terminal(day: Day, calibration: Calibration, encoding: str) -> str:
    """Draw the delivered rate as bars over the hours."""
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
        name: folder / name
        for name in ("index.html", "day.png", "minutes.csv", "entries.csv", "cut.csv", "samples.csv", "journal.csv", "journal.jsonl")
    }
    report = made_report(day, tables)
    paths["index.html"].write_text(report.html(), encoding="utf-8")
    paths["day.png"].write_bytes(report.picture.png())
    paths["minutes.csv"].write_text(report.csv(), encoding="utf-8")
    for name in ("entries", "cut"):
        write_csv(paths[f"{name}.csv"], tables[name])
    write_csv(paths["samples.csv"], [("second_of_day_s", "plant_steps"), *sorted(set(day.samples))])
    paths["journal.csv"].write_text(as_csv(day.journal, tables["calibration"].state), encoding="utf-8")
    paths["journal.jsonl"].write_text(as_json_lines(day.journal), encoding="utf-8")
    return list(paths.values())


def write_csv(path: Path, rows: list[tuple[Any, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, lineterminator="\n").writerows([cell(value) for value in row] for row in rows)
