"""`python -m thecal.hardware.board BENCH [--tries N]`: propose the missing links of a bench's `[board]`, as lines for the file.

Links that the file has already are kept. The proposal is a start: read it, move parts, draw the pictures, and check again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from thecal.errors import BadInput, ThecalError
from thecal.hardware.board import plan
from thecal.hardware.board.documents import NO_BOARD
from thecal.hardware.board.holes import name
from thecal.hardware.board.route import propose
from thecal.hardware.rig import read_rig

_TRIES = 5


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 for a mistake in the bench, also if a net finds no way."""
    from thecal.terminal.complaint import report

    parser = argparse.ArgumentParser(prog="python -m thecal.hardware.board", description="Propose the links of a board.")
    parser.add_argument("bench", type=Path, help="a bench file with [board.parts]")
    parser.add_argument("--tries", type=int, default=_TRIES, help=f"orders of the nets to try; default {_TRIES}, some seconds each")
    chosen = parser.parse_args(arguments)
    try:
        print(_proposal(chosen.bench, chosen.tries))
    except ThecalError as error:
        report(error, False)
        return error.exit_code
    return 0


def _proposal(bench: Path, tries: int) -> str:
    rig = read_rig(bench)
    if not plan.has_board(rig):
        raise BadInput(f"{bench}: {NO_BOARD}", "write size and places first")
    try:
        layout = plan.layout_of(rig)
    except ValueError as error:
        raise BadInput(f"{bench}: {error}", "correct [board]") from None
    made = propose(layout, plan.nets_of(rig), tries)
    if made.open:
        raise BadInput(f"{bench}: no way for the nets {', '.join(made.open)}", "give the parts more room")
    heavy = plan.heavy_nets(rig)
    tracks = [f"    [{', '.join(f'{chr(34)}{name(hole)}{chr(34)}' for hole in track)}]," for track in made.tracks]
    wires = [f'    ["red", {50 if net in heavy else 14}, "{name(start)}", "{name(end)}"], # {net}' for net, start, end in made.wires]
    return "\n".join(["tracks = [", *tracks, "]", "wires = [", *wires, "]"])


if __name__ == "__main__":
    sys.exit(main())
