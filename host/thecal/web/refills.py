"""The review of a reported refill: what was measured beside what the pump expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pumpcore.fluid.reservoir import tolerated_nl
from thecal.api.review import Draft, Order, Part
from thecal.checks.dose import option_nl
from thecal.errors import BadInput, Failed
from thecal.pump import orders
from thecal.quantities.amounts import ml

if TYPE_CHECKING:
    from thecal.pump.facts import PumpFacts
    from thecal.web.shapes import Ask

APART = "out of tolerance: the pump blocks its next start until the reason is given (thecal refill --acknowledge)"


def prepare(pump: PumpFacts, asked: Ask) -> Draft:
    """Return the review of a refill. Raises BadInput, Failed for a program without a reservoir."""
    measured_nl, filled_nl = option_nl("measured", asked.measured or "", "3.1 mL"), option_nl("filled", asked.filled or "", "3.1 mL")
    reservoir = (pump.status.get("therapy") or {}).get("reservoir")
    settings: Any = pump.active().settings
    if reservoir is None or settings is None:
        raise Failed("the active program has no reservoir", "add [reservoir] to the prescription and upload it")
    if measured_nl + filled_nl > settings.capacity_nl:
        cause = f"measured and filled are {ml(measured_nl + filled_nl)}, the reservoir holds {ml(settings.capacity_nl)}"
        raise BadInput(cause, "measure again, or fill in less")
    wanted = orders.refill(measured_nl, filled_nl)

    def send(now: PumpFacts) -> Order:
        reply = orders.place(now.client, wanted)
        text = f"reported: {ml(reply['left_nl'])} in the reservoir" + (f"; {APART}" if reply["blocks"] else "")
        return Order("refill", str(reply["token"]), str(now.status.get("program_digest") or ""), reply, text)

    return Draft("refill", "Report this refill?", (Part(rows(reservoir, settings, measured_nl, filled_nl)),), (wanted,), send)


def rows(reservoir: dict[str, Any], settings: Any, measured_nl: int, filled_nl: int) -> list[tuple[str, ...]]:
    """Return expected, measured and filled volume."""
    found: list[tuple[str, ...]] = [("expected", "unknown: this is the first report")]
    if reservoir.get("left_nl") is not None:
        told = (reservoir[name] or 0 for name in ("left_nl", "spread_nl", "delivered_nl"))
        least_nl, most_nl = tolerated_nl(settings, *told)
        fits = least_nl <= measured_nl <= most_nl
        found = [("expected", ml(reservoir["left_nl"])), ("in tolerance", f"{ml(least_nl)} to {ml(most_nl)}")]
        found += [] if fits else [("warning", APART)]
    return [*found, ("measured", ml(measured_nl)), ("filled in", ml(filled_nl)), ("then in the reservoir", ml(measured_nl + filled_nl))]
