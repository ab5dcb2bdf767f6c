"""`python -m thecal.hardware BENCH...`: beside each bench file a folder with its pages, its list of parts and its drawings."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from thecal.errors import ThecalError
from thecal.hardware import bill, build, check, powerup, tables, words
from thecal.hardware.board import plan
from thecal.hardware.board.documents import NO_BOARD
from thecal.hardware.board.documents import documents as board
from thecal.hardware.draw import label, pinouts, probes, scheme, sheets
from thecal.hardware.rig import read_rig

# Drawing or page -> its name in the pages.
PICTURES = {
    sheets.POWER: "power and driver",
    sheets.CONTROLS: "Pico and controls",
    sheets.SENSORS: "sensors",
    pinouts.FILE: "which way round",
    "board.md": "board",
    "board-front.svg": "its front",
    "board-back.svg": "its back",
    probes.FILE: "probe points",
    label.FILE: "label",
}


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    from thecal.terminal.complaint import report

    parser = argparse.ArgumentParser(prog="python -m thecal.hardware", description="Write pages, list of parts and drawings of a bench.")
    parser.add_argument("bench", nargs="+", type=Path, help="a bench file with [parts] and [wiring]")
    chosen = parser.parse_args(arguments)
    try:
        for bench in chosen.bench:
            print(write(bench))
            if not plan.has_board(read_rig(bench)):
                print(f"{bench.name}: {NO_BOARD}", file=sys.stderr)
    except ThecalError as error:
        report(error, False)
        return error.exit_code
    return 0


def documents(bench: Path) -> dict[str, str]:
    """Return the text of each generated file by its name. Raises BadInput if the bench file has a mistake."""
    rig = read_rig(bench)
    drawn = scheme.of(rig)
    made = {"wiring.md": tables.page(rig, bench.name), "parts.csv": bill.sheet(rig)}
    made |= sheets.draw(drawn, bench.name, powerup.probes(rig))
    made |= {pinouts.FILE: pinouts.draw(rig, drawn, bench.name), label.FILE: label.draw(rig), **board(rig, bench)}
    if plan.has_board(rig):
        made[probes.FILE] = probes.draw(rig)
    made[build.FILE] = build.page(rig, bench.name, {name: title for name, title in PICTURES.items() if name in made})
    return {name: words.licensed(name, text) for name, text in made.items()}


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
