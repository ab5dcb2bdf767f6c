"""Set a pump's clock: show the change, and move a clock or zone that is already set only if the user agrees."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from thecal.api.clock_move import KEEP_IT, LEFT, Move, Wish, keep, leaves
from thecal.cli.consent import Terminal
from thecal.errors import Failed
from thecal.pump import clock
from thecal.terminal.console import columns, confirm, talk

if TYPE_CHECKING:
    from thecal.api.review import Review
    from thecal.pump.facts import PumpFacts

RUNNING_STEP_S = 2.0  # by so much a running pump's clock may be moved
RUNNING = ("running", "limited", "priming", "calibrating")
MOVE_IT = "--set-clock"
OTHERWISE = f"{KEEP_IT} leaves the clock as it is"


def set_before_start(pump: PumpFacts, wish: Wish) -> None:
    """Set the clock of a stopped pump and report it: it stays set if the start is refused."""
    if pump.status["state"] != "stopped":
        return
    if wish.move is False:
        keep(pump.status, wish, Terminal())
        return
    if leaves(pump, wish):
        talk(LEFT)
        return
    carry_out(pump, wish, OTHERWISE)


def carry_out(pump: PumpFacts, wish: Wish, otherwise: str = "") -> dict[str, Any]:
    """Show the change, ask if a clock or zone is already set, then set. Raises Failed without an agreement; nothing has changed then."""
    clock.check_host(otherwise)
    move = Move(pump, wish)
    if move.asks():
        consent(move, wish, otherwise)
    told = move.make()
    talk(f"clock set to {move.result(told)}")
    return told


def tell(pump: PumpFacts, wish: Wish) -> None:
    """Show the change for a dry run."""
    clock.check_host()
    move = Move(pump, wish)
    talk(columns(move.rows()) if move.asks() else f"the clock would be set to {move.text()}")


def consent(move: Move, wish: Wish, otherwise: str) -> None:
    """Ask this question even with `--yes`, because the user may not expect that the clock moves."""
    if move.by_s is not None and move.status["state"] in RUNNING and (abs(move.by_s) > RUNNING_STEP_S or move.offset_by_s()):
        raise Failed(f"the pump is {move.status['state']}: this would move its {move.words()}", "stop it first: thecal stop")
    talk(columns(move.rows()))
    ask(move.words(), wish, otherwise)


def agree(review: Review, wish: Wish) -> None:
    """Show and ask for the move of the clock in the review of a start."""
    if review.data["moves_clock"]:
        talk(review.parts[1].text())
        ask(review.data["moves_clock"], wish, OTHERWISE)


def ask(words: str, wish: Wish, otherwise: str) -> None:
    """Ask whether the clock may move. Raises Failed if not, or if no terminal can answer."""
    if wish.move:
        return
    if not sys.stdin.isatty():
        do = "; ".join(filter(None, (f"add {MOVE_IT} to move it", otherwise)))
        raise Failed(f"this would move the pump's {words}, and no terminal can answer the question; nothing was changed", do)
    confirm("Move the pump's clock?", False)
