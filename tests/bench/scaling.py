"""How the host's work grows with a history or a record: processor time, which must grow at most like the size."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.histories import Pump
from bench.table import HOST, Row, at_most
from thecal.cli.verbs.compare import document as comparison_document
from thecal.forecast.compare import Comparison
from thecal.history import rows as journal_rows
from thecal.history.evidence import as_lines
from thecal.history.saved import load
from thecal.history.timeline import Timeline
from thecal.reports.report import Report, document
from thecal.weighing.characterise.analysis import analyse
from thecal.weighing.characterise.run import COLUMNS, MAGIC, RUN, Facts, read_run

DAYS, HOURS = (7, 30, 90), (6, 24, 72)
GROWTH_LIMIT, MONTH_LIMIT_S = 1.3, 1.0
MONTH_DAYS = 30
TIMES = 3
INTERVAL_MS, RATE_NL_PER_H, ASKED_EVERY = 500, 1_600_000, 120
Work = Callable[[], object]


def rows() -> list[Row]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        days = {size: of_days(size, folder) for size in DAYS}
        found = [row for verb in days[DAYS[0]] for row in grown(verb, {size: days[size][verb] for size in DAYS}, "days")]
        hours = {size: of_hours(size, folder) for size in HOURS}
        return found + grown("characterise --from", hours, "hours")


def of_days(days: int, folder: Path) -> dict[str, Work]:
    """Return the time of each verb for the journal of so many days."""
    evidence = Pump(days).evidence()
    file = folder / f"{days}.jsonl"
    file.write_text(as_lines(evidence), encoding="utf-8")

    def report() -> object:
        line = Timeline(evidence)
        return document(Report(line, *line.window(None, None)))

    return {
        "compare": lambda: Comparison(Timeline(evidence)),
        "compare --json": lambda: json.dumps(comparison_document(Comparison(Timeline(evidence)))),
        "report": report,
        "read a saved journal": lambda: load([file]),
        "journal --csv": lambda: journal_rows.as_csv(evidence.events, ""),
        "journal": lambda: journal_rows.table(evidence.events),
    }


def of_hours(hours: int, folder: Path) -> Work:
    """Return the time to read and analyse a record of so many hours at two readings a second."""
    file = folder / f"{hours}.csv"
    facts = Facts(RATE_NL_PER_H, 3600, 1_000_003, 99_991, "CALIBRATED", protocol="mt-sics")
    lines = [MAGIC, f"# {json.dumps(asdict(facts))}", ",".join(COLUMNS)]
    for number in range(hours * 3_600_000 // INTERVAL_MS):
        time_ms = number * INTERVAL_MS
        mass_ug = time_ms * RATE_NL_PER_H // 3_600_000 // 100 * 100
        steps = time_ms * RATE_NL_PER_H // 3_600_000 * 99_991 // 1_000_003
        asked = f"{steps},{time_ms},{time_ms}" if number % ASKED_EVERY == 0 else ",,"
        lines.append(f"{time_ms},{RUN},{mass_ug},1,{asked},S S {mass_ug / 1e6:10.4f} g")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return lambda: analyse(read_run(file))


def grown(verb: str, works: dict[int, Work], unit: str) -> list[Row]:
    """Return a row for the worst growth from one size to the next; and one for a month, if the sizes are days."""
    took_s = {size: quickest_s(work) for size, work in works.items()}
    growth = max(took_s[larger] / took_s[smaller] * smaller / larger for smaller, larger in pairwise(took_s))
    told = ", ".join(f"{size} {unit}: {seconds_s:.3g} s" for size, seconds_s in took_s.items())
    made = [Row(f"{verb}: time over size", "x", growth, at_most(GROWTH_LIMIT), "as the size: 1", source=HOST, remark=told)]
    if unit == "days":
        made.append(Row(f"{verb} of {MONTH_DAYS} days", "s", took_s[MONTH_DAYS], at_most(MONTH_LIMIT_S), "-", source=HOST))
    return made


def quickest_s(work: Work) -> float:
    """Return the least processor time of three: a busy machine makes it longer, never shorter.

    The collector is off as in timeit, because it would also scan the histories of the other sizes.
    """
    took_s = []
    for _ in range(TIMES):
        gc.collect()
        gc.disable()
        begun_s = time.process_time()
        work()
        took_s.append(time.process_time() - begun_s)
        gc.enable()
    return min(took_s)
