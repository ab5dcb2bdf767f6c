"""`python -m thecal.hardware BENCH... [--draw]`: beside each bench file a folder with its wiring page, bill of materials, WireViz file.

`--draw` renders `wiring.svg` as well; that needs WireViz (`pip install thecal[docs]`) and Graphviz's `dot`.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

from thecal.errors import Failed, ThecalError
from thecal.hardware import drawing, tables
from thecal.hardware.rig import read_rig

DRAW_TIMEOUT_S = 120


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    from thecal.terminal.complaint import report

    parser = argparse.ArgumentParser(prog="python -m thecal.hardware", description="Write wiring page, bill of materials and drawing.")
    parser.add_argument("bench", nargs="+", type=Path, help="a bench file with [parts] and [wiring]")
    parser.add_argument("--draw", action="store_true", help="render wiring.svg too; needs WireViz and Graphviz")
    chosen = parser.parse_args(arguments)
    try:
        for bench in chosen.bench:
            folder = write(bench)
            if chosen.draw:
                draw(folder)
            print(folder)
    except ThecalError as error:
        report(error, False)
        return error.exit_code
    return 0


def documents(bench: Path) -> dict[str, str]:
    """Return the text of each generated file by its name. Raises BadInput if the bench file has a mistake."""
    rig = read_rig(bench)
    return {"wiring.md": tables.page(rig, bench.name), "parts.csv": tables.bill(rig), "wiring.yml": drawing.wireviz(rig)}


def write(bench: Path) -> Path:
    """Writes the documents into the folder that has the bench file's name; returns the folder."""
    made = documents(bench)
    folder = bench.with_suffix("")
    folder.mkdir(exist_ok=True)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return folder


def draw(folder: Path) -> None:
    """Renders `wiring.svg` from `wiring.yml`. Failed when a tool is missing or does not take the file."""
    if importlib.util.find_spec("wireviz") is None:
        raise Failed("WireViz is not installed", 'pip install -c constraints.txt -e ".[docs]"')
    if shutil.which("dot") is None:
        raise Failed("Graphviz's dot is not on the PATH", "Debian and Ubuntu: sudo apt install graphviz. macOS: brew install graphviz")
    command = [sys.executable, "-m", "wireviz.wv_cli", "--format", "s", str(folder / "wiring.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DRAW_TIMEOUT_S, check=False)
    if done.returncode:
        raise Failed(f"WireViz did not take {folder / 'wiring.yml'}: {done.stderr.strip()[-400:]}", "report this")


if __name__ == "__main__":
    sys.exit(main())
