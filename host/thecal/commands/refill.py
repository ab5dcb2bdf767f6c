"""`thecal refill`: what was found in the reservoir and what was put there, against what the pump expected."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thecal.commands.options import AsJson, DryRun, Port, Yes
from thecal.console import columns, confirm, data, emit_json, talk
from thecal.errors import BadInput, Failed

if TYPE_CHECKING:
    from thecal.client import Client
    from thecal.exchange import Reply

EXAMPLE = 'thecal refill --measured "3.1 mL" --filled "16 mL"'
REASON_BYTES = 60


def refill(
    measured: Annotated[str | None, typer.Option(metavar="VOLUME", help="What was found in the reservoir.")] = None,
    filled: Annotated[str | None, typer.Option(metavar="VOLUME", help="What was put into it.")] = None,
    reason: Annotated[str | None, typer.Option("--acknowledge", metavar="REASON", help="Why the residual was out of tolerance.")] = None,
    port: Port = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Report a refill. A residual out of tolerance blocks the next start until it is acknowledged with a reason."""
    from thecal import orders
    from thecal.connecting import open_pump

    if (reason is None) != (measured is not None) or (measured is None) != (filled is None):
        raise BadInput("say what to report", f'report with: {EXAMPLE}; or acknowledge with: thecal refill --acknowledge "why"')
    if reason is not None and not 0 < len(reason.encode()) <= REASON_BYTES:
        raise BadInput(f"--acknowledge: {len(reason.encode())} bytes", f"write 1 to {REASON_BYTES} bytes")
    volumes = (nl("--measured", str(measured)), nl("--filled", str(filled))) if reason is None else (0, 0)
    with open_pump(port) as client:
        if reason is None:
            reply = report(client, volumes, yes, dry_run)
        else:
            reply = None if dry_run else orders.acknowledge_refill(client, reason)
    if reply is None:
        talk("nothing was sent")
    elif as_json:
        emit_json(reply)
    else:
        tell(reply, reason is not None)


def nl(option: str, text: str) -> int:
    from thecal.dose import read, whole

    try:
        return whole(read(text, ("volume",), "3.1 mL").to("nL"), text, "nL", Fraction(1))
    except BadInput as error:
        raise BadInput(f"{option}: {error.cause}", error.do) from None


def report(client: Client, volumes: tuple[int, int], yes: bool, dry_run: bool) -> Reply | None:
    """Beside what was measured, what the pump expects; a pair that would explain the difference goes into the reply."""
    from thecal import clock, orders
    from thecal.status_text import ml

    status = client.status()
    reservoir = (status.get("therapy") or {}).get("reservoir")
    if reservoir is None:
        raise Failed("the active program has no reservoir", "add [reservoir] to the prescription and upload it")
    measured_nl, filled_nl = volumes
    expected = reservoir.get("left_nl")
    wanted = "unknown: this is the first report" if expected is None else expected_text(reservoir)
    rows: list[tuple[str, ...]] = [("expected", wanted), ("measured", ml(measured_nl)), ("filled", ml(filled_nl))]
    rows.append(("then in it", ml(measured_nl + filled_nl)))
    clock.tell(client)
    talk(columns(rows))
    if dry_run:
        return None
    confirm("Report this refill?", yes)
    reply = orders.refill(client, measured_nl, filled_nl)
    pair = proposed_pair(reservoir, measured_nl, status["calibration"])
    return {**reply, "proposed_volume_nl": pair, "proposed_steps": status["calibration"]["steps"]} if reply["blocks"] and pair else reply


def expected_text(reservoir: dict[str, Any]) -> str:
    from thecal.status_text import ml

    spread_nl = reservoir.get("spread_nl") or 0
    return ml(reservoir["left_nl"]) + (f" to {ml(reservoir['left_nl'] + spread_nl)}, uncertain by power cuts" if spread_nl else "")


def proposed_pair(reservoir: dict[str, Any], measured_nl: int, pair: dict[str, int]) -> int | None:
    """The volume of the pair's steps by which what was delivered would account for the residual; None when nothing was."""
    delivered_nl, left_nl = reservoir.get("delivered_nl") or 0, reservoir.get("left_nl")
    if not delivered_nl or left_nl is None:
        return None
    really_nl = delivered_nl + left_nl - measured_nl
    return max(0, round(Fraction(pair["volume_nl"] * really_nl, delivered_nl))) or None


def tell(reply: Reply, acknowledged: bool) -> None:
    from thecal.status_text import ml

    if acknowledged:
        data("acknowledged: the pump may start")
        return
    data(f"reported: {ml(reply['left_nl'])} in the reservoir (token {reply['token']})")
    if reply["blocks"]:
        talk(f"out of tolerance: expected {ml(reply['expected_nl'])}, measured {ml(reply['measured_nl'])}; the next start is blocked")
        if "proposed_volume_nl" in reply:
            pair = f"{reply['proposed_volume_nl']} nl in {reply['proposed_steps']} steps"
            talk(f"a calibration of {pair} would explain it: weigh it with thecal calibrate")
        talk('say why: thecal refill --acknowledge "reason"')
