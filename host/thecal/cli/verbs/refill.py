"""`thecal refill`: report the measured residual and the filled volume; the pump compares the residual with its own count."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from thecal.cli.consent import Consent, answer, carry_out, undo
from thecal.cli.options import AsJson, DryRun, Port, Yes
from thecal.errors import BadInput, Failed
from thecal.terminal.console import alert, columns, talk

if TYPE_CHECKING:
    from thecal.pump.exchange import Reply
    from thecal.pump.facts import PumpFacts

EXAMPLE = 'thecal refill --measured "3.1 mL" --filled "16 mL"'
REASON_BYTES = 60


class Volumes(NamedTuple):
    """The typed volumes."""

    measured_nl: int
    filled_nl: int


class Tolerance(NamedTuple):
    """The residual that the pump accepts without a reason."""

    least_nl: int
    most_nl: int


APART = "out of tolerance: the next start will be blocked until you give the reason; measure again if in doubt"


def refill(
    measured: Annotated[str | None, typer.Option(metavar="VOLUME", help="Volume measured in the reservoir before filling.")] = None,
    filled: Annotated[str | None, typer.Option(metavar="VOLUME", help="Volume filled into the reservoir.")] = None,
    reason: Annotated[
        str | None, typer.Option("--acknowledge", metavar="REASON", help="Reason of a residual out of tolerance; allows the next start.")
    ] = None,
    port: Port = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Report a refill. A residual out of tolerance blocks the next start until you acknowledge it with a reason."""
    from thecal.pump import facts
    from thecal.pump.opening import open_pump
    from thecal.pump.orders import Order, acknowledge_refill

    if (reason is None) != (measured is not None) or (measured is None) != (filled is None):
        raise BadInput(
            "the command names no complete report, or more than one",
            f'report with: {EXAMPLE}; or acknowledge with: thecal refill --acknowledge "why"',
        )
    if reason is not None:
        check_reason(reason)
    volumes = Volumes(nl("--measured", measured), nl("--filled", filled)) if reason is None else Volumes(0, 0)
    consent = Consent(yes, dry_run, as_json)
    with open_pump(port) as client:
        if reason is None:
            reply = report(facts.ask(client), volumes, consent)
        else:
            order = Order("reservoir.acknowledge", {"reason": reason})
            reply = undo(order, consent, lambda: acknowledge_refill(client, str(reason)))
    answer(reply, consent, sentence if reason is None else lambda _: "acknowledged: the pump may start")
    if reason is None and reply is not None and reply["blocks"] and not as_json:
        tell_way_out(reply)


def check_reason(reason: str) -> None:
    """Check the reason: the pump stores it, and every screen shows it as typed."""
    if not 0 < len(reason.encode()) <= REASON_BYTES:
        raise BadInput(f"--acknowledge: {len(reason.encode())} bytes", f"write 1 to {REASON_BYTES} bytes")
    if not reason.isprintable():
        raise BadInput("--acknowledge: contains a line end or another unprintable character", "write it in one line of plain text")


def nl(option: str, text: str | None) -> int:
    from thecal.checks.dose import option_nl

    return option_nl(option, str(text), "3.1 mL")


def report(pump: PumpFacts, volumes: Volumes, consent: Consent) -> Reply | None:
    """Show measured and expected volume; the reply contains a calibration that would explain the difference."""
    from thecal.pump import clock, orders

    status = pump.status
    reservoir = (status.get("therapy") or {}).get("reservoir")
    settings: Any = pump.active().settings
    if reservoir is None or settings is None:
        raise Failed("the active program has no reservoir", "add [reservoir] to the prescription and upload it")
    check_room(settings.capacity_nl, volumes)
    clock.tell(pump.reading)
    bounds = tolerated(reservoir, settings)
    talk(columns(review(reservoir, bounds, volumes)))
    if bounds is not None and not bounds.least_nl <= volumes.measured_nl <= bounds.most_nl:
        talk(alert(APART))
    reply = carry_out(pump.client, orders.refill(*volumes), "Report this refill?", consent)
    pair = status["calibration"]
    if reply is None or not reply["blocks"] or not pair:
        return reply
    proposed_nl = proposed_volume_nl(reservoir, volumes.measured_nl, pair)
    return {**reply, "proposed_volume_nl": proposed_nl, "proposed_steps": pair["steps"]} if proposed_nl else reply


def check_room(capacity_nl: int, volumes: Volumes) -> None:
    """Raise BadInput if both volumes together exceed the reservoir."""
    from thecal.quantities.amounts import ml

    measured_nl, filled_nl = volumes
    if measured_nl + filled_nl > capacity_nl:
        cause = f"--measured and --filled are {ml(measured_nl + filled_nl)}, the reservoir holds {ml(capacity_nl)}"
        raise BadInput(cause, f"measure again; with {ml(measured_nl)} in it, at most {ml(max(0, capacity_nl - measured_nl))} can be filled")


def review(reservoir: dict[str, Any], bounds: Tolerance | None, volumes: Volumes) -> list[tuple[str, ...]]:
    from thecal.quantities.amounts import ml

    measured_nl, filled_nl = volumes
    rows = [("expected", expected_text(reservoir) if bounds else "unknown: this is the first refill report")]
    if bounds:
        rows.append(("in tolerance", f"{ml(bounds.least_nl)} to {ml(bounds.most_nl)}"))
    return [*rows, ("measured", ml(measured_nl)), ("filled", ml(filled_nl)), ("then in the reservoir", ml(measured_nl + filled_nl))]


def tolerated(reservoir: dict[str, Any], settings: Any) -> Tolerance | None:
    """Return the pump's tolerance; None before the first report."""
    from pumpcore.fluid.reservoir import tolerated_nl

    if reservoir.get("left_nl") is None:
        return None
    told = (reservoir[name] or 0 for name in ("left_nl", "spread_nl", "delivered_nl"))
    return Tolerance(*tolerated_nl(settings, *told))


def expected_text(reservoir: dict[str, Any]) -> str:
    from thecal.quantities.amounts import ml

    spread_nl = reservoir.get("spread_nl") or 0
    return ml(reservoir["left_nl"]) + (f" to {ml(reservoir['left_nl'] + spread_nl)}, uncertain because of power cuts" if spread_nl else "")


def proposed_volume_nl(reservoir: dict[str, Any], measured_nl: int, pair: dict[str, int]) -> int | None:
    """Return the volume of the pair's steps that would explain the residual. None if nothing was delivered, or if the pair would change
    by more than half: that is a leak, a wrong reading or a wrong filling."""
    delivered_nl, left_nl = reservoir.get("delivered_nl") or 0, reservoir.get("left_nl")
    if not delivered_nl or left_nl is None:
        return None
    proposed_nl = round(Fraction(pair["volume_nl"] * (delivered_nl + left_nl - measured_nl), delivered_nl))
    return proposed_nl if abs(proposed_nl - pair["volume_nl"]) * 2 <= pair["volume_nl"] else None


def sentence(reply: Reply) -> str:
    from thecal.quantities.amounts import ml

    return f"reported: {ml(reply['left_nl'])} in the reservoir (token {reply['token']})"


def tell_way_out(reply: Reply) -> None:
    """Print why the next start is blocked, and what to do."""
    from thecal.quantities.amounts import ml

    talk(f"out of tolerance: expected {ml(reply['expected_nl'])}, measured {ml(reply['measured_nl'])}; the next start is blocked")
    if "proposed_volume_nl" in reply:
        pair = f"{reply['proposed_volume_nl']} nl in {reply['proposed_steps']} steps"
        talk(f"a calibration of {pair} would explain it: weigh it with thecal calibrate")
    else:
        talk("no calibration near this one would explain it: look for a leak, then weigh the residual again")
    talk('give the reason: thecal refill --acknowledge "reason"')
