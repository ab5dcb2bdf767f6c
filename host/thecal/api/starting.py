"""Prepare and send a start of the active program, with the setting of the clock before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from thecal.errors import Failed, Refused

if TYPE_CHECKING:
    from thecal.api.clock_move import Move, Wish
    from thecal.api.person import Person
    from thecal.api.review import Draft, Order
    from thecal.pump.facts import PumpFacts

NO_PROGRAM = "no program is active in the pump"
WITHOUT_PROGRAM = 'upload one: thecal program rx.toml (thecal new rx.toml writes it), or pump now: thecal run "1 mL/h"'


def prepare(pump: PumpFacts, wish: Wish, person: Person) -> Draft:
    """Return the review of a start: program, clock and calibration. Raises Failed without a program, or for a clock that can't be set."""
    from thecal.api.clock_move import KEEP_IT, LEFT, Move, check_kept, leaves
    from thecal.api.review import LINES, Draft, Part
    from thecal.pump import clock, orders
    from thecal.text.calibration import line

    status = pump.status
    if status.get("program_digest") == "" and status["state"] == "stopped":
        raise Failed(f"{NO_PROGRAM}; nothing was changed", WITHOUT_PROGRAM)
    move = None
    left = status["state"] == "stopped" and leaves(pump, wish)
    if status["state"] == "stopped" and wish.move is not False and not left:
        clock.check_host(f"{KEEP_IT} leaves the clock as it is")
        move = Move(pump, wish)
    elif status["state"] == "stopped" and not left:
        check_kept(status, wish)
    moves = move.words() if move is not None and move.asks() else ""
    parts = [Part([("program", str(status.get("program_name")))])]
    if move is not None:
        parts.append(Part(move.rows()) if moves else Part([(f"the clock would be set to {move.text()}",)], LINES))
    if left:
        parts.append(Part([(LEFT,)], LINES))
    parts.append(Part([(f"calibration: {line(status['calibration'])}",)], LINES))

    def send(now: PumpFacts) -> Order:
        return begin(now, wish, move, person)

    digest = str(status.get("program_digest") or "")
    return Draft("start", "Start this program?", tuple(parts), (orders.Order("start"),), send, digest, {"moves_clock": moves})


def begin(pump: PumpFacts, wish: Wish, move: Move | None, person: Person) -> Order:
    """Set the clock as it was reviewed, then start. The clock stays set if the pump refuses the start."""
    from thecal.api.clock_move import LEFT, keep, leaves
    from thecal.api.review import Order
    from thecal.pump import clock
    from thecal.text import line as line_text

    if move is not None:
        person.note(f"clock set to {move.result(move.make())}")
    elif pump.status["state"] == "stopped" and leaves(pump, wish):
        person.note(LEFT)
    elif pump.status["state"] == "stopped":
        keep(pump.status, wish, person)
    try:
        reply = pump.client.start()
    except Refused as refused:
        raise line_text.explained(refused, pump.status) from refused
    after, reading = clock.read(pump.client)
    digest = str(after.get("program_digest") or "")
    facts = {"status": after, "clock": reading, "program": pump.known_program() if after.get("protocol") else None}
    return Order("start", "", digest, reply, f"{after['state']}: {after.get('program_name')}", facts)


def check_unmoved(facts: Mapping[str, Any]) -> None:
    """Raise Failed for a review that moves a clock or zone that is set already, if nobody agreed to that."""
    if facts["moves_clock"]:
        cause = f"this would move the pump's {facts['moves_clock']}, and nobody was asked; nothing was changed"
        raise Failed(cause, "pass set_clock=True to move it, set_clock=False to keep it, or a `confirm` that sees the move")
