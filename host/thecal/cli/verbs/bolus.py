"""`thecal bolus`: order a dose, show the state of one, or cancel it. The verb fetches the token after the confirmation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from thecal.cli import complete
from thecal.cli.options import AsJson, DryRun, Port, Wait, Yes
from thecal.errors import BadInput

if TYPE_CHECKING:
    from thecal.pump.exchange import Reply

WHAT_TO_DO = (
    'order with: thecal bolus "0.5 mL" --rate "6 mL/h", thecal bolus "0.5 mL" --extended "4 h" or thecal bolus --demand; '
    "or give --status TOKEN or --cancel TOKEN"
)


def bolus(
    volume: Annotated[str | None, typer.Argument(metavar="VOLUME", help='Volume or drug mass, e.g. "0.5 mL" or "250 ug".')] = None,
    rate: Annotated[str | None, typer.Option(metavar="RATE", help='Rate of delivery, e.g. "6 mL/h".')] = None,
    demand: Annotated[bool, typer.Option("--demand", help="Order the program's demand bolus, as the pump's button does.")] = False,
    extended: Annotated[
        str | None, typer.Option("--extended", metavar="TIME", help='Deliver VOLUME over this time, 10 min to 24 h, e.g. "4 h".')
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--status", metavar="[TOKEN]", help="Show the state of this bolus (default: the one that runs).", autocompletion=complete.tokens
        ),
    ] = None,
    cancel: Annotated[
        str | None,
        typer.Option(
            "--cancel", metavar="[TOKEN]", help="Cancel this bolus (default: the one that runs).", autocompletion=complete.tokens
        ),
    ] = None,
    wait: Wait = False,
    port: Port = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Order a bolus on top of the basal rate."""
    from thecal.api.dosing import running_token
    from thecal.api.typed import check_token, over
    from thecal.checks.dose import rate_of, volume_of
    from thecal.cli.consent import Consent, answer, answer_outcome, decide, followed, opened, undo
    from thecal.pump.orders import Order
    from thecal.text.orders import sentence

    chosen = sum(one is not None for one in (volume, token, cancel)) + demand
    if chosen != 1 or (volume is not None) != ((rate is not None) + (extended is not None)):
        raise BadInput("the command names no complete order, or more than one", WHAT_TO_DO)
    if wait and (token is not None or cancel is not None):
        raise BadInput("--wait follows an order, and this command orders nothing", "leave out --wait")
    checks = ((volume, volume_of), (rate, rate_of), (extended, over), (token, check_token), (cancel, check_token))
    for text, check in checks:
        if text is not None and (text or check is not check_token):
            check(text)
    consent = Consent(yes, dry_run, as_json)
    with opened(port, consent) as pump:
        if token is None and cancel is None:
            order = decide(pump.prepare_bolus(volume, rate, over=extended), consent)
            if order is not None and wait:
                answer_outcome(order, followed(pump, order, "bolus"), consent)
            elif order is not None:
                answer(order.reply, consent, lambda reply: order.text)
            return
        status = pump.facts().status
        if token is not None:
            told: Reply | None = pump.dose(token or running_token(status, "--status"))
        else:
            wanted = cancel or running_token(status, "--cancel")
            told = undo(Order("bolus.cancel", {"token": wanted}), consent, lambda: pump.cancel(wanted, "bolus").reply)
    answer(told, consent, lambda reply: sentence(reply, status["calibration"]))
