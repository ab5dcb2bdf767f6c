"""The last dose, for the review: it warns a user who repeats an order after a lost terminal."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pumpcore.orders.bolus import CUT, DONE
from thecal.pump.active import pair_of
from thecal.quantities.amounts import ml, span
from thecal.quantities.typed import Quantity

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.pump.facts import PumpFacts

LOOK_BACK_RECORDS = 400  # a day of an idle journal, and a few blocks
NONE = "none"


def row(facts: PumpFacts, typed: Quantity | None) -> tuple[str, str]:
    """ ("last bolus", "20 uL, done, 41 s ago"): counted from its begin, in the unit that is typed now."""
    status, program = facts.status, facts.program
    found = [one for one in (status.get("bolus"), status.get("extended")) if one]
    if not found:
        return "last bolus", from_journal(facts, typed)
    last = max(found, key=lambda one: one.get("begins_at_ms") or 0)
    parts = [amount(last["volume_nl"], program, typed), state_text(last, status, program, typed)]
    begun_ms = last.get("begins_at_ms")
    if begun_ms is not None:
        parts.append(f"{span(max(0, status['uptime_ms'] - begun_ms) // 1000)} ago")
    purpose = last.get("purpose", "manual")
    return "last bolus", ("" if purpose == "manual" else f"{purpose}: ") + ", ".join(parts)


def state_text(last: dict[str, Any], status: dict[str, Any], program: Program | None, typed: Quantity | None) -> str:
    """Return "done"; for a dose that ended early or still runs also its delivered volume."""
    if last["state"] == DONE:
        return DONE
    pair = pair_of(status)
    made_nl = Fraction(last["delivered_steps"] * pair["volume_nl"], pair["steps"])
    return f"{last['state']}, {amount(made_nl, program, typed)} of it delivered"


def amount(volume_nl: int | Fraction, program: Program | None, typed: Quantity | None) -> str:
    """Return a volume in the unit that was typed, otherwise in mL."""
    from thecal.checks.dose import in_unit

    return ml(volume_nl) if typed is None or program is None else in_unit(Fraction(volume_nl), typed, program)


def from_journal(facts: PumpFacts, typed: Quantity | None) -> str:
    """Describe the last dose of an earlier power-up, from the newest order in the journal."""
    status = facts.status
    ended: dict[bytes, int] = {}
    last = None
    for _, block in facts.client.journal("events", max(1, status["events_sequence"] - LOOK_BACK_RECORDS)):
        for record in block:
            if record.name in ("bolus_ordered", "run_ordered"):
                last = record
            elif record.name == "bolus_ended":
                ended[record.fields["token"]] = record.fields["reason"]
    if last is None:
        return f"{NONE} since power-up"
    from thecal.history.rows import plain

    reason = ended.get(last.fields["token"])
    state = CUT if reason is None else plain("bolus_ended", "reason", reason)  # the number of a newer pump stays a number
    known = last.utc_s and status["utc_s"] >= last.utc_s
    when = f"{span(status['utc_s'] - last.utc_s)} ago" if known else "before the last power-up"
    return f"{amount(last.fields['volume_nl'], facts.program, typed)}, {state}, {when}"
