"""`python -m thecal.hardware BENCH...`: beside each bench file a folder with its wiring page and its list of parts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from thecal.errors import ThecalError
from thecal.hardware import bill, check, tables
from thecal.hardware.rig import read_rig


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    from thecal.terminal.complaint import report

    parser = argparse.ArgumentParser(prog="python -m thecal.hardware", description="Write the wiring page and the list of parts.")
    parser.add_argument("bench", nargs="+", type=Path, help="a bench file with [parts] and [wiring]")
    chosen = parser.parse_args(arguments)
    try:
        for bench in chosen.bench:
            print(write(bench))
    except ThecalError as error:
        report(error, False)
        return error.exit_code
    return 0


def documents(bench: Path) -> dict[str, str]:
    """Return the text of each generated file by its name. Raises BadInput if the bench file has a mistake."""
    rig = read_rig(bench)
    return {"wiring.md": tables.page(rig, bench.name), "parts.csv": bill.sheet(rig)}


def write(bench: Path) -> Path:
    """Write the documents into the folder that has the bench file's name; return the folder. Raises BadInput for an unsafe bench."""
    check.require(bench)
    made = documents(bench)
    folder = bench.with_suffix("")
    folder.mkdir(exist_ok=True)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return folder


if __name__ == "__main__":
    sys.exit(main())
