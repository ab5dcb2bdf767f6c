"""`thecal prime --rate RATE`: fill tubing and catheter once, from the program's measured volumes."""

from __future__ import annotations

from typing import Annotated

import typer

from thecal.cli.options import AsJson, DryRun, Port, Wait, Yes


def prime(
    rate: Annotated[str, typer.Option("--rate", metavar="RATE", help='Rate of the priming, e.g. "2 mL/h".')],
    again: Annotated[bool, typer.Option("--again", help="Prime again even if the line is already primed.")] = False,
    wait: Wait = False,
    port: Port = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Prime the line with the volume of tubing and catheter. The ledger counts it as a dose."""
    from thecal.checks.dose import rate_of
    from thecal.cli.consent import Consent, answer, answer_outcome, decide, followed, opened
    from thecal.pump.steering import interruptible

    rate_of(rate)
    consent = Consent(yes, dry_run, as_json)
    with opened(port, consent) as pump:
        with interruptible():
            order = decide(pump.prepare_prime(rate, again), consent)
        if order is not None and wait:
            answer_outcome(order, followed(pump, order, "priming"), consent)
        elif order is not None:
            answer(order.reply, consent, lambda reply: order.text)
