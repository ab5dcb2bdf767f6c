"""`thecal temporary RATE --for TIME`: replace the basal by another rate, or a part of it, for a limited time."""

from __future__ import annotations

from typing import Annotated

import typer

from thecal.cli import complete
from thecal.cli.options import AsJson, DryRun, Port, Wait, Yes
from thecal.errors import BadInput

EXAMPLE = 'thecal temporary "50 %" --for "2 h"'


def temporary(
    rate: Annotated[
        str | None, typer.Argument(metavar="RATE", help='A rate, e.g. "0.8 mL/h", or a percentage of the basal, e.g. "50 %".')
    ] = None,
    duration: Annotated[str | None, typer.Option("--for", metavar="TIME", help='Duration, 1 min to 24 h, e.g. "2 h".')] = None,
    cancel: Annotated[
        str | None,
        typer.Option(
            "--cancel", metavar="[TOKEN]", help="End this temporary rate (default: the one that runs).", autocompletion=complete.tokens
        ),
    ] = None,
    wait: Wait = False,
    port: Port = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Run a temporary rate instead of the basal."""
    from thecal.api.temporary import parse, running_token, sentence
    from thecal.api.typed import check_token
    from thecal.cli.consent import Consent, answer, decide, followed, opened, undo
    from thecal.pump.orders import Order

    if (cancel is None) == (rate is None) or (rate is None) != (duration is None):
        raise BadInput("the command names no complete order, or more than one", f"order with: {EXAMPLE}; or give --cancel TOKEN")
    if wait and cancel is not None:
        raise BadInput("--wait follows an order, and this command orders nothing", "leave out --wait")
    if cancel:
        check_token(cancel)
    elif cancel is None:
        parse(str(rate), str(duration))
    consent = Consent(yes, dry_run, as_json)
    with opened(port, consent) as pump:
        if cancel is None:
            order = decide(pump.prepare_temporary(str(rate), str(duration)), consent)
            if order is not None and wait:
                followed(pump, order, "temporary rate")
            reply = None if order is None else order.reply
        else:
            token = cancel or running_token(pump.facts().status)
            reply = undo(Order("temporary.cancel", {"token": token}), consent, lambda: pump.cancel(token, "temporary").reply)
    answer(reply, consent, lambda reply: "temporary rate done" if wait else sentence(reply, cancel is not None))
