"""Measure everything and print one table: `python -m bench` with `tests` on the path, or `make bench`."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed

from bench.table import Row, at_most, render
from support.rig.uf2 import find_uf2

# In the order of the table; each module has `rows()`.
GROUPS = {
    "edges": "edges while the flash is written",
    "flashing": "the worst writes, and how long the flash lasts",
    "halts": "counts at random halts",
    "drift": "a million steps or a day at 25 rates",
    "speed": "step rates and Python's time",
    "volume": "slices by volume: Python's time",
    "ramps": "ramps and coil patterns",
    "stopping": "dead CPU and stop button",
    "starting": "the command line: help and status, wall time",
    "weighing": "trumpet analysis on this computer",
    "scaling": "what the host computes from 7, 30 and 90 days",
    "simulating": "a day of the simulated pump",
    "page": "STOP of the page, and its first chart",
    "fleet": "ten simulated pumps in one process",
    "work": "the longest computing stretch of every command",
    "talking": "a whole pump: boot, memory, round trips, download, stop by command",
}
SLOW = ("talking", "work", "page")
ON_THIS_COMPUTER = ("weighing", "scaling", "simulating", "page", "fleet")  # these need no UF2
MICROPYTHON = "stock MicroPython on an emulated RP2040"
NO_UF2 = "bench needs a stock MicroPython UF2 for RPI_PICO: name one by THECAL_UF2, or put it in the user's cache folder"


def main(arguments: list[str] | None = None) -> int:
    chosen = _options(arguments)
    uf2 = find_uf2()
    begun_s = time.monotonic()
    names = [name for name in GROUPS if (name in chosen.only if chosen.only else not (chosen.quick and name in SLOW))]
    if uf2 is None and not set(names) <= set(ON_THIS_COMPUTER):
        print(NO_UF2, file=sys.stderr)
        return 2
    chip = "no chip" if uf2 is None else uf2.name
    rows = measure_all(names, chosen.jobs)
    if chosen.json:
        print(json.dumps({"measured_on": MICROPYTHON, "uf2": chip, "rows": [row.as_json() for row in rows]}, indent=2))
    else:
        left_out = [name for name in GROUPS if name not in names]
        print(render(rows), closing(rows, chip, left_out, time.monotonic() - begun_s), sep="\n")
    return 0 if all(row.held() for row in rows) else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the same table for programs, on stdout")
    parser.add_argument("--quick", action="store_true", help=f"leave out what takes minutes: {', '.join(SLOW)}")
    parser.add_argument("--only", nargs="+", choices=GROUPS, metavar="GROUP", help=f"measure these groups: {', '.join(GROUPS)}")
    parser.add_argument(
        "--jobs", type=int, default=min(2, os.cpu_count() or 1), help="groups measured side by side (no figure depends on it)"
    )
    return parser.parse_args(arguments)


def measure_all(names: list[str], jobs: int) -> list[Row]:
    """Return the rows of these groups in the order of the table. The slow ones start first; a line reports each end."""
    begun_s, found = time.monotonic(), {}
    with ProcessPoolExecutor(jobs) as pool:
        waiting = {pool.submit(measure, name): name for name in sorted(names, key=lambda name: name not in SLOW)}
        print(f"measuring {len(names)} groups, {jobs} at a time; minutes, most of them emulated CPU time", file=sys.stderr, flush=True)
        for number, done in enumerate(as_completed(waiting), 1):
            name = waiting[done]
            found[name] = done.result()
            print(f"[{number}/{len(names)}] {time.monotonic() - begun_s:4.0f} s  {GROUPS[name]}", file=sys.stderr, flush=True)
    return [row for name in names for row in found[name]]


def measure(name: str) -> list[Row]:
    """Return the rows of a group. A group that fails becomes a row that is not held, and its traceback goes to stderr."""
    try:
        rows: list[Row] = importlib.import_module(f"bench.{name}").rows()
    except Exception as error:
        traceback.print_exc()
        return [Row(GROUPS[name], "", None, at_most(0), "-", remark=f"not measured: {error!r}")]
    return rows


def closing(rows: list[Row], uf2: str, left_out: list[str], took_s: float) -> str:
    missed = [row.name for row in rows if not row.held()]
    lines = ["", f"Every figure is from {MICROPYTHON} ({uf2}) unless it says otherwise; nothing was measured on a board."]
    lines.append("ratio: against the best peer of this run. tests/bench/README.md says how each figure is measured.")
    if left_out:
        lines.append(f"left out: {', '.join(left_out)}")
    lines.append(f"{len(rows) - len(missed)} of {len(rows)} rows held, in {took_s:.0f} s")
    return "\n".join(lines + [f"NOT HELD: {name}" for name in missed])


if __name__ == "__main__":
    sys.exit(main())
