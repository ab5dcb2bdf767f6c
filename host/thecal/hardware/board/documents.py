"""All documents of a board by file name."""

from __future__ import annotations

from pathlib import Path

from thecal.errors import BadInput
from thecal.hardware.board import check, plan, sheets
from thecal.hardware.board.page import page
from thecal.hardware.rig import Rig

NO_BOARD = "no [board]: no layout of a board is drawn; hardware/README.md explains [board]"


def documents(rig: Rig, bench: Path) -> dict[str, str]:
    """Return text by file name; nothing for a bench without `[board]`. Raises BadInput with every mistake of the layout."""
    if not plan.has_board(rig):
        return {}
    try:
        layout = plan.layout_of(rig)
    except ValueError as error:
        raise BadInput(f"{bench}: {error}", "correct [board]") from None
    found = check.problems(layout, plan.nets_of(rig), plan.heavy_nets(rig))
    if found:
        raise BadInput(f"{bench}: [board]: " + "; ".join(found), "correct [board], or the nets under [wiring.board]")
    names = plan.names_of(rig)
    return {
        "board.md": page(rig, layout, bench.name),
        "board-front.svg": sheets.one_side(layout, names, False),
        "board-back.svg": sheets.one_side(layout, names, True),
        "board-1to1.svg": sheets.print_1to1(layout, names),
    }
